"""A log that takes what the test lets it take, and parts with nothing but store and log."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.telemetry.metrics import Metrics


class Log:
    """A sink in memory. `takes` says of each row whether it is taken."""

    def __init__(self, takes=lambda _row: True):
        self.takes = takes
        self.offered = []
        self.taken = []

    async def write(self, table, rows):
        self.offered += [(table, row) for row in rows]
        positions = frozenset(position for position, row in enumerate(rows) if self.takes(row))
        self.taken += [(table, rows[position]) for position in sorted(positions)]
        return positions

    async def close(self):
        pass


@dataclass
class StoreAndLog:
    """What the outbox needs of the app's parts."""

    store: object
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)
