"""The benchmarks of load, small: what is counted holds at any size. Times are the full benchmarks' affair."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from benchmarks import backlog, flood, latency, memory, write_quota

ROOT = Path(__file__).resolve().parents[2]

QUICK = {"WINDOW_SECONDS": 1.0, "SETTLE_SECONDS": 2.0, "SECOND_LOOK_SECONDS": 4.0, "LOCK_SECONDS": 60.0}


async def test_people_who_join_at_once_are_all_written_and_graph_never_refuses():
    """An invitation and an update for each, under Graph's own quota, by the product's own times.

    An update may meet a replica that does not know the new user yet. It is made again, and carried out once.
    """
    figure = await write_quota.measure(30)
    assert figure.measured["writes"] == 2 * 30, figure.line()
    assert figure.measured["refusedByReplicas"] <= figure.expected["refusedByReplicas"], figure.line()
    assert figure.measured["throttled"] == figure.measured["wrong"] == 0, figure.line()


async def test_every_change_arrives():
    """Of people who change twice, both, or the second alone where it overtook the first."""
    figure = await latency.measure(10, per_second=4, seconds=5, times=QUICK)
    counted = {name: figure.measured[name] for name in ("changes", "neverArrived", "throttled", "wrong")}
    assert counted == {"changes": 20, "neverArrived": 0, "throttled": 0, "wrong": 0}, figure.line()


async def test_a_flood_is_answered_and_nobody_is_wrong_after_it():
    """Each notification with 202; twenty of each person within moments come to a few messages."""
    figure = await flood.measure(10, each=20, seconds=4, times=QUICK)
    measured = figure.measured
    assert (measured["notifications"], measured["accepted"], measured["serverErrors"]) == (200, 1.0, 0), figure.line()
    assert 10 <= measured["messages"] < 200, figure.line()
    assert measured["deadLettered"] == measured["throttled"] == measured["wrong"] == 0, figure.line()


async def test_a_backlog_is_worked_off_and_nobody_is_lost_in_it():
    """Whoever joined during the outage is in the target, and nobody else is looked at more than once."""
    figure = await backlog.measure(300, times=QUICK)
    measured = figure.measured
    assert measured["joined"] == 3
    assert 300 <= measured["handedOver"] <= 300 + 2 * 3, figure.line()
    assert measured["deadLettered"] == measured["throttled"] == measured["wrong"] == 0, figure.line()


async def test_a_steady_life_is_measured_and_leaves_nobody_wrong():
    """What a process of a few seconds weighs tells nothing; that everybody is right does."""
    figure = await memory.measure(0.1, 5, per_second=3, times=QUICK)
    counted = {name: figure.measured[name] for name in ("changes", "deadLettered", "throttled", "wrong")}
    assert counted == {"changes": 18, "deadLettered": 0, "throttled": 0, "wrong": 0}, figure.line()
    assert figure.measured["peakMiB"] > 0


async def test_cycles_and_catch_ups_ask_for_what_they_must_and_write_nothing():
    """Both lists and no more for a cycle with nothing to do; for a catch-up, requests that follow the changes."""
    command = (sys.executable, "-m", "benchmarks.cycles", "--users", "1100")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    lines = [json.loads(line) for line in out.splitlines() if line.startswith(b'{"benchmark"')]
    figures = {line["benchmark"]: line for line in lines}
    assert {name: figures[name]["measured"]["requests"] for name in ("cycle.first", "cycle")} == {
        "cycle.first": 4,
        "cycle": 4,
    }
    assert (figures["cycle"]["measured"]["sent"], figures["cycle"]["measured"]["writes"]) == (0, 0)
    for changes in (0, 100, 1000):
        assert figures[f"catchUp.{changes}"]["met"], figures
