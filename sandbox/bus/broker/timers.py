"""When something has to happen next, for everything in one broker.

One heap for all entities. An entry says only "look at this one at that time"; whoever is woken looks at its own
state, so an entry that has become pointless costs one look and is never searched for.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Timed(Protocol):
    """Something that time changes."""

    def advance(self, now: float) -> None:
        """Do all that is due at ``now``."""


class Timers:
    """Wakes entities in the order of their times; times are seconds since 1970-01-01 UTC."""

    def __init__(self, on_earlier: Callable[[], None] | None = None) -> None:
        """``on_earlier`` hears of every deadline that comes before all others, so that a sleeper can wake sooner."""
        self._heap: list[tuple[float, int, Timed]] = []
        self._order = count()
        self._on_earlier = on_earlier

    def wake_at(self, when: float, timed: Timed) -> None:
        """Have ``timed.advance`` called at ``when``."""
        earlier = not self._heap or when < self._heap[0][0]
        heapq.heappush(self._heap, (when, next(self._order), timed))
        if earlier and self._on_earlier is not None:
            self._on_earlier()

    def next_deadline(self) -> float | None:
        """The earliest time at which something may happen."""
        return self._heap[0][0] if self._heap else None

    def advance(self, now: float) -> None:
        """Wake all whose time has come."""
        while self._heap and self._heap[0][0] <= now:
            _, _, timed = heapq.heappop(self._heap)
            timed.advance(now)


class Alarm:
    """One entity's place in the timers: asks for a wake only if none that is early enough is set already."""

    def __init__(self, timers: Timers, timed: Timed) -> None:
        self._timers = timers
        self._timed = timed
        self._set_for: float | None = None

    def set(self, when: float | None) -> None:
        """Be woken at ``when`` at the latest."""
        if when is not None and (self._set_for is None or when < self._set_for):
            self._set_for = when
            self._timers.wake_at(when, self._timed)

    def rang(self, now: float) -> None:
        """The entity was woken: forget the time it waited for."""
        if self._set_for is not None and self._set_for <= now:
            self._set_for = None
