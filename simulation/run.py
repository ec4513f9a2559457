"""One seed from its plan to its verdict."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import yaml

from sandbox.story.run import REPOSITORY
from simulation import virtual_time
from simulation.life import Life
from simulation.mortal import KilledError
from simulation.plan import DAY, Event, is_trouble, plan
from simulation.region import Region
from simulation.trouble import Trouble
from simulation.verdict import Judge

if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL_CYCLE_AT: Final = 10_800.0  # seconds after midnight
_AFTER_IT: Final = 4 * 3600.0
"""Seconds in which what the full cycle found has to be done."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one seed. `trace` is a digest of all that happened in the tenants, with its times."""

    seed: int
    events: int
    writes: int
    wrongs: tuple[str, ...]
    trace: str


def simulate(seed: int, days: float, events: Sequence[Event] | None = None) -> Result:
    """Run one seed; `events` stand in for those of its plan."""
    happening = plan(seed, days) if events is None else list(events)
    with mock.patch("os.urandom", random.Random(f"{seed}:identifiers").randbytes):  # of uuid4
        return virtual_time.run(_simulate(seed, days, happening))


async def _simulate(seed: int, days: float, events: Sequence[Event]) -> Result:
    logging.getLogger("shared").setLevel(logging.CRITICAL)
    virtual_time.loop().set_exception_handler(_unseen)
    region = Region(seed, _rules())
    judge = Judge(region)
    life, trouble = Life(region.tenants), Trouble(region)
    region.start()
    for event in events:
        await _until(event.at)
        (trouble if is_trouble(event) else life).happens(event)
    await _until(days * DAY)
    trouble.end()
    now = virtual_time.loop().time()
    await _until(now // DAY * DAY + DAY + _FULL_CYCLE_AT + _AFTER_IT)
    wrongs = await judge.wrongs()
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


def _rules() -> str:
    """The repository's sync.yaml, with a deletion budget that a small company cannot spend."""
    document = yaml.safe_load((REPOSITORY / "sync.yaml").read_text(encoding="utf-8"))
    for target in document["targets"]:
        target["deletionBudget"] = {"count": 500, "percent": 100, "window": "PT24H"}
    return yaml.safe_dump(document)
