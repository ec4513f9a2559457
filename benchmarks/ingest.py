"""How many of Graph's notifications the app takes on one core, and how soon it answers.

`notifications` of function_app.py is called as the Functions worker calls it, with bodies as Graph writes them: its
checks, the store (an SQLite file, unless another is named), the hints, and the real Service Bus SDK, which sends to the
sandbox's bus. App and bus are processes of their own, so that CPU time is told apart: a second of a core is one of the
app's CPU time. The host's own HTTP server is not in it. Every notification is about another user, so none is dropped as
a repetition.

Notifications come at an even rate, whether or not the earlier ones were answered, with one, ten or a hundred in a POST;
an answer's time counts from when its POST was due. Then as many as it can take: a hundred POSTs of one notification are
always under way. Prints a line of JSON per figure and ends with 1 where one is not met.

    python -m benchmarks.ingest [--per-second 1000] [--seconds 20] [--store-url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import azure.functions as func

import function_app
from benchmarks.bus import cpu_seconds
from benchmarks.deliveries import SUBSCRIPTION, notification
from benchmarks.figure import Figure
from benchmarks.first_webhook import URL, Context
from benchmarks.probes import profiled, python
from sandbox.story import processes
from sandbox.story.topology import TOPIC, service_bus_topology
from shared.store import open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    Function = Callable[[func.HttpRequest, Context], Awaitable[func.HttpResponse]]

_ITEMS: Final = (1, 10, 100)  # notifications of one POST
_AS_MANY_AS_POSSIBLE: Final = 0
_AT_A_TIME: Final = 100
_PER_CORE_SECOND: Final = 1000.0
_P99: Final = 300.0  # milliseconds
_GRAPH_WAITS: Final = 3000.0  # milliseconds
_NOT_DUE: Final = "3600"  # seconds: else the emulator stops for a while whenever thousands of hints become due at once
_RATE_KEPT: Final = 0.98
_TICK: Final = 0.005  # seconds


async def measure(per_second: float, seconds: float, store_url: str | None = None) -> list[Figure]:
    """Every rate for so long."""
    return [await measure_one(items, per_second, seconds, store_url) for items in (*_ITEMS, _AS_MANY_AS_POSSIBLE)]


async def measure_one(items: int, per_second: float, seconds: float, store_url: str | None = None) -> Figure:
    """So many notifications in each POST; 0 is as many POSTs of one as possible."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "servicebus.json").write_text(json.dumps(service_bus_topology(["emea"], 300)), encoding="utf-8")
        arguments = ["bus", "--port", "0", "--config", str(folder / "servicebus.json")]
        bus = await processes.start("bus", arguments, log=folder / "bus.log")
        try:
            settings = await _settings(store_url or f"sqlite:///{folder}/links.sqlite3", bus.ready["connectionString"])
            before = cpu_seconds(bus.pid)
            arguments = ["--probe", str(items), "--per-second", str(per_second), "--seconds", str(seconds)]
            printed = await python("-m", "benchmarks.ingest", *arguments, environment=settings)
            measured = json.loads(printed.splitlines()[-1])
            bus_cpu = (cpu_seconds(bus.pid) - before) / measured["notifications"]
            return _figure(items, per_second, measured, bus_cpu)
        finally:
            await bus.stop()


def _figure(items: int, per_second: float, measured: dict[str, Any], bus_cpu: float) -> Figure:
    expected = {"perCoreSecond": _PER_CORE_SECOND, "p99": _P99, "over3s": 0.0, "refused": 0.0}
    if items:
        expected["perSecond"] = _RATE_KEPT * per_second
    measured["busMicroseconds"] = round(bus_cpu * 1e6)
    name = f"ingest.{items}" if items else "ingest.most"
    seconds = measured.pop("seconds")
    return Figure(
        name, measured["notifications"], expected, measured, seconds, at_least=frozenset({"perCoreSecond", "perSecond"})
    )


async def _settings(store_url: str, bus: str) -> dict[str, str]:
    """The app's, with a subscription in its store."""
    store = open_store(store_url, None)
    await store.put_subscription(SUBSCRIPTION)  # refused where it is there already
    await store.close()
    return {
        "MANAGED_IDENTITY_CLIENT_ID": "m",
        "READER_CLIENT_ID": "r",
        "WRITER_CLIENT_ID": "w",
        "ServiceBusConnection": bus,
        "USER_CHANGES_TOPIC": TOPIC,
        "STORE_URL": store_url,
        "NOTIFICATION_URL": URL,
        "SETTLE_SECONDS": _NOT_DUE,
    }


# --- in the app's process -------------------------------------------------------------------------------------------


class _Posts:
    """POSTs to the function, and what became of them."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.milliseconds: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def post(self, body: bytes, due: float) -> None:
        """One of them, due at a time of the performance counter."""
        response = await self._function(func.HttpRequest("POST", URL, body=body), Context())
        self.milliseconds.append(1000 * (time.perf_counter() - due))
        self.statuses[response.status_code] += 1

    async def at_a_rate(self, bodies: Sequence[bytes], per_second: float) -> None:
        """So many POSTs a second, evenly."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number, body in enumerate(bodies):
                due = began + number / per_second
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(max(early, _TICK))
                tasks.create_task(self.post(body, due))

    async def at_a_time(self, bodies: Iterable[bytes], concurrent: int) -> None:
        """So many POSTs side by side."""
        waiting = iter(bodies)

        async def worker() -> None:
            for body in waiting:
                await self.post(body, time.perf_counter())

        await asyncio.gather(*(worker() for _ in range(concurrent)))


async def _probe(items: int, per_second: float, seconds: float) -> dict[str, float]:
    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    posts = _Posts(functions["notifications"])
    count = round(per_second * seconds / max(1, items))
    bodies = list(_bodies(count, max(1, items)))
    await posts.post(notification([str(UUID(int=0))]), time.perf_counter())  # opens the parts and the connection
    posts.milliseconds.clear()
    posts.statuses.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    with profiled():
        if items:
            await posts.at_a_rate(bodies, per_second / items)
        else:
            await posts.at_a_time(bodies, _AT_A_TIME)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    notifications = count * max(1, items)
    return {
        "notifications": notifications,
        "seconds": wall,
        "perSecond": round(notifications / wall),
        "perCoreSecond": round(notifications / cpu),
        "p50": round(statistics.median(posts.milliseconds), 1),
        "p99": round(statistics.quantiles(posts.milliseconds, n=100, method="inclusive")[98], 1),
        "most": round(max(posts.milliseconds), 1),
        "over3s": sum(each > _GRAPH_WAITS for each in posts.milliseconds),
        "posts": count,
        "refused": count - posts.statuses[202],
        "shareOfCore": round(cpu / wall, 2),
    }


def _bodies(count: int, items: int) -> Iterator[bytes]:
    """POSTs about users whom no other names, in this process or in another one."""
    first = int(time.time() * 1000) << 64
    for number in range(count):
        yield notification([str(UUID(int=first + number * items + each)) for each in range(items)])


def main() -> None:
    """Measure and print; as one process for all, and another for the app."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--store-url", help="another store than an SQLite file, as STORE_URL would name it")
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe is not None:
        print(json.dumps(asyncio.run(_probe(options.probe, options.per_second, options.seconds))))
        return
    figures = asyncio.run(measure(options.per_second, options.seconds, options.store_url))
    for figure in figures:
        print(figure.line())
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
