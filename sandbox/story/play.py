"""Plays the day on a running sandbox, and compares every target with what it should hold after each chapter."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.story import monitoring
from sandbox.story.day import SOURCE, Change, Day
from sandbox.story.expectation import Comparison, Expectation
from sandbox.story.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.story.run import Sandbox

_POLL: Final = 0.25  # seconds between two looks at the targets
_PATIENCE: Final = 90  # seconds that a chapter may take, plus
_PATIENCE_PER_PERSON: Final = 0.6  # seconds; the targets' write quota sets the pace of a large load


class Play:
    """One playing of the day on a running sandbox."""

    def __init__(self, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
        """`tell` is given lines of progress."""
        self._sandbox = sandbox
        self._tell = tell
        self._cloud = sandbox.cloud
        self.day = Day(sandbox, extra_people=sandbox.options.users, seed=sandbox.options.seed)
        self._before: dict[str, list[Mapping[str, Any]]] = {}
        self._latencies: list[float] = []

    async def run(self) -> Report:
        """Play all chapters; each has to arrive in every target before the next begins."""
        await self.prepare()
        comparisons: dict[str, Comparison] = {}
        for chapter in self.day.chapters():
            self._tell(chapter.title)
            began = time.monotonic()
            changes = await chapter.play()
            if chapter.arrived is not None:
                self._tell(f"  {await chapter.arrived()}, after {time.monotonic() - began:.1f} s")
                continue
            comparisons = await self.converge(len(changes))
            self._tell(f"  as it should be in every target after {time.monotonic() - began:.1f} s")
            if chapter.single:
                self._latencies += await self._measure(changes)
            if not all(comparison.right for comparison in comparisons.values()):
                break
        requests = (await self._cloud.control("GET", "counters"))["requests"]
        return Report(comparisons, requests, self._latencies)

    async def prepare(self) -> None:
        """Learn who is where before anything happens."""
        await self.day.prepare()
        parts = self._sandbox
        people = await self._cloud.users(SOURCE)
        await monitoring.fill_applications(parts.monitor.ready, parts.tenants.ready["ca"], people, datetime.now(UTC))
        self._before = {target: await self._cloud.users(target) for target in self._sandbox.tenant_names()}

    async def converge(self, people: int) -> dict[str, Comparison]:
        """Compare until every target is right, or patience ends; returns the last comparison."""
        until = time.monotonic() + _PATIENCE + _PATIENCE_PER_PERSON * people
        while True:
            comparisons = await self.compare()
            if all(comparison.right for comparison in comparisons.values()) or time.monotonic() > until:
                return comparisons
            await asyncio.sleep(_POLL)

    async def compare(self) -> dict[str, Comparison]:
        """Every target against what it should hold now."""
        source = self._sandbox.tenants.ready["tenants"][SOURCE]
        writer = self._sandbox.writer_id.replace("-", "")
        expectation = Expectation(f"extension_{writer}_crosstenantSource", source["id"], await self.day.in_scope())
        return {
            target: expectation.compare(before, await self._cloud.users(target))
            for target, before in self._before.items()
        }

    async def _measure(self, changes: Sequence[Change]) -> list[float]:
        """Seconds from each change to the last write that it led to, in each target, by the tenants' journal."""
        journal = (await self._cloud.control("GET", "journal"))["value"]
        writer = self._sandbox.writer_id.replace("-", "")
        marker = f"extension_{writer}_crosstenantSource"
        latencies: list[float] = []
        for target in self._before:
            everybody = (await self._cloud.control("GET", f"tenants/{target}/users"))["value"]
            source_of = {user["id"]: str(user.get(marker) or "").rpartition("/")[2] for user in everybody}
            for change in changes:
                writes = [
                    entry["time"]
                    for entry in journal
                    if entry["tenant"] == target
                    and source_of.get(entry["objectId"]) == change.person
                    and entry["time"] > change.at
                ]
                latencies += [max(writes) - change.at] if writes else []
        return latencies
