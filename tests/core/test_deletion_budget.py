"""The deletion budget: never exceeded by any number of workers, and never in the way of anything but removals."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.guard import (
    MAX_RELEASES,
    RELEASE_LIFE,
    DeletionBudget,
    Ledger,
    Removal,
    UnreadableRowError,
    admit,
    alert_due,
    alerted,
    count_age,
    decode_ledger,
    encode_ledger,
    release,
    settle,
    spent,
    waiting_releases,
    with_count,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def leaving(*user_ids: str) -> list[Removal]:
    """Users who leave for the first time."""
    return [Removal(user_id, waits=False) for user_id in user_ids]


def held(*user_ids: str) -> list[Removal]:
    """Users whose removal was held before."""
    return [Removal(user_id, waits=True) for user_id in user_ids]


def people(count: int) -> list[str]:
    """So many different users."""
    return [f"u{number}" for number in range(count)]


FULL = with_count(Ledger(), 1000, NOW)
FIVE = DeletionBudget(count=5)


@pytest.mark.parametrize(
    ("budget", "owned", "allowance"),
    [
        (DeletionBudget(), 100_000, 500),
        (DeletionBudget(), 1000, 100),
        (DeletionBudget(), 1001, 101),
        (DeletionBudget(), 3, 1),
        (DeletionBudget(), 0, 0),
        (DeletionBudget(count=0), 1000, 0),
        (DeletionBudget(percent=0), 1000, 0),
        (DeletionBudget(percent=0.1), 3000, 3),
        (DeletionBudget(percent=100), 3, 3),
    ],
)
def test_the_smaller_of_count_and_share_counts(budget, owned, allowance):
    """The share is rounded up, so that a small target can lose somebody, and is exact for decimal percents."""
    assert budget.allowance(owned) == allowance


@pytest.mark.parametrize(
    "wrong",
    [{"count": -1}, {"percent": -1.0}, {"percent": 101.0}, {"percent": math.nan}, {"window": timedelta(seconds=1)}],
)
def test_a_budget_without_sense_is_refused(wrong):
    """As early as it is made."""
    with pytest.raises(ValueError, match="has to be"):
        DeletionBudget(**wrong)


def test_removals_pass_up_to_the_budget_and_the_rest_is_held():
    """In the order in which they come."""
    admission = admit(FULL, leaving(*people(8)), FIVE, NOW)
    assert admission.passed == set(people(5))
    assert spent(admission.ledger, FIVE, NOW) == 5


def test_a_charge_expires_after_its_window_and_not_before():
    """A whole window passes first; the slices of the ledger add at most a fiftieth."""
    ledger = admit(FULL, leaving(*people(5)), FIVE, NOW).ledger
    assert admit(ledger, leaving("next"), FIVE, NOW + DAY).passed == set()
    assert admit(ledger, leaving("next"), FIVE, NOW + DAY * 1.03).passed == {"next"}


def test_a_worker_whose_pass_began_earlier_does_not_turn_the_time_back():
    """Its removals happen now, not when it began, so that is how long they count."""
    ledger = admit(FULL, leaving("first"), FIVE, NOW + DAY).ledger
    late = admit(ledger, leaving(*people(4)), FIVE, NOW + DAY / 2)
    assert len(late.passed) == 4
    assert spent(late.ledger, FIVE, NOW + DAY * 1.9) == 5


def test_who_was_held_waits_for_a_release_even_when_there_is_room():
    """A mass removal must not trickle through, a budget a day."""
    assert admit(FULL, held("a"), FIVE, NOW).passed == set()
    assert admit(release(FULL, ["a"], NOW), held("a", "b"), FIVE, NOW).passed == {"a"}


def test_a_release_passes_over_a_spent_budget_and_is_struck_once_it_was_used():
    """Once means once."""
    ledger = admit(FULL, leaving(*people(5)), FIVE, NOW).ledger
    ledger = release(ledger, ["a"], NOW)
    admission = admit(ledger, held("a"), FIVE, NOW)
    assert admission.passed == {"a"}
    ledger = settle(admission.ledger, removed=["a"], refused=[])
    assert waiting_releases(ledger, NOW) == set()
    assert admit(ledger, held("a"), FIVE, NOW).passed == set()


def test_a_release_stays_while_the_write_is_refused():
    """The person's decision is not used up by throttling."""
    ledger = release(FULL, ["a"], NOW)
    ledger = settle(admit(ledger, held("a"), FIVE, NOW).ledger, removed=[], refused=["a"])
    assert admit(ledger, held("a"), FIVE, NOW).passed == {"a"}


def test_a_release_of_an_earlier_hold_is_void_for_a_later_one():
    """Somebody who came back, and leaves again, is another matter than the one that was released."""
    spent_up = admit(FULL, leaving(*people(5)), FIVE, NOW).ledger
    ledger = release(spent_up, ["a"], NOW)
    again = admit(ledger, leaving("a"), FIVE, NOW)
    assert again.passed == set()
    assert admit(again.ledger, held("a"), FIVE, NOW).passed == set()


def test_an_unused_release_does_not_wait_for_ever():
    """After its life it lets nobody pass."""
    ledger = release(FULL, ["a"], NOW)
    assert admit(ledger, held("a"), FIVE, NOW + RELEASE_LIFE - timedelta(minutes=1)).passed == {"a"}
    assert admit(ledger, held("a"), FIVE, NOW + RELEASE_LIFE).passed == set()


def test_more_releases_than_a_row_holds_are_refused():
    """And as many as are allowed do fit into a row of the store."""
    ids = [f"0a1b2c3d-0000-4000-8000-{number:012d}" for number in range(MAX_RELEASES + 1)]
    most = release(FULL, ids[:MAX_RELEASES], NOW)
    document = json.dumps({"name": "deletions:" + "t" * 31, "value": encode_ledger(most)})
    assert len(document) < 480_000
    with pytest.raises(ValueError, match="5001 releases"):
        release(most, ids, NOW)


def test_a_refused_write_gives_its_charge_back():
    """Nobody was removed, so it does not count."""
    ledger = admit(FULL, leaving("a", "b"), FIVE, NOW).ledger
    assert spent(settle(ledger, removed=["a"], refused=["b"]), FIVE, NOW) == 1


def test_somebody_whose_attempt_was_never_settled_is_charged_once():
    """A lost answer, or a crash: they are still there, so the first charge removed nobody."""
    budget = DeletionBudget(count=1)
    ledger = admit(FULL, leaving("a"), budget, NOW).ledger
    again = admit(ledger, leaving("a"), budget, NOW + timedelta(minutes=1))
    assert again.passed == {"a"}
    assert spent(again.ledger, budget, NOW) == 1


def test_without_a_count_of_users_nobody_is_removed():
    """A share of a number that is not known is nothing."""
    assert admit(Ledger(), leaving("a"), DeletionBudget(), NOW).passed == set()
    assert count_age(Ledger(), NOW) == timedelta.max
    assert count_age(FULL, NOW + DAY) == DAY


def test_an_alert_is_due_once_a_day():
    """A wave of held removals is told once, and again while it lasts."""
    told = alerted(Ledger(), NOW)
    assert alert_due(Ledger(), NOW)
    assert not alert_due(told, NOW + timedelta(hours=23))
    assert alert_due(told, NOW + DAY)


# --- any interleaving of workers ------------------------------------------------------------------------------------


@dataclass
class Row:
    """A state row: compare-and-set on a version."""

    value: Ledger
    version: int = 0


@dataclass
class Worker:
    """One worker between reading the row and having its answers."""

    users: tuple[str, ...] = ()
    began: datetime = NOW
    read: Row | None = None
    passed: frozenset[str] = frozenset()


@dataclass
class World:
    """Several workers, one row, and a target in which people are there or not."""

    budget: DeletionBudget
    now: datetime = NOW
    row: Row = field(default_factory=lambda: Row(FULL))
    gone: dict[str, datetime] = field(default_factory=dict)

    def begin(self, worker: Worker, users: tuple[str, ...]) -> None:
        worker.users, worker.began, worker.read = users, self.now, dataclasses.replace(self.row)
        worker.passed = frozenset()

    def store(self, worker: Worker) -> None:
        if worker.read is None:
            return
        present = [user_id for user_id in worker.users if user_id not in self.gone]
        admission = admit(worker.read.value, leaving(*present), self.budget, worker.began)
        if worker.read.version == self.row.version:
            self.row = Row(admission.ledger, self.row.version + 1)
            worker.passed, worker.read = admission.passed, None
        else:
            worker.read = dataclasses.replace(self.row)

    def write(self, worker: Worker, fate: str) -> None:
        passed, worker.passed = worker.passed - self.gone.keys(), frozenset()
        if fate in {"removed", "answer lost", "crash after"}:
            self.gone |= dict.fromkeys(passed, self.now)
        if fate in {"removed", "refused"}:
            ledger = settle(
                self.row.value,
                removed=passed if fate == "removed" else (),
                refused=passed if fate == "refused" else (),
            )
            self.row = Row(ledger, self.row.version + 1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.integers(0, 2), st.sets(st.integers(0, 29), min_size=1, max_size=6)),
        st.tuples(st.just("store"), st.integers(0, 2), st.none()),
        st.tuples(
            st.just("write"),
            st.integers(0, 2),
            st.sampled_from(["removed", "removed", "refused", "answer lost", "crash before", "crash after"]),
        ),
        st.tuples(st.just("wait"), st.integers(0, 2), st.floats(0, 9)),
    ),
    min_size=10,
    max_size=80,
)


@given(STEPS, st.integers(0, 6))
def test_no_window_ever_sees_more_removals_than_the_budget(steps, count):
    """Whatever the interleaving, crashes, lost answers and refusals of three workers."""
    budget = DeletionBudget(count=count, window=DAY)
    world, workers = World(budget), [Worker(), Worker(), Worker()]
    for kind, number, detail in steps:
        worker = workers[number]
        match kind:
            case "begin":
                # One user is one worker's at a time: the claim on the link sees to that.
                busy = {
                    user_id for other in workers if other is not worker for user_id in (*other.users, *other.passed)
                }
                users = tuple(f"u{user}" for user in sorted(detail) if f"u{user}" not in busy)
                world.begin(worker, users)
            case "store":
                world.store(worker)
            case "write":
                if worker.read is None:
                    world.write(worker, detail)
                    worker.users = ()
            case "wait":
                if any(worker.users for worker in workers):  # a pass lasts minutes, a message's lock
                    world.now += timedelta(minutes=detail / 9)
                else:
                    world.now += timedelta(hours=detail)
        for at in world.gone.values():
            assert sum(at - DAY < other <= at for other in world.gone.values()) <= count


# --- on its way to the store and back -------------------------------------------------------------------------------

SECONDS = st.integers(0, 2**40)
USERS = st.dictionaries(st.text(max_size=8), SECONDS, max_size=5)
LEDGERS = st.builds(
    Ledger,
    as_of=SECONDS,
    charges=st.dictionaries(SECONDS, st.integers(0, 1000), max_size=5),
    unsettled=USERS,
    releases=USERS,
    owned=SECONDS,
    counted_at=st.none() | SECONDS,
    alerted_at=st.none() | SECONDS,
)


@given(LEDGERS)
def test_a_ledger_is_read_as_it_was_written(ledger):
    """Every field."""
    assert decode_ledger(encode_ledger(ledger)) == ledger


GOOD = json.loads(encode_ledger(FULL))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps(GOOD | {"v": 2}),
        *(json.dumps({name: value for name, value in GOOD.items() if name != left_out}) for left_out in
          ("v", "asOf", "charges", "unsettled", "releases", "owned")),
        json.dumps(GOOD | {"charges": [[1]]}),
        json.dumps(GOOD | {"charges": [[1, -5]]}),
        json.dumps(GOOD | {"charges": [[1, True]]}),
        json.dumps(GOOD | {"releases": {"a": "soon"}}),
        json.dumps(GOOD | {"owned": 1e9}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_never_taken_for_an_empty_ledger(text):
    """An empty ledger would let everybody pass."""
    with pytest.raises(UnreadableRowError):
        decode_ledger(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda t: st.lists(t) | st.dictionaries(st.text(), t),
        max_leaves=8,
    )
)
def test_no_json_makes_reading_fail_in_another_way(value):
    """Only as unreadable."""
    text = json.dumps(GOOD | value) if isinstance(value, dict) else json.dumps(value)
    with contextlib.suppress(UnreadableRowError):
        decode_ledger(text)
