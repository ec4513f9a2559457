"""The sandbox's time: seconds since 1970 that can be frozen and moved on, never back.

Everything that has to do with time asks this clock, so that a test can live through 30 days in a
moment. Nothing here sleeps.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock over another one (`source`, in seconds since 1970) with an offset and a brake."""

    def __init__(self, source: Callable[[], float]) -> None:
        self._source = source
        self._offset = 0.0
        self._frozen_at: float | None = None

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._source() + self._offset

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`; ValueError if negative."""
        if seconds < 0:
            raise ValueError(f"a clock moves on, not back: {seconds}")
        if self._frozen_at is not None:
            self._frozen_at += seconds
        else:
            self._offset += seconds

    def freeze(self) -> None:
        """Let time stand still until `thaw`."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Let time run on from where it stands."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - self._source()
            self._frozen_at = None


def timestamp(seconds: float) -> str:
    """Graph's ordinary form: whole seconds and a Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_timestamp(seconds: float) -> str:
    """The form of subscriptions and notifications: seven fractional digits and a Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}1Z"


def parse_timestamp(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date-time; ValueError if it is none or has no zone."""
    head, dot, rest = text.partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{head}.{rest[:digits][:6]}{rest[digits:]}"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a date-time without a zone: {text}")
    return moment.timestamp()
