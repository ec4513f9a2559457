"""A time range parameter: what it is called, what it is in a query, and the span that it means at a moment.

The forms of `{TimeRange:…}` are those of Microsoft's "Time parameters" for workbooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_POINTS: Final = 60
"""A grain is the smallest that needs no more points; "Last 24 hours" has 30m, as Microsoft documents."""

_GRAINS: Final = (
    (timedelta(minutes=1), "1m"),
    (timedelta(minutes=5), "5m"),
    (timedelta(minutes=10), "10m"),
    (timedelta(minutes=15), "15m"),
    (timedelta(minutes=30), "30m"),
    (timedelta(hours=1), "1h"),
    (timedelta(hours=2), "2h"),
    (timedelta(hours=3), "3h"),
    (timedelta(hours=6), "6h"),
    (timedelta(hours=12), "12h"),
    (timedelta(days=1), "1d"),
    (timedelta(days=7), "7d"),
)
_UNITS: Final = (
    (timedelta(days=1), "day", "d"),
    (timedelta(hours=1), "hour", "h"),
    (timedelta(minutes=1), "minute", "m"),
)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The last `duration`, or from `start` to `end`."""

    duration: timedelta
    start: datetime | None = None
    end: datetime | None = None

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Its beginning and end at a moment."""
        if self.start is not None and self.end is not None:
            return self.start, self.end
        return now - self.duration, now

    @property
    def label(self) -> str:
        """As the picker calls it."""
        if self.start is not None and self.end is not None:
            return f"{_readable(self.start)} to {_readable(self.end)}"
        # The picker says "Last 24 hours" and "Last 48 hours", and days from three on.
        count, word, _ = _counted(self.duration, days=self.duration > timedelta(days=2))
        return f"Last {word}" if count == 1 else f"Last {count} {word}s"

    @property
    def query(self) -> str:
        """What stands after the column's name in a `where`."""
        if self.start is not None and self.end is not None:
            return f"between (datetime({_iso(self.start)}) .. datetime({_iso(self.end)}))"
        count, _, letter = _counted(self.duration, days=True)
        return f"> ago({count}{letter})"

    @property
    def grain(self) -> str:
        """The size of a bin for a chart over this range."""
        return next((name for size, name in _GRAINS if self.duration <= size * _MOST_POINTS), _GRAINS[-1][1])

    def format(self, form: str, now: datetime, *, in_query: bool) -> str:
        """`{TimeRange:form}`; the empty form is `{TimeRange}`. In a text, times are written to be read."""
        start, end = self.span(now)
        match form.lower():
            case "":
                return self.query if in_query else self.label
            case "label":
                return self.label
            case "value" | "query":
                return self.query
            case "start":
                return f"datetime({_iso(start)})" if in_query else _readable(start)
            case "end":
                return f"datetime({_iso(end)})" if in_query else _readable(end)
            case "grain":
                return self.grain
            case "startiso":
                return _iso(start)
            case "endiso":
                return _iso(end)
            case "startdateiso":
                return _iso(start.replace(hour=0, minute=0, second=0, microsecond=0))
            case "enddateiso":
                return _iso(end.replace(hour=0, minute=0, second=0, microsecond=0))
            case "durationiso":
                return f"PT{self.duration // timedelta(minutes=1)}M" if self._minutes else f"PT{self._hours}H"
            case "seconds":
                return str(int(self.duration.total_seconds()))
            case _:
                return self.query if in_query else self.label

    @property
    def _minutes(self) -> bool:
        return self.duration % timedelta(hours=1) != timedelta(0)

    @property
    def _hours(self) -> int:
        return self.duration // timedelta(hours=1)


def read(value: Mapping[str, Any]) -> TimeRange | None:
    """A range from a workbook's or a reader's JSON: `durationMs`, or `startTime` and `endTime`."""
    try:
        start = _moment(value.get("startTime"))
        end = _moment(value.get("endTime"))
        duration = timedelta(milliseconds=float(value.get("durationMs") or 0))
    except (TypeError, ValueError, OverflowError):
        return None
    if start is not None and end is not None and start < end:
        return TimeRange(end - start, start, end)
    return TimeRange(duration) if duration else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str) or not value:
        return None
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _counted(duration: timedelta, *, days: bool) -> tuple[int, str, str]:
    """The count, word and letter of the largest unit that holds it without a rest."""
    for unit, word, letter in _UNITS:
        if duration % unit == timedelta(0) and (days or letter != "d"):
            return duration // unit, word, letter
    return int(duration.total_seconds()), "second", "s"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _readable(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
