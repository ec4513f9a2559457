"""The write budget never outruns Graph's quota."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.graph.pace import WriteBudget, share

CALL = 20  # writes of one $batch


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    async def sleep(self, seconds):
        self.now += seconds


def budget_at(time, targets=1):
    return WriteBudget(share(targets), lambda: time.now, time.sleep)


def most(arrived, seconds):
    """The most writes in any window of so many seconds, both ends included."""
    return max((sum(n for at, n in arrived if start <= at <= start + seconds) for start, _ in arrived), default=0)


calls = st.tuples(
    st.integers(1, CALL),
    st.floats(0, 3),  # seconds until somebody wants to write
    st.floats(0, 30),  # seconds until Graph takes the call
)


@given(st.integers(1, 40), st.lists(calls, max_size=300))
async def test_no_window_of_150_seconds_holds_more_than_the_quota(targets, sequence):
    """3,000 writes in 150 s per tenant as they arrive, whatever the rhythm of the callers and however slow Graph is."""
    time = Time()
    budget = budget_at(time, targets)
    arrived = []
    for writes, pause, journey in sequence:
        time.now += pause
        await budget.spend(writes)
        time.now += journey  # one call after the other
        arrived.append((time.now, writes))
    assert most(arrived, 150) <= 3000 - 2 * CALL


@given(st.lists(st.tuples(st.booleans(), st.integers(1, CALL), st.floats(0, 60)), max_size=300))
async def test_a_new_process_does_not_begin_with_a_burst(sequence):
    """However often a worker is started anew, and however long it had nothing to do."""
    time = Time()
    budget = budget_at(time)
    sent = []
    for restart, writes, pause in sequence:
        time.now += pause
        if restart:
            budget = budget_at(time)
        await budget.spend(writes)
        sent.append((time.now, writes))
    assert most(sent, 150) <= 3000 - 3 * CALL


async def test_the_bound_is_tight_after_a_rest():
    """Everything that was saved up, and the pace for 150 s: 2,940, or one call less."""
    time = Time()
    budget = budget_at(time)
    time.now += 3600
    sent = []
    for _ in range(400):
        await budget.spend(CALL)
        sent.append((time.now, CALL))
    assert 2940 - CALL <= most(sent, 150) <= 2940


async def test_work_that_waits_gets_93_percent_of_the_quota():
    """In the long run 18.6 writes a second, moments between two batches included."""
    time = Time()
    budget = budget_at(time)
    for _ in range(100):
        time.now += 3
        for _ in range(10):
            await budget.spend(CALL)
    assert 0.925 <= 20_000 / time.now / 20 <= 0.931


def test_many_targets_share_the_apps_own_quota():
    """35,000 writes in 300 s over all tenants, less a tenth."""
    assert share(5).per_second == 18.6
    assert share(6).per_second == 17.5
    assert share(10).per_second == 10.5
    for targets in range(1, 50):
        pace = share(targets)
        assert targets * (pace.burst + 300 * pace.per_second) <= 35_000
