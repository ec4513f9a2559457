"""tell_status: how things stand, for the workbook and the alerts: a row for each target, and one for the source.

Told by a timer every few minutes, and less often where counting takes long: all links are read for it, so at most a
hundredth of the time goes into counting. Nothing is decided here.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.app.cursors import USERS, load_cursor, load_cycle, load_group_cursors
from shared.app.operations import tell
from shared.core.model import LinkState, StateRow
from shared.core.operation_event import OperationEvent, OperationKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.parts import Parts
    from shared.core.model import Link

_ROW: Final = "status"
_REST: Final = 100  # times what counting took


async def tell_status(parts: Parts) -> bool:
    """Count and tell, if it is time to; whether it was.

    Raises:
        StoreError: the counts could not be had.
    """
    began = parts.clock.now()
    row = await parts.store.get_state(_ROW)
    if row is not None and began < datetime.fromisoformat(json.loads(row.value)["notBefore"]):
        return False
    events = [
        OperationEvent(OperationKind.STATUS, began, name, counts=await _target(parts, name)) for name in parts.targets
    ]
    events.append(OperationEvent(OperationKind.STATUS, began, counts=await _source(parts, began)))
    await tell(parts, events)
    not_before = began + (parts.clock.now() - began) * _REST
    await parts.store.put_state(
        StateRow(_ROW, json.dumps({"notBefore": not_before.isoformat()}), row.etag if row else None)
    )
    return True


async def _target(parts: Parts, name: str) -> Mapping[str, int]:
    counts = dict.fromkeys((*map(_name, LinkState), "escrow", "unlogged"), 0)
    async for page in parts.store.list_links(name):
        for link in page:
            counts[_name(link.state)] += 1
            counts["escrow"] += _is_in_escrow(link)
            counts["unlogged"] += bool(link.unlogged)
    cycle = await load_cycle(parts.store, name)
    return counts if cycle is None else counts | {"inScope": cycle.in_scope}


async def _source(parts: Parts, now: datetime) -> Mapping[str, int]:
    """The subscription that lapses first, and the cursor that moved longest ago; what is not there is left out."""
    ends = [record.expires_at for record in await parts.store.get_subscriptions() if record.expires_at is not None]
    users = await load_cursor(parts.store, USERS)
    moved = [cursor.at for cursor in (users, *await load_group_cursors(parts.store)) if cursor is not None]
    counts = {}
    if ends:
        counts["subscriptionMinutesLeft"] = max(0, _minutes(min(ends) - now))
    if moved:
        counts["cursorAgeMinutes"] = _minutes(now - min(moved))
    return counts


def _is_in_escrow(link: Link) -> bool:
    return link.retry_at is not None and link.state is not LinkState.HELD


def _name(state: LinkState) -> str:
    """Links that a person named count as new: nobody has looked at them yet."""
    return LinkState.NEW.value if state is LinkState.IMPORTED else state.value


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)
