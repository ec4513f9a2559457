"""Provisioning-log events on their way: committed with their link, sent, and cleared once they were taken.

A crash between sending and clearing sends them twice, which their id makes harmless; none is ever lost. What the log
does not take stays with its link, and is offered again at the end of a later batch, or by the timer.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.telemetry.log_sink import LogTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.app.parts import Parts
    from shared.core.model import Link

_OWED_AT_A_TIME: Final = 200  # links


async def send_events(parts: Parts, links: Iterable[Link]) -> None:
    """Send the events that stored links hold, then clear them. A link that changed meanwhile keeps its own."""
    owing = [link for link in links if link.unlogged]
    if owing:
        rows = [(link.source_id, json.loads(event)) for link in owing for event in link.unlogged]
        taken = await parts.log.write(LogTable.PROVISIONING, [row for _, row in rows])
        kept = {source_id for position, (source_id, _) in enumerate(rows) if position not in taken}
        await parts.store.write_links([replace(link, unlogged=()) for link in owing if link.source_id not in kept])


async def send_owed(parts: Parts, target: str) -> None:
    """Send what an interrupted pass left behind in a target's links."""
    await send_events(parts, await parts.store.list_unlogged(target, _OWED_AT_A_TIME))
