"""A backlog after a long outage: how fast it is worked off, in how much memory, and whether anybody is lost in it.

The host of a whole sandbox stands still while messages gather in its one target's subscription, one for each person
who was told of in the last hour, as the app itself words them. One person in a hundred has joined the scoping group
meanwhile and has to be in the target; about the others there is nothing to do, which is known only once they were read
in the source. Then the host starts. Memory is compared between the first tenth of the work and the last: it must not
depend on what still waits. Prints a line of JSON for each size; ends with 1 where a figure is not met.

    python -m benchmarks.backlog [--messages 5000 20000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from benchmarks import watched
from benchmarks.figure import Figure
from benchmarks.flood import silence
from benchmarks.newcomers import SOURCE, Newcomers, product_times, running_sandbox
from sandbox.story.topology import TOPIC
from shared.bus.topic import open_topic
from shared.core.messages import Reason, Timing, UserChange, envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.story.run import Sandbox

_JOINERS: Final = 100  # one person in so many
_SENT_TOGETHER: Final = 1_000  # messages
_OUTAGE: Final = timedelta(hours=1)
_POLL: Final = 0.5  # seconds between two looks
_GROWTH: Final = 24.0  # MiB, between the first tenth of the work and the last
_PER_SECOND: Final = 50.0  # messages; each invitation among a hundred is waited for


@dataclass(frozen=True, slots=True)
class _Look:
    """The backlog and the host at one moment."""

    at: float
    waiting: int  # active and locked
    left: int  # scheduled as well
    dead: int
    resident: float


async def measure(messages: int, times: Mapping[str, float] | None = None) -> Figure:
    """Let so many messages gather and be worked off; `times` are the app's, the product's own if none are given."""
    times = times or product_times()
    async with running_sandbox(times) as sandbox:
        newcomers = Newcomers(sandbox)
        await silence(sandbox)
        await sandbox.host.stop()
        joiners = max(1, messages // _JOINERS)
        await newcomers.join(joiners)
        crowd = {"tenant": SOURCE, "count": messages - joiners, "seed": 1, "first": joiners, "baseline": True}
        others = (await sandbox.cloud.control("POST", "users/generate", crowd))["ids"]
        people = [*newcomers.ids, *others]
        random.Random(1).shuffle(people)
        await _gather(sandbox, people, times)
        handed = watched.handed_over(sandbox)
        began = time.monotonic()
        await sandbox.start_host()
        looks = await _watch(sandbox)
        host = sandbox.host.pid
        cpu, most = watched.cpu_seconds(host), watched.peak(host)
        handed = watched.handed_over(sandbox) - handed
        wrong, throttled = await newcomers.wrong(), await newcomers.throttled()
    worked_off = next(look.at for look in looks if look.waiting == 0) - began
    early, late = _by_tenths(looks, messages)
    return Figure(
        "backlog",
        messages,
        {"perSecond": _PER_SECOND, "grownMiB": _GROWTH, "deadLettered": 0, "throttled": 0, "wrong": 0},
        {
            "perSecond": round(messages / worked_off, 1),
            "workedOffSeconds": round(worked_off, 1),
            "untilQuietSeconds": round(looks[-1].at - began, 1),
            "handedOver": handed,
            "joined": joiners,
            "cpuSeconds": round(cpu, 1),
            "earlyMiB": early,
            "lateMiB": late,
            "peakMiB": most,
            "grownMiB": round(late - early, 1),
            "deadLettered": looks[-1].dead,
            "throttled": throttled,
            "wrong": wrong,
        },
        looks[-1].at - began,
        at_least=frozenset({"perSecond"}),
    )


async def _gather(sandbox: Sandbox, people: Sequence[str], times: Mapping[str, float]) -> None:
    """Put a hint for each person on the topic, as if Graph had told of them one after the other in the last hour."""
    timing = Timing(timedelta(seconds=times["WINDOW_SECONDS"]), timedelta(seconds=times["SETTLE_SECONDS"]))
    now = datetime.now(UTC) - timing.window - timing.settle
    hints = []
    for number, person in enumerate(people):
        heard_at = now - _OUTAGE * (1 - number / len(people))
        change = UserChange(person, Reason.NOTIFICATION, seen_at=heard_at)
        hints.append(envelope(change, not_before=heard_at, timing=timing))
    connection = sandbox.bus.ready["connectionString"]
    topic = open_topic(TOPIC, connection_string=connection, namespace=None, credential=None)
    try:
        for start in range(0, len(hints), _SENT_TOGETHER):
            await topic.send(hints[start : start + _SENT_TOGETHER])
    finally:
        await topic.close()
    waits = await watched.waiting(sandbox)
    if waits["active"] != len(people):
        raise RuntimeError(f"{len(people)} messages should wait, and {waits['active']} do")


async def _watch(sandbox: Sandbox) -> list[_Look]:
    """Look again and again until nothing is left to do."""
    looks: list[_Look] = []
    while not looks or looks[-1].left:
        await asyncio.sleep(_POLL)
        counts = await watched.waiting(sandbox)
        waiting = counts["active"] + counts["locked"]
        memory = watched.resident(sandbox.host.pid)
        left = waiting + counts["scheduled"]
        looks.append(_Look(time.monotonic(), waiting, left, counts["deadLettered"], memory))
    return looks


def _by_tenths(looks: Sequence[_Look], messages: int) -> tuple[float, float]:
    """The most memory until a tenth of the backlog was worked off, and while the last tenth was, in MiB."""
    last = next(number for number, look in enumerate(looks) if look.waiting == 0)
    early = [before.resident for before, after in pairwise(looks[: last + 1]) if before.waiting >= messages * 0.8]
    late = [look.resident for look in looks[: last + 1] if look.waiting <= messages * 0.1]
    return max(early, default=looks[0].resident), max(late)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, nargs="+", default=[5_000, 20_000])
    figures = []
    for messages in parser.parse_args().messages:
        figures.append(asyncio.run(measure(messages)))
        print(figures[-1].line(), flush=True)
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
