"""The write budget never outruns Graph's quota."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.graph.pace import WriteBudget, share


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    async def sleep(self, seconds):
        self.now += seconds


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(1, 20), st.floats(0, 3)), max_size=300))
async def test_no_window_of_150_seconds_holds_more_than_the_quota(targets, spendings):
    """3,000 writes in 150 s per tenant, whatever the rhythm of the callers."""
    time = Time()
    budget = WriteBudget(share(targets), lambda: time.now, time.sleep)
    sent = []
    for writes, pause in spendings:
        time.now += pause
        await budget.spend(writes)
        sent.append((time.now, writes))
    for start, _ in sent:
        assert sum(writes for at, writes in sent if start <= at <= start + 150) <= 3000 + 20


async def test_work_that_waits_gets_nearly_all_of_the_pace():
    """In the long run 16 writes a second for up to six targets."""
    time = Time()
    budget = WriteBudget(share(1), lambda: time.now, time.sleep)
    for _ in range(1000):
        await budget.spend(20)
    assert (20_000 - 600) / 16 - 2 <= time.now <= (20_000 - 600) / 16 + 2


def test_many_targets_share_the_apps_own_quota():
    """35,000 writes in 300 s over all tenants, less a tenth."""
    assert share(6).per_second == 16
    assert share(10).per_second == 10.5
