"""The Retry-After header of HTTP, read in one place for Graph and for the logs' ingestion."""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds, or an HTTP date."""
    if value is None:
        return None
    try:
        seconds = float(value)
        if math.isfinite(seconds):
            return timedelta(seconds=max(0.0, seconds))
    except (ValueError, OverflowError):
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(timedelta(), until - now)
