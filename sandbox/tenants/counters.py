"""Counts of what was asked of the cloud, per tenant and operation, for budgets and reports.

Only counting: nothing is refused here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tenants.wire import JsonObject


class Counters:
    """Requests, round trips, answers, resource units and writes since the last reset, by tenant name.

    A `$batch` is one round trip, and each of its items a request.
    """

    def __init__(self) -> None:
        self._requests: dict[str, Counter[str]] = {}
        self._round_trips: Counter[str] = Counter()
        self._statuses: dict[str, Counter[str]] = {}
        self._units: Counter[str] = Counter()
        self._writes: Counter[str] = Counter()

    def request(self, tenant: str, operation: str, units: int, writes: int) -> None:
        """One request came, with its cost."""
        self._requests.setdefault(tenant, Counter())[operation] += 1
        self._units[tenant] += units
        self._writes[tenant] += writes

    def round_trip(self, tenant: str) -> None:
        """One call of Graph came over the wire."""
        self._round_trips[tenant] += 1

    def answer(self, tenant: str, status: int) -> None:
        """One request was answered."""
        self._statuses.setdefault(tenant, Counter())[str(status)] += 1

    def of(self, tenant: str, operation: str) -> int:
        """How often an operation was asked for."""
        return self._requests.get(tenant, Counter())[operation]

    def reset(self) -> None:
        """Start from zero."""
        self._requests.clear()
        self._round_trips.clear()
        self._statuses.clear()
        self._units.clear()
        self._writes.clear()

    def as_json(self) -> JsonObject:
        """All counts."""
        return {
            "requests": {tenant: dict(counts) for tenant, counts in self._requests.items()},
            "roundTrips": dict(self._round_trips),
            "statuses": {tenant: dict(counts) for tenant, counts in self._statuses.items()},
            "resourceUnits": dict(self._units),
            "writes": dict(self._writes),
        }
