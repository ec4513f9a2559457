"""The product against the script that an administrator would otherwise write, on the same tenants in the same run.

People join, change, and stay as they are. The product takes them from Graph's notifications into one target, and finds
with a full cycle that nothing is left to do; `plain_script` takes the same people into another target. Tenants and bus
are processes of their own, and each chapter of either runs in a fresh one, which tells its CPU time and peak memory
without imports; the tenants count what they are asked. Receiving from the bus, which the Functions host does in Azure,
is counted as the product's. Nothing lags and nobody is throttled. Figures are medians of several runs, and the least
and the most of them where they are times. Prints a line of JSON per figure and ends with 1 where one is not met.

    python -m benchmarks.against_script [--users 200] [--runs 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figure import Figure
from benchmarks.plain_script import COMPANY
from benchmarks.probes import ROOT, python, trusting
from benchmarks.settled import NO_LAG, TARGET, one_target
from sandbox.story import processes
from sandbox.story.cloud import Cloud
from sandbox.story.topology import service_bus_topology
from sandbox.tenants.contoso import CROSS_TENANT_USERS_GROUP_ID, default_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

SOURCE: Final = "source"
SCRIPTS_TARGET: Final = "apac"
_CHAPTERS: Final = {"create": "hints", "update": "hints", "unchanged": "cycle"}
_TIMES_LESS_CPU: Final = 10.0
_TIMES_FEWER_ROUND_TRIPS: Final = 8.0
_PEAK: Final = "peakMiB"
_COMPARED: Final = ("displayName", "department", "jobTitle", "city", "businessPhones")

Cost = dict[str, float]
"""Of one chapter of one run, for each user; memory as it was."""


async def measure(users: int, runs: int) -> list[Figure]:
    """So many people, so often; a figure for each chapter, and whether both targets are right."""
    costs: dict[tuple[str, str], list[Cost]] = {}
    wrong = {TARGET: 0, SCRIPTS_TARGET: 0}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            async with running(Path(folder)) as run:
                await run.play(users)
                for key, cost in run.costs.items():
                    costs.setdefault(key, []).append(cost)
                for target, count in run.wrong.items():
                    wrong[target] += count
    figures = [_figure(chapter, users, costs) for chapter in _CHAPTERS]
    exact = frozenset(wrong)
    return [*figures, Figure("script.endState", users, dict.fromkeys(wrong, 0), {**wrong}, 0.0, exact=exact)]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Run]:
    """Tenants and bus; everything that the probes need is in the folder."""
    (folder / "tenants.json").write_text(json.dumps(_tenants()), encoding="utf-8")
    (folder / "sync.yaml").write_text(one_target(ROOT / "sync.yaml"), encoding="utf-8")
    (folder / "servicebus.json").write_text(json.dumps(service_bus_topology([TARGET], 300)), encoding="utf-8")
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
        yield Run(folder, cloud, tenants.ready["ca"])


def _tenants() -> dict[str, Any]:
    """Contoso without lag, and with targets in which nobody was invited by hand."""
    document = default_document()
    for tenant in document["tenants"][1:]:
        tenant["users"] = [user for user in tenant["users"] if "homeTenant" not in user]
    return document | {"replicas": NO_LAG}


@dataclass(slots=True)
class Run:
    """All chapters once, by both."""

    folder: Path
    cloud: Cloud
    authority: str
    costs: dict[tuple[str, str], Cost] = field(default_factory=dict)  # by who and chapter
    wrong: dict[str, int] = field(default_factory=dict)  # by target

    async def play(self, users: int) -> None:
        """Let so many people join, change, and stay as they are."""
        people = await self.join(users)
        for chapter, probe in _CHAPTERS.items():
            if chapter == "update":
                await self.cloud.each(SOURCE, people, "PATCH", "/users/{}", {"department": "Future Products"})
            for who, what, target in (("product", probe, TARGET), ("script", "script", SCRIPTS_TARGET)):
                total = await self._cost(what, target)
                per_user = {name: cost / users for name, cost in total.items() if name != _PEAK}
                self.costs[who, chapter] = per_user | {_PEAK: total[_PEAK]}
        for target in (TARGET, SCRIPTS_TARGET):
            self.wrong[target] = await _wrong(self.cloud, target, people)

    async def join(self, users: int) -> Sequence[str]:
        """Let so many people join the group; their ids."""
        joining = {
            "tenant": SOURCE,
            "count": users,
            "seed": 1,
            "groups": [CROSS_TENANT_USERS_GROUP_ID],
            "managers": True,
        }
        people: Sequence[str] = (await self.cloud.control("POST", "users/generate", joining))["ids"]
        (self.folder / "people.json").write_text(json.dumps(people), encoding="utf-8")
        return people

    async def probe(self, what: str) -> Mapping[str, Any]:
        """What a probe says of itself."""
        trust = trusting(self.authority)
        printed = await python("-m", "benchmarks.script_probe", what, str(self.folder), environment=trust)
        said: Mapping[str, Any] = json.loads(printed.splitlines()[-1])
        return said

    async def _cost(self, what: str, target: str) -> Cost:
        """What one chapter cost in all."""
        await self.cloud.control("POST", "counters/reset")
        probe = await self.probe(what)
        counters = await self.cloud.control("GET", "counters")
        asked = [
            count
            for tenant in (SOURCE, target)
            for operation, count in counters["requests"][tenant].items()
            if operation != "POST /$batch" and "/oauth2/" not in operation
        ]
        return {
            "requests": sum(asked),
            "roundTrips": sum(counters["roundTrips"][tenant] for tenant in (SOURCE, target)),
            "resourceUnits": sum(counters["resourceUnits"][tenant] for tenant in (SOURCE, target)),
            "writes": counters["writes"].get(target, 0),
            "cpuMilliseconds": 1000 * probe["cpu"],
            "wallMilliseconds": 1000 * probe["wall"],
            _PEAK: probe[_PEAK],
        }


async def _wrong(cloud: Cloud, target: str, people: Sequence[str]) -> int:
    """How many people are missing, doubled or different in a target, by the tenants' truth."""
    known = set(people)
    wanted = _lines([user for user in await cloud.users(SOURCE) if user["id"] in known])
    held = _lines([user for user in await cloud.users(target) if user.get("companyName") == COMPANY])
    return (wanted - held).total() + (held - wanted).total()


def _lines(users: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """What has to be alike on both sides, with managers by their addresses."""
    addresses = {user["id"]: str(user["mail"]).lower() for user in users}
    return Counter(
        json.dumps([addresses[user["id"]], addresses.get(user.get("manager")), *map(user.get, _COMPARED)])
        for user in users
    )


def _figure(chapter: str, users: int, costs: Mapping[tuple[str, str], Sequence[Cost]]) -> Figure:
    """What a user costs either, and how many times less the product."""
    measured: dict[str, float] = {}
    medians = {}
    for who in ("product", "script"):
        runs = costs[who, chapter]
        median = medians[who] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        measured |= {f"{who}.{name}": round(value, 2) for name, value in median.items()}
        for name in ("cpuMilliseconds", "wallMilliseconds"):
            measured[f"{who}.{name}.least"] = round(min(run[name] for run in runs), 2)
            measured[f"{who}.{name}.most"] = round(max(run[name] for run in runs), 2)
    for name in ("cpuMilliseconds", "roundTrips"):
        measured[f"timesLess.{name}"] = round(medians["script"][name] / medians["product"][name], 1)
    expected = {"timesLess.cpuMilliseconds": _TIMES_LESS_CPU, "timesLess.roundTrips": _TIMES_FEWER_ROUND_TRIPS}
    seconds = medians["product"]["wallMilliseconds"] * users / 1000
    return Figure(f"script.{chapter}", users, expected, measured, seconds, at_least=frozenset(expected))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    figures = asyncio.run(measure(options.users, options.runs))
    for figure in figures:
        print(figure.line())
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
