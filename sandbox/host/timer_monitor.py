"""Remembers when timers were due, so that a run missed while the host was away is made up for once.

The cloud keeps this in blobs of AzureWebJobsStorage. Here it is a JSON file, or nothing at all, and then no run is
ever past due. Only dates are kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """When a timer last ran (None: never) and when it is due next. Aware, UTC."""

    last: datetime | None
    next: datetime


class TimerMonitor(Protocol):
    """Keeps the status of each timer by function name."""

    def read(self, name: str) -> TimerStatus | None:
        """Return what was kept for `name`, or None."""
        ...

    def write(self, name: str, status: TimerStatus) -> None:
        """Keep `status` for `name`."""
        ...


class ForgetfulTimerMonitor:
    """Keeps nothing: each start is a first start."""

    def read(self, name: str) -> TimerStatus | None:  # noqa: ARG002  the protocol's signature
        """Return None."""
        return None

    def write(self, name: str, status: TimerStatus) -> None:
        """Do nothing."""


class FileTimerMonitor:
    """Keeps the statuses in one JSON file: {name: {"last": ISO time or null, "next": ISO time}}."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> TimerStatus | None:
        """Return what the file holds for `name`; None where it holds nothing that can be read."""
        try:
            entry = self._document()[name]
            last = entry["last"]
            return TimerStatus(
                datetime.fromisoformat(last) if last is not None else None, datetime.fromisoformat(entry["next"])
            )
        except (KeyError, TypeError, ValueError):
            return None

    def write(self, name: str, status: TimerStatus) -> None:
        """Put `status` into the file, whole or not at all."""
        document = self._document()
        last = status.last.isoformat() if status.last is not None else None
        document[name] = {"last": last, "next": status.next.isoformat()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self._path)

    def _document(self) -> dict[str, Any]:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}
