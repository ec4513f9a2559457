"""Reading a date by a .NET format, as DateTime.ParseExact does under the invariant culture.

Exact means exact: `dd` wants two digits, a blank wants a blank. What a format does not say comes from
today, as in .NET. A named time zone cannot be read, a given offset brings the instant to UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from .date_formats import ABBREVIATED, DAYS, FRACTION, MONTHS, Moment, Token, Zone, tokens
from .errors import Failure

_LEADING = frozenset({"AllowLeadingWhite", "AllowWhiteSpaces"})
_TRAILING = frozenset({"AllowTrailingWhite", "AllowWhiteSpaces"})
_INNER = frozenset({"AllowInnerWhite", "AllowWhiteSpaces"})
_DEFAULT_STYLES = frozenset({"RoundtripKind", "AllowLeadingWhite", "AllowTrailingWhite"})
_STYLES = frozenset(
    {
        "None",
        "AllowInnerWhite",
        "NoCurrentDateDefault",
        "AdjustToUniversal",
        "AssumeLocal",
        "AssumeUniversal",
        *_LEADING,
        *_TRAILING,
        *_DEFAULT_STYLES,
    }
)
_OFFSET = re.compile(r"([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_LATEST_TWO_DIGIT_YEAR = 49  # 00..49 are 2000..2049, as in .NET 8
_NOON = 12
_WIDEST_OFFSET = timedelta(hours=14)


def styles(text: str | None) -> frozenset[str]:
    """The DateTimeStyles that `text` names, separated by commas. Raises Failure for others."""
    if not text:
        return _DEFAULT_STYLES
    named = frozenset([name.strip().removeprefix("DateTimeStyles.") for name in text.split(",")])
    if not named <= _STYLES:
        raise Failure("dateTimeStyles must be names of .NET's DateTimeStyles, separated by commas")
    return named


def parse_exact(text: str, pattern: str, style: frozenset[str], now: datetime) -> Moment | None:
    """The instant that `text` gives in the format; None when it is not in the format."""
    if style & _LEADING:
        text = text.lstrip()
    if style & _TRAILING:
        text = text.rstrip()
    reader = _Reader(text, blanks=bool(style & _INNER))
    wanted = tokens(pattern)
    try:
        for index, token in enumerate(wanted):
            reader.take(token, wanted[index + 1] if index + 1 < len(wanted) else None)
        return reader.moment(now, dateless=datetime(1, 1, 1, tzinfo=UTC) if "NoCurrentDateDefault" in style else None)
    except (_Mismatch, ValueError, OverflowError):
        return None


class _Mismatch(Exception):  # noqa: N818 - a signal inside this module
    """The text is not in the format."""


class _Reader:
    """Takes token by token from a text, and keeps what was read."""

    def __init__(self, text: str, *, blanks: bool) -> None:
        self.text = text
        self.position = 0
        self.blanks = blanks
        self.read: dict[str, int] = {}
        self.offset: timedelta | None = None
        self.zone = Zone.UNSPECIFIED

    def take(self, token: Token, following: Token | None) -> None:
        if self.blanks:
            while self.text.startswith(" ", self.position):
                self.position += 1
        if not token.count:
            if not (self.blanks and token.text.isspace()):
                self.literal(token.text, following)
            return
        count = token.count
        match token.text:
            case "d" if count >= ABBREVIATED:
                self.keep("weekday", self.name(DAYS, short=count == ABBREVIATED))
            case "d":
                self.keep("day", self.digits(count, 2))
            case "M" if count >= ABBREVIATED:
                self.keep("month", self.name(MONTHS, short=count == ABBREVIATED) + 1)
            case "M":
                self.keep("month", self.digits(count, 2))
            case "y":
                self.keep("year", self.year(count))
            case "h":
                self.keep("hour12", self.digits(count, 2))
            case "H":
                self.keep("hour", self.digits(count, 2))
            case "m":
                self.keep("minute", self.digits(count, 2))
            case "s":
                self.keep("second", self.digits(count, 2))
            case "f" | "F":
                self.fraction(count, exact=token.text == "f")
            case "t":
                self.keep("afternoon", self.name(("AM", "PM") if count > 1 else ("A", "P"), short=False))
            case "g":
                self.name(("A.D.", "AD"), short=False)
            case "K" if self.position == len(self.text) or self.text[self.position] not in "Zz+-":
                pass
            case _:
                self.take_offset(designator=token.text == "K")

    def keep(self, part: str, value: int) -> None:
        if self.read.setdefault(part, value) != value:
            raise _Mismatch

    def digits(self, count: int, most: int) -> int:
        """`count` digits, save that a single specifier takes one or two."""
        least, limit = (1, 2) if count == 1 else (min(count, most), min(count, most))
        end = self.position
        while end < len(self.text) and end - self.position < limit and "0" <= self.text[end] <= "9":
            end += 1
        if end - self.position < least:
            raise _Mismatch
        value = int(self.text[self.position : end])
        self.position = end
        return value

    def year(self, count: int) -> int:
        if count > 2:  # noqa: PLR2004 - y and yy are years of a century
            return self.digits(max(count, 4), max(count, 4))
        year = self.digits(count, 2)
        return year + (2000 if year <= _LATEST_TWO_DIGIT_YEAR else 1900)

    def fraction(self, count: int, *, exact: bool) -> None:
        end = self.position
        while end < len(self.text) and end - self.position < count and "0" <= self.text[end] <= "9":
            end += 1
        if exact and end - self.position < count:
            raise _Mismatch
        self.keep("ticks", int(self.text[self.position : end].ljust(FRACTION, "0")))
        self.position = end

    def name(self, names: tuple[str, ...], *, short: bool) -> int:
        for index, full in enumerate(names):
            wanted = full[:ABBREVIATED] if short else full
            if self.text[self.position : self.position + len(wanted)].lower() == wanted.lower():
                self.position += len(wanted)
                return index
        raise _Mismatch

    def literal(self, wanted: str, following: Token | None) -> None:
        if wanted == "Z":  # the one letter that ParseExact takes for the time zone it looks like
            self.take_offset(designator=True, only=True)
        elif self.text.startswith(wanted, self.position):
            self.position += len(wanted)
        elif not (wanted == "." and following and following.count and following.text == "F"):
            raise _Mismatch

    def take_offset(self, *, designator: bool, only: bool = False) -> None:
        if designator and self.text[self.position : self.position + 1] in ("Z", "z"):
            self.position += 1
            self.offset, self.zone = timedelta(), Zone.UTC
            return
        match = _OFFSET.match(self.text, self.position)
        if only or match is None:
            raise _Mismatch
        self.position = match.end()
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if offset > _WIDEST_OFFSET:
            raise _Mismatch
        self.offset, self.zone = (offset if match[1] == "+" else -offset), Zone.OFFSET

    def moment(self, now: datetime, *, dateless: datetime | None) -> Moment:
        """What was read as an instant. Raises _Mismatch, ValueError or OverflowError when it is none."""
        if self.position != len(self.text):
            raise _Mismatch
        read = self.read
        dated = bool(read.keys() & {"year", "month", "day"})
        today = now.astimezone(UTC) if dateless is None else dateless
        ticks = read.get("ticks", 0)
        at = datetime(
            read.get("year", today.year),
            read.get("month", 1 if dated else today.month),
            read.get("day", 1 if dated else today.day),
            self.hour(),
            read.get("minute", 0),
            read.get("second", 0),
            ticks // 10,
            tzinfo=UTC if self.offset is None else timezone(self.offset),
        )
        if read.get("weekday", at.weekday()) != at.weekday():
            raise _Mismatch
        return Moment(at.astimezone(UTC), ticks % 10, self.zone)

    def hour(self) -> int:
        read = self.read
        afternoon = read.get("afternoon")
        if "hour12" in read:
            if not 1 <= read["hour12"] <= _NOON:
                raise _Mismatch
            hour = read["hour12"] % _NOON + (_NOON if afternoon else 0)
            self.keep("hour", hour)
            return hour
        hour = read.get("hour", 0)
        if afternoon is not None and "hour" in read and (hour >= _NOON) != bool(afternoon):
            raise _Mismatch
        return hour
