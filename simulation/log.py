"""Both logs of the app: what was taken for good, and an instance's way there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.telemetry.log_sink import LogTable
from simulation.weather import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.telemetry.log_sink import Row
    from simulation.mortal import Mortal


@dataclass(slots=True)
class Log:
    """Rows that were taken, by their event id: a row that came twice is one."""

    rows: dict[LogTable, dict[str, Row]] = field(default_factory=dict)

    def provisioning(self) -> dict[str, Row]:
        """Those of the provisioning log."""
        return self.rows.get(LogTable.PROVISIONING, {})


class ReachedLog:
    """A `LogSink`, as one instance reaches it."""

    def __init__(self, log: Log, mortal: Mortal) -> None:
        self._log = log
        self._mortal = mortal

    async def write(self, table: LogTable, rows: Sequence[Row]) -> frozenset[int]:
        """See `LogSink.write`."""
        if not rows:
            return frozenset()
        service = self._mortal.weather.log
        fate = await self._mortal.step(service)
        if fate is Fate.REFUSED:
            return frozenset()
        self._log.rows.setdefault(table, {}).update((str(row["EventId"]), row) for row in rows)
        await self._mortal.back(service)
        return frozenset() if fate is Fate.LOST else frozenset(range(len(rows)))

    async def refusal(self, _table: LogTable) -> None:
        """See `LogSink.refusal`; no use case of a simulation asks."""

    async def close(self) -> None:
        """See `LogSink.close`."""
