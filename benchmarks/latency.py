"""How soon a change in the source is in the target, while ten people a second change.

Everybody is in the target before. Each change gives one person a job title that nobody had, so that it can be known
again: from the moment when the source's tenant took it to the write in the target that holds it, or a later one of the
same person's, both by the tenants' own journal. In between are Graph's notifications, the app's window and settle time
as the product has them, and the target's write quota. Prints a line of JSON; ends with 1 where the figure is not met.

    python -m benchmarks.latency [--users 600] [--per-second 10] [--seconds 120]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figure import Figure
from benchmarks.newcomers import SOURCE, Newcomers, product_times, running_sandbox
from benchmarks.settled import TARGET
from sandbox.tenants.contoso import MARKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OVERHEAD: Final = 2.0  # seconds at the median, beside window and settle time
_P99: Final = 30.0  # seconds
_RATE_KEPT: Final = 0.98  # of the changes that were asked for in that time: else nothing was measured
_TITLE: Final = "Title {}"


async def measure(users: int, per_second: float, seconds: float, times: Mapping[str, float] | None = None) -> Figure:
    """Change so many people so often for so long; `times` are the app's, the product's own if none are given."""
    times, changes = times or product_times(), round(per_second * seconds)
    async with running_sandbox(times) as sandbox:
        newcomers = Newcomers(sandbox)
        await newcomers.join(users)
        if wrong := await newcomers.arrive():
            raise RuntimeError(f"{wrong} people were wrong in the target before anybody changed")
        took = await _change(newcomers, changes, per_second)
        wrong = await newcomers.arrive()
        latencies = await _latencies(newcomers)
        throttled = await newcomers.throttled()
    return Figure(
        "latency",
        users,
        {
            "p50": times["WINDOW_SECONDS"] + times["SETTLE_SECONDS"] + _OVERHEAD,
            "p99": _P99,
            "changesPerSecond": _RATE_KEPT * per_second,
            "neverArrived": 0,
            "throttled": 0,
            "wrong": 0,
        },
        {
            "p50": round(statistics.median(latencies), 2),
            "p99": round(statistics.quantiles(latencies, n=100, method="inclusive")[98], 2),
            "most": round(max(latencies), 2),
            "changes": changes,
            "changesPerSecond": round(changes / took, 2),
            "neverArrived": changes - len(latencies),
            "throttled": throttled,
            "wrong": wrong,
        },
        took,
        at_least=frozenset({"changesPerSecond"}),
    )


async def _change(newcomers: Newcomers, changes: int, per_second: float) -> float:
    """Change one person after the other, round and round, evenly; the seconds that it took."""
    began = time.monotonic()
    for number, person in enumerate(itertools.islice(itertools.cycle(newcomers.ids), changes)):
        await asyncio.sleep(began + number / per_second - time.monotonic())
        title = {"jobTitle": _TITLE.format(number)}
        await newcomers.sandbox.cloud.graph(SOURCE, "PATCH", f"/users/{person}", title)
    return time.monotonic() - began


async def _latencies(newcomers: Newcomers) -> Sequence[float]:
    """Seconds of each change that arrived."""
    everybody = await newcomers.sandbox.cloud.users(TARGET)
    source_of = {user["id"]: str(user.get(MARKER) or "").rpartition("/")[2] for user in everybody}
    arrivals: dict[str, list[tuple[int, float]]] = {}  # of each person: the change that was written, and when
    for number, entry in _titled(await newcomers.journal(TARGET)):
        arrivals.setdefault(source_of[entry["objectId"]], []).append((number, entry["time"]))
    latencies = []
    for number, entry in _titled(await newcomers.journal(SOURCE)):
        written = [at for later, at in arrivals.get(entry["objectId"], ()) if later >= number]
        latencies += [min(written) - entry["time"]] if written else []
    return latencies


def _titled(journal: Iterable[Mapping[str, Any]]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """The entries that hold one of our titles, with its number."""
    prefix = _TITLE.format("")
    for entry in journal:
        title = str(entry["changed"].get("jobTitle", {}).get("after"))
        if title.startswith(prefix):
            yield int(title.removeprefix(prefix)), entry


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=600)
    parser.add_argument("--per-second", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    figure = asyncio.run(measure(options.users, options.per_second, options.seconds))
    print(figure.line())
    sys.exit(0 if figure.met else 1)


if __name__ == "__main__":
    main()
