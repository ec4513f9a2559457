"""Cross-tenant access settings: what has to be changed, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.access_policy import Side, blocks, body, in_effect, needed

SWITCH = st.sampled_from([None, True, False])
ENTRIES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "automaticUserConsentSettings": st.none()
        | st.fixed_dictionaries({"inboundAllowed": SWITCH, "outboundAllowed": SWITCH}),
        "inboundTrust": st.none()
        | st.fixed_dictionaries({"isMfaAccepted": SWITCH, "isCompliantDeviceAccepted": SWITCH}),
    },
)


@pytest.mark.parametrize(
    ("entry", "side", "options", "parts"),
    [
        ({}, Side.TARGET, {}, ["inboundAllowed"]),
        ({}, Side.SOURCE, {}, ["outboundAllowed"]),
        ({}, Side.TARGET, {"trust_mfa": True}, ["inboundAllowed", "isMfaAccepted"]),
        ({}, Side.SOURCE, {"trust_mfa": True}, ["outboundAllowed"]),
        ({}, Side.TARGET, {"undo": True}, []),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.TARGET, {}, []),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.SOURCE, {}, ["outboundAllowed"]),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.TARGET, {"undo": True}, ["inboundAllowed"]),
        ({"automaticUserConsentSettings": None, "inboundTrust": None}, Side.TARGET, {}, ["inboundAllowed"]),
    ],
)
def test_only_what_differs_is_needed(entry, side, options, parts):
    """Never set is as good as off: Entra's default."""
    assert [setting.part for setting in needed(entry, side, **options)] == parts


@given(ENTRIES, ENTRIES.map(lambda entry: entry or {}), st.sampled_from(Side), st.booleans(), st.booleans())
def test_doing_it_twice_changes_nothing_and_the_rest_stays(entry, default, side, trust_mfa, undo):
    """After a change nothing more is needed, and all other parts have the effect that they had, the default's too."""
    now = in_effect(entry, default)
    settings = needed(now, side, trust_mfa=trust_mfa, undo=undo)
    after = in_effect({**(entry or {}), **body(now, settings)}, default)
    assert needed(after, side, trust_mfa=trust_mfa, undo=undo) == []
    changed = {(setting.property, setting.part) for setting in settings}
    for name, parts in now.items():
        for part, value in (parts or {}).items():
            assert (name, part) in changed or after[name][part] == value


def test_a_block_for_everybody_is_noticed():
    """On its own side alone; one for a group keeps nobody else out."""

    def entry(kind, target):
        return {"b2bCollaborationInbound": {"usersAndGroups": {"accessType": kind, "targets": [{"target": target}]}}}

    assert blocks(entry("blocked", "AllUsers"), Side.TARGET)
    assert not blocks(entry("blocked", "AllUsers"), Side.SOURCE)
    assert not blocks(entry("blocked", "6f1d1c5b-0000-4000-8000-000000000000"), Side.TARGET)
    assert not blocks(entry("allowed", "AllUsers"), Side.TARGET)
    assert not blocks({}, Side.TARGET)


def test_an_entry_goes_before_the_default():
    """A block by default counts where the entry says nothing, and not where it allows."""
    blocked = {"usersAndGroups": {"accessType": "blocked", "targets": [{"target": "AllUsers"}]}}
    allowed = {"usersAndGroups": {"accessType": "allowed", "targets": [{"target": "AllUsers"}]}}
    default = {"b2bCollaborationInbound": blocked}
    assert blocks(in_effect(None, default), Side.TARGET)
    assert blocks(in_effect({"b2bCollaborationInbound": None}, default), Side.TARGET)
    assert not blocks(in_effect({"b2bCollaborationInbound": allowed}, default), Side.TARGET)
