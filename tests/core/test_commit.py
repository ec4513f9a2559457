"""What a link says once it is claimed, and after a fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.commit import about_to_write, carried_out, failed, with_claim, with_writes
from shared.core.decide import Action, Plan, Policy, was_never_marked
from shared.core.desired import Frozen, InScope, OutOfScope
from shared.core.difference import Change, digest
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import Claim, Link, LinkState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLAIM = Claim("mine", NOW)
IN_SCOPE = InScope("nestor@contoso.com", {"accountEnabled": False}, {}, "new")
LEFT = OutOfScope("notInGroup")
BEFORE, EARLIER = NOW - timedelta(minutes=6), NOW - timedelta(days=3)


@pytest.mark.parametrize(
    ("changed_at", "stale", "remembered"),
    [
        (None, None, None),
        (EARLIER, None, EARLIER),
        (None, BEFORE, BEFORE),
        (EARLIER, BEFORE, BEFORE),
        (BEFORE, EARLIER, BEFORE),
    ],
)
def test_what_a_claim_may_have_led_to_outlives_it(changed_at, stale, remembered):
    """Whoever takes over finds nothing to do, perhaps, because a replica is behind; the next look has to know."""
    before = Claim("w", stale) if stale else None
    link = Link("emea", "s", LinkState.ACTIVE, "t", fingerprint="old", claim=before, changed_at=changed_at)
    claimed = with_claim(link, CLAIM)
    assert (claimed.claim, claimed.changed_at) == (CLAIM, remembered)
    assert claimed.fingerprint == (None if stale else "old")
    assert (claimed.state, claimed.target_id) == (link.state, link.target_id)


REMOVED = Link("emea", "s", LinkState.SOFT_DELETED, "t", changed_at=EARLIER)


def test_a_removal_is_not_certain_once_a_worker_may_have_restored_the_user():
    """Its claim went stale between the restore and the commit."""
    assert with_claim(REMOVED, CLAIM).state is LinkState.SOFT_DELETED
    assert with_claim(replace(REMOVED, claim=Claim("w", BEFORE)), CLAIM).state is LinkState.NEW


@pytest.mark.parametrize("size", FaultSize)
def test_a_removal_is_not_certain_after_a_restore_that_failed(size):
    """The answer may have been lost, or the write after it refused; throttling, too, may come after the restore."""
    fault = Fault(size, "General")
    assert failed(REMOVED, fault, NOW, wrote=True)[0].state is LinkState.NEW
    assert failed(REMOVED, fault, NOW, wrote=False)[0].state is LinkState.SOFT_DELETED


@pytest.mark.parametrize("state", sorted(set(LinkState) - {LinkState.SOFT_DELETED}))
def test_a_fault_leaves_every_other_state_as_it_is(state):
    """Only what was last applied is in doubt."""
    link, _ = failed(replace(REMOVED, state=state, fingerprint="old"), Fault(FaultSize.USER, "x"), NOW, wrote=True)
    assert (link.state, link.fingerprint) == (state, None)


def test_what_is_about_to_change_is_no_longer_remembered_as_it_was():
    """A worker that dies may have written it; what it does not write, or writes as it was, stays remembered."""
    link = Link("emea", "s", LinkState.ACTIVE, "t", applied={"accountEnabled": digest(True), "city": digest("Oslo")})
    block = Plan(Action.DISABLE, "changed", "t", Change({"accountEnabled": False, "jobTitle": "Planner"}))
    assert about_to_write(link, block).applied == {"city": digest("Oslo")}
    same = Plan(Action.UPDATE, "changed", "t", Change({"accountEnabled": True, "jobTitle": "Planner"}))
    assert about_to_write(link, same) is link


@pytest.mark.parametrize("wrote", [False, True])
@pytest.mark.parametrize("reason", ["invitationUnfinished", "deletionBudget", "severalMatches"])
@pytest.mark.parametrize("state", [LinkState.NEW, LinkState.ACTIVE])
def test_whoever_was_held_as_never_marked_is_known_as_such_after_a_fault(wrote, state, reason):
    """Neither another hold nor a fault tells what the first hold came upon."""
    fault = Fault(FaultSize.TRANSIENT, "InternalServerError")
    link = Link("emea", "s", state, "t", reason=reason)
    for _ in range(2):
        link = carried_out(link, Plan(Action.HOLD, reason, "t"), LEFT, Policy(), NOW)
        link, _ = failed(link, fault, NOW, wrote=wrote)
    assert link.state is LinkState.HELD
    assert was_never_marked(link) is (state is LinkState.NEW)


HELD = Link("emea", "s", LinkState.HELD, "t", reason="markerMissing")
NEVER_MARKED = replace(HELD, was_new=True)
UNKNOWN = replace(HELD, target_id=None, was_new=True)


@pytest.mark.parametrize(
    ("link", "want", "plan", "state"),
    [
        (HELD, LEFT, Plan(Action.NOTHING, "kept", "t"), LinkState.ACTIVE),
        (HELD, LEFT, Plan(Action.NOTHING, "notOurs"), LinkState.ACTIVE),
        (HELD, LEFT, Plan(Action.NOTHING, "alreadyDisabled", "t"), LinkState.DISABLED),
        (HELD, LEFT, Plan(Action.NOTHING, "alreadyRemoved"), LinkState.SOFT_DELETED),
        (HELD, IN_SCOPE, Plan(Action.NOTHING, "sourceDisabled"), LinkState.ACTIVE),
        (HELD, IN_SCOPE, Plan(Action.NOTHING, "upToDate", "t"), LinkState.DISABLED),
        (HELD, Frozen("scopeSuspended"), Plan(Action.NOTHING, "scopeSuspended"), LinkState.HELD),
        (NEVER_MARKED, LEFT, Plan(Action.NOTHING, "kept", "t"), LinkState.NEW),
        (UNKNOWN, LEFT, Plan(Action.NOTHING, "notOurs"), LinkState.NEW),
        (UNKNOWN, IN_SCOPE, Plan(Action.NOTHING, "sourceDisabled"), LinkState.NEW),
        (replace(HELD, state=LinkState.ACTIVE), LEFT, Plan(Action.NOTHING, "kept", "t"), LinkState.ACTIVE),
    ],
)
def test_a_hold_ends_when_nothing_is_left_to_do(link, want, plan, state):
    """What nobody has to look at is in no list of holds; only a frozen target leaves everything as it is."""
    assert carried_out(link, plan, want, Policy(), NOW).state is state


@pytest.mark.parametrize(
    ("known", "changed_at", "target_id", "size", "expected"),
    [
        (None, None, "t", None, (NOW, "t")),
        ("t", EARLIER, "t", FaultSize.USER, (NOW, "t")),
        (None, None, None, FaultSize.TRANSIENT, (BEFORE, None)),
        (None, None, None, FaultSize.USER, (None, None)),
        (None, EARLIER, None, FaultSize.THROTTLED, (EARLIER, None)),
        ("purged", EARLIER, None, FaultSize.USER, (None, None)),
        ("purged", EARLIER, None, FaultSize.TRANSIENT, (BEFORE, None)),
    ],
)
def test_only_an_invitation_without_an_answer_may_have_been_taken(known, changed_at, target_id, size, expected):
    """The time of its pass is kept, by which its user can be told from others; a refusal is no evidence."""
    link = Link("emea", "s", target_id=known, changed_at=changed_at)
    fault = None if size is None else Fault(size, "General")
    after = with_writes(link, target_id, fault, began_at=BEFORE, now=NOW)
    assert (after.changed_at, after.target_id) == expected
