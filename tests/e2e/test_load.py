"""The benchmarks of load, small: what is counted holds at any size. Times are the full benchmarks' affair."""

from __future__ import annotations

from benchmarks import latency, write_quota

QUICK = {"WINDOW_SECONDS": 1.0, "SETTLE_SECONDS": 2.0, "SECOND_LOOK_SECONDS": 4.0, "LOCK_SECONDS": 60.0}


async def test_people_who_join_at_once_are_all_written_and_graph_never_refuses():
    """An invitation and an update for each, under Graph's own quota, by the product's own times."""
    figure = await write_quota.measure(30)
    assert figure.measured["writes"] == 2 * 30, figure.line()
    assert figure.measured["throttled"] == figure.measured["wrong"] == 0, figure.line()


async def test_every_change_arrives():
    """Of people who change twice, both, or the second alone where it overtook the first."""
    figure = await latency.measure(10, per_second=4, seconds=5, times=QUICK)
    counted = {name: figure.measured[name] for name in ("changes", "neverArrived", "throttled", "wrong")}
    assert counted == {"changes": 20, "neverArrived": 0, "throttled": 0, "wrong": 0}, figure.line()
