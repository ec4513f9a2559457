"""Upper, lower and proper case as .NET makes them.

.NET maps one character to one character (ß has no upper case, a final Σ is like any other) and its
invariant culture leaves the Turkish i's alone; Python maps whole strings by Unicode's full rules.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .errors import Failure
from .values import Value, as_text

_CULTURE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_DOTTED_CAPITAL, _DOTLESS_SMALL = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "\N{LATIN SMALL LETTER DOTLESS I}"
_TURKIC = frozenset({"tr", "az"})

_SEPARATING = frozenset(
    {"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"}
)
"""The Unicode categories that end a word for TextInfo.ToTitleCase, as the reference of PCase lists them."""


def to_lower(source: Value, culture: Value) -> Value:
    """ToLower(source, culture)."""
    text = as_text(source)
    turkic = _is_turkic(as_text(culture))
    if text is None:
        return None
    if turkic:
        text = text.replace("I", _DOTLESS_SMALL).replace(_DOTTED_CAPITAL, "i")
    return lower(text)


def to_upper(source: Value, culture: Value) -> Value:
    """ToUpper(source, culture)."""
    text = as_text(source)
    turkic = _is_turkic(as_text(culture))
    if text is None:
        return None
    if turkic:
        text = text.replace("i", _DOTTED_CAPITAL).replace(_DOTLESS_SMALL, "I")
    return upper(text)


def p_case(source: Value, separators: Value) -> Value:
    """PCase(source, wordSeparators): all lower case, but the first character of every word."""
    text = as_text(source)
    if text is None:
        return None
    given = as_text(separators)
    return _title_after(lower(text), given) if given else _title(lower(text))


def lower(text: str) -> str:
    """Lower case of the invariant culture."""
    return text.lower() if text.isascii() else "".join([_lower_character(each) for each in text])


def upper(text: str) -> str:
    """Upper case of the invariant culture."""
    return text.upper() if text.isascii() else "".join([_upper_character(each) for each in text])


def _lower_character(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def _upper_character(character: str) -> str:
    uppered = character.upper()
    return uppered if len(uppered) == 1 and character != _DOTLESS_SMALL else character


def _title_character(character: str) -> str:
    titled = character.title()
    return titled if len(titled) == 1 and character != _DOTLESS_SMALL else character


def _title_after(text: str, separators: str) -> str:
    pieces = []
    starts = True
    for character in text:
        pieces.append(_title_character(character) if starts else character)
        starts = character in separators
    return "".join(pieces)


def _title(text: str) -> str:
    """A word starts at its first letter, as in ToTitleCase: digits before it belong to no word."""
    pieces = []
    inside = False
    for character in text:
        category = _category(character)
        if not inside and category[0] == "L":
            pieces.append(_title_character(character))
            inside = True
        else:
            pieces.append(character)
            inside = inside and category not in _SEPARATING
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _category(character: str) -> str:
    return unicodedata.category(character)


def _is_turkic(culture: str | None) -> bool:
    if not culture:
        return False
    if not _CULTURE.fullmatch(culture):
        raise Failure("culture must be a name such as en-US")
    return culture.split("-", 1)[0].lower() in _TURKIC
