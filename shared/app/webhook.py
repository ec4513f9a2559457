"""What the webhook keeps between requests, so that a flood of forged ones costs next to nothing.

Anybody may post to it. So the store is not asked for each request: the subscriptions are remembered, and read again
when they are old, or, at most twice a second, when a clientState is not among them. Refusals are told as a count, once
a minute for each reason. All of it is per process; how many there are is bounded in Azure.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.store.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from shared.core.model import SubscriptionRecord

_REMEMBERED_FOR: Final = timedelta(minutes=1)
"""What was replaced is refused by then in every process."""

_READ_AGAIN_AFTER: Final = timedelta(seconds=0.5)

HEARD_WITHIN: Final = 2 * _READ_AGAIN_AFTER
"""So long after a clientState was stored, no process refuses it. Whoever makes one waits before Graph hears of it."""

_TOLD_EVERY: Final = timedelta(minutes=1)


class Webhook:
    """The subscriptions as they were read last, and the refusals that nobody has been told of."""

    def __init__(
        self, read: Callable[[], Awaitable[Sequence[SubscriptionRecord]]], now: Callable[[], datetime]
    ) -> None:
        """`read` asks the store."""
        self._read = read
        self._now = now
        self._lock = asyncio.Lock()
        self._records: Sequence[SubscriptionRecord] = ()
        self._read_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._refused: Counter[str] = Counter()
        self._told_at: dict[str, datetime] = {}

    async def subscriptions(self, *, unknown: bool = False) -> Sequence[SubscriptionRecord]:
        """Our subscriptions; `unknown` says that what is remembered does not explain a notification.

        Raises:
            StoreError: they have to be read, and could not be.
        """
        async with self._lock:  # who comes meanwhile has the answer of this read
            if self._is_within(self._read_at, _READ_AGAIN_AFTER if unknown else _REMEMBERED_FOR):
                return self._records
            if self._is_within(self._failed_at, _READ_AGAIN_AFTER):
                raise StoreUnavailable("get_subscriptions", "it failed a moment ago")
            asked_at = self._now()  # what is stored from here on may be missing
            try:
                self._records = await self._read()
            except StoreError:
                self._failed_at = asked_at
                raise
            self._read_at = asked_at
            return self._records

    def refused(self, why: str, count: int = 1) -> int:
        """Note refusals; returns how many there were since the log was told, and 0 where it need not be told yet."""
        self._refused[why] += count
        if self._is_within(self._told_at.get(why), _TOLD_EVERY):
            return 0
        self._told_at[why] = self._now()
        return self._refused.pop(why)

    def _is_within(self, at: datetime | None, age: timedelta) -> bool:
        return at is not None and timedelta(0) <= self._now() - at < age
