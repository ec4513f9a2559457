"""What goes wrong at the moment, as the adapters of every instance feel it: outages, lost answers, delays.

Faults of Microsoft Graph itself are scripted in the tenants. Chance comes from the seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_GRAPH_SECONDS: Final = (0.02, 0.4)
_STORE_SECONDS: Final = (0.002, 0.03)
_BUS_SECONDS: Final = (0.005, 0.05)
_LOG_SECONDS: Final = (0.02, 0.3)


class Fate(StrEnum):
    """What becomes of one request."""

    DONE = "done"
    REFUSED = "refused"  # nothing happened
    LOST = "lost"  # it happened, and nobody was told


@dataclass(slots=True)
class Service:
    """One service that can be down, or lose some requests or answers; `seconds` is how long it takes one way."""

    seconds: tuple[float, float]
    down: bool = False
    refused: float = 0.0  # share of the requests
    lost: float = 0.0  # share of the answers
    slow: float = 1.0  # times as long


@dataclass(slots=True)
class Weather:
    """All services; by name for those who make the weather."""

    seed: int
    graph: Service = field(default_factory=lambda: Service(_GRAPH_SECONDS))
    store: Service = field(default_factory=lambda: Service(_STORE_SECONDS))
    bus: Service = field(default_factory=lambda: Service(_BUS_SECONDS))
    log: Service = field(default_factory=lambda: Service(_LOG_SECONDS))
    deaf: bool = False  # nobody answers Graph's notifications
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed}:weather")

    def delay(self, service: Service) -> float:
        """Seconds for one way."""
        return self._chance.uniform(*service.seconds) * service.slow

    def fate(self, service: Service) -> Fate:
        """What becomes of a request to a service now."""
        if service.down:
            return Fate.REFUSED
        drawn = self._chance.random()
        if drawn < service.refused:
            return Fate.REFUSED
        return Fate.LOST if drawn < service.refused + service.lost else Fate.DONE

    def pick(self, most: int) -> int:
        """A number below `most`."""
        return self._chance.randrange(most)

    def share(self) -> float:
        """A number between 0 and 1."""
        return self._chance.random()

    def clear(self) -> None:
        """The end of everything that goes wrong."""
        for service in (self.graph, self.store, self.bus, self.log):
            service.down, service.refused, service.lost, service.slow = False, 0.0, 0.0, 1.0
        self.deaf = False
