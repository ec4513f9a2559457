"""Pause and quarantine: entered by the first fault of tenant size, left by a probe, and never for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.decide import Action, Plan
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.guard import UnreadableRowError
from shared.core.quarantine import (
    ActionKind,
    Gate,
    Lesson,
    Quarantine,
    TargetHealth,
    begin_probe,
    best_probe,
    decode_health,
    encode_health,
    gate,
    kind_of,
    learn,
    pause_left,
    refusal,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CREATE = ActionKind.CREATE
BLOCKED = Fault(FaultSize.TENANT, "InvitationsBlocked")
REFUSED = Fault(FaultSize.USER, "EntryConflict")


def lesson(fault: Fault | None, user_id: str = "u", *kinds: ActionKind) -> Lesson:
    """What an attempt to create showed, unless another kind is said."""
    return Lesson(user_id, frozenset(kinds or {CREATE}), fault)


def quarantined() -> TargetHealth:
    """A target that refused an invitation just now."""
    return learn(TargetHealth(), [lesson(BLOCKED)], NOW)


def probing(user_id: str = "probe") -> TargetHealth:
    """The same a minute later, with a probe under way."""
    health = begin_probe(quarantined(), CREATE, user_id, NOW + MINUTE)
    assert health is not None
    return health


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (Plan(Action.CREATE, "inScope"), ActionKind.CREATE),
        (Plan(Action.CREATE, "resumed", "t"), ActionKind.UPDATE),
        (Plan(Action.ADOPT, "matched", "t"), ActionKind.UPDATE),
        (Plan(Action.UPDATE, "changed", "t"), ActionKind.UPDATE),
        (Plan(Action.ENABLE, "changed", "t"), ActionKind.UPDATE),
        (Plan(Action.RESTORE, "inScope", "t"), ActionKind.UPDATE),
        (Plan(Action.DISABLE, "changed", "t"), ActionKind.UPDATE),
        (Plan(Action.DISABLE, "notInGroup", "t"), ActionKind.REMOVE),
        (Plan(Action.SOFT_DELETE, "sourceDeleted", "t"), ActionKind.REMOVE),
        (Plan(Action.NOTHING, "upToDate"), None),
        (Plan(Action.HOLD, "severalMatches"), None),
        (Plan(Action.RETRY, "Timeout"), None),
    ],
)
def test_every_plan_is_of_one_kind_or_writes_nothing(plan, kind):
    """A block that follows the source's own is no removal; one for leaving the scope is."""
    assert kind_of(plan) is kind


def test_one_fault_of_tenant_size_closes_its_kind_alone():
    """Blocked invitations stop creates at once, and nothing else."""
    health = quarantined()
    assert [gate(health, kind, NOW) for kind in ActionKind] == [Gate.CLOSED, Gate.OPEN, Gate.OPEN]


@pytest.mark.parametrize("size", [size for size in FaultSize if size is not FaultSize.TENANT])
def test_no_smaller_fault_closes_anything(size):
    """However many there are."""
    health = learn(TargetHealth(), [lesson(Fault(size, "General"), str(n)) for n in range(100)], NOW)
    assert health.quarantines == {}


def test_one_plan_goes_through_when_the_probe_is_due():
    """The first to ask; everybody else waits until its answer, or until it is given up for lost."""
    health = quarantined()
    assert gate(health, CREATE, NOW + MINUTE) is Gate.PROBE_DUE
    health = probing()
    assert gate(health, CREATE, NOW + MINUTE) is Gate.CLOSED
    assert begin_probe(health, CREATE, "other", NOW + 2 * MINUTE) is None
    assert begin_probe(health, CREATE, "other", NOW + 12 * MINUTE) is not None


def test_a_probe_that_succeeds_opens_the_kind():
    """By itself; no person is needed."""
    assert learn(probing(), [lesson(None, "probe")], NOW + MINUTE).quarantines == {}


def test_a_success_that_is_no_probe_opens_nothing():
    """It may have been written before the fault."""
    assert learn(probing(), [lesson(None, "other")], NOW + MINUTE) == probing()


def test_failed_probes_come_less_and_less_often():
    """One minute, 5, 15, 60, then every six hours; the beginning stays known."""
    health, now, waits = quarantined(), NOW, []
    for _ in range(6):
        waits.append(health.quarantines[CREATE].probe_at - now)
        now = health.quarantines[CREATE].probe_at
        health = begin_probe(health, CREATE, "probe", now)
        health = learn(health, [lesson(BLOCKED, "probe")], now)
    assert waits == [wait * MINUTE for wait in (1, 5, 15, 60, 360, 360)]
    assert health.quarantines[CREATE].since == NOW


def test_faults_of_writes_that_were_under_way_postpone_nothing():
    """A batch of a hundred refusals is one fault."""
    health = learn(quarantined(), [lesson(BLOCKED, str(n)) for n in range(100)], NOW)
    assert health == quarantined()


def test_a_probe_that_failed_for_a_reason_of_its_own_lets_another_try_soon():
    """One user who can never be written must not keep a whole target closed."""
    health = learn(probing(), [lesson(REFUSED, "probe")], NOW + MINUTE)
    assert gate(health, CREATE, NOW + 2 * MINUTE) is Gate.PROBE_DUE


def test_a_look_that_fails_at_the_due_time_counts_as_a_failed_probe():
    """Without consent the target cannot even be read, so no plan is ever there to probe with."""
    health = learn(TargetHealth(), [lesson(BLOCKED, "u", *ActionKind)], NOW)
    health = learn(health, [lesson(BLOCKED, "v", *ActionKind)], NOW + MINUTE)
    assert {quarantine.failed_probes for quarantine in health.quarantines.values()} == {1}
    assert len(health.quarantines) == 3


def test_a_kind_that_was_opened_meanwhile_needs_no_probe():
    """Another worker's probe came first."""
    assert begin_probe(TargetHealth(), CREATE, "probe", NOW) == TargetHealth()


def test_the_longest_wait_that_the_service_asked_for_is_the_pause():
    """And a later, shorter one does not shorten it."""
    faults = [Fault(FaultSize.THROTTLED, "TooManyRequests", timedelta(seconds=s)) for s in (5, 60, 20)]
    health = learn(TargetHealth(), [lesson(fault) for fault in faults], NOW)
    health = learn(health, [lesson(faults[0])], NOW)
    assert pause_left(health, NOW) == MINUTE
    assert pause_left(health, NOW + MINUTE) is None


def test_what_was_not_tried_comes_back_when_the_probe_is_due():
    """Its fault says the time."""
    fault = refusal(quarantined().quarantines[CREATE], NOW)
    assert (fault.size, fault.code, fault.retry_after) == (FaultSize.TENANT, "InvitationsBlocked", MINUTE)
    assert refusal(probing().quarantines[CREATE], NOW + 3 * MINUTE).retry_after == MINUTE


FAULTS = st.sampled_from([BLOCKED, REFUSED, Fault(FaultSize.THROTTLED, "TooManyRequests"), None])
ATTEMPTS = st.lists(st.tuples(st.sampled_from("abcde"), FAULTS, st.booleans(), st.floats(0, 500)), max_size=60)


@given(ATTEMPTS)
def test_a_quarantine_is_always_left_once_the_faults_are_over(attempts):
    """Whatever came before, a crashed probe included: some users more, each asking when told to, and it is open."""
    health, now = TargetHealth(), NOW
    for user_id, fault, crashes, minutes in attempts:
        now += minutes * MINUTE
        if gate(health, CREATE, now) is not Gate.CLOSED:
            health = begin_probe(health, CREATE, user_id, now) or health
            if not crashes:
                health = learn(health, [lesson(fault, user_id)], now)
    for n in range(1000):
        if CREATE not in health.quarantines:
            break
        user_id = f"later{n}"
        now += refusal(health.quarantines[CREATE], now).retry_after
        if gate(health, CREATE, now) is Gate.PROBE_DUE:
            health = learn(begin_probe(health, CREATE, user_id, now), [lesson(None, user_id)], now)
    assert CREATE not in health.quarantines


TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
QUARANTINES = st.builds(
    Quarantine,
    code=st.text(max_size=5),
    since=TIMES,
    probe_at=TIMES,
    failed_probes=st.integers(0, 99),
    probe_user=st.none() | st.text(max_size=5),
    probe_ends_at=st.none() | TIMES,
)


@given(
    st.builds(
        TargetHealth,
        paused_until=st.none() | TIMES,
        quarantines=st.dictionaries(st.sampled_from(ActionKind), QUARANTINES),
    )
)
def test_health_is_read_as_it_was_written(health):
    """Every field."""
    assert decode_health(encode_health(health)) == health


GOOD = json.loads(encode_health(probing()))
ITEM = GOOD["quarantines"]["create"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps(GOOD | {"v": 2}),
        json.dumps(GOOD | {"pausedUntil": 5}),
        json.dumps(GOOD | {"pausedUntil": "2026-03-01T12:00:00"}),
        json.dumps(GOOD | {"quarantines": []}),
        json.dumps(GOOD | {"quarantines": {"dance": ITEM}}),
        *(json.dumps(GOOD | {"quarantines": {"create": ITEM | wrong}}) for wrong in (
            {"since": None}, {"probeAt": "soon"}, {"code": None}, {"failedProbes": -1}, {"failedProbes": True},
            {"probeUser": 5})),
        json.dumps(GOOD | {"quarantines": {"create": {}}}),
        json.dumps(GOOD | {"quarantines": {"create": None}}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_so(text):
    """And nothing else is raised."""
    with pytest.raises(UnreadableRowError):
        decode_health(text)


DENIED = Fault(FaultSize.USER, "InsufficientRights")


def denied(*user_ids: str, health: TargetHealth | None = None, now: datetime = NOW) -> TargetHealth:
    """A target that told these users, each apart, that a permission is missing."""
    return learn(health or TargetHealth(), [lesson(DENIED, user_id) for user_id in user_ids], now)


def test_several_users_in_a_row_who_lack_a_permission_are_the_tenants_fault():
    """Four may be administrators of the target; the fifth closes that kind of action, and no other."""
    health = denied("a", "b", "c", "d")
    assert gate(health, CREATE, NOW) is Gate.OPEN
    health = denied("e", health=decode_health(encode_health(health)))
    assert gate(health, CREATE, NOW) is Gate.CLOSED
    assert gate(health, ActionKind.UPDATE, NOW) is Gate.OPEN
    assert health.quarantines[CREATE].code == "InsufficientRights"


def test_one_user_who_is_refused_again_and_again_is_no_crowd():
    """Their escrow is theirs alone."""
    assert denied(*["a"] * 30).quarantines == {}


def test_a_success_between_breaks_the_row():
    """The permission is there; whoever is refused holds a role."""
    health = learn(denied("a", "b", "c", "d"), [lesson(None, "e")], NOW)
    assert denied("f", "g", "h", "i", health=health).quarantines == {}


@pytest.mark.parametrize("fault", [REFUSED, Fault(FaultSize.TRANSIENT, "Timeout"), Fault(FaultSize.GONE, "NotFound")])
def test_other_faults_neither_make_nor_break_the_row(fault):
    """A value too long, a timeout, somebody gone: none of them speaks of permissions."""
    health = learn(denied("a", "b", "c", "d"), [lesson(fault, str(n)) for n in range(9)], NOW)
    assert health.quarantines == {}
    assert denied("e", health=health).quarantines != {}


def test_after_a_crowd_the_probe_is_somebody_who_was_not_refused():
    """So those who are rightly refused do not keep the others waiting; each probe that fails tries somebody else."""
    health = denied("a", "b", "c", "d", "e")
    assert best_probe(health.quarantines[CREATE], ["a", "b", "f", "g"]) == "f"
    assert best_probe(health.quarantines[CREATE], ["b", "a"]) == "b"
    begun = begin_probe(health, CREATE, "f", NOW + MINUTE)
    assert begun is not None
    failed = denied("f", health=begun, now=NOW + MINUTE)
    assert gate(failed, CREATE, NOW + 2 * MINUTE) is Gate.CLOSED
    assert gate(failed, CREATE, NOW + 7 * MINUTE) is Gate.PROBE_DUE
    assert best_probe(failed.quarantines[CREATE], ["a", "f", "g"]) == "g"
    begun = begin_probe(failed, CREATE, "g", NOW + 7 * MINUTE)
    assert begun is not None
    assert gate(learn(begun, [lesson(None, "g")], NOW + 7 * MINUTE), CREATE, NOW + 7 * MINUTE) is Gate.OPEN


def test_health_that_an_earlier_version_wrote_is_read():
    """It knew of no rows of refused users."""
    raw = json.loads(encode_health(quarantined()))
    del raw["refused"], raw["quarantines"]["create"]["refused"]
    assert decode_health(json.dumps(raw)) == quarantined()
