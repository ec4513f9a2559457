"""One user served at once, in this process, because somebody asked for it; or looked at, and no more.

It is the pass that every change takes: the claim makes it safe beside the workers, its events go to the log, and what
has to follow is sent to the topic. What came of it is read from its own event and from the link.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.app.events import send_dry_run
from shared.app.provision import send_follow_ups
from shared.app.serve import serve
from shared.core.decision_event import Occasion, event_of
from shared.core.messages import Kind, Reason, UserChange
from shared.core.model import Link
from shared.telemetry.log_sink import LogTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.app.inspection import Inspection
    from shared.app.parts import Parts, TargetParts
    from shared.telemetry.log_sink import LogSink, Refusal, Row


@dataclass(frozen=True, slots=True)
class Told:
    """What the provisioning log says of the pass."""

    decision: str
    status: str
    reason: str  # a code
    description: str
    changed: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """What came of it."""

    told: Told | None  # None: nothing was to do, or nothing could be decided
    link: Link | None
    again_at: datetime | None  # when the user is looked at again
    follow_ups: int  # users who are to be looked at because of this, this one among them


async def serve_now(parts: Parts, hands: TargetParts, source_id: str) -> Served:
    """Serve one user of one target.

    Raises:
        StoreError: nothing may have been decided.
        BusUnavailableError: it was done, and what has to follow could not be asked for.
    """
    name = hands.target.name
    listening = _Listening(parts.log)
    change = UserChange(source_id, Reason.ON_DEMAND, Kind.CHECK, target=name, seen_at=parts.clock.now())
    follow_ups = await serve(replace(parts, log=listening), hands, [change])
    await send_follow_ups(parts, name, follow_ups)
    own = [follow_up.not_before for follow_up in follow_ups if follow_up.change.user_id == source_id]
    return Served(
        told=listening.told(source_id),
        link=(await parts.store.get_links(name, [source_id])).get(source_id),
        again_at=min(own, default=None),
        follow_ups=len(follow_ups),
    )


async def tell_dry_run(parts: Parts, seen: Inspection) -> None:
    """Tell the log what would have been done now."""
    if seen.plan is None or seen.desired is None:
        return
    event = event_of(
        seen.plan,
        seen.link or Link(seen.target.name, seen.source_id),
        seen.plan.fault,
        seen.desired,
        seen.observed,
        occasion=Occasion(seen.now, parts.clock.now(), None, Reason.ON_DEMAND),
        policy=seen.target.log,
    )
    if event is not None:
        await send_dry_run(parts, event)


@dataclass(slots=True)
class _Listening:
    """The log, and what was written to it."""

    _log: LogSink
    _rows: list[Row] = field(default_factory=list)

    async def write(self, table: LogTable, rows: Sequence[Row]) -> frozenset[int]:
        """See `LogSink.write`."""
        if table is LogTable.PROVISIONING:
            self._rows += rows
        return await self._log.write(table, rows)

    async def refusal(self, table: LogTable) -> Refusal | None:
        """See `LogSink.refusal`."""
        return await self._log.refusal(table)

    async def close(self) -> None:
        """See `LogSink.close`; the log is the caller's."""

    def told(self, source_id: str) -> Told | None:
        """The last event about a user."""
        for row in reversed(self._rows):
            if json.loads(str(row["SourceIdentity"]))["Id"] == source_id:
                return Told(
                    decision=str(row["Decision"]),
                    status=str(row["Status"]),
                    reason=str(row["ReasonCode"]),
                    description=str(row["ResultDescription"]),
                    changed=tuple(json.loads(str(row["ChangedAttributes"]))),
                    refused=tuple(json.loads(str(row["RefusedAttributes"]))),
                )
        return None
