"""One seed from its plan to its verdict.

A wild one goes through all trouble, and is judged after the next full cycle. A calm one has no trouble, no full cycle
and nobody who touches the targets by hand, and is judged whenever nothing has happened for a while: what only a full
cycle would find is a wrong there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import yaml

from sandbox.story.run import REPOSITORY
from simulation import virtual_time
from simulation.life import Life
from simulation.mortal import KilledError
from simulation.plan import DAY, Event, is_trouble, plan, without_trouble
from simulation.region import CALM_TIMERS, Region
from simulation.trouble import Trouble
from simulation.verdict import Judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FULL_CYCLE_AT: Final = 10_800.0  # seconds after midnight
_AFTER_IT: Final = 4 * 3600.0
"""Seconds in which what the full cycle found has to be done."""

_REST: Final = 2400.0
"""Seconds after the last event of a calm simulation in which all has to be done: two catch-ups, and what follows."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one seed. `trace` is a digest of all that happened in the tenants, with its times."""

    seed: int
    events: int
    writes: int
    wrongs: tuple[str, ...]
    trace: str


def simulate(
    seed: int, days: float, events: Sequence[Event] | None = None, *, calm: bool = False, grace_days: int = 0
) -> Result:
    """Run one seed; `events` stand in for those of its plan."""
    happening = plan(seed, days) if events is None else list(events)
    work = _calm(seed, without_trouble(happening)) if calm else _wild(seed, days, happening, grace_days)
    with mock.patch("os.urandom", random.Random(f"{seed}:identifiers").randbytes):  # of uuid4
        return virtual_time.run(work)


async def _wild(seed: int, days: float, events: Sequence[Event], grace_days: int) -> Result:
    region = Region(seed, _rules(grace_days))
    judge = Judge(region, grace_days * DAY)
    life, trouble = Life(region.tenants), Trouble(region)
    _start(region)
    for event in events:
        await _until(event.at)
        (trouble if is_trouble(event) else life).happens(event)
    await _until(days * DAY)
    trouble.end()
    now = virtual_time.loop().time()
    await _until((now // DAY + grace_days + 1) * DAY + _FULL_CYCLE_AT + _AFTER_IT)
    return _end(region, judge, seed, events, await judge.wrongs())


async def _calm(seed: int, events: Sequence[Event]) -> Result:
    region = Region(seed, _rules(), CALM_TIMERS)
    judge, life = Judge(region), Life(region.tenants)
    wrongs: dict[str, None] = {}
    _start(region)
    for event, after in zip(events, [*(each.at for each in events[1:]), inf], strict=True):
        await _until(event.at)
        life.happens(event)
        if after - event.at > _REST:
            await _until(event.at + _REST)
            wrongs |= dict.fromkeys(await judge.wrongs())
    return _end(region, judge, seed, events, wrongs)


def _start(region: Region) -> None:
    logging.getLogger("shared").setLevel(logging.CRITICAL)
    virtual_time.loop().set_exception_handler(_unseen)
    region.start()


def _end(region: Region, judge: Judge, seed: int, events: Sequence[Event], wrongs: Iterable[str]) -> Result:
    region.stop()
    journal = judge.journal()
    writes = sum(entry["tenant"] != "source" and not entry["consequence"] for entry in journal)
    trace = hashlib.sha256(json.dumps(journal, sort_keys=True).encode()).hexdigest()
    return Result(seed, len(events), writes, tuple(wrongs), trace)


def _unseen(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task raised to nobody: whoever waited for it died with it."""
    if not isinstance(context.get("exception"), KilledError):
        loop.default_exception_handler(context)


async def _until(seconds: float) -> None:
    await asyncio.sleep(max(0.0, seconds - virtual_time.loop().time()))


def _rules(grace_days: int = 0) -> str:
    """The repository's sync.yaml, with a deletion budget that a small company cannot spend."""
    document = yaml.safe_load((REPOSITORY / "sync.yaml").read_text(encoding="utf-8"))
    for target in document["targets"]:
        target["deletionBudget"] = {"count": 500, "percent": 100, "window": "PT24H"}
        if grace_days:
            target["deprovision"] = {"outOfScope": "softDelete", "sourceDeleted": "softDelete", "graceDays": grace_days}
    return yaml.safe_dump(document)
