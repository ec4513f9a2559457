"""Send what both logs still owe: on a timer, for the times when no batches come that would do it in passing."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.app.events import send_owed
from shared.app.operations import send_owed_operations
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)

_A_TARGET: Final = timedelta(minutes=1)


async def send_owed_logs(parts: Parts) -> None:
    """Send owed events of all targets and of the operations log; what is not taken now waits for the next time."""
    await send_owed_operations(parts)
    for target in parts.targets:
        try:
            await send_owed(parts, target, within=_A_TARGET)
        except StoreError as error:
            _logger.warning("%s: events stay with their links: %s", target, error)
