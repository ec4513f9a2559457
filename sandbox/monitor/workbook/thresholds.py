"""The thresholds formatter: the first condition that a value meets gives its icon or colour, and its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook.document import Json, objects
from sandbox.monitor.workbook.numbers import as_number

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMN: Final = re.compile(r"\[\"([^\"]+)\"\]")


@dataclass(frozen=True, slots=True)
class Matched:
    """What a threshold makes of a value."""

    representation: str  # an icon's or a colour's name; may be empty
    text: str


def match(options: Json, value: Any, shown: tuple[str, str], row: Json, expand: Callable[[str], str]) -> Matched:
    """The first threshold that the value meets, else the default one.

    `shown` is the value as digits and unit, which `{0}` and `{1}` in the text stand for.
    """
    default = Matched("", "".join(shown))
    for threshold in objects(options.get("thresholdsGrid")):
        operator = str(threshold.get("operator") or "")
        text = threshold.get("text")
        found = Matched(
            str(threshold.get("representation") or ""),
            fill(str(text), shown, row, expand) if text is not None else "".join(shown),
        )
        if operator == "Default":
            default = found
        elif meets(operator, value, _filled(threshold.get("thresholdValue"), row, expand)):
            return found
    return default


def fill(text: str, shown: tuple[str, str], row: Json, expand: Callable[[str], str]) -> str:
    """A text with `{0}`, `{1}`, `["column"]` and parameters in place."""
    numbered = text.replace("{0}", shown[0]).replace("{1}", shown[1])
    return expand(columns_in(numbered, row))


def columns_in(text: str, row: Json) -> str:
    """A text with `["column"]` in place."""
    return _COLUMN.sub(lambda found: as_text(row.get(found[1])), text)


def as_text(value: Any) -> str:
    """A value as plain text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def meets(operator: str, value: Any, wanted: str) -> bool:
    """Whether a value meets a condition; numbers are compared as numbers where both are."""
    left, right = as_number(value), as_number(wanted)
    text = as_text(value)
    numeric = left is not None and right is not None
    match operator:
        case "==" | "!=":
            same = left == right if numeric else text.lower() == wanted.lower()
            return same is (operator == "==")
        case ">" | ">=" | "<" | "<=" if left is not None and right is not None:
            return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]
        case "contains":
            return wanted.lower() in text.lower()
        case "startsWith":
            return text.lower().startswith(wanted.lower())
        case "endsWith":
            return text.lower().endswith(wanted.lower())
        case "regex":
            try:
                return re.search(wanted, text) is not None
            except re.error:
                return False
        case "is Empty":
            return not text
        case "is not Empty":
            return bool(text)
        case _:
            return False


def _filled(value: Any, row: Json, expand: Callable[[str], str]) -> str:
    return expand(columns_in(as_text(value), row))
