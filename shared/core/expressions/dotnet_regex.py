"""Regular expressions as .NET writes them, run by the `regex` package under a time limit.

Administrators write .NET's dialect, and a pattern of theirs may backtrack without end, or ask for a
million copies of itself. So a pattern is translated and bounded once (`dotnet_translation`), and every use
of it is given a time limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from .dotnet_translation import translate
from .errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

TIME_LIMIT = 0.2
"""Seconds that one use of a pattern may take."""

_GROUP_REFERENCE = re.compile(r"\$(?:(\d{1,9})|\{(\w+)\}|([$&`'+_]))")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `groups` gives the engine's group for each of .NET's names and numbers."""

    engine: regex.Pattern[str]
    groups: dict[str, int]

    def search(self, text: str) -> regex.Match[str] | None:
        """The first match. Raises Failure when it takes too long."""
        try:
            return self.engine.search(text, timeout=TIME_LIMIT)
        except (TimeoutError, MemoryError, regex.error):
            raise _endless() from None

    def replace(self, text: str, replacement: Callable[[regex.Match[str]], str]) -> str:
        """Every match replaced by what the callback gives. Raises Failure when it takes too long."""
        try:
            replaced: str = self.engine.sub(replacement, text, timeout=TIME_LIMIT)
        except (TimeoutError, MemoryError, regex.error):
            raise _endless() from None
        return replaced


def _endless() -> Failure:
    return Failure(f"the regular expression took longer than {TIME_LIMIT} s")


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Pattern:
    """The pattern of .NET's dialect. Raises Failure when it is none."""
    source, groups = translate(pattern)
    try:
        engine = regex.compile(f"(?V1-f){source}")
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError, IndexError, KeyError):
        raise Failure("the regular expression is not valid") from None
    return Pattern(engine, groups)


def expand(template: str, pattern: Pattern) -> Callable[[regex.Match[str]], str]:
    """What a .NET replacement text gives for a match; a reference to no group is literal text."""
    parts: list[str | int | Callable[[regex.Match[str]], str]] = []
    position = 0
    for reference in _GROUP_REFERENCE.finditer(template):
        parts.append(template[position : reference.start()])
        position = reference.end()
        number, name, sign = reference.groups()
        if sign:
            parts.append(_SIGNS[sign])
        else:
            key = str(int(number)) if number else name
            group = 0 if key == "0" else pattern.groups.get(key)
            parts.append(reference[0] if group is None else group)
    parts.append(template[position:])

    def replacement(match: regex.Match[str]) -> str:
        pieces = []
        for part in parts:
            if isinstance(part, str):
                pieces.append(part)
            else:
                pieces.append((match.group(part) if isinstance(part, int) else part(match)) or "")
        return "".join(pieces)

    return replacement


_SIGNS: dict[str, Callable[[regex.Match[str]], str]] = {
    "$": lambda _: "$",
    "&": lambda match: match.group() or "",
    "`": lambda match: match.string[: match.start()],
    "'": lambda match: match.string[match.end() :],
    "+": lambda match: (match.group(match.re.groups) if match.re.groups else match.group()) or "",
    "_": lambda match: match.string,
}
