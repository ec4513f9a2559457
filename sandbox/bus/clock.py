"""The broker's time. It is given, so that the same broker lives in real time and under virtual time.

Times are seconds since 1970-01-01 UTC, as floats; the broker never asks the operating system.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()


class VirtualClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._now

    def advance_to(self, when: float) -> None:
        """Move forward to ``when``; a time that has passed changes nothing."""
        self._now = max(self._now, when)

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``."""
        self._now += max(seconds, 0.0)
