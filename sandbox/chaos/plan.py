"""The plan of a chaos: all of its events and their times, from a seed alone.

The same seed, length and company give the same plan, event by event. What comes of it varies: the events meet the app
in real time, at whatever it is doing then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sandbox.chaos.deeds import Event, Poison, ReleaseHolds, RunTimer, WithdrawConsent
from sandbox.chaos.life import Company
from sandbox.chaos.trouble import outage, trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LIFE_EVERY: Final = 1.2  # seconds, in the mean
_TROUBLE_EVERY: Final = 3.5
_OUTAGES_APART: Final = (14.0, 30.0)  # a killed host takes some seconds to be back
_WORK_EVERY: Final = (15.0, 25.0)
_CONSENT_FROM: Final = 60.0  # seconds that a chaos lasts, at least, to have one withdrawn
_MOST_POISON: Final = 2


@dataclass(frozen=True, slots=True)
class Beginning:
    """Who is there when a chaos begins: aliases, the groups with their members, and where people are sent."""

    people: Sequence[str]
    members: Mapping[str, Sequence[str]]
    scope: str
    targets: Sequence[str]


def plan(seed: int, seconds: float, beginning: Beginning) -> tuple[Event, ...]:
    """Every event within so many seconds, in their order."""
    events = [
        *_life(seed, seconds, beginning),
        *_troubles(seed, seconds, beginning),
        *_outages(seed, seconds, beginning),
        *_work(seed, seconds),
    ]
    return tuple(sorted(events, key=lambda event: event.at))


def _life(seed: int, seconds: float, beginning: Beginning) -> list[Event]:
    chance = random.Random(f"{seed}:chaos:life")
    company = Company(beginning.people, beginning.members, beginning.scope, beginning.targets, seed)
    events: list[Event] = []
    at = chance.expovariate(1 / _LIFE_EVERY)
    while at < seconds:
        events += company.next(at, chance)
        at += chance.expovariate(1 / _LIFE_EVERY)
    return [replace(event, at=round(min(event.at, seconds), 2)) for event in events]


def _troubles(seed: int, seconds: float, beginning: Beginning) -> list[Event]:
    chance = random.Random(f"{seed}:chaos:trouble")
    events: list[Event] = []
    poison = 0
    at = chance.expovariate(1 / _TROUBLE_EVERY)
    while at < seconds:
        deed, words = trouble(chance, beginning.targets, beginning.people)
        poison += isinstance(deed, Poison)
        if not isinstance(deed, Poison) or poison <= _MOST_POISON:
            events.append(Event(round(at, 2), deed, words))
        at += chance.expovariate(1 / _TROUBLE_EVERY)
    return events


def _outages(seed: int, seconds: float, beginning: Beginning) -> list[Event]:
    chance = random.Random(f"{seed}:chaos:outages")
    events: list[Event] = []
    at = chance.uniform(4.0, 12.0)
    while at < seconds - 2.0:
        # A quarantine opens a minute later at the earliest, so it comes in the first half, and once.
        had = any(isinstance(event.deed, WithdrawConsent) for event in events)
        consent = seconds >= _CONSENT_FROM and at < seconds / 2 and not had
        deed, words = outage(chance, beginning.targets, consent=consent)
        events.append(Event(round(at, 2), deed, words))
        at += chance.uniform(*_OUTAGES_APART)
    return events


def _work(seed: int, seconds: float) -> list[Event]:
    chance = random.Random(f"{seed}:chaos:work")
    events: list[Event] = []
    at = chance.uniform(*_WORK_EVERY)
    while at < seconds:
        match chance.choice(["catch_up", "catch_up", "full_cycle", "keep_subscriptions", "holds"]):
            case "holds":
                events.append(Event(round(at, 2), ReleaseHolds(), "an administrator releases who is held"))
            case timer:
                events.append(Event(round(at, 2), RunTimer(timer), f"the timer {timer} runs"))
        at += chance.uniform(*_WORK_EVERY)
    return events
