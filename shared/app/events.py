"""Provisioning-log events on their way: committed with their link, sent, and cleared once they were taken.

A crash between sending and clearing sends them twice, which their id makes harmless; none is ever lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.app.parts import Parts
    from shared.core.model import Link

_OWED_AT_A_TIME: Final = 200  # links


async def send_events(parts: Parts, links: Iterable[Link]) -> None:
    """Send the events that stored links hold, then clear them. A link that changed meanwhile keeps its own."""
    owing = [link for link in links if link.unlogged]
    if owing:
        await parts.log.write([event for link in owing for event in link.unlogged])
        await parts.store.write_links([replace(link, unlogged=()) for link in owing])


async def send_owed(parts: Parts, target: str) -> None:
    """Send what an interrupted pass left behind in a target's links."""
    await send_events(parts, await parts.store.list_unlogged(target, _OWED_AT_A_TIME))
