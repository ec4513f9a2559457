"""The two logs as lines of JSON on standard error, for installations without a data collection rule.

The logger does not propagate, so no line reaches the application log a second time.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.telemetry.log_sink import LogTable, Row

LOGGER_NAME: Final = "crosstenant.logs"


class JsonLines:
    """A sink that takes everything: the name of the table and the row, a line each."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`; to standard error where it is None, as the host shows it."""
        self._logger = logging.getLogger(LOGGER_NAME)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        self._logger.handlers = [handler]

    async def write(self, table: LogTable, rows: Sequence[Row]) -> frozenset[int]:
        """Write rows, in their order."""
        for row in rows:
            self._logger.info("%s %s", table.value, json.dumps(row, separators=(",", ":")))
        return frozenset(range(len(rows)))

    async def refusal(self, table: LogTable) -> None:
        """Lines are always taken."""

    async def close(self) -> None:
        """Nothing is open."""
