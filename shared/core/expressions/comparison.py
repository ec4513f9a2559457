"""When two values are equal, and which comes first.

Attributes come as text or as numbers depending on who wrote them, so a number is compared with
digits as a number. Text is compared exactly, case included. Null and "" are the same, and nothing is
less or greater than null.
"""

from __future__ import annotations

from typing import assert_never

from .date_reading import read_printed
from .errors import Failure
from .syntax import Comparison
from .values import DateText, Value, as_number, as_text


def compare(left: Value, operator: Comparison, right: Value) -> bool:
    """Whether the comparison holds. Raises Failure for what has no order."""
    match operator:
        case Comparison.EQUAL:
            return equal(left, right)
        case Comparison.NOT_EQUAL:
            return not equal(left, right)
        case Comparison.GREATER:
            return (_order(left, right) or 0) > 0
        case Comparison.GREATER_OR_EQUAL:
            order = _order(left, right)
            return order is not None and order >= 0
        case Comparison.LESS:
            return (_order(left, right) or 0) < 0
        case Comparison.LESS_OR_EQUAL:
            order = _order(left, right)
            return order is not None and order <= 0
        case _:
            assert_never(operator)


def equal(left: Value, right: Value) -> bool:
    """Equality of `=`."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    left, right = _bare(left), _bare(right)
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, bool) or isinstance(right, bool):
        return str(left).strip().lower() == str(right).strip().lower()
    if isinstance(left, int | float) or isinstance(right, int | float):
        numbers = as_number(left), as_number(right)
        if None not in numbers:
            return numbers[0] == numbers[1]
        return False
    return left == right


def _bare(value: Value) -> Value:
    """A list of one as its value; "" and an empty list as null."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return None if value is None or value in ("", []) else value


def _order(left: Value, right: Value) -> int | None:
    """Negative, 0 or positive as `left` comes before, with or after `right`; None with a null."""
    left, right = _bare(left), _bare(right)
    if left is None or right is None:
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        raise Failure("true and false are neither less nor greater")
    one, other = as_number(left), as_number(right)
    if one is not None and other is not None:
        return (one > other) - (one < other)
    if isinstance(left, DateText) and isinstance(right, DateText):
        earlier, later = read_printed(left), read_printed(right)
        return (earlier > later) - (earlier < later)
    text, against = as_text(left) or "", as_text(right) or ""
    return (text > against) - (text < against)
