"""What expressions compute with, and how one kind of value is taken for another.

Directory attributes are loosely typed: numbers come as text, a single value as a list of one. The
rules of taking one for another are the same in every function, so they stand here, once. None of
them puts a value into a message.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from .errors import Failure

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"  # JSON, as Graph gives it

LONGEST_TEXT = 65_536
"""Characters that a function takes. Nested functions that each multiply their input would otherwise
fill the memory; Graph's longest property has 8,000."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,28}(?:\.[0-9]{1,28})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,28}")


class DateText(str):
    """The text of an instant that a date function made: `M/d/yyyy h:mm:ss tt`, in UTC.

    It is text to everybody, but two of them compare as instants.
    """

    __slots__ = ()


def as_text(value: Value) -> str | None:
    """Text of a scalar or of a list of one: `True`, `7`, `4.5`; None stays None."""
    kind = type(value)
    if kind is str:
        text = value
    elif value is None:
        return None
    elif isinstance(value, str):
        text = value
    elif kind is bool:
        return "True" if value else "False"
    elif kind is int:
        text = str(value)
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() else repr(value)
    elif isinstance(value, list):
        if len(value) > 1:
            raise Failure(f"one value is needed, here are {len(value)}; take one with Item or join them with Join")
        return as_text(value[0]) if value else None
    else:
        raise Failure("text is needed, this attribute is a complex one")
    if len(text) > LONGEST_TEXT:  # type: ignore[arg-type]
        raise Failure(f"text longer than {LONGEST_TEXT} characters")
    return text  # type: ignore[return-value]


def as_list(value: Value) -> list[Value]:
    """The values of a multi-valued attribute; a scalar is a list of one, None has none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def as_integer(value: Value, what: str) -> int | None:
    """A whole number, also when it comes as digits; `what` names the parameter in the complaint."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list) and len(value) == 1:
        return as_integer(value[0], what)
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return None
        if _INTEGER.fullmatch(stripped):
            return int(stripped)
    if value is None:
        return None
    raise Failure(f"{what} must be a whole number")


def required_integer(value: Value, what: str) -> int:
    """A whole number that must be there."""
    number = as_integer(value, what)
    if number is None:
        raise Failure(f"{what} must be a whole number, it is empty")
    return number


def as_number(value: Value) -> int | float | None:
    """The number that `value` is or spells; None when it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        stripped = value.strip()
        if _NUMBER.fullmatch(stripped):
            return float(stripped) if "." in stripped else int(stripped)
    return None


def as_condition(value: Value) -> bool:
    """Truth as Visual Basic has it: booleans, `True`/`False` as text in any case, non-zero numbers.

    None is false.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and len(value) == 1:
        return as_condition(value[0])
    if value is None or value in ("", []):
        return False
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    number = as_number(value)
    if number is None:
        raise Failure("a condition must be true, false or a number")
    return number != 0


def is_empty(value: Value) -> bool:
    """Null, an empty text, or a multi-valued attribute without a value."""
    return value is None or value in ("", [], {})
