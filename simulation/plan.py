"""What happens in one simulation, drawn from its seed before it begins: a list of events, which can be cut down.

An event names people and tenants by numbers, so that what is left of a list still means something when others were
taken out of it: whoever is named and not there is passed over.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY: Final = 86_400.0
_HOUR: Final = 3_600.0
_QUIET: Final = 900.0  # seconds at the beginning, in which the app sets itself up

_LIFE: Final = {
    "joins": 18, "leaves": 8, "hired": 4, "deleted": 5, "restored": 6, "blocked": 4, "unblocked": 4, "changed": 16,
    "renamed": 4, "managed": 6, "unmanaged": 2, "nested": 4, "unnested": 4, "groupDeleted": 1, "groupRestored": 2,
    "joinsTeam": 6, "leavesTeam": 4, "changedInTarget": 5, "deletedInTarget": 2, "blockedInTarget": 2,
    "invitedByHand": 3,
}  # fmt: skip
"""How often, for one another, each happens in the tenants."""

_TROUBLE: Final = {
    "graphErrors": 8, "graphThrottles": 5, "graphLosesAnswers": 8, "graphIsDown": 3, "graphIsSlow": 3,
    "storeErrors": 6, "storeIsDown": 2, "busErrors": 5, "busIsDown": 2, "logErrors": 4, "logIsDown": 3, "deaf": 3,
    "forged": 4, "killed": 14, "held": 5, "consentWithdrawn": 1, "subscriptionsLost": 2, "logForgets": 0,
}  # fmt: skip
"""How often, for one another, each goes wrong."""

_BY_HAND: Final = frozenset({"changedInTarget", "deletedInTarget", "blockedInTarget", "invitedByHand"})
"""Life in the targets, which only a full cycle looks for."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at a time, in seconds since the beginning; the numbers say to whom and how long."""

    at: float
    name: str
    first: int
    second: int
    share: float  # of whatever the event has a measure for

    def __str__(self) -> str:
        """One line."""
        hours, rest = divmod(int(self.at), 3600)
        return f"{hours:4d}:{rest // 60:02d}:{rest % 60:02d}  {self.name} {self.first} {self.second} {self.share:.2f}"


def plan(seed: int, days: float) -> list[Event]:
    """The events of one seed, in their order. Most come in bursts, since faults meet nobody in the quiet hours."""
    chance = random.Random(f"{seed}:plan")
    events: list[Event] = []
    for _ in range(max(1, round(days * 5))):
        begins = chance.uniform(_QUIET, days * DAY)
        lasts = chance.choice((30.0, 300.0, 1800.0))
        life, trouble = chance.randint(2, 9), chance.randint(0, 5)
        events += [_event(chance, _LIFE, begins, lasts) for _ in range(life)]
        events += [_event(chance, _TROUBLE, begins, lasts) for _ in range(trouble)]
    return sorted(events, key=lambda event: (event.at, event.name, event.first))


def _event(chance: random.Random, names: dict[str, int], begins: float, lasts: float) -> Event:
    [name] = chance.choices(list(names), list(names.values()))
    return Event(
        begins + chance.uniform(0, lasts), name, chance.randrange(1000), chance.randrange(1000), chance.random()
    )


def without_trouble(events: Iterable[Event]) -> list[Event]:
    """What is left of a plan where nothing goes wrong, and nobody touches the targets by hand."""
    return [event for event in events if not is_trouble(event) and event.name not in _BY_HAND]


def is_trouble(event: Event) -> bool:
    """Whether it is something that goes wrong, and nobody's wish."""
    return event.name in _TROUBLE
