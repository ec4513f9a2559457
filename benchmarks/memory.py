"""Whether the memory of a running host stays flat: a steady life of changes, and its size minute by minute.

Everybody is in the target before. Then people change one after the other, a few a second, as in benchmarks/latency.py,
while the timers do what they always do. A process grows in its first minutes, as it meets everything once; what counts
is the growth after that, between the end of the first third and the end. Prints a line of JSON; ends with 1 where the
figure is not met.

    python -m benchmarks.memory [--minutes 5] [--users 300] [--per-second 3]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks import watched
from benchmarks.figure import Figure
from benchmarks.flood import until_quiet
from benchmarks.newcomers import SOURCE, Newcomers, product_times, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.story.run import Sandbox

_GROWTH: Final = 8.0  # MiB in the last two thirds
_TITLE: Final = "Title {}"
_SECONDS: Final = 60  # between two looks


async def measure(minutes: float, users: int, per_second: float, times: Mapping[str, float] | None = None) -> Figure:
    """Live for so long with so many people; `times` are the app's, the product's own if none are given."""
    async with running_sandbox(times or product_times()) as sandbox:
        newcomers = Newcomers(sandbox)
        await newcomers.join(users)
        if wrong := await newcomers.arrive():
            raise RuntimeError(f"{wrong} people were wrong in the target before anybody changed")
        cpu, seconds = watched.cpu_seconds(sandbox.host.pid), minutes * 60
        life = asyncio.create_task(_live(sandbox, newcomers.ids, round(per_second * seconds), per_second))
        sizes = await _sizes(sandbox.host.pid, seconds)
        await life
        cpu = watched.cpu_seconds(sandbox.host.pid) - cpu
        dead = await until_quiet(sandbox)
        wrong, throttled = await newcomers.wrong(), await newcomers.throttled()
    grown = sizes[-1] - sizes[len(sizes) // 3]
    return Figure(
        "memory",
        users,
        {"grownMiB": _GROWTH, "deadLettered": 0, "throttled": 0, "wrong": 0},
        {
            "grownMiB": round(grown, 1),
            "startMiB": sizes[0],
            "endMiB": sizes[-1],
            "peakMiB": max(sizes),
            "changes": round(per_second * seconds),
            "cpuSeconds": round(cpu, 1),
            "deadLettered": dead,
            "throttled": throttled,
            "wrong": wrong,
            **{f"minute{number}MiB": size for number, size in enumerate(sizes)},
        },
        seconds,
    )


async def _live(sandbox: Sandbox, ids: Sequence[str], changes: int, per_second: float) -> None:
    """Change one person after the other, round and round, evenly."""
    began = time.monotonic()
    for number, person in enumerate(itertools.islice(itertools.cycle(ids), changes)):
        await asyncio.sleep(began + number / per_second - time.monotonic())
        await sandbox.cloud.graph(SOURCE, "PATCH", f"/users/{person}", {"jobTitle": _TITLE.format(number)})


async def _sizes(pid: int, seconds: float) -> list[float]:
    """The size at the beginning, at each minute, and at the end, in MiB."""
    began, sizes = time.monotonic(), [watched.resident(pid)]
    while (left := seconds - (time.monotonic() - began)) > 0:
        await asyncio.sleep(min(left, _SECONDS))
        sizes.append(watched.resident(pid))
    return sizes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--per-second", type=float, default=3.0)
    options = parser.parse_args()
    figure = asyncio.run(measure(options.minutes, options.users, options.per_second))
    print(figure.line())
    sys.exit(0 if figure.met else 1)


if __name__ == "__main__":
    main()
