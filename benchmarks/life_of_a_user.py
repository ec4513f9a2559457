"""How many requests the life of a user costs: created, changed, left alone, removed.

Runs the sandbox's tenants and bus in this process and the app's own parts against them, over the wire, with the real
SDKs: people change in the source, Graph's notifications go through `ingest` and the topic to `provision`, and the
tenants count what they are asked. Prints a line of JSON per figure and ends with 1 where one is not met. The pace of
writes is lifted, since Graph's quota would make most of the time waiting; nothing else differs from production.

    python -m benchmarks.life_of_a_user [--users 5000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.app_parts import build_parts
from benchmarks.deliveries import SUBSCRIPTION, deliver, serve_all
from benchmarks.figure import Figure
from sandbox.story.expectation import Expectation
from sandbox.tenants import tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sandbox.story.cloud import Cloud
    from shared.app.parts import Parts

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "source"
_SHARE_WITH_MANAGERS = 10  # one in so many
_SHARE_REMOVED = 20  # one in so many leaves the group, and as many are deleted: together within the budget
_IDLE = 2.0  # seconds without a message, after which there are no more: longer than the app puts anything off here
_DIGITS = 4


class Life:
    """The chapters, played on running tenants and a running bus."""

    def __init__(self, parts: Parts, cloud: Cloud, connection_string: str, *, idle: float = _IDLE) -> None:
        """`connection_string` is the bus's; after `idle` seconds without a message there are no more."""
        self._idle = idle
        self._parts = parts
        self._cloud = cloud
        self._connection_string = connection_string
        self._targets = tuple(parts.targets)
        self._group = parts.sync.targets[0].scope.groups[0]
        self._before: dict[str, list[Any]] = {}

    async def figures(self, users: int) -> AsyncIterator[Figure]:
        """Play all chapters with so many users; the last figure says whether the targets are right."""
        await self._parts.store.put_subscription(SUBSCRIPTION)
        self._before = {target: await self._cloud.users(target) for target in self._targets}
        people = await self._hire(users, first=0, managers=False)
        yield await self._chapter("create", people, writes=2)
        reports = await self._hire(max(2, users // _SHARE_WITH_MANAGERS), first=users, managers=True)
        # The first of them is nobody's report.
        managed = await self._chapter("createWithManager", reports, writes=3 - 1 / len(reports))
        yield managed
        yield await self._chapter("hintWithoutChange", people, writes=0, target_reads=0)
        await self._cloud.each(SOURCE, people, "PATCH", "/users/{}", {"usageLocation": "IE"})
        yield await self._chapter("changeOfNothingMapped", people, writes=0, target_reads=0)
        await self._cloud.each(SOURCE, people, "PATCH", "/users/{}", {"department": "Future Products"})
        yield await self._chapter("updateOfOneAttribute", people, writes=1)
        removed = max(1, users // _SHARE_REMOVED)
        leavers, deleted = people[:removed], people[removed : 2 * removed]
        await self._cloud.each(SOURCE, leavers, "DELETE", f"/groups/{self._group}/members/{{}}/$ref")
        yield await self._chapter("leaveTheGroup", leavers, writes=1, proofs=2)
        await self._cloud.each(SOURCE, deleted, "DELETE", "/users/{}")
        yield await self._chapter("deletedAtTheSource", deleted, writes=1, proofs=2)
        yield await self._right()

    async def _chapter(
        self,
        name: str,
        people: Sequence[str],
        *,
        writes: float,
        target_reads: float | None = None,
        proofs: float | None = None,
    ) -> Figure:
        await self._cloud.control("POST", "counters/reset")
        started = time.perf_counter()
        await deliver(self._parts, people)
        done = await serve_all(self._parts, self._connection_string, self._idle)
        seconds = max(0.0, done.wall - started)
        counters = await self._cloud.control("GET", "counters")
        expected, measured = {}, {}
        for target in self._targets:
            expected[f"{target}.writes"] = round(writes, _DIGITS)
            measured[f"{target}.writes"] = _per_user(counters["writes"].get(target, 0), people)
            if target_reads is not None:
                expected[f"{target}.reads"] = target_reads
                measured[f"{target}.reads"] = _per_user(_reads(counters, target), people)
        exact = frozenset(expected)
        if proofs is not None:
            expected["proofs"] = proofs
            measured["proofs"] = round(_per_user(_proofs(counters), people) / len(self._targets), _DIGITS)
        requests = {
            tenant: {operation: _per_user(count, people) for operation, count in counted.items()}
            for tenant, counted in counters["requests"].items()
            if tenant in {SOURCE, *self._targets}
        }
        return Figure(f"life.{name}", len(people), expected, measured, seconds, exact, requests)

    async def _right(self) -> Figure:
        """Compare all of every target with what it should hold."""
        members = {
            member
            for group in await self._cloud.groups(SOURCE)
            if group["id"] == self._group
            for member in group["members"]
        }
        people = {user["id"]: user for user in await self._cloud.users(SOURCE) if user["id"] in members}
        marker = self._parts.settings.marker_attribute
        expectation = Expectation(marker, self._parts.sync.source.tenant_id, people)
        wrong = {}
        for target, before in self._before.items():
            found = expectation.compare(before, await self._cloud.users(target))
            wrong[f"{target}.wrong"] = float(len(found.missing) + len(found.unexpected) + len(found.different))
        return Figure("life.endState", len(people), dict.fromkeys(wrong, 0.0), wrong, 0.0)

    # --- what happens in the source ---

    async def _hire(self, count: int, *, first: int, managers: bool) -> list[str]:
        body = {
            "tenant": SOURCE,
            "count": count,
            "seed": 1,
            "first": first,
            "groups": [self._group],
            "managers": managers,
        }
        ids: list[str] = (await self._cloud.control("POST", "users/generate", body))["ids"]
        return ids


def _per_user(count: int, people: Sequence[str]) -> float:
    return round(count / len(people), _DIGITS)


def _reads(counters: Any, target: str) -> int:
    counted = counters["requests"].get(target, {})
    return sum(count for operation, count in counted.items() if operation.startswith("GET"))


def _proofs(counters: Any) -> int:
    """Reads that prove a removal: of memberships, of the groups' existence, of deleted items."""
    counted = counters["requests"].get(SOURCE, {})
    proofs = ("POST /users/{id}/checkMemberGroups", "GET /groups/{id}", "GET /directory/deletedItems/{id}")
    return sum(counted.get(operation, 0) for operation in proofs)


async def _run(users: int, folder: Path) -> bool:
    """Start tenants and bus, and play; whether every figure is met."""
    # The HTTP clients read where the authority is when they are first imported, so they come after it was set.
    from sandbox.bus.config import read_config  # noqa: PLC0415
    from sandbox.bus.server import BusServer  # noqa: PLC0415
    from sandbox.story.cloud import Cloud  # noqa: PLC0415
    from sandbox.story.topology import service_bus_topology  # noqa: PLC0415
    from sandbox.tenants.config_file import parse  # noqa: PLC0415
    from sandbox.tenants.contoso import default_document  # noqa: PLC0415
    from sandbox.tenants.server import TenantsServer  # noqa: PLC0415

    no_lag = {"count": 2, "medianSeconds": 0, "p99Seconds": 0, "indexMedianSeconds": 0, "indexP99Seconds": 0}
    tenants = TenantsServer(parse(default_document() | {"replicas": no_lag}), seed=1, tls_dir=folder)
    await tenants.start()
    bus = BusServer(read_config(service_bus_topology(["emea", "apac"], 300)))
    await bus.start()
    ready = tenants.describe()
    parts = build_parts(ready, folder, ROOT / "sync.yaml", bus.connection_string)
    met = True
    async with Cloud(ready) as cloud:
        async for figure in Life(parts, cloud, bus.connection_string).figures(users):
            print(figure.line(), flush=True)
            met = met and figure.met
    await parts.close()
    await bus.stop()
    await tenants.stop()
    return met


def main() -> None:
    """Make an authority, and start again as a process that trusts it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=5_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder is not None:
        sys.exit(0 if asyncio.run(_run(options.users, options.folder)) else 1)
    with tempfile.TemporaryDirectory() as folder:
        files = tls.prepare(Path(folder))
        command = [sys.executable, "-m", "benchmarks.life_of_a_user", "--users", str(options.users), "--folder", folder]
        environment = os.environ | {"SSL_CERT_FILE": str(files.ca)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603  our own module and arguments
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
