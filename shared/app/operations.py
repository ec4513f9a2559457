"""The operations log's outbox: what happened to a target, or to the app, as a whole is durable before it is sent.

    tell: kept in the outbox ──▶ offered to the log ──▶ struck from the outbox

A crash or an outage between two steps sends an event twice, which its id makes harmless, and loses none. The outbox
is a few state rows changed by compare-and-set, so any number of workers may tell and send at once. It is bounded:
after days without a log, the oldest status reports go first, and the errors last.

What happened to single users is not told here: that is the provisioning log's, and stays with their links.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.app.state_rows import StateRowError, change_row
from shared.core.operation_event import OperationKind, Severity
from shared.store.errors import StoreError
from shared.telemetry.log_sink import LogTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.operation_event import OperationEvent
    from shared.store.protocol import Store
    from shared.telemetry.log_sink import LogSink
    from shared.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)

SHARDS: Final = "0123"
"""Rows of the outbox: enough that workers seldom meet, few enough to read all in one go."""

MAX_LENGTH: Final = 200_000
"""Characters of one row of the outbox, about 350 events; escaped into the store's document they are less than twice."""

_Rows = dict[str, dict[str, Any]]  # by event id, oldest first


class WithOutbox(Protocol):
    """What the outbox needs of the app's parts."""

    @property
    def store(self) -> Store:
        """Shared by all workers."""
        ...

    @property
    def log(self) -> LogSink:
        """Where both logs go."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Counts what was told."""
        ...


async def tell(parts: WithOutbox, events: Sequence[OperationEvent]) -> None:
    """Tell of what happened: durable first, then sent, then cleared. Telling the same events again is harmless.

    Where the outbox cannot be changed the events are offered to the log at once, so one of the two is enough.

    Raises:
        StoreError, StateRowError: neither took them.
    """
    if not events:
        return
    by_shard: dict[str, list[OperationEvent]] = {}
    for event in events:
        by_shard.setdefault(_shard(event.event_id), []).append(event)
    for shard, told in by_shard.items():
        try:
            await _keep(parts.store, shard, told)
        except (StoreError, StateRowError) as error:
            taken = await parts.log.write(LogTable.OPERATIONS, [event.row() for event in told])
            if len(taken) < len(told):
                raise
            _logger.warning("operations log: sent past its outbox: %s", error)
    parts.metrics.told(events)
    for shard in by_shard:
        await _send_or_leave(parts, shard)


async def send_owed_operations(parts: WithOutbox) -> None:
    """Send what an outage or a crash left in the outbox; called by a timer. Never raises for the store or the log."""
    for shard in SHARDS:
        await _send_or_leave(parts, shard)


async def _send_or_leave(parts: WithOutbox, shard: str) -> None:
    try:
        await _send(parts, shard)
    except (StoreError, StateRowError) as error:  # they stay, and are sent again
        _logger.warning("operations log: events stay in the outbox: %s", error)


async def _keep(store: Store, shard: str, events: Sequence[OperationEvent]) -> None:
    def change(kept: _Rows) -> tuple[_Rows, int]:
        return _bounded(kept | {event.event_id: event.row() for event in events})

    dropped = await change_row(store, _name(shard), _decode, _encode, change)
    if dropped:
        _logger.error("operations log: its outbox is full, %d events are dropped", dropped)


async def _send(parts: WithOutbox, shard: str) -> None:
    row = await parts.store.get_state(_name(shard))
    owed = _decode(row.value if row else None)
    if not owed:
        return
    taken = await parts.log.write(LogTable.OPERATIONS, list(owed.values()))
    ids = list(owed)
    cleared = {ids[position] for position in taken}
    if cleared:

        def change(kept: _Rows) -> tuple[_Rows, None]:
            return {event_id: row for event_id, row in kept.items() if event_id not in cleared}, None

        await change_row(parts.store, _name(shard), _decode, _encode, change)


def _bounded(rows: _Rows) -> tuple[_Rows, int]:
    """What fits, and how many do not: of the least interest first, and of those the oldest."""
    lengths = {event_id: len(_encode({event_id: row})) for event_id, row in rows.items()}
    length = sum(lengths.values())
    by_interest = sorted(rows, key=lambda event_id: (_interest(rows[event_id]), rows[event_id]["TimeGenerated"]))
    dropped: set[str] = set()
    for event_id in by_interest:
        if length <= MAX_LENGTH:
            break
        dropped.add(event_id)
        length -= lengths[event_id]
    return {event_id: row for event_id, row in rows.items() if event_id not in dropped}, len(dropped)


def _interest(row: dict[str, Any]) -> int:
    """A status report is made again in minutes; an error is what somebody has to see."""
    if row["Kind"] == OperationKind.STATUS:
        return 0
    return 1 + list(Severity).index(Severity(row["Severity"]))


def _shard(event_id: str) -> str:
    return SHARDS[int(event_id[0], 16) % len(SHARDS)]


def _name(shard: str) -> str:
    return f"operations:{shard}"


def _encode(rows: _Rows) -> str:
    return json.dumps(rows, separators=(",", ":"))


def _decode(text: str | None) -> _Rows:
    """An outbox that nobody can read begins anew: it must not keep the next event from being told."""
    try:
        rows: Any = json.loads(text) if text else {}
    except ValueError:
        rows = None
    if isinstance(rows, dict) and all(isinstance(row, dict) and "TimeGenerated" in row for row in rows.values()):
        return rows
    _logger.error("operations log: an outbox that cannot be read is begun anew")
    return {}
