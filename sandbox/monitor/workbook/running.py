"""How queries are run for a workbook: a small protocol, and a runner that remembers what it was just asked.

One view asks for the same query several times (a drop-down for every step below it), so results are kept while no row
comes in, for thirty seconds: `ago()` moves. A result from before the latest row is never given: the page asks once for
each news, and would not ask again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.monitor.tables.store import Result, Store, TimeBound

_KEPT_SECONDS: Final = 30.0
_MOST_KEPT: Final = 200


class Runner(Protocol):
    """Runs KQL."""

    def run(self, kql: str, bound: TimeBound | None = None) -> Result:
        """The result; QueryFailedError where it fails."""
        ...


class CachedQueries:
    """What was asked lately, for all readers of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[tuple[str, object], tuple[int, datetime, Result]] = {}

    def at(self, now: datetime) -> StoreRunner:
        """A runner at a moment."""
        return StoreRunner(self, now)

    def run(self, kql: str, now: datetime, bound: TimeBound | None) -> Result:
        """The result, perhaps of a moment ago."""
        # A span that ends now moves with the clock; one with a fixed end is another question.
        span = None if bound is None else (bound.end - bound.start) if bound.end == now else bound
        key = (kql, span)
        revision = self._store.revision
        known = self._known.get(key)
        if known is not None and known[0] == revision and abs((now - known[1]).total_seconds()) <= _KEPT_SECONDS:
            return known[2]
        result = self._store.query(kql, now=now, bound=bound)
        with self._lock:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = (revision, now, result)
        return result


class StoreRunner:
    """Runs queries at one moment."""

    def __init__(self, queries: CachedQueries, now: datetime) -> None:
        self._queries = queries
        self._now = now

    def run(self, kql: str, bound: TimeBound | None = None) -> Result:
        """The result; QueryFailedError where it fails."""
        return self._queries.run(kql, self._now, bound)
