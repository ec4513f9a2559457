"""Cross-tenant access settings: what has to be changed, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.access_policy import Side, blocks, body, needed

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
        (None, Side.TARGET, {}, ["inboundAllowed"]),
        (None, Side.SOURCE, {}, ["outboundAllowed"]),
        (None, Side.TARGET, {"trust_mfa": True}, ["inboundAllowed", "isMfaAccepted"]),
        (None, Side.SOURCE, {"trust_mfa": True}, ["outboundAllowed"]),
        (None, Side.TARGET, {"undo": True}, []),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.TARGET, {}, []),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.SOURCE, {}, ["outboundAllowed"]),
        ({"automaticUserConsentSettings": {"inboundAllowed": True}}, Side.TARGET, {"undo": True}, ["inboundAllowed"]),
        ({"automaticUserConsentSettings": None, "inboundTrust": None}, Side.TARGET, {}, ["inboundAllowed"]),
    ],
)
def test_only_what_differs_is_needed(entry, side, options, parts):
    """Never set is as good as off: Entra's default."""
    assert [setting.part for setting in needed(entry, side, **options)] == parts


@given(ENTRIES, st.sampled_from(Side), st.booleans(), st.booleans())
def test_doing_it_twice_changes_nothing_and_the_rest_stays(entry, side, trust_mfa, undo):
    """After a change nothing more is needed, and all other parts are as they were."""
    settings = needed(entry, side, trust_mfa=trust_mfa, undo=undo)
    after = {**(entry or {}), **body(entry, settings)}
    assert needed(after, side, trust_mfa=trust_mfa, undo=undo) == []
    changed = {(setting.property, setting.part) for setting in settings}
    for name, parts in (entry or {}).items():
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
    assert not blocks(None, Side.TARGET)
