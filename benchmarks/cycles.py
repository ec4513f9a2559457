"""What a full cycle costs that finds nothing to do, and what a catch-up costs that finds a little, in large tenants.

People are settled in one target (benchmarks/settled.py), the tenants run as a process of their own, and every cycle
runs in a fresh process, which tells its CPU time and peak memory. The tenants count the requests. CPU time is compared
with that of downloading and decoding the same pages in the same run. Prints a line of JSON per figure and ends with 1
where one is not met.

    python -m benchmarks.cycles [--users 10000 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import settled
from benchmarks.app_parts import build_parts
from benchmarks.figure import Figure
from benchmarks.probes import ROOT, python
from sandbox.story import processes
from sandbox.story.cloud import Cloud
from sandbox.story.topology import service_bus_topology
from sandbox.tenants import people, tls
from sandbox.tenants.contoso import SOURCE_TENANT_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_RUNS: Final = 3  # of each probe; the median counts
_PAGE: Final = 999
_CHANGES: Final = (0, 100, 1000)
_DELTA_PAGE: Final = 100  # at least so many changes come with one request
_COMMON: Final = 4  # requests of a catch-up that finds nothing, at most: users, groups, and a page that shows the end


async def measure(users: int, tls_folder: Path) -> AsyncIterator[Figure]:
    """All figures for so many people; the tenants' keys are in a folder, and all else goes into one below it."""
    async with settled_in(tls_folder, users) as (folder, cloud, ready):
        async for figure in _cycles(users, folder, cloud):
            yield figure
        async for figure in _catch_ups(users, folder, cloud, ready):
            yield figure


@asynccontextmanager
async def settled_in(tls_folder: Path, users: int) -> AsyncIterator[tuple[Path, Cloud, Mapping[str, Any]]]:
    """Running tenants in which so many people are settled: the folder for probes, and the tenants."""
    folder = tls_folder / str(users)
    folder.mkdir()
    await python("-m", "benchmarks.settled", str(folder), str(users))
    arguments = ["tenants", "--config", str(folder / "tenants.json"), "--seed", str(settled.SEED)]
    log = folder / "tenants.log"
    tenants = await processes.start("tenants", [*arguments, "--tls-dir", str(tls_folder)], log=log)
    try:
        (folder / "ready.json").write_text(json.dumps(tenants.ready), encoding="utf-8")
        async with Cloud(tenants.ready) as cloud:
            yield folder, cloud, tenants.ready
    finally:
        await tenants.stop()


async def _cycles(users: int, folder: Path, cloud: Cloud) -> AsyncIterator[Figure]:
    """The first cycle after a deployment maps everybody; those that follow are what every day costs."""
    first = await _probe("cycle", folder)
    downloads, cycles = [], []
    for _ in range(_RUNS):
        downloads.append(await _probe("download", folder))
        await cloud.control("POST", "counters/reset")
        cycles.append(await _probe("cycle", folder))
    counters = await cloud.control("GET", "counters")
    download, cycle = (statistics.median(each["cpu"] for each in some) for some in (downloads, cycles))
    pages = 2 * math.ceil(users / _PAGE)
    for name, cpu, probe in (("cycle.first", first["cpu"], first), ("cycle", cycle, cycles[-1])):
        expected = {"requests": 1.05 * pages, "sent": 0, "peakMiB": 300}
        measured = {"requests": probe["requests"], "sent": probe["sent"], "peakMiB": probe["peakMiB"]}
        measured |= {"cpuSeconds": round(cpu, 2), "downloadCpuSeconds": round(download, 2)}
        measured["cpuOfDownload"] = round(cpu / download, 2)
        if probe is not first:
            expected |= {"writes": 0, "cpuOfDownload": 3}
            measured["writes"] = sum(counters["writes"].values())
            measured["cpuMicrosecondsPerUser"] = round(cpu / users * 1e6, 1)
        yield Figure(name, users, expected, measured, 0.0, exact=frozenset({"sent", "writes"}) & expected.keys())


async def _probe(what: str, folder: Path) -> dict[str, Any]:
    printed = await python("-m", "benchmarks.cycle_probe", what, str(folder))
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    if found.get("failure"):
        raise RuntimeError(f"{what}: {found['failure']}")
    return found


async def _catch_ups(users: int, folder: Path, cloud: Cloud, ready: Mapping[str, Any]) -> AsyncIterator[Figure]:
    """Requests follow the changes, and not the people among whom they are."""
    from sandbox.bus.config import read_config  # noqa: PLC0415
    from sandbox.bus.server import BusServer  # noqa: PLC0415

    bus = BusServer(read_config(service_bus_topology([settled.TARGET], 300)))
    await bus.start()
    parts = build_parts(ready, folder, folder / "sync.yaml", bus.connection_string)
    from shared.app.catch_up import catch_up  # noqa: PLC0415

    ids = [people.person_id(SOURCE_TENANT_ID, person.alias) for person in people.strangers(users, settled.SEED)]
    await catch_up(parts)  # makes the cursors
    for number, changes in enumerate(_CHANGES):
        some = ids[: min(changes, users)]
        await cloud.each("source", some, "PATCH", "/users/{}", {"department": f"Department {number}"})
        await cloud.control("POST", "counters/reset")
        done = await catch_up(parts)
        counters = await cloud.control("GET", "counters")
        asked = counters["requests"].get("source", {})
        requests = sum(count for operation, count in asked.items() if "delta" in operation)
        measured = {"requests": requests, "sent": done.sent if done else -1}
        measured["otherRequests"] = sum(asked.values()) - requests
        expected = {"requests": _COMMON + math.ceil(len(some) / _DELTA_PAGE), "sent": len(some), "otherRequests": 1}
        yield Figure(f"catchUp.{changes}", users, expected, measured, 0.0, exact=frozenset({"sent"}))
    await parts.close()
    await bus.stop()


async def _run(sizes: list[int], folder: Path) -> bool:
    met, costs = True, {}
    for users in sizes:
        async for figure in measure(users, folder):
            print(figure.line(), flush=True)
            met = met and figure.met
            if figure.name == "cycle":
                costs[users] = figure.measured["cpuMicrosecondsPerUser"]
    if len(costs) > 1:
        few, many = min(costs), max(costs)
        linear = Figure("cycle.linear", many, {"growth": 1.25}, {"growth": round(costs[many] / costs[few], 2)}, 0.0)
        print(linear.line())
        met = met and linear.met
    return met


def main() -> None:
    """Make an authority, and start again as a process that trusts it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        sys.exit(0 if asyncio.run(_run(options.users, options.folder)) else 1)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"SSL_CERT_FILE": str(tls.prepare(Path(folder)).ca)}
        command = [sys.executable, "-m", "benchmarks.cycles", "--users", *map(str, options.users), "--folder", folder]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603  our own module and arguments
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
