"""Users whose change failed: who they are, why, when they are tried again; and trying them at once.

A retry is only a look: it is decided anew, and costs an attempt like any other. Nothing is written here but messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.model import LinkState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.app.parts import Parts
    from shared.core.model import Link

_SENT_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class Escrow:
    """One user of one target whose change failed."""

    target: str
    source_id: str
    target_id: str | None
    reason: str  # a code
    attempts: int
    retry_at: datetime


async def list_escrow(parts: Parts, target: str) -> list[Escrow]:
    """Everybody in a target's escrow, those first who are tried next.

    Reads all links of the target.
    """
    found = [
        escrow
        async for page in parts.store.list_links(target)
        for link in page
        if (escrow := escrow_of(link)) is not None
    ]
    return sorted(found, key=lambda escrow: (escrow.retry_at, escrow.source_id))


def escrow_of(link: Link) -> Escrow | None:
    """What a link tells of an escrow. Who is held waits for a person, and not for a time."""
    if link.retry_at is None or link.state is LinkState.HELD:
        return None
    return Escrow(link.target, link.source_id, link.target_id, link.reason or "unknown", link.attempt, link.retry_at)


async def retry_now(parts: Parts, target: str, source_ids: Sequence[str]) -> None:
    """Ask for a look at these users of a target now.

    Raises:
        BusUnavailableError: some were not asked for; asking again is harmless.
    """
    now, timing = parts.clock.now(), parts.settings.timing
    for start in range(0, len(source_ids), _SENT_AT_A_TIME):
        changes = [
            UserChange(source_id, Reason.ON_DEMAND, Kind.CHECK, target=target, seen_at=now)
            for source_id in source_ids[start : start + _SENT_AT_A_TIME]
        ]
        await parts.topic.send([envelope(change, not_before=now, timing=timing) for change in changes])
