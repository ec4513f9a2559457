"""Who of a target's users a source user is: the marker, then the configured attributes in their order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.decide import Action, Policy, decide
from shared.core.desired import InScope, OutOfScope, SourceDeleted
from shared.core.matching import (
    Collision,
    Comparison,
    Match,
    NoMatch,
    Person,
    all_criteria,
    canonical,
    choose,
    external_prefix,
    properties_read,
    steps,
)
from shared.core.model import Claim, Link, LinkState
from shared.core.observed import Ambiguous, Binned, Marker, Present

MARKER = "extension_00000000000000000000000000000001_crosstenantSource"
ANN = Person(
    MARKER,
    "tenant/ann",
    addresses=("ann@contoso.com",),
    values={
        "employeeId": "E1",
        "department": None,
        "city": "",
        "businessPhones": ["+1 555"],
        "onPremisesExtensionAttributes": {"extensionAttribute1": "x1"},
    },
)
BY_MAIL = {"id": "by-mail", "mail": "Ann@Contoso.com"}
BY_NAME = {"id": "by-name", "userPrincipalName": "ann_contoso.com#EXT#@emea.onmicrosoft.com"}
BY_OTHER = {"id": "by-other", "otherMails": ["x@y.z", "ANN@contoso.com"]}
BY_PROXY = {"id": "by-proxy", "proxyAddresses": ["smtp:ann@contoso.com"]}
BY_NUMBER = {"id": "by-number", "employeeId": "e1"}
MARKED = {"id": "marked", MARKER: "tenant/ann"}
EVERYBODY = (BY_MAIL, BY_NAME, BY_OTHER, BY_PROXY, BY_NUMBER, MARKED)
ALL_FOUR = ("mail", "userPrincipalName", "otherMails", "proxyAddresses")

CASES = [
    ("nobody is there", (), ALL_FOUR, NoMatch()),
    ("the marker comes before every attribute", EVERYBODY, ("mail", "employeeId"), Match("marked", MARKER)),
    ("the first attribute with a hit wins", (BY_MAIL, BY_NUMBER), ("employeeId", "mail"),
     Match("by-number", "employeeId")),
    ("in the other order the other wins", (BY_MAIL, BY_NUMBER), ("mail", "employeeId"), Match("by-mail", "mail")),
    ("a step without a hit is passed over", (BY_OTHER,), ALL_FOUR, Match("by-other", "otherMails")),
    ("the name that an invitation made", (BY_NAME,), ALL_FOUR, Match("by-name", "userPrincipalName")),
    ("a secondary address", (BY_PROXY,), ALL_FOUR, Match("by-proxy", "proxyAddresses")),
    ("several in the winning step are all named", (BY_MAIL, {**BY_MAIL, "id": "another"}), ("mail",),
     Ambiguous(("another", "by-mail"))),
    ("several in a later step do not matter", (BY_NUMBER, BY_MAIL, {**BY_MAIL, "id": "x"}), ("employeeId", "mail"),
     Match("by-number", "employeeId")),
    ("two with our marker", (MARKED, {**MARKED, "id": "twin"}), ("mail",), Ambiguous(("marked", "twin"))),
    ("whom an invitation would lead to is seen without being matched", (BY_MAIL,), (), Collision("by-mail")),
    ("by any of the four ways", (BY_PROXY,), ("mail",), Collision("by-proxy")),
    ("several of those", (BY_MAIL, BY_PROXY), ("employeeId",), Ambiguous(("by-mail", "by-proxy"))),
    ("a match makes no invitation, so collisions do not matter", (BY_MAIL, BY_NUMBER), ("employeeId",),
     Match("by-number", "employeeId")),
    ("what the target finds equal and we do not stands in the way", ({"id": "odd", "mail": "änn@contoso.com"},),
     ("mail",), Collision("odd")),
    ("Entra's names of attributes are known too", ({"id": "u", "businessPhones": ["+1 555"]},), ("telephoneNumber",),
     Match("u", "businessPhones")),
    ("parts of a complex property", ({"id": "u", "onPremisesExtensionAttributes": {"extensionAttribute1": "X1"}},),
     ("extensionAttribute1",), Match("u", "onPremisesExtensionAttributes.extensionAttribute1")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("candidates", "precedence", "wanted"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_precedence_decides(candidates, precedence, wanted):
    """The table of cases; each is named by what it shows."""
    assert choose(ANN, candidates, precedence) == wanted
    assert choose(ANN, tuple(reversed(candidates)), precedence) == wanted


@pytest.mark.parametrize("name", ["department", "city", "jobTitle"])
def test_an_empty_value_matches_nobody(name):
    """Or everybody without one would be the same person."""
    [_, (_, criteria)] = steps(ANN, (name,))
    assert criteria == ()
    assert choose(ANN, ({"id": "u", name: None}, {"id": "v", name: ""}), (name,)) == Ambiguous(("u", "v"))


@pytest.mark.parametrize("address", ["", " ", "\ud800@contoso.com"])
def test_an_address_that_cannot_be_said_is_not_looked_for(address):
    """Nothing, and half of a surrogate pair: no filter can hold them."""
    person = Person(MARKER, "tenant/ann", addresses=(address,))
    assert [criterion.name for criterion in all_criteria(person, ALL_FOUR)] == [MARKER]


def test_a_name_from_the_bin_is_read_without_the_id_before_it():
    """The directory puts the object id before the name of a deleted user."""
    user = {
        "id": "0b0b0b0b-0000-4000-8000-000000000001",
        "userPrincipalName": "0B0B0B0B000040008000000000000001ann_contoso.com#EXT#@emea.onmicrosoft.com",
    }
    assert choose(ANN, (user,), ("userPrincipalName",)) == Match(user["id"], "userPrincipalName")


def test_a_name_that_is_no_attribute_cannot_become_part_of_a_filter():
    """Names come from the configuration and go into requests."""
    with pytest.raises(ValueError, match="no attribute"):
        canonical("mail eq 'x' or displayName")


def test_what_is_compared_is_also_read():
    """Every criterion's property is among those to select."""
    precedence = ("employeeId", "extensionAttribute1", "mail")
    read = {*properties_read(precedence), MARKER}
    assert {criterion.name.partition(".")[0] for criterion in all_criteria(ANN, precedence)} <= read


addresses = st.emails()
names = st.sampled_from([*ALL_FOUR, "employeeId", "mobile", "extensionAttribute1"])


@given(address=addresses, precedence=st.lists(names, unique=True, max_size=7))
def test_nobody_whom_an_invitation_would_lead_to_is_overlooked(address, precedence):
    """Whatever is configured, each of the four ways to collide is looked for, and never ends in NoMatch."""
    person = Person(MARKER, "tenant/x", addresses=(address,))
    for user in (
        {"id": "u", "mail": address.upper()},
        {"id": "u", "otherMails": [address]},
        {"id": "u", "proxyAddresses": [f"SMTP:{address}"]},
        {"id": "u", "userPrincipalName": f"{external_prefix(address)}@emea.onmicrosoft.com"},
    ):
        assert any(criterion.holds(user) for criterion in all_criteria(person, precedence))
        assert choose(person, (user,), precedence) != NoMatch()


@given(
    users=st.lists(
        st.fixed_dictionaries(
            {"id": st.uuids().map(str)},
            optional={
                "mail": st.sampled_from(["ann@contoso.com", "bob@contoso.com"]),
                "employeeId": st.sampled_from(["E1", "E2"]),
                MARKER: st.sampled_from(["tenant/ann", "tenant/bob"]),
            },
        ),
        unique_by=lambda user: user["id"],
    ),
    precedence=st.lists(names, unique=True),
)
def test_a_match_is_always_the_only_one_of_its_step(users, precedence):
    """Nobody is chosen from two."""
    match choose(ANN, users, precedence):
        case Match(user_id=user_id, by=by):
            criteria = dict(steps(ANN, precedence))[by]
            assert [u["id"] for u in users if any(c.holds(u) for c in criteria)] == [user_id]
        case Ambiguous(user_ids=ids):
            assert len(ids) > 1
        case NoMatch():
            assert users == []


def test_a_prefix_is_compared_only_where_an_invitation_made_it():
    """The other comparisons take the whole value."""
    assert {c.comparison for c in all_criteria(ANN, ()) if c.name == "userPrincipalName"} == {Comparison.STARTS_WITH}


# --- what is decided about a match ------------------------------------------------------------------------------------

WANTED = InScope(
    address="ann@contoso.com", attributes={"department": "x"}, on_create={"userType": "Member"}, fingerprint="f"
)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IMPORTED = Link("emea", "ann", state=LinkState.IMPORTED, target_id="u", reason="imported")

DECISIONS = [
    ("a collision is not adopted, though adoption is allowed", Present("u", Marker.NONE, external=True, collides=True),
     None, Action.HOLD, "adoptionNotAllowed"),
    ("a deleted twin that only collides is not restored", Binned("u", Marker.NONE, collides=True), None, Action.HOLD,
     "deletedTwin"),
    ("a deleted twin that is ours is restored however it was found", Binned("u", Marker.OURS, collides=True), None,
     Action.RESTORE, "inScope"),
    ("an invitation of ours that was interrupted goes on", Present("u", Marker.NONE, external=True, created_at=NOW,
     collides=True), Link("emea", "ann", claim=Claim("w", NOW)), Action.CREATE, "resumed"),
    ("whom a person named is adopted", Present("u", Marker.NONE, external=True), IMPORTED, Action.ADOPT, "imported"),
    ("but never an internal user", Present("u", Marker.NONE, external=False), IMPORTED, Action.HOLD, "internalUser"),
    ("nor another installation's", Present("u", Marker.ANOTHER, external=True), IMPORTED, Action.HOLD,
     "anotherInstallation"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("observed", "link", "action", "reason"), [d[1:] for d in DECISIONS], ids=[d[0] for d in DECISIONS]
)
def test_what_was_found_decides_what_is_done(observed, link, action, reason):
    """The table of decisions about matches; each is named by what it shows."""
    plan = decide(WANTED, observed, link, Policy(), NOW)
    assert (plan.action, plan.reason) == (action, reason)


def test_an_imported_user_gets_no_values_meant_for_new_users():
    """A guest of the other tool stays a guest, however new users are made."""
    plan = decide(WANTED, Present("u", Marker.NONE, external=True), IMPORTED, Policy(), NOW)
    assert dict(plan.change.attributes) == {"department": "x"}
    assert plan.change.mark


@pytest.mark.parametrize("gone", [OutOfScope("notInGroup"), SourceDeleted()])
def test_an_imported_user_whom_we_never_marked_is_not_removed(gone):
    """The import says who somebody is, not that they are ours."""
    plan = decide(gone, Present("u", Marker.NONE, external=True), IMPORTED, Policy(), NOW)
    assert (plan.action, plan.reason) == (Action.NOTHING, "notOurs")
