"""Graph's throttling: what one app may ask of one tenant in a sliding window, in writes and in resource units.

It counts and refuses, on the time it is given; it knows no requests. What was refused does not count.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tenants.config import Quota, ThrottlingSettings

_TOLD_FROM = 0.8  # of a limit; below that, Graph does not say how much of it was used


class Limit(StrEnum):
    """Which limit refuses, in Graph's words."""

    WRITES = "WriteLimitExceeded"
    RESOURCE_UNITS = "ResourceUnitLimitExceeded"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may happen, and how much of the limit is used with it, where Graph would tell."""

    used: float | None = None  # a share, from 0.8 on
    exceeded: Limit | None = None
    retry_after: int | None = None  # in seconds; None is not told


class _Window:
    """What was spent in the last seconds, to the moment."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._spent: deque[tuple[float, int]] = deque()  # when and how much, oldest first
        self._total = 0

    def wait(self, amount: int, now: float) -> float:
        """Seconds until there is room for so much; 0 where there is."""
        while self._spent and self._spent[0][0] <= now - self._quota.seconds:
            self._total -= self._spent.popleft()[1]
        room, wait = self._quota.limit - self._total, 0.0
        for at, spent in self._spent:
            if room >= amount:
                break
            room, wait = room + spent, at + self._quota.seconds - now
        return wait

    def spend(self, amount: int, now: float) -> None:
        self._spent.append((now, amount))
        self._total += amount

    def used(self, more: int = 0) -> float:
        """The share that is spent, with so much more."""
        return (self._total + more) / self._quota.limit


class Throttling:
    """The limits of every app in every tenant."""

    def __init__(self, settings: ThrottlingSettings) -> None:
        self._settings = settings
        self._windows: dict[tuple[str, str], dict[Limit, _Window]] = {}

    def use(self, settings: ThrottlingSettings) -> None:
        """Take over other limits; what was spent is forgotten, unless they are the same."""
        if settings != self._settings:
            self._settings = settings
            self._windows.clear()

    def admit(self, app_id: str, tenant_id: str, costs: dict[Limit, int], now: float) -> Verdict:
        """Count one request of an app in a tenant, or refuse it."""
        windows = self._windows.setdefault((app_id, tenant_id), self._unspent())
        touched = [(limit, windows[limit], cost) for limit, cost in costs.items() if cost and limit in windows]
        for limit, window, cost in touched:
            if wait := window.wait(cost, now):
                retry_after = math.ceil(wait) if self._settings.retry_after else None
                return Verdict(window.used(cost), limit, retry_after)
        for _, window, cost in touched:
            window.spend(cost, now)
        used = max((window.used() for _, window, _ in touched), default=0.0)
        return Verdict(used if used >= _TOLD_FROM else None)

    def _unspent(self) -> dict[Limit, _Window]:
        quotas = {Limit.WRITES: self._settings.writes, Limit.RESOURCE_UNITS: self._settings.resource_units}
        return {limit: _Window(quota) for limit, quota in quotas.items() if quota is not None}
