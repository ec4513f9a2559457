"""Time as something given, so that a test moves a timer through a night in a millisecond."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

_LONGEST_NAP_SECONDS = 3600.0  # a long sleep in pieces follows a wall clock that is set meanwhile


class Clock(Protocol):
    """A clock to read and to wait on. Times are aware, in UTC."""

    def now(self) -> datetime:
        """Return the time of this clock."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return once this clock has reached `moment`; at once if it already has."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until the machine's clock shows `moment`, never waking early."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, _LONGEST_NAP_SECONDS))
