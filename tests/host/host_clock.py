"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class ManualClock:
    """Sleepers wake in the order of their times as `advance` passes them."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._changed = asyncio.Condition()

    def now(self) -> datetime:
        """Return the time the test has set."""
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until the test moves the time to `moment`."""
        if moment <= self._now:
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._numbers), woken))
        async with self._changed:
            self._changed.notify_all()
        await woken

    async def until_asleep(self, moment: datetime) -> None:
        """Wait until somebody sleeps until exactly `moment`."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: any(at == moment and not woken.done() for at, _, woken in self._sleepers)
            )

    def advance(self, by: timedelta) -> None:
        """Move the time and wake everyone whose time has come."""
        self._now += by
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
