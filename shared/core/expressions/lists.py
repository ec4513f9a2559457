"""Functions of multi-valued attributes. Indexes count from 1; a single value is a list of one."""

from __future__ import annotations

from .casing import lower
from .comparison import equal
from .errors import Failure
from .syntax import Word
from .values import Value, as_list, as_text, required_integer


def count(attribute: Value) -> Value:
    """Count(attribute)."""
    return len(as_list(attribute))


def item(attribute: Value, index: Value) -> Value:
    """Item(attribute, index). Fails outside of the values."""
    held = as_list(attribute)
    number = required_integer(index, "index")
    if not 1 <= number <= len(held):
        raise Failure(f"index {number} is outside of the {len(held)} values, which count from 1")
    return held[number - 1]


def remove_duplicates(attribute: Value) -> Value:
    """RemoveDuplicates(attribute): the first of equal values, in their order; case counts."""
    if not isinstance(attribute, list):
        return attribute
    unique: list[Value] = []
    seen: set[tuple[type, Value]] = set()
    for value in attribute:
        if isinstance(value, list | dict):
            if not any(type(value) is type(other) and equal(value, other) for other in unique):
                unique.append(value)
        elif (type(value), value) not in seen:
            seen.add((type(value), value))
            unique.append(value)
    return unique


def contains(attribute: Value, search: Value, case_type: Value) -> Value:
    """Contains(attribute, search, Casetype): the index of the first value that has `search` in it, or 0."""
    wanted = as_text(search) or ""
    blind = case_type == Word.CASE_INSENSITIVE
    for index, value in enumerate(as_list(attribute), 1):
        text = as_text(value) or ""
        if (lower(wanted) in lower(text)) if blind else (wanted in text):
            return index
    return 0
