"""Where provisioning-log events go: one JSON line each, on a logger of their own.

`write` returns once the events were taken; until then they stay with their links and are sent again. The logger
does not propagate, so no line reaches the application log a second time.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGGER_NAME = "crosstenant.provisioning_log"


class ProvisioningLog:
    """The provisioning log as lines of JSON."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`; to standard error where it is None, as the host shows it."""
        self._logger = logging.getLogger(LOGGER_NAME)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(logging.Formatter("provisioning %(message)s"))
        self._logger.handlers = [handler]

    async def write(self, events: Sequence[str]) -> None:
        """Write events (JSON text), in their order."""
        for event in events:
            self._logger.info(event)
