"""The guards with a real store: what they let through, what they learn, and what several workers agree on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from running_app import GivenClock

from shared.app.apply import Outcome
from shared.app.guard import learn as learn_from
from shared.app.guard import limit, was_not_tried
from shared.app.guard import settle as settle_with
from shared.app.holds import (
    TooManyRemovalsError,
    check_release,
    find_links,
    holds_of,
    list_holds,
    release_holds,
    revisit_holds,
)
from shared.app.parts import Clock
from shared.core.decide import Action, Change, Plan
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.guard import DeletionBudget, decode_ledger, spent
from shared.core.messages import Kind, Timing, decode
from shared.core.model import Link, LinkState, StateRow
from shared.core.operation_event import OperationKind
from shared.core.quarantine import ActionKind
from shared.store.protocol import Written
from shared.store.sqlite import SQLiteStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO = DeletionBudget(count=2, percent=100)
BLOCKED = Fault(FaultSize.TENANT, "InvitationsBlocked")
OK = Outcome("t")


def user(number: int) -> str:
    """The id of a source user."""
    return f"0a1b2c3d-0000-4000-8000-{number:012d}"


def removal(number: int = 0, reason: str = "notInGroup") -> Plan:
    """A plan that removes."""
    return Plan(Action.SOFT_DELETE, reason, f"target-{number}")


CREATE = Plan(Action.CREATE, "inScope")
UPDATE = Plan(Action.UPDATE, "changed", "t", Change({"department": "Legal"}))


@dataclass
class Topic:
    """Keeps what was sent."""

    sent: list = field(default_factory=list)

    async def send(self, envelopes):
        self.sent += [decode(envelope.body.encode()) for envelope in envelopes]


class InterruptedStore:
    """A store in which another worker gets its turn just after a row was read."""

    def __init__(self, store, name, reading, other):
        """`other` is awaited after the `reading`-th time that state row `name` was read."""
        self._store = store
        self._name = name
        self._readings_left = reading
        self._other = other

    async def get_state(self, name):
        row = await self._store.get_state(name)
        if name == self._name:
            self._readings_left -= 1
            if self._readings_left == 0:
                await self._other()
        return row

    def __getattr__(self, name):
        return getattr(self._store, name)


@dataclass(frozen=True)
class SomeSettings:
    """The one setting that is asked for."""

    timing: Timing = field(default_factory=Timing)


@dataclass
class Guards:
    """One worker's parts, and the words of the tests."""

    store: SQLiteStore
    clock: Clock
    topic: Topic = field(default_factory=Topic)
    settings: SomeSettings = field(default_factory=SomeSettings)
    now: datetime = NOW
    budget: DeletionBudget = TWO

    async def links(self):
        return {link.source_id: link async for page in self.store.list_links("emea") for link in page}

    async def own(self, count, state=LinkState.ACTIVE):
        await self.store.write_links([Link("emea", user(n), state, f"target-{n}") for n in range(count)])

    async def put(self, number, **properties):
        """Change a link as a commit would."""
        link = (await self.links())[user(number)]
        [written] = await self.store.write_links([replace(link, **properties)])
        assert isinstance(written, Written)

    async def limit(self, plans):
        return await limit(self, "emea", self.budget, plans, await self.links(), now=self.now)

    async def learn(self, plans, outcomes):
        return await learn_from(self, "emea", self.budget, plans, outcomes, now=self.now)

    async def attempt(self, plans, outcomes=None, default=OK):
        """A whole pass: limited, applied with the given outcomes, learnt from, settled, committed."""
        plans = await self.limit(plans)
        applied = {
            user_id: (outcomes or {}).get(user_id, default)
            for user_id, plan in plans.items()
            if plan.action not in {Action.NOTHING, Action.HOLD, Action.RETRY}
        }
        alerts = await self.learn(plans, applied)
        await settle_with(self, "emea", plans, applied)
        links = await self.links()
        for user_id, plan in plans.items():
            if user_id in links and plan.action is Action.HOLD:
                await self.put(int(user_id[-12:]), state=LinkState.HELD, reason=plan.reason)
            elif user_id in applied and plan.action is Action.SOFT_DELETE and applied[user_id].fault is None:
                await self.put(int(user_id[-12:]), state=LinkState.SOFT_DELETED)
        return plans, alerts


@pytest.fixture
async def guards(tmp_path):
    """Guards on a fresh store."""
    clock = GivenClock()
    guards = Guards(SQLiteStore(tmp_path / "store.sqlite3"), Clock(lambda: guards.now, clock.sleep))
    yield guards
    await guards.store.close()


async def test_removals_over_the_budget_are_held_and_everything_else_goes_on(guards):
    """The hold names the object; creates and updates never wait for the budget."""
    await guards.own(10)
    plans = {user(n): removal(n) for n in range(4)} | {user(20): CREATE, user(5): UPDATE}
    limited = await guards.limit(plans)
    assert [limited[user(n)].action for n in range(4)] == [Action.SOFT_DELETE] * 2 + [Action.HOLD] * 2
    assert limited[user(3)] == Plan(Action.HOLD, "deletionBudget", "target-3", objects=("target-3",))
    assert (limited[user(20)], limited[user(5)]) == (CREATE, UPDATE)


async def test_plans_that_write_nothing_ask_the_store_nothing(guards):
    """A pass in which nobody changed costs nothing here, even if the store is down."""
    await guards.store.close()
    plans = {user(1): Plan(Action.NOTHING, "upToDate")}
    assert await limit(guards, "emea", TWO, plans, {}, now=NOW) == plans


async def test_a_block_that_follows_the_source_is_no_removal(guards):
    """Only a block because of leaving the scope is charged."""
    await guards.own(10)
    blocked = Plan(Action.DISABLE, "changed", "t", Change({"accountEnabled": False}))
    left = replace(blocked, reason="notInGroup")
    limited = await guards.limit({user(n): blocked if n < 5 else left for n in range(10)})
    assert [limited[user(n)].action for n in range(10)] == [Action.DISABLE] * 7 + [Action.HOLD] * 3


async def test_the_share_is_of_the_live_users_of_the_target(guards):
    """Removed ones do not count; and a target that has just grown is counted again before anybody is held."""
    guards.budget = DeletionBudget(count=500, percent=10)
    await guards.own(10)
    for n in range(5):
        await guards.put(n, state=LinkState.SOFT_DELETED)
    limited = await guards.limit({user(n): removal(n) for n in (5, 6)})
    assert [limited[user(n)].action for n in (5, 6)] == [Action.SOFT_DELETE, Action.HOLD]
    await guards.store.write_links([Link("emea", user(n), LinkState.ACTIVE, f"target-{n}") for n in range(50, 90)])
    guards.now += 2 * MINUTE
    limited = await guards.limit({user(n): removal(n) for n in (7, 8, 9)})
    assert {plan.action for plan in limited.values()} == {Action.SOFT_DELETE}


async def test_workers_side_by_side_never_exceed_the_budget_together(guards, tmp_path):
    """Each with a connection of its own, all at once."""
    await guards.own(60)
    links = await guards.links()
    stores = [SQLiteStore(tmp_path / "store.sqlite3") for _ in range(6)]
    budget = DeletionBudget(count=25, percent=100)
    passes = [
        limit(
            Guards(store, guards.clock), "emea", budget, {user(n): removal(n) for n in range(w * 10, w * 10 + 10)},
            links, now=NOW,
        )
        for w, store in enumerate(stores)
    ]  # fmt: skip
    limited = await asyncio.gather(*passes)
    removed = sum(plan.action is Action.SOFT_DELETE for plans in limited for plan in plans.values())
    retried = sum(plan.action is Action.RETRY for plans in limited for plan in plans.values())
    for store in stores:
        await store.close()
    assert removed == 25
    assert retried == 0


@pytest.mark.parametrize("reading", [1, 2])
async def test_a_worker_that_comes_between_reading_and_writing_is_not_overlooked(guards, reading):
    """What the other charged counts, whichever of the readings it follows."""
    await guards.own(10)
    others = []

    async def other():
        others.append(await guards.limit({user(0): removal(0)}))

    mine = Guards(InterruptedStore(guards.store, "deletions:emea", reading, other), guards.clock)
    limited = await mine.limit({user(n): removal(n) for n in (1, 2)})
    assert others == [{user(0): removal(0)}]
    assert [limited[user(n)].action for n in (1, 2)] == [Action.SOFT_DELETE, Action.HOLD]


@pytest.mark.parametrize("value", ["{", '{"v":99}', "[]"])
async def test_a_ledger_that_cannot_be_read_holds_every_removal(guards, value):
    """Unknown never deletes; creates go on, and the operator is told."""
    await guards.own(5)
    await guards.store.put_state(StateRow("deletions:emea", value))
    limited, alerts = await guards.attempt({user(1): removal(1), user(20): CREATE})
    assert [limited[user(1)].action, limited[user(20)].action] == [Action.HOLD, Action.CREATE]
    assert [(alert.kind, alert.counts) for alert in alerts] == [(OperationKind.DELETION_BUDGET_EXCEEDED, {"held": 1})]
    assert (await guards.store.get_state("deletions:emea")).value == value


async def test_held_removals_are_told_once_a_day(guards):
    """Not for every user, nor for every pass; with how many were held in the pass, and how many are allowed."""
    await guards.own(10)
    told = []
    for hours, numbers in ((0, (0, 1, 2)), (1, (3, 4)), (24, (5, 6, 7, 8))):
        guards.now = NOW + timedelta(hours=hours)
        _, alerts = await guards.attempt({user(n): removal(n) for n in numbers})
        told.append([(alert.kind, alert.actions, alert.counts) for alert in alerts])
    alert = (OperationKind.DELETION_BUDGET_EXCEEDED, (ActionKind.REMOVE,))
    assert told == [[(*alert, {"held": 1, "allowance": 2})], [], [(*alert, {"held": 4, "allowance": 2})]]


async def test_a_refused_removal_gives_its_charge_back_and_a_lost_answer_does_not(guards):
    """A refusal removed nobody; of a timeout nobody knows."""
    await guards.own(10)
    refused, lost = Fault(FaultSize.USER, "InsufficientRights"), Fault(FaultSize.TRANSIENT, "Timeout")
    outcomes = {user(0): Outcome("t", refused), user(1): Outcome("t", lost)}
    await guards.attempt({user(0): removal(0), user(1): removal(1)}, outcomes)
    limited = await guards.limit({user(2): removal(2), user(3): removal(3)})
    assert [limited[user(n)].action for n in (2, 3)] == [Action.SOFT_DELETE, Action.HOLD]


# --- holds ----------------------------------------------------------------------------------------------------------


async def hold_some(guards):
    """Two removed, three held."""
    await guards.own(10)
    await guards.attempt({user(n): removal(n) for n in range(5)})


async def test_holds_are_listed_with_reason_objects_and_the_time_they_began(guards):
    """Also when later looks at them failed, or were made on another day."""
    await hold_some(guards)
    guards.now += timedelta(days=3)
    await guards.attempt({user(2): removal(2)})
    await guards.put(3, reason="Timeout")
    await guards.attempt({user(3): removal(3)})
    holds = await list_holds(guards, "emea")
    assert [(hold.source_id, hold.reason, hold.since, hold.objects) for hold in holds] == [
        (user(n), "deletionBudget", NOW, (f"target-{n}",)) for n in (2, 3, 4)
    ]


async def test_a_released_removal_passes_once_and_the_others_go_on_waiting(guards):
    """Even days later, when the window has room again."""
    await hold_some(guards)
    holds = await holds_of(guards, await find_links(guards, "emea", user(2)))
    await release_holds(guards, "emea", holds)
    assert [(change.user_id, change.kind, change.target) for change in guards.topic.sent] == [
        (user(2), Kind.CHECK, "emea")
    ]
    guards.now += timedelta(days=2)
    limited, _ = await guards.attempt({user(n): removal(n) for n in (2, 3)})
    assert [limited[user(n)].action for n in (2, 3)] == [Action.SOFT_DELETE, Action.HOLD]
    await guards.put(2, state=LinkState.HELD, reason="deletionBudget")
    limited, _ = await guards.attempt({user(2): removal(2)})
    assert limited[user(2)].action is Action.HOLD


async def test_a_user_is_found_by_source_and_by_target_id(guards):
    """Whichever id the administrator has at hand."""
    await hold_some(guards)
    for name in (user(2), "target-2"):
        assert [link.source_id for link in await find_links(guards, "emea", name)] == [user(2)]


async def test_a_release_that_exceeds_the_budget_has_to_be_confirmed(guards):
    """Earlier releases that still wait count with it, so that it cannot be cut into slices."""
    await hold_some(guards)
    holds = await list_holds(guards, "emea")
    with pytest.raises(TooManyRemovalsError, match="3 removals, and the deletion budget allows 2"):
        await check_release(guards, "emea", holds, TWO, confirmed=False)
    await check_release(guards, "emea", holds, TWO, confirmed=True)
    await check_release(guards, "emea", holds[:2], TWO, confirmed=False)
    await release_holds(guards, "emea", holds[:2])
    with pytest.raises(TooManyRemovalsError):
        await check_release(guards, "emea", holds[2:], TWO, confirmed=False)


async def test_old_holds_are_looked_at_again_and_nothing_is_released(guards):
    """The check finds out whether the cause is gone; notes of ended holds are forgotten."""
    await hold_some(guards)
    guards.now += timedelta(days=8)
    await guards.put(2, state=LinkState.ACTIVE, reason="upToDate")
    await guards.attempt({user(5): Plan(Action.HOLD, "severalMatches", objects=("a", "b"))})
    assert await revisit_holds(guards, "emea", timedelta(days=7)) == 2
    assert [(change.user_id, change.kind) for change in guards.topic.sent] == [
        (user(3), Kind.CHECK),
        (user(4), Kind.CHECK),
    ]
    limited = await guards.limit({user(3): removal(3)})
    assert limited[user(3)].action is Action.HOLD
    assert user(2) not in (await guards.store.get_state("holds:emea:0")).value


# --- pause and quarantine -------------------------------------------------------------------------------------------


async def test_a_throttled_target_pauses_for_all_workers(guards, tmp_path):
    """The longest Retry-After counts, and nothing at all is written until then."""
    throttled = [Fault(FaultSize.THROTTLED, "TooManyRequests", timedelta(seconds=s)) for s in (30, 90)]
    plans = {user(1): UPDATE, user(2): UPDATE}
    await guards.attempt(plans, {user(n): Outcome("t", fault) for n, fault in zip((1, 2), throttled, strict=True)})
    other = Guards(SQLiteStore(tmp_path / "store.sqlite3"), guards.clock, now=NOW + MINUTE)
    limited = await other.limit({user(3): CREATE, user(4): Plan(Action.NOTHING, "upToDate")})
    fault = Fault(FaultSize.THROTTLED, "TooManyRequests", timedelta(seconds=30))
    assert limited[user(3)] == Plan(Action.RETRY, "throttled", fault=fault)
    assert was_not_tried(limited[user(3)])
    assert limited[user(4)].action is Action.NOTHING
    other.now = NOW + timedelta(seconds=90)
    assert await other.limit({user(3): CREATE}) == {user(3): CREATE}
    await other.store.close()


async def test_blocked_invitations_stop_creates_alone_and_come_back_with_one_probe(guards):
    """One alert when it begins, one when it ends, none between."""
    told = []
    _, alerts = await guards.attempt({user(n): CREATE for n in range(20)}, default=Outcome(None, BLOCKED))
    told += alerts
    limited, alerts = await guards.attempt({user(1): CREATE, user(2): UPDATE})
    told += alerts
    assert limited[user(1)] == Plan(
        Action.RETRY, "quarantined", fault=Fault(FaultSize.TENANT, "InvitationsBlocked", MINUTE)
    )
    assert limited[user(2)] == UPDATE
    for minutes, default in ((1, Outcome(None, BLOCKED)), (6, Outcome("new"))):
        guards.now = NOW + minutes * MINUTE
        limited, alerts = await guards.attempt({user(n): CREATE for n in range(5)}, default=default)
        assert [plan.action for plan in limited.values()].count(Action.CREATE) == 1
        told += alerts
    assert [(alert.kind, alert.actions, alert.reason_code) for alert in told] == [
        (OperationKind.QUARANTINE_ENTERED, (ActionKind.CREATE,), "InvitationsBlocked"),
        (OperationKind.QUARANTINE_LEFT, (ActionKind.CREATE,), "InvitationsBlocked"),
    ]
    limited, _ = await guards.attempt({user(n): CREATE for n in range(5)})
    assert {plan.action for plan in limited.values()} == {Action.CREATE}


async def test_an_invitation_that_was_taken_is_a_good_probe_even_if_the_rest_failed(guards):
    """What was blocked were invitations."""
    await guards.attempt({user(1): CREATE}, default=Outcome(None, BLOCKED))
    guards.now += MINUTE
    young = Outcome("new", Fault(FaultSize.YOUNG, "NotFound"))
    _, alerts = await guards.attempt({user(1): CREATE}, default=young)
    assert [alert.kind for alert in alerts] == [OperationKind.QUARANTINE_LEFT]


async def test_several_workers_send_one_probe(guards, tmp_path):
    """All at once, at the due time."""
    await guards.attempt({user(1): CREATE}, default=Outcome(None, BLOCKED))
    stores = [SQLiteStore(tmp_path / "store.sqlite3") for _ in range(4)]
    limited = await asyncio.gather(
        *(
            limit(Guards(store, guards.clock), "emea", TWO, {user(n): CREATE}, {}, now=NOW + MINUTE)
            for n, store in enumerate(stores)
        )
    )
    for store in stores:
        await store.close()
    assert sum(plan.action is Action.CREATE for plans in limited for plan in plans.values()) == 1


async def test_a_target_that_cannot_be_read_is_quarantined_for_everything_with_one_alert(guards):
    """Consent revoked: not even a look succeeds, so no write is ever tried."""
    gone = Fault(FaultSize.TENANT, "InsufficientRights")
    plans = {user(n): Plan(Action.RETRY, gone.code, fault=gone) for n in range(3)}
    _, alerts = await guards.attempt(plans)
    assert [(alert.kind, alert.actions) for alert in alerts] == [(OperationKind.QUARANTINE_ENTERED, tuple(ActionKind))]
    _, alerts = await guards.attempt(plans)
    assert alerts == ()
    limited = await guards.limit({user(5): CREATE, user(6): UPDATE, user(7): removal(7)})
    assert all(was_not_tried(plan) for plan in limited.values())


async def test_quarantined_removals_are_not_charged(guards):
    """What is not tried must not use the budget up; a probe that was beaten to it gives its charge back."""
    await guards.own(10)
    refused = Outcome("t", Fault(FaultSize.TENANT, "InsufficientRights"))
    await guards.attempt({user(0): removal(0)}, default=refused)
    for _ in range(3):
        await guards.attempt({user(n): removal(n) for n in (1, 2, 3)})
    guards.now += MINUTE
    limited, alerts = await guards.attempt({user(n): removal(n) for n in (1, 2, 3)})
    assert [limited[user(n)].action for n in (1, 2, 3)] == [Action.SOFT_DELETE, Action.RETRY, Action.RETRY]
    assert [alert.kind for alert in alerts] == [OperationKind.QUARANTINE_LEFT]
    limited = await guards.limit({user(n): removal(n) for n in (2, 3)})
    assert [limited[user(n)].action for n in (2, 3)] == [Action.SOFT_DELETE, Action.HOLD]


async def test_a_probe_that_was_beaten_to_it_waits_and_gives_its_charge_back(guards):
    """Two workers see that it is due; one removal is tried and charged."""
    await guards.own(10)
    refused = Outcome("t", Fault(FaultSize.TENANT, "InsufficientRights"))
    await guards.attempt({user(0): removal(0)}, default=refused)
    guards.now += MINUTE
    others = []

    async def other():
        others.append(await guards.limit({user(1): removal(1)}))

    mine = Guards(InterruptedStore(guards.store, "health:emea", 1, other), guards.clock, now=guards.now)
    limited = await mine.limit({user(2): removal(2)})
    assert others == [{user(1): removal(1)}]
    assert was_not_tried(limited[user(2)])
    assert spent(decode_ledger((await guards.store.get_state("deletions:emea")).value), TWO, guards.now) == 1


async def test_health_that_cannot_be_read_begins_anew(guards):
    """It is learnt again from the next fault; it must not stop a target for ever."""
    await guards.store.put_state(StateRow("health:emea", "{"))
    assert await guards.limit({user(1): CREATE}) == {user(1): CREATE}
    _, alerts = await guards.attempt({user(1): CREATE}, default=Outcome(None, BLOCKED))
    assert [alert.kind for alert in alerts] == [OperationKind.QUARANTINE_ENTERED]
