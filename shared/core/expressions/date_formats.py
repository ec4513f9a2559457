""".NET's custom date and time formats, under the invariant culture: what they mean, and printing by them.

Python's strftime has another language and other rules (no single-digit month, no fraction of chosen
length, no quoted text), so a format is cut into tokens once and interpreted. Reading by a format is in
`date_parsing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import Failure

if TYPE_CHECKING:
    from datetime import datetime

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ABBREVIATED = 3  # letters of a short day or month name
FRACTION = 7  # digits of a .NET fraction of a second

_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "U": "dddd, dd MMMM yyyy HH:mm:ss",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
_SPECIFIERS = frozenset("dfFghHKmMstyz")


class Zone(Enum):
    """What a parsed text said of its time zone; only `K` prints it."""

    UNSPECIFIED = ""
    UTC = "Z"
    OFFSET = "+00:00"  # it gave an offset, and the instant was brought to UTC


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: `at` is in UTC, `tick` the seventh digit of its fraction, which Python's clock lacks."""

    at: datetime
    tick: int = 0
    zone: Zone = Zone.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Token:
    """A specifier and how often it is repeated, or (count 0) literal text."""

    text: str
    count: int = 0


@lru_cache(maxsize=512)
def tokens(pattern: str) -> tuple[Token, ...]:
    """The tokens of a custom or standard format. Raises Failure when it is neither."""
    if not pattern:
        raise Failure("a date format must not be empty")
    if len(pattern) == 1:
        if pattern not in _STANDARD:
            raise Failure(f"{pattern!r} is no standard date format; a single specifier is written %{pattern}")
        pattern = _STANDARD[pattern]
    found: list[Token] = []
    position = 0
    while position < len(pattern):
        here = pattern[position]
        if here in "'\"":
            end = position + 1
            literal = []
            while end < len(pattern) and pattern[end] != here:
                end += pattern[end] == "\\"
                literal.append(pattern[end : end + 1])
                end += 1
            if end >= len(pattern):
                raise Failure("quoted text in a date format is not closed")
            found.append(Token("".join(literal)))
            position = end + 1
        elif here == "\\":
            if position + 1 == len(pattern):
                raise Failure("a date format ends in a backslash")
            found.append(Token(pattern[position + 1]))
            position += 2
        elif here == "%":
            if pattern[position + 1 : position + 2] in ("", "%"):
                raise Failure("% in a date format stands before a specifier")
            position += 1
        elif here in _SPECIFIERS:
            end = position
            while end < len(pattern) and pattern[end] == here and (here != "K" or end == position):
                end += 1
            if here in "fF" and end - position > FRACTION:
                raise Failure(f"a fraction of a second has at most {FRACTION} digits")
            found.append(Token(here, end - position))
            position = end
        else:
            found.append(Token(here))
            position += 1
    return tuple(found)


def print_moment(moment: Moment, pattern: str) -> str:
    """The text of an instant in a format."""
    pieces: list[str] = []
    for token in tokens(pattern):
        piece = _piece(moment, token) if token.count else token.text
        if token.text == "F" and token.count and not piece and pieces and pieces[-1] == ".":
            pieces.pop()
        pieces.append(piece)
    return "".join(pieces)


def _piece(moment: Moment, token: Token) -> str:
    at, count = moment.at, token.count
    match token.text:
        case "d" if count < ABBREVIATED:
            return f"{at.day:0{count}}"
        case "d":
            name = DAYS[at.weekday()]
            return name[:ABBREVIATED] if count == ABBREVIATED else name
        case "M" if count < ABBREVIATED:
            return f"{at.month:0{count}}"
        case "M":
            name = MONTHS[at.month - 1]
            return name[:ABBREVIATED] if count == ABBREVIATED else name
        case "y" if count < ABBREVIATED:
            return f"{at.year % 100:0{count}}"
        case "y":
            return f"{at.year:0{count}}"
        case "h":
            return f"{(at.hour + 11) % 12 + 1:0{min(count, 2)}}"
        case "H":
            return f"{at.hour:0{min(count, 2)}}"
        case "m":
            return f"{at.minute:0{min(count, 2)}}"
        case "s":
            return f"{at.second:0{min(count, 2)}}"
        case "f" | "F":
            digits = f"{at.microsecond:06}{moment.tick}"[:count]
            return digits if token.text == "f" else digits.rstrip("0")
        case "t":
            return "AP"[at.hour >= 12] + ("M" if count > 1 else "")  # noqa: PLR2004 - noon
        case "g":
            return "A.D."
        case "K":
            return moment.zone.value
        case _:  # z: everything is kept in UTC, as on Entra's own servers
            return ("+0", "+00")[count - 1] if count <= 2 else "+00:00"  # noqa: PLR2004 - z and zz
