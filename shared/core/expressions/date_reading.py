"""Reading a date without a format: CDate takes what .NET's DateTime.Parse takes in the invariant culture.

That is ISO 8601 with or without time and offset, month/day/year, and dates with English month names.
A date without an offset is taken as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from .date_formats import ABBREVIATED, DAYS, MONTHS
from .errors import Failure
from .values import DateText

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,16}))?)?"
    r"(?:\s*(?P<half>[AaPp])[Mm]?)?"
)
_ZONE = r"(?:Z|z|GMT|UTC|(?P<sign>[+-])(?P<zone_hours>\d{1,2})(?::?(?P<zone_minutes>\d{2}))?)"
_DAY_NAME = "(?:(?P<weekday>[A-Za-z]{3,9}),?\\s+)?"
_REST = rf"(?:(?:\s+|\s*,\s*){_TIME})?\s*{_ZONE}?"
_ISO = re.compile(
    rf"(?P<year>\d{{4}})(?P<separator>[-/])(?P<month>\d{{1,2}})(?P=separator)(?P<day>\d{{1,2}})"
    rf"(?:(?:[Tt]|\s+){_TIME})?\s*{_ZONE}?",
    re.ASCII,
)
_STRICT_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,16}))?)?)?"
    rf"\s?{_ZONE}?",
    re.ASCII,
)
_NUMERIC = re.compile(
    rf"(?P<month>\d{{1,2}})(?P<separator>[-/])(?P<day>\d{{1,2}})(?P=separator)(?P<year>\d{{4}}|\d{{2}}){_REST}",
    re.ASCII,
)
_DAY_FIRST = re.compile(
    rf"{_DAY_NAME}(?P<day>\d{{1,2}})[ -](?P<name>[A-Za-z]{{3,9}})[ ,-]\s*(?P<year>\d{{4}}|\d{{2}}){_REST}",
    re.ASCII,
)
_MONTH_FIRST = re.compile(
    rf"{_DAY_NAME}(?P<name>[A-Za-z]{{3,9}})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){_REST}", re.ASCII
)
_FORMS = (_ISO, _NUMERIC, _DAY_FIRST, _MONTH_FIRST)
_LONGEST_DATE = 64
_NOON = 12
_LATEST_TWO_DIGIT_YEAR = 49
_WIDEST_OFFSET = timedelta(hours=14)


def read_date(text: str) -> datetime:
    """The instant, in UTC, that a text gives in one of the usual forms. Raises Failure."""
    stripped = text.strip()
    if len(stripped) > _LONGEST_DATE:
        raise Failure("the source is too long for a date")
    for form in _FORMS:
        match = form.fullmatch(stripped)
        if match:
            return _instant(match)
    raise Failure("the source is no date that can be read; give its format with FormatDateTime")


def read_iso(text: str) -> tuple[datetime, int]:
    """An ISO 8601 text as instant in UTC and seventh digit of the fraction. Raises Failure."""
    stripped = text.strip()
    match = _STRICT_ISO.fullmatch(stripped) if len(stripped) <= _LONGEST_DATE else None
    if match is None:
        raise Failure("value must be a date in ISO 8601 form, such as 2025-12-31T23:59:59-08:00")
    return _instant(match), int((match["fraction"] or "").ljust(7, "0")[6])


@lru_cache(maxsize=4096)
def read_printed(text: DateText) -> datetime:
    """The instant that a date function printed."""
    return read_date(text)


def print_date(at: datetime) -> DateText:
    """`M/d/yyyy h:mm:ss tt`, in which all date functions answer."""
    half = "PM" if at.hour >= _NOON else "AM"
    hour = (at.hour + 11) % _NOON + 1
    return DateText(f"{at.month}/{at.day}/{at.year:04} {hour}:{at.minute:02}:{at.second:02} {half}")


def _instant(match: re.Match[str]) -> datetime:
    parts = match.groupdict()
    try:
        at = datetime(
            _year(parts["year"]),
            _month(parts["name"]) if "name" in parts else int(parts["month"]),
            int(parts["day"]),
            _hour(parts),
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            int((parts["fraction"] or "").ljust(6, "0")[:6]),
            tzinfo=_zone(parts),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Failure("the source is no date of the calendar") from None
    weekday = parts.get("weekday")
    if weekday and not DAYS[at.weekday()].lower().startswith(weekday.lower()):
        raise Failure("the source is no date of the calendar: another day of the week")
    return at


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - a year of a century
        return year
    return year + (2000 if year <= _LATEST_TWO_DIGIT_YEAR else 1900)


def _month(name: str) -> int:
    for number, full in enumerate(MONTHS, 1):
        if name.lower() in (full.lower(), full[:ABBREVIATED].lower()):
            return number
    raise ValueError(name)


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts["hour"] or 0)
    half = parts.get("half")
    if not half:
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError(hour)
    return hour % _NOON + (_NOON if half in "Pp" else 0)


def _zone(parts: dict[str, str]) -> timezone:
    if not parts["sign"]:
        return UTC
    offset = timedelta(hours=int(parts["zone_hours"]), minutes=int(parts["zone_minutes"] or 0))
    if offset > _WIDEST_OFFSET:
        raise ValueError(offset)
    return timezone(offset if parts["sign"] == "+" else -offset)
