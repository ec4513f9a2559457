"""How much longer several targets take than one, side by side in one process of the app.

The same people join in each, at the product's pace, in tenants that throttle as Graph does. What limits one target is
Graph's quota of 3,000 writes in 150 s for the app in a tenant; from six targets on it is the app's quota over all
tenants, 35,000 in 300 s, which leaves each of ten targets 10.5 writes a second in place of 18.6. So ten targets cannot
take less than 1.77 times the time of one, whatever the program, if it is to keep 10 % below that quota (1.71 times with
none of it left). The figure is that all beyond it, waiting for one another or for the processor, adds less than 30 %:
the time of five targets, and of ten by what the share leaves, is less than 1.3 times that of one. Times are from the
first write to the last, by the tenants' journal. Prints a line of JSON per figure; ends with 1 where one is not met.

    python -m benchmarks.targets [--users 450] [--targets 1 5 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from benchmarks.figure import Figure
from benchmarks.probes import ROOT, python, trusting
from benchmarks.settled import NO_LAG
from sandbox.story import processes
from sandbox.story.cloud import Cloud
from sandbox.story.expectation import Expectation
from sandbox.story.topology import service_bus_topology
from sandbox.tenants.contoso import (
    CROSS_TENANT_USERS_GROUP_ID,
    MARKER,
    SOURCE_TENANT_ID,
    WRITER_APP_ID,
    default_document,
)
from shared.graph.pace import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE: Final = "source"
_TIMES_LONGER: Final = 1.3
_WRITES_PER_PERSON: Final = 2
_QUOTA: Final = {"writes": 3000, "windowSeconds": 150}  # for the app in a tenant


@dataclass(frozen=True, slots=True)
class Load:
    """What it took to bring everybody into so many targets."""

    targets: int
    seconds: float
    writes: int
    throttled: int
    wrong: int
    cpu_seconds: float  # of the app's process


async def measure(users: int, counts: Sequence[int]) -> list[Figure]:
    """So many people in so many targets; the first count is what the others are compared with."""
    loads = [await _load(users, count) for count in counts]
    return [_figure(users, load, loads[0]) for load in loads]


def _figure(users: int, load: Load, one: Load) -> Figure:
    slower = share(one.targets).per_second / share(load.targets).per_second
    longer = load.seconds / one.seconds
    expected = {
        "timesLongerThanShare": _TIMES_LONGER,
        "writes": _WRITES_PER_PERSON * users * load.targets,
        "throttled": 0,
        "wrong": 0,
    }
    measured = {
        "timesLonger": round(longer, 2),
        "timesLongerByShare": round(slower, 2),
        "timesLongerThanShare": round(longer / slower, 2),
        "writesPerSecond": round(load.writes / load.seconds, 1),
        "writes": load.writes,
        "throttled": load.throttled,
        "wrong": load.wrong,
        "cpuSeconds": round(load.cpu_seconds, 2),
        "shareOfCore": round(load.cpu_seconds / load.seconds, 2),
    }
    return Figure(f"targets.{load.targets}", users, expected, measured, load.seconds, exact=frozenset({"writes"}))


async def _load(users: int, targets: int) -> Load:
    names = [f"target{number:02}" for number in range(targets)]
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        (folder / "tenants.json").write_text(json.dumps(tenants_document(names)), encoding="utf-8")
        (folder / "sync.yaml").write_text(sync_text(names), encoding="utf-8")
        (folder / "servicebus.json").write_text(json.dumps(service_bus_topology(names, 300)), encoding="utf-8")
        async with AsyncExitStack() as stack:
            arguments = ["--config", str(folder / "tenants.json"), "--tls-dir", str(folder / "tls"), "--seed", "1"]
            tenants = await processes.start("tenants", ["tenants", *arguments], log=folder / "tenants.log")
            stack.push_async_callback(tenants.stop)
            arguments = ["--config", str(folder / "servicebus.json")]
            bus = await processes.start("bus", ["bus", "--port", "0", *arguments], log=folder / "bus.log")
            stack.push_async_callback(bus.stop)
            (folder / "ready.json").write_text(json.dumps(tenants.ready), encoding="utf-8")
            (folder / "bus").write_text(bus.ready["connectionString"], encoding="utf-8")
            cloud = await stack.enter_async_context(Cloud(tenants.ready))
            people = await _hire(cloud, users)
            (folder / "people.json").write_text(json.dumps(people), encoding="utf-8")
            trust = trusting(tenants.ready["ca"])
            printed = await python("-m", "benchmarks.script_probe", "load", str(folder), environment=trust)
            return await _result(cloud, names, people, json.loads(printed.splitlines()[-1]))


def tenants_document(targets: Sequence[str]) -> dict[str, Any]:
    """The tenants' configuration with so many targets, which throttle as Graph does and are empty."""
    document = default_document()
    source, target, _ = document["tenants"]
    [consent] = [each for each in document["consents"] if (each["tenant"], each["app"]) == ("emea", "writer")]
    return document | {
        "tenants": [
            source,
            *(
                target
                | {
                    "name": name,
                    "tenantId": _tenant_id(number),
                    "domain": f"{name}.contoso.com",
                    "initialDomain": f"contoso{name}.onmicrosoft.com",
                    "users": [],
                }
                for number, name in enumerate(targets)
            ),
        ],
        "consents": [
            *(each for each in document["consents"] if each["tenant"] == SOURCE),
            *(consent | {"tenant": name} for name in targets),
        ],
        "automaticRedemption": [{"source": SOURCE, "target": name} for name in targets],
        "replicas": NO_LAG,
        "throttling": _QUOTA,
    }


def sync_text(targets: Sequence[str]) -> str:
    """The repository's sync.yaml with its first target so many times."""
    document = yaml.safe_load((ROOT / "sync.yaml").read_text(encoding="utf-8"))
    first = document["targets"][0]
    all_of_them = [first | {"name": name, "tenantId": _tenant_id(number)} for number, name in enumerate(targets)]
    return yaml.safe_dump({**document, "targets": all_of_them})


def _tenant_id(number: int) -> str:
    return f"e0000000-0000-4000-8000-{number + 100:012}"


async def _hire(cloud: Cloud, users: int) -> list[str]:
    body = {
        "tenant": SOURCE,
        "count": users,
        "seed": 1,
        "groups": [CROSS_TENANT_USERS_GROUP_ID],
        "managers": False,
    }
    ids: list[str] = (await cloud.control("POST", "users/generate", body))["ids"]
    return ids


async def _result(cloud: Cloud, names: Sequence[str], people: Sequence[str], probe: Mapping[str, Any]) -> Load:
    entries = (await cloud.control("GET", "journal"))["value"]
    times = [entry["time"] for entry in entries if entry["actor"] == WRITER_APP_ID]
    statuses = (await cloud.control("GET", "counters"))["statuses"]
    known = set(people)
    wanted = {user["id"]: user for user in await cloud.users(SOURCE) if user["id"] in known}
    expectation = Expectation(MARKER, SOURCE_TENANT_ID, wanted)
    wrong = 0
    for name in names:
        found = expectation.compare([], await cloud.users(name))
        wrong += len(found.missing) + len(found.unexpected) + len(found.different)
    throttled = sum(statuses.get(name, {}).get("429", 0) for name in names)
    return Load(len(names), max(times) - min(times), len(times), throttled, wrong, probe["cpu"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=450)
    parser.add_argument("--targets", type=int, nargs="+", default=[1, 5, 10])
    options = parser.parse_args()
    figures = asyncio.run(measure(options.users, options.targets))
    for figure in figures:
        print(figure.line())
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
