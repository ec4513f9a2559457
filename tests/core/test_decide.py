"""Every cell of decide's table, and what must hold whatever the cell."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import decide as decide_module
from shared.core.commit import carried_out
from shared.core.decide import (
    CONSISTENCY_HORIZON,
    Action,
    DeletedInTarget,
    Look,
    OutOfScopeAction,
    Policy,
    decide,
    look_needed,
    without_look,
)
from shared.core.desired import Frozen, InScope, Manager, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.difference import digest, same_value
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.mapping_rules import Drift
from shared.core.model import Claim, Link, LinkState
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Present, UnknownObserved

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)
JUST_NOW = NOW - timedelta(seconds=30)
FAULT = Fault(FaultSize.TRANSIENT, "InternalServerError")
POLICY = Policy()

ACTIVE = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint="old", changed_at=LONG_AGO)
YOUNG = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint="old", changed_at=JUST_NOW)
DELETED = Link("emea", "s", LinkState.SOFT_DELETED, "t", changed_at=LONG_AGO)
NAME_TAKEN = Link("emea", "s", LinkState.NEW, "t", reason="RestoreConflict", attempt=1, changed_at=LONG_AGO)
EARLIER = LONG_AGO - timedelta(hours=1)
UNANSWERED = Link("emea", "s", changed_at=LONG_AGO)
UNANSWERED_NOW = Link("emea", "s", changed_at=JUST_NOW)
UNFINISHED = Link("emea", "s", LinkState.HELD, "t", reason="invitationUnfinished", was_new=True)
OVER_BUDGET = replace(UNFINISHED, reason="deletionBudget")
INVITED = Link("emea", "s", LinkState.NEW, "t", claim=Claim("w", JUST_NOW))


def wanted(**changes: object) -> InScope:
    """Nestor, in scope."""
    values: dict[str, object] = {
        "address": "nestor@contoso.com",
        "attributes": {"displayName": "Nestor Wilke", "department": "Ops", "accountEnabled": True},
        "on_create": {"userType": "Member"},
        "fingerprint": "new",
    } | changes
    return InScope(**values)  # type: ignore[arg-type]


def present(marker: Marker = Marker.OURS, **changes: object) -> Present:
    """Nestor, as the target holds him."""
    values: dict[str, object] = {
        "user_id": "t",
        "marker": marker,
        "external": True,
        "attributes": {"displayName": "Nestor Wilke", "department": "Sales", "accountEnabled": True},
    } | changes
    return Present(**values)  # type: ignore[arg-type]


OUT = OutOfScope("notInGroup")
RIGHT = {"displayName": "Nestor Wilke", "department": "Ops", "accountEnabled": True}
BLOCKED = {"displayName": "Nestor Wilke", "department": "Ops", "accountEnabled": False}
GRACE = Policy(grace=timedelta(days=30))
RESPECT = Policy(deleted_in_target=DeletedInTarget.HOLD)
REPORTS = Policy(drift={"department": Drift.REPORT})
TARGET_WINS = Policy(drift={"department": Drift.TARGET_WINS})
INTERRUPTED = replace(ACTIVE, claim=Claim("w", LONG_AGO))
REMEMBERS = replace(ACTIVE, applied={"department": digest("Ops")})
REMEMBERS_ANOTHER = replace(ACTIVE, applied={"department": digest("Finance")})
UNKNOWN = UnknownDesired(FAULT)
UNSEEN = UnknownObserved(FAULT)
LEFT_ALONE = Frozen("ignoredByMapping")


def leaving(*, days: int) -> Link:
    """Somebody who left so many days ago, and was blocked then."""
    return replace(ACTIVE, state=LinkState.DISABLED, fingerprint=None, leaving_since=NOW - timedelta(days=days))


CELLS = [
    # desired, observed, link, policy, action, reason
    (UNKNOWN, UNSEEN, ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (UNKNOWN, Absent(), ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (UNKNOWN, Binned("t", Marker.OURS), ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (UNKNOWN, present(), ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (UNKNOWN, Ambiguous(("t", "u")), ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (LEFT_ALONE, present(), ACTIVE, POLICY, Action.NOTHING, "ignoredByMapping"),
    (LEFT_ALONE, Absent(), None, POLICY, Action.NOTHING, "ignoredByMapping"),
    (wanted(), UNSEEN, ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (wanted(), Ambiguous(("t", "u")), None, POLICY, Action.HOLD, "severalMatches"),
    # in scope, absent
    (wanted(), Absent(), None, POLICY, Action.CREATE, "inScope"),
    (wanted(), Absent(), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (wanted(), Absent(), ACTIVE, POLICY, Action.CREATE, "inScope"),
    (wanted(enabled=False), Absent(), None, POLICY, Action.NOTHING, "sourceDisabled"),
    # in scope, binned
    (wanted(), Binned("t", Marker.OURS), DELETED, POLICY, Action.RESTORE, "inScope"),
    (wanted(), Binned("t", Marker.NONE), DELETED, POLICY, Action.RESTORE, "inScope"),
    (wanted(), Binned("u", Marker.NONE), None, POLICY, Action.RESTORE, "inScope"),
    (wanted(), Binned("u", Marker.NONE), None, Policy(adopt=False), Action.HOLD, "deletedTwin"),
    (wanted(), Binned("u", Marker.ANOTHER), None, POLICY, Action.HOLD, "deletedTwin"),
    (wanted(), Binned("t", Marker.OURS), NAME_TAKEN, POLICY, Action.CREATE, "inScope"),
    (wanted(enabled=False), Binned("t", Marker.OURS), NAME_TAKEN, POLICY, Action.NOTHING, "sourceDisabled"),
    (wanted(), Binned("u", Marker.ANOTHER), NAME_TAKEN, POLICY, Action.HOLD, "deletedTwin"),
    # in scope, present and ours
    (wanted(), present(), ACTIVE, POLICY, Action.UPDATE, "changed"),
    (wanted(), present(), None, POLICY, Action.UPDATE, "changed"),
    (wanted(), present(attributes=wanted().attributes), ACTIVE, POLICY, Action.NOTHING, "upToDate"),
    (wanted(fingerprint="old"), present(), YOUNG, POLICY, Action.NOTHING, "upToDate"),
    (
        wanted(attributes={"accountEnabled": False}),
        present(attributes={"accountEnabled": True}),
        ACTIVE,
        POLICY,
        Action.DISABLE,
        "changed",
    ),
    (
        wanted(attributes={"accountEnabled": True}),
        present(attributes={"accountEnabled": False}),
        ACTIVE,
        POLICY,
        Action.ENABLE,
        "changed",
    ),
    # in scope, present and unmarked
    (wanted(), present(Marker.NONE, user_id="u"), None, POLICY, Action.ADOPT, "matched"),
    (wanted(), present(Marker.NONE, user_id="u"), None, Policy(adopt=False), Action.HOLD, "adoptionNotAllowed"),
    (wanted(), present(Marker.NONE, user_id="u", external=False), None, POLICY, Action.HOLD, "internalUser"),
    (wanted(), present(Marker.NONE), INVITED, POLICY, Action.CREATE, "resumed"),
    (wanted(), present(Marker.OURS), INVITED, POLICY, Action.CREATE, "resumed"),
    (
        wanted(),
        present(Marker.NONE, created_at=JUST_NOW),
        Link("emea", "s", claim=Claim("w", JUST_NOW)),
        Policy(adopt=False),
        Action.CREATE,
        "resumed",
    ),
    (
        wanted(),
        present(Marker.NONE, created_at=LONG_AGO),
        Link("emea", "s", claim=Claim("w", JUST_NOW)),
        Policy(adopt=False),
        Action.HOLD,
        "adoptionNotAllowed",
    ),
    (wanted(), present(Marker.NONE), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (wanted(), present(Marker.NONE), ACTIVE, POLICY, Action.HOLD, "markerMissing"),
    # in scope, present and another's
    (wanted(), present(Marker.ANOTHER), ACTIVE, POLICY, Action.HOLD, "anotherInstallation"),
    (wanted(), present(Marker.ANOTHER), None, POLICY, Action.HOLD, "anotherInstallation"),
    # leaving
    (OUT, UNSEEN, ACTIVE, POLICY, Action.RETRY, "InternalServerError"),
    (OUT, Absent(), ACTIVE, POLICY, Action.NOTHING, "alreadyRemoved"),
    (OUT, Binned("t", Marker.OURS), ACTIVE, POLICY, Action.NOTHING, "alreadyRemoved"),
    (OUT, Absent(), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (OUT, Binned("t", Marker.OURS), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (OUT, Binned("t", Marker.OURS), replace(DELETED, changed_at=JUST_NOW), POLICY, Action.NOTHING, "alreadyRemoved"),
    (OUT, Binned("t", Marker.OURS), replace(DELETED, claim=Claim("w", JUST_NOW)), POLICY, Action.RETRY, "youngObject"),
    (OUT, Ambiguous(("t", "u")), ACTIVE, POLICY, Action.NOTHING, "notOurs"),
    (OUT, present(), ACTIVE, POLICY, Action.SOFT_DELETE, "notInGroup"),
    (OUT, present(), ACTIVE, Policy(out_of_scope=OutOfScopeAction.KEEP), Action.NOTHING, "kept"),
    (OUT, present(), ACTIVE, Policy(out_of_scope=OutOfScopeAction.DISABLE), Action.DISABLE, "notInGroup"),
    (
        OUT,
        present(attributes={"accountEnabled": False}),
        ACTIVE,
        Policy(out_of_scope=OutOfScopeAction.DISABLE),
        Action.NOTHING,
        "alreadyDisabled",
    ),
    (OUT, present(Marker.NONE), ACTIVE, POLICY, Action.HOLD, "markerMissing"),
    (OUT, present(Marker.NONE), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (OUT, present(Marker.NONE, user_id="u"), ACTIVE, POLICY, Action.NOTHING, "notOurs"),
    # an attempt came before that may have written something, and told nobody
    (wanted(), present(), INTERRUPTED, POLICY, Action.UPDATE, "resumed"),
    (wanted(), present(attributes=RIGHT), INTERRUPTED, POLICY, Action.NOTHING, "resumed"),
    (wanted(), present(attributes=RIGHT), replace(ACTIVE, fingerprint=None), POLICY, Action.NOTHING, "resumed"),
    (
        wanted(),
        present(attributes=RIGHT),
        replace(ACTIVE, fingerprint=None, reason="kept"),
        POLICY,
        Action.NOTHING,
        "upToDate",
    ),
    (wanted(), present(attributes=RIGHT), leaving(days=1), POLICY, Action.NOTHING, "upToDate"),
    (wanted(), present(attributes=RIGHT), replace(leaving(days=1), attempt=1), POLICY, Action.NOTHING, "resumed"),
    (wanted(), present(attributes=RIGHT), None, POLICY, Action.UPDATE, "changed"),
    (wanted(), present(attributes=RIGHT, created_at=LONG_AGO), UNANSWERED, POLICY, Action.CREATE, "resumed"),
    # leaving, and perhaps invited by an attempt that was not finished
    (OUT, Absent(), UNANSWERED_NOW, POLICY, Action.RETRY, "youngObject"),
    (OUT, Absent(), UNANSWERED, POLICY, Action.NOTHING, "alreadyRemoved"),
    (OUT, present(Marker.NONE, created_at=LONG_AGO), UNANSWERED, POLICY, Action.HOLD, "invitationUnfinished"),
    (OUT, present(Marker.NONE, created_at=LONG_AGO, external=False), UNANSWERED, POLICY, Action.NOTHING, "notOurs"),
    (OUT, present(Marker.NONE, created_at=EARLIER), UNANSWERED, POLICY, Action.NOTHING, "notOurs"),
    (OUT, present(Marker.NONE, created_at=JUST_NOW), UNANSWERED, POLICY, Action.NOTHING, "notOurs"),
    (OUT, present(Marker.NONE), Link("emea", "s", target_id="t"), POLICY, Action.HOLD, "invitationUnfinished"),
    (OUT, present(Marker.NONE), INVITED, POLICY, Action.RETRY, "youngObject"),
    (OUT, present(Marker.NONE), UNFINISHED, POLICY, Action.HOLD, "invitationUnfinished"),
    (wanted(), present(Marker.NONE), UNFINISHED, POLICY, Action.CREATE, "resumed"),
    (wanted(), present(Marker.NONE), OVER_BUDGET, POLICY, Action.CREATE, "resumed"),
    (wanted(), present(), OVER_BUDGET, POLICY, Action.CREATE, "resumed"),
    (wanted(), present(), replace(OVER_BUDGET, was_new=False), POLICY, Action.UPDATE, "changed"),
    (OUT, present(Marker.NONE), OVER_BUDGET, POLICY, Action.HOLD, "invitationUnfinished"),
    (wanted(), Absent(), OVER_BUDGET, RESPECT, Action.CREATE, "inScope"),
    (wanted(), present(Marker.NONE, created_at=LONG_AGO), UNANSWERED, Policy(adopt=False), Action.CREATE, "resumed"),
    (
        wanted(),
        present(Marker.NONE, created_at=JUST_NOW),
        UNANSWERED,
        Policy(adopt=False),
        Action.HOLD,
        "adoptionNotAllowed",
    ),
    (OUT, present(Marker.NONE), replace(ACTIVE, state=LinkState.IMPORTED), POLICY, Action.NOTHING, "notOurs"),
    (OUT, present(Marker.ANOTHER), ACTIVE, POLICY, Action.NOTHING, "notOurs"),
    (SourceDeleted(), Absent(), ACTIVE, POLICY, Action.NOTHING, "alreadyRemoved"),
    (SourceDeleted(), Binned("t", Marker.OURS), ACTIVE, POLICY, Action.NOTHING, "alreadyRemoved"),
    (SourceDeleted(), Binned("t", Marker.OURS), YOUNG, POLICY, Action.RETRY, "youngObject"),
    (SourceDeleted(), present(), ACTIVE, POLICY, Action.SOFT_DELETE, "sourceDeleted"),
    (
        SourceDeleted(),
        present(),
        ACTIVE,
        Policy(out_of_scope=OutOfScopeAction.KEEP),
        Action.SOFT_DELETE,
        "sourceDeleted",
    ),
    # grace days: blocked at once, removed when they are over
    (OUT, present(), ACTIVE, GRACE, Action.DISABLE, "notInGroup"),
    (OUT, present(attributes=BLOCKED), ACTIVE, GRACE, Action.NOTHING, "inGrace"),
    (OUT, present(attributes=BLOCKED), leaving(days=29), GRACE, Action.NOTHING, "inGrace"),
    (OUT, present(), leaving(days=29), GRACE, Action.DISABLE, "notInGroup"),
    (OUT, present(attributes=BLOCKED), leaving(days=30), GRACE, Action.SOFT_DELETE, "graceOver"),
    (SourceDeleted(), present(), ACTIVE, GRACE, Action.DISABLE, "sourceDeleted"),
    (SourceDeleted(), present(attributes=BLOCKED), leaving(days=31), GRACE, Action.SOFT_DELETE, "graceOver"),
    (wanted(), present(attributes=BLOCKED), leaving(days=3), GRACE, Action.ENABLE, "changed"),
    # somebody else deleted our user in the target
    (wanted(), Binned("t", Marker.OURS), ACTIVE, POLICY, Action.RESTORE, "inScope"),
    (wanted(), Binned("t", Marker.OURS), ACTIVE, RESPECT, Action.HOLD, "deletedInTarget"),
    (wanted(), Binned("t", Marker.OURS), DELETED, RESPECT, Action.RESTORE, "inScope"),
    (wanted(), Binned("t", Marker.OURS), INTERRUPTED, RESPECT, Action.RESTORE, "inScope"),
    (wanted(), Absent(), ACTIVE, RESPECT, Action.HOLD, "deletedInTarget"),
    (wanted(), Absent(), DELETED, RESPECT, Action.CREATE, "inScope"),
    # drift
    (wanted(fingerprint="old"), present(), ACTIVE, POLICY, Action.UPDATE, "drifted"),
    (wanted(fingerprint="old"), present(), REMEMBERS, REPORTS, Action.NOTHING, "driftLeft"),
    (wanted(), present(), REMEMBERS_ANOTHER, REPORTS, Action.UPDATE, "changed"),
    (wanted(), present(), REMEMBERS, TARGET_WINS, Action.NOTHING, "driftLeft"),
    (SourceDeleted(), present(Marker.NONE), ACTIVE, POLICY, Action.HOLD, "markerMissing"),
    (SourceDeleted(), present(Marker.ANOTHER), ACTIVE, POLICY, Action.NOTHING, "notOurs"),
    (SourceDeleted(), Ambiguous(("t", "u")), ACTIVE, POLICY, Action.NOTHING, "notOurs"),
]


@pytest.mark.parametrize(("desired", "observed", "link", "policy", "action", "reason"), CELLS)
def test_each_cell(desired, observed, link, policy, action, reason):
    """The table in the module's docstring is what the function does."""
    plan = decide(desired, observed, link, policy, NOW)
    assert (plan.action, plan.reason) == (action, reason)


def test_a_settled_update_writes_only_what_differs():
    """Of three attributes one differs: one is written."""
    assert decide(wanted(), present(), ACTIVE, POLICY, NOW).change.attributes == {"department": "Ops"}


def test_a_read_that_may_be_older_than_our_last_write_is_not_trusted():
    """A stale replica that happens to show the wanted values must not swallow an update."""
    stale = present(attributes=wanted().attributes)
    assert set(decide(wanted(), stale, YOUNG, POLICY, NOW).change.attributes) == set(wanted().attributes)
    settled = ACTIVE if JUST_NOW - LONG_AGO > CONSISTENCY_HORIZON else None
    assert decide(wanted(), stale, settled, POLICY, NOW).action is Action.NOTHING


def test_a_new_user_is_marked_and_gets_the_attributes_of_creation_but_no_nulls():
    """There is nothing to clear on a user who did not exist."""
    change = decide(wanted(attributes={"department": None, "city": "Oslo"}), Absent(), None, POLICY, NOW).change
    assert change.mark
    assert change.attributes == {"city": "Oslo", "userType": "Member"}


@pytest.mark.parametrize("link", [replace(INVITED, claim=None, manager_target_id="m"), UNANSWERED])
def test_what_the_source_has_no_more_is_cleared_where_an_attempt_was_interrupted(link):
    """A restore whose answer was lost brings back all that the user held when they left."""
    desired = wanted(attributes=RIGHT | {"city": None, "businessPhones": []}, manages_manager=True)
    plan = decide(desired, present(created_at=LONG_AGO), link, POLICY, NOW)
    assert (plan.action, plan.reason) == (Action.CREATE, "resumed")
    assert plan.change.attributes["city"] is None
    assert plan.change.attributes["businessPhones"] == []
    assert plan.change.clear_manager is (link.manager_target_id is not None)


def test_an_adopted_user_keeps_the_type_they_have():
    """What is sent only at creation is not sent to a user who exists."""
    change = decide(wanted(), present(Marker.NONE, user_id="u"), None, POLICY, NOW).change
    assert change.mark
    assert "userType" not in change.attributes


MANAGERS = [
    # wanted manager, manager held, link's memory, recently written, set, clear
    (Manager("b", "tb"), None, None, False, "tb", False),
    (Manager("b", "tb"), "tb", "tb", False, None, False),
    (Manager("b", "tb"), "tc", "tc", False, "tb", False),
    (Manager("b", None), "tc", "tc", False, None, True),
    (None, "tc", "tc", False, None, True),
    (None, None, None, False, None, False),
    (Manager("b", "tb"), None, "tb", True, None, False),
    (None, None, "tb", True, None, True),
    (None, "tb", None, True, None, False),
]


@pytest.mark.parametrize(("manager", "held", "remembered", "recent", "set_manager", "clear"), MANAGERS)
def test_managers_are_set_changed_and_cleared(manager, held, remembered, recent, set_manager, clear):
    """Against the target where reads are settled, against our memory while they are not."""
    link = Link(
        "emea",
        "s",
        LinkState.ACTIVE,
        "t",
        fingerprint="old",
        manager_target_id=remembered,
        changed_at=JUST_NOW if recent else LONG_AGO,
    )
    observed = present(manager_id=held)
    change = decide(wanted(manager=manager, manages_manager=True), observed, link, POLICY, NOW).change
    assert (change.set_manager, change.clear_manager) == (set_manager, clear)


@pytest.mark.parametrize("observed", [present(), Binned("t", Marker.OURS)])
@pytest.mark.parametrize("state", [LinkState.SOFT_DELETED, LinkState.NEW])
def test_a_manager_is_set_anew_or_cleared_with_a_restore(observed, state):
    """The bin may have kept the manager or not, and what we remember is from before the removal."""
    link = replace(DELETED, state=state, manager_target_id="tb", changed_at=JUST_NOW)
    for manager, change in (
        (Manager("b", "tb"), ("tb", False)),
        (Manager("c", None), (None, True)),
        (None, (None, True)),
    ):
        plan = decide(wanted(manager=manager, manages_manager=True), observed, link, POLICY, NOW)
        assert (plan.change.set_manager, plan.change.clear_manager) == change


LOOKS = [
    (UNKNOWN, ACTIVE, False, Look.NONE),
    (LEFT_ALONE, ACTIVE, True, Look.NONE),
    (wanted(), None, False, Look.BY_MATCH),
    (wanted(enabled=False), None, False, Look.NONE),
    (wanted(), ACTIVE, False, Look.BY_ID),
    (wanted(fingerprint="old"), ACTIVE, False, Look.NONE),
    (wanted(fingerprint="old"), ACTIVE, True, Look.BY_ID),
    (wanted(fingerprint="old"), INVITED, False, Look.BY_ID),
    (OUT, None, True, Look.NONE),
    (OUT, ACTIVE, False, Look.BY_ID),
    (OUT, DELETED, False, Look.NONE),
    (OUT, DELETED, True, Look.BY_ID),
    (OUT, replace(DELETED, claim=Claim("w", LONG_AGO)), False, Look.BY_ID),
    (OUT, Link("emea", "s", claim=Claim("w", LONG_AGO)), False, Look.BY_MATCH),
    (SourceDeleted(), ACTIVE, False, Look.BY_ID),
]


@pytest.mark.parametrize(("desired", "link", "check", "look"), LOOKS)
def test_the_target_is_read_only_where_it_must_be(desired, link, check, look):
    """A hint about somebody who is as they should be costs no read of the target."""
    assert look_needed(desired, link, check=check) is look


@pytest.mark.parametrize(
    ("desired", "link", "action", "reason"),
    [
        (UNKNOWN, ACTIVE, Action.RETRY, "InternalServerError"),
        (LEFT_ALONE, ACTIVE, Action.NOTHING, "ignoredByMapping"),
        (wanted(fingerprint="old"), ACTIVE, Action.NOTHING, "upToDate"),
        (wanted(enabled=False), None, Action.NOTHING, "sourceDisabled"),
        (OUT, None, Action.NOTHING, "notInGroup"),
        (OUT, DELETED, Action.NOTHING, "alreadyRemoved"),
        (SourceDeleted(), None, Action.NOTHING, "sourceDeleted"),
        (SourceDeleted(), DELETED, Action.NOTHING, "alreadyRemoved"),
    ],
)
def test_without_a_look_nothing_is_written(desired, link, action, reason):
    """Where the target need not be read, it need not be written either."""
    plan = without_look(desired, link)
    assert (plan.action, plan.reason) == (action, reason)


# --- properties -------------------------------------------------------------------------------------------------

faults = st.builds(Fault, st.sampled_from(FaultSize), st.just("General"))
managers = st.none() | st.builds(Manager, st.just("b"), st.none() | st.just("tb"))
values = st.none() | st.sampled_from(["", "Ops", "Sales"])
desires = st.one_of(
    st.builds(
        wanted,
        attributes=st.fixed_dictionaries({"department": values, "accountEnabled": st.booleans()}),
        fingerprint=st.sampled_from(["old", "new"]),
        enabled=st.booleans(),
        manager=managers,
        manages_manager=st.just(value=True),
    ),
    st.builds(OutOfScope, st.just("notInGroup")),
    st.just(SourceDeleted()),
    st.builds(UnknownDesired, faults),
    st.builds(Frozen, st.just("ignoredByMapping")),
)
users = st.sampled_from(["t", "u"])
sights = st.one_of(
    st.builds(
        present,
        st.sampled_from(Marker),
        user_id=users,
        external=st.booleans(),
        attributes=st.fixed_dictionaries({"department": values, "accountEnabled": st.booleans()}),
        manager_id=st.none() | st.sampled_from(["tb", "tc"]),
        created_at=st.none() | st.sampled_from([LONG_AGO, JUST_NOW]),
    ),
    st.builds(Binned, users, st.sampled_from(Marker)),
    st.just(Absent()),
    st.just(Ambiguous(("t", "u"))),
    st.builds(UnknownObserved, faults),
)
links = st.none() | st.builds(
    Link,
    st.just("emea"),
    st.just("s"),
    st.sampled_from(LinkState),
    st.none() | st.just("t"),
    st.none() | st.just("old"),
    st.none() | st.builds(Claim, st.just("w"), st.sampled_from([LONG_AGO, JUST_NOW])),
    changed_at=st.none() | st.sampled_from([LONG_AGO, JUST_NOW]),
    manager_target_id=st.none() | st.sampled_from(["tb", "tc"]),
    leaving_since=st.none() | st.sampled_from([LONG_AGO, JUST_NOW]),
    applied=st.just({}) | st.builds(lambda value: {"department": digest(value)}, values),
)
policies = st.builds(
    Policy,
    adopt=st.booleans(),
    out_of_scope=st.sampled_from(OutOfScopeAction),
    grace=st.sampled_from([timedelta(), timedelta(days=1), timedelta(days=30)]),
    deleted_in_target=st.sampled_from(DeletedInTarget),
    drift=st.just({}) | st.builds(lambda drift: {"department": drift}, st.sampled_from(Drift)),
)

REMOVALS = {Action.SOFT_DELETE, Action.DISABLE}
WRITES = {Action.CREATE, Action.ADOPT, Action.UPDATE, Action.ENABLE, Action.RESTORE} | REMOVALS


@given(desires, sights, links, policies)
def test_unknown_never_removes(desired, observed, link, policy):
    """Whatever else is true, an unknown on either side leads to no write at all."""
    if isinstance(desired, UnknownDesired) or isinstance(observed, UnknownObserved):
        assert decide(desired, observed, link, policy, NOW).action not in WRITES


@given(desires, sights, links, policies)
def test_another_installations_user_is_never_written(desired, observed, link, policy):
    """Its marker is enough."""
    if isinstance(observed, (Present, Binned)) and observed.marker is Marker.ANOTHER:
        assert decide(desired, observed, link, policy, NOW).action not in WRITES


@given(desires, sights, links, policies)
def test_an_unmarked_user_is_never_removed(desired, observed, link, policy):
    """Link and marker: without the marker nobody is deleted or blocked."""
    if isinstance(observed, Present) and observed.marker is Marker.NONE:
        assert decide(desired, observed, link, policy, NOW).action not in REMOVALS


@given(desires, sights, links, policies)
def test_an_internal_user_without_our_marker_is_never_written(desired, observed, link, policy):
    """A mail address in common is no reason to take over an employee of the target."""
    if isinstance(observed, Present) and observed.marker is Marker.NONE and not observed.external:
        assert decide(desired, observed, link, policy, NOW).action not in WRITES


@given(desires, sights, links, policies)
def test_removal_needs_proof_from_the_source(desired, observed, link, policy):
    """A soft deletion follows only from a user read as out of scope or deleted."""
    if decide(desired, observed, link, policy, NOW).action is Action.SOFT_DELETE:
        assert isinstance(desired, (OutOfScope, SourceDeleted))


@given(desires, sights, links, policies)
def test_applying_a_plan_twice_equals_once(desired, observed, link, policy):
    """After an update was carried out and committed, the same desire finds nothing to do."""
    plan = decide(desired, observed, link, policy, NOW)
    if plan.action not in {Action.UPDATE, Action.ENABLE, Action.DISABLE} or not isinstance(desired, InScope):
        return
    assert isinstance(observed, Present)
    change = plan.change
    after = present(
        user_id=observed.user_id,
        attributes={**observed.attributes, **change.attributes},
        manager_id=change.set_manager or (None if change.clear_manager else observed.manager_id),
    )
    before = replace(link or Link("emea", "s"), claim=None, target_id=observed.user_id, changed_at=NOW)
    committed = carried_out(before, plan, desired, policy, NOW)
    assert decide(desired, after, committed, policy, NOW).action is Action.NOTHING
    # What the link says was applied is not written again right after a write; if it is not there, that is drift.
    remembered = link is None or link.fingerprint == desired.fingerprint
    if not remembered and (link.target_id is None or link.manager_target_id == observed.manager_id):
        assert decide(desired, after, committed, policy, NOW + timedelta(days=1)).action is Action.NOTHING


@given(
    st.lists(st.sampled_from([wanted(), wanted(fingerprint="newer", attributes={"department": "HR"}), OUT, UNKNOWN]))
)
def test_any_order_of_hints_ends_in_the_same_state(history):
    """Whatever was seen on the way, and how often, the last state of the source decides what the target holds."""
    target, link, now = Absent(), None, NOW
    for seen in (*history, wanted(), wanted()):
        now += timedelta(days=1)
        plan = decide(seen, target, link, POLICY, now)
        target, link = carry_out(plan, target, link, seen, now)
    assert isinstance(target, Present)
    assert {name: target.attributes[name] for name in wanted().attributes} == wanted().attributes
    for seen in (OUT, OUT):
        now += timedelta(days=1)
        plan = decide(seen, target, link, POLICY, now)
        target, link = carry_out(plan, target, link, seen, now)
    assert isinstance(target, Binned)


def carry_out(plan, target, link, seen, now):
    """What the target and the link are once a plan was carried out, as the directory and the app make them."""
    match plan.action:
        case Action.CREATE | Action.RESTORE:
            target = present(attributes=dict(plan.change.attributes))
        case Action.UPDATE | Action.ENABLE | Action.DISABLE:
            target = present(attributes={**target.attributes, **plan.change.attributes})
        case Action.SOFT_DELETE:
            target = Binned("t", Marker.OURS)
        case Action.RETRY:
            return target, link
    if link is None and plan.action is Action.NOTHING:
        return target, link
    before = replace(link or Link("emea", "s"), target_id="t", changed_at=now)
    return target, carried_out(before, plan, seen, POLICY, now)


@pytest.mark.parametrize(
    ("wanted_value", "held", "same"),
    [
        (None, "", True),
        (None, None, True),
        ([], None, True),
        ("", [], True),
        (False, None, False),
        (False, 0, False),
        ("a", "A", False),
        (["1"], ["1"], True),
        ({"extensionAttribute1": "x"}, {"extensionAttribute1": "x", "extensionAttribute2": None}, True),
        ({"extensionAttribute1": None}, {"extensionAttribute1": "x"}, False),
    ],
)
def test_values_are_compared_as_graph_shows_them(wanted_value, held, same):
    """Nothing, an empty text and an empty list are one; a flag is never a number."""
    assert same_value(wanted_value, held) is same


def test_the_docs_show_the_same_table():
    """What administrators read is what the function's own page says."""
    page = (Path(__file__).resolve().parents[2] / "docs/decisions-table.md").read_text(encoding="utf-8")
    document = inspect.getdoc(decide_module) or ""
    table = document[document.index("    desired ↓") : document.index("Several matches")].rstrip()
    assert f"```\n{table}\n```" in page
