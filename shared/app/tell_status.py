"""tell_status: how things stand, for the workbook and the alerts: a row for the source, and one for each target.

Told by a timer every few minutes. A target's row is told less often where counting takes long: all links are read for
it, so at most a hundredth of the time goes into counting. Nothing is decided here.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.app.cursors import USERS, load_cursor, load_cycle, load_group_cursors
from shared.app.guard_rows import load_health
from shared.app.operations import tell
from shared.bus.errors import BusUnavailableError
from shared.core.model import LinkState, StateRow
from shared.core.operation_event import OperationEvent, OperationKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)

_REST: Final = 100  # times what counting took


async def tell_status(parts: Parts) -> None:
    """Tell how the source stands and, where it is time to count, each target.

    Raises:
        StoreError: the counts could not be had.
    """
    now = parts.clock.now()
    await tell(parts, [OperationEvent(OperationKind.STATUS, now, counts=await _source(parts, now))])
    for name in parts.targets:
        await _tell_target(parts, name)


async def _tell_target(parts: Parts, name: str) -> None:
    began = parts.clock.now()
    row = await parts.store.get_state(f"status:{name}")
    told = json.loads(row.value) if row is not None else {}
    if told and began < datetime.fromisoformat(told["notBefore"]):
        return
    throttled = (await load_health(parts, name)).throttled.total_seconds()
    counts = dict(await _counted(parts, name))
    counting = parts.clock.now() - began
    try:
        counts["waiting"] = await parts.topic.waiting(name)
    except BusUnavailableError as error:
        _logger.warning("%s: nobody knows how many messages wait: %s", name, error)
    counts["throttledSeconds"] = round(max(0.0, throttled - told.get("throttled", 0.0)))
    await tell(parts, [OperationEvent(OperationKind.STATUS, began, name, counts=counts)])
    value = json.dumps({"notBefore": (began + counting * _REST).isoformat(), "throttled": throttled})
    await parts.store.put_state(StateRow(f"status:{name}", value, row.etag if row else None))


async def _counted(parts: Parts, name: str) -> Mapping[str, int]:
    counts = dict.fromkeys((*map(_name, LinkState), "escrow", "unlogged"), 0)
    async for page in parts.store.list_links(name):
        for link in page:
            counts[_name(link.state)] += 1
            counts["escrow"] += link.waits and link.state is not LinkState.HELD
            counts["unlogged"] += bool(link.unlogged)
    cycle = await load_cycle(parts.store, name)
    if cycle is not None:
        counts["inScope"] = cycle.in_scope
        if "pendingRedemption" in cycle.counts:  # an older version's cycle did not count them
            counts["pendingRedemption"] = cycle.counts["pendingRedemption"]
    return counts


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


def _name(state: LinkState) -> str:
    """Links that a person named count as new: nobody has looked at them yet."""
    return LinkState.NEW.value if state is LinkState.IMPORTED else state.value


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)
