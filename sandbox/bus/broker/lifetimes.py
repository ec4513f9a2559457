"""Which messages expire when.

A heap with entries that may be stale; they are skipped when met, and swept out when they outnumber the living, so
that messages settled long before their time cost no memory until then.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_FEW = 256


class Lifetimes:
    """Ends of messages' lives, by sequence number; times are seconds since 1970-01-01 UTC."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []

    def add(self, expires_at: float, number: int) -> None:
        """Remember when a message expires."""
        heapq.heappush(self._heap, (expires_at, number))

    def next_end(self) -> float | None:
        """The earliest end."""
        return self._heap[0][0] if self._heap else None

    def pop_ended(self, now: float) -> int | None:
        """The number of a message whose life is over, or ``None``."""
        if self._heap and self._heap[0][0] <= now:
            return heapq.heappop(self._heap)[1]
        return None

    def sweep(self, living: Collection[int]) -> None:
        """Drop stale entries if there are many."""
        if len(self._heap) > _FEW + 2 * len(living):
            self._heap = [entry for entry in self._heap if entry[1] in living]
            heapq.heapify(self._heap)
