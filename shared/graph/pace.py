"""Writes per second towards one target: close to Graph's quota, and never over it by our own doing.

Graph allows an app 3,000 writes in 150 s per tenant, and 35,000 in 300 s over all tenants. Each target has one
worker, so a static share needs no coordination. The numbers are derived in docs/decisions/0012-pace-of-writes.md.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# 150 at once, then 18.6/s for 150 s, makes 2,940. The 60 that are left are three calls of twenty, which may have been
# on their way when a window of Graph's began.
_TENANT_WRITES_PER_SECOND: Final = 18.6  # 93 % of 3,000 writes / 150 s
_BURST: Final = 150.0
_APP_WRITES_PER_SECOND: Final = 105.0  # 90 % of 35,000 writes / 300 s


@dataclass(frozen=True, slots=True)
class Pace:
    """What one target may write."""

    per_second: float
    burst: float


def share(targets: int) -> Pace:
    """The static share of one target among `targets`."""
    per_second = min(_TENANT_WRITES_PER_SECOND, _APP_WRITES_PER_SECOND / max(1, targets))
    return Pace(per_second, _BURST * per_second / _TENANT_WRITES_PER_SECOND)


class WriteBudget:
    """A token bucket; callers are served in their order. It begins empty: another process may just have written."""

    def __init__(
        self,
        pace: Pace,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`monotonic` gives seconds."""
        self._pace = pace
        self._monotonic = monotonic
        self._sleep = sleep
        self._tokens = 0.0
        self._filled_at = monotonic()
        self._turn = asyncio.Lock()

    async def spend(self, writes: int) -> None:
        """Wait until `writes` more may be sent."""
        async with self._turn:
            now = self._monotonic()
            self._tokens = min(self._pace.burst, self._tokens + (now - self._filled_at) * self._pace.per_second)
            self._filled_at = now
            self._tokens -= writes
            if self._tokens < 0:
                await self._sleep(-self._tokens / self._pace.per_second)
