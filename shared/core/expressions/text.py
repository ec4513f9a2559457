"""Functions that cut, join and search text.

Positions count from 1. An absent text stays absent, save where the reference asks for an empty one
(Left, Word). Characters are Unicode's, not UTF-16 halves: half an emoji is no name.
"""

from __future__ import annotations

from .casing import lower
from .errors import Failure
from .syntax import Word
from .values import Value, as_integer, as_list, as_text, required_integer


def append(source: Value, suffix: Value) -> Value:
    """Append(source, suffix): concatenation, an absent part adding nothing."""
    return (as_text(source) or "") + (as_text(suffix) or "")


def join(separator: Value, *sources: Value) -> Value:
    """Join(separator, source, …): the non-empty values, those of multi-valued ones one by one."""
    pieces = []
    for source in sources:
        if type(source) is str:
            pieces.append(source)
        else:
            pieces.extend([as_text(value) or "" for value in as_list(source)])
    return (as_text(separator) or "").join([piece for piece in pieces if piece])


def split(source: Value, delimiter: Value) -> Value:
    """Split(source, delimiter): the trimmed parts; an absent source has none."""
    text = as_text(source)
    by = as_text(delimiter)
    if not by:
        raise Failure("delimiter must not be empty")
    return [part.strip() for part in text.split(by)] if text else None


def left(string: Value, count: Value) -> Value:
    """Left(String, NumChars): "" for none and for an absent text, all of it for a negative number."""
    text = as_text(string) or ""
    number = required_integer(count, "NumChars")
    return text if number < 0 else text[:number]


def mid(source: Value, start: Value, length: Value) -> Value:
    """Mid(source, start, length): what is there of it; without a length to the end."""
    text = as_text(source)
    first = required_integer(start, "start")
    count = as_integer(length, "length")
    if first < 1:
        raise Failure("start counts from 1")
    if count is not None and count < 0:
        raise Failure("length must not be negative")
    if text is None:
        return None
    return text[first - 1 :] if count is None else text[first - 1 : first - 1 + count]


def in_str(string: Value, wanted: Value, start: Value, compare_type: Value) -> Value:
    """InStr(value1, value2, start, compareType): where value2 begins in value1; 0 when it does not."""
    text = as_text(string) or ""
    part = as_text(wanted) or ""
    first = as_integer(start, "start")
    if first is None:
        first = 1
    if first < 1:
        raise Failure("start counts from 1")
    if compare_type == Word.TEXT_COMPARE:
        text, part = lower(text), lower(part)
    if first > len(text):
        return 0
    return text.find(part, first - 1) + 1


def word(string: Value, number: Value, delimiters: Value) -> Value:
    """Word(String, WordNumber, Delimiters): "" when there is no such word."""
    text = as_text(string) or ""
    wanted = required_integer(number, "WordNumber")
    separators = as_text(delimiters) or ""
    words = [text]
    if separators:
        for other in separators[1:]:
            text = text.replace(other, separators[0])
        words = [part for part in text.split(separators[0]) if part]
    return words[wanted - 1] if 1 <= wanted <= len(words) else ""


def strip_spaces(source: Value) -> Value:
    """StripSpaces(source): without U+0020; other white space stays."""
    text = as_text(source)
    return None if text is None else text.replace(" ", "")


def trim(value: Value) -> Value:
    """Trim(value), each value of a multi-valued one."""
    if isinstance(value, list):
        return [(as_text(each) or "").strip() for each in value]
    text = as_text(value)
    return None if text is None else text.strip()


def c_str(value: Value) -> Value:
    """CStr(value): a number, boolean or reference as text."""
    return as_text(value)
