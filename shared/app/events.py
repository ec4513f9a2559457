"""Provisioning-log events on their way: committed with their link, sent, and cleared once they were taken.

A crash between sending and clearing sends them twice, which their id makes harmless; none is ever lost. What the log
does not take stays with its link, and is offered again at the end of later batches, and by a timer.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.core.provisioning_event import UnreadableEventError, read_event
from shared.core.provisioning_row import Installation, row_of
from shared.telemetry.log_sink import LogTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.app.parts import Parts
    from shared.core.model import Link
    from shared.core.provisioning_event import ProvisioningEvent
    from shared.core.provisioning_row import ProvisioningRow

_logger = logging.getLogger(__name__)

_OWED_AT_A_TIME: Final = 500  # links: about a megabyte of rows, and a handful of the store's transactions

WITH_A_BATCH: Final = timedelta(seconds=10)
"""What a batch of messages may spend on the events of others: its own lock runs."""


async def send_events(parts: Parts, links: Iterable[Link]) -> int:
    """Send the events that stored links hold, then clear them; returns how many links are clear now.

    A link that changed meanwhile keeps its events, and one of which a single event was not taken keeps them all.
    """
    owing = [link for link in links if link.unlogged]
    if not owing:
        return 0
    rows: list[ProvisioningRow] = []
    whose: list[str] = []
    for link in owing:
        made = _rows(parts, link)
        rows += made
        whose += [link.source_id] * len(made)
    taken = await parts.log.write(LogTable.PROVISIONING, rows)
    waiting = {source_id for position, source_id in enumerate(whose) if position not in taken}
    clear = [replace(link, unlogged=()) for link in owing if link.source_id not in waiting]
    if clear:
        await parts.store.write_links(clear)
    return len(clear)


async def send_owed(parts: Parts, target: str, *, within: timedelta = WITH_A_BATCH) -> None:
    """Send what interrupted passes and outages left behind in a target's links, as far as the time goes."""
    end = parts.clock.now() + within
    while True:
        owing = await parts.store.list_unlogged(target, _OWED_AT_A_TIME)
        cleared = await send_events(parts, owing)
        if not cleared or len(owing) < _OWED_AT_A_TIME or parts.clock.now() >= end:
            return


async def send_dry_run(parts: Parts, event: ProvisioningEvent) -> None:
    """Send the event of a decision that was only asked for. It is kept nowhere: what the log does not take is lost."""
    row = row_of(replace(event, dry_run=True), _installation(parts, event.target))
    await parts.log.write(LogTable.PROVISIONING, [row])


def _installation(parts: Parts, target: str) -> Installation:
    return Installation(
        parts.sync.source.tenant_id, parts.targets[target].target.tenant.tenant_id, parts.settings.writer_client_id
    )


def _rows(parts: Parts, link: Link) -> list[ProvisioningRow]:
    installation = _installation(parts, link.target)
    rows = []
    for text in link.unlogged:
        try:
            rows.append(row_of(read_event(text), installation))
        except UnreadableEventError as error:  # it would never be taken, and would keep the others waiting for ever
            _logger.error("%s: an event of user %s cannot be read (%s)", link.target, link.source_id, error)  # noqa: TRY400
    return rows
