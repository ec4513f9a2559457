"""Formatters: one value of a result as a cell of a grid or a part of a tile.

A cell is JSON for the page: always a `text`, and where the formatter asks for it a colour, an icon, a bar, a line, an
address or details. What a formatter would need of the Azure portal is left out, and `note` says so.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook import numbers, thresholds
from sandbox.monitor.workbook.document import Json, mapping, objects
from sandbox.monitor.workbook.links import safe_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Cell = dict[str, Any]

_LONGEST_TEXT: Final = 400


class Formatter(IntEnum):
    """The ids of formatters in workbook files."""

    AUTOMATIC = 0
    TEXT = 1
    RIGHT = 2
    BAR = 3
    BAR_UNDERNEATH = 4
    HIDDEN = 5
    DATE = 6
    LINK = 7
    HEATMAP = 8
    SPARK_AREA = 9
    SPARK_LINE = 10
    ICON = 11
    BIG_NUMBER = 12
    RESOURCE = 13
    RESOURCE_GROUP = 14
    SUBSCRIPTION = 15
    RESOURCE_TYPE = 16
    LOCATION = 17
    THRESHOLDS = 18
    SPARK_BARS = 21
    COMPOSITE_BAR = 22


_RESOURCES: Final = frozenset(
    {
        Formatter.RESOURCE,
        Formatter.RESOURCE_GROUP,
        Formatter.SUBSCRIPTION,
        Formatter.RESOURCE_TYPE,
        Formatter.LOCATION,
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How a column is shown, and the column's values that scales go by."""

    settings: Json = field(default_factory=dict)
    scale: tuple[float, float] = (0.0, 0.0)  # of all columns that the rule is for

    @property
    def formatter(self) -> int:
        """The formatter's id."""
        found = self.settings.get("formatter")
        return found if isinstance(found, int) else Formatter.AUTOMATIC

    @property
    def options(self) -> Json:
        """The format options."""
        return mapping(self.settings.get("formatOptions"))


def find_rule(formatters: Sequence[Json], column: str) -> Json | None:
    """The rule for a column: named exactly, else by the first pattern that is the whole name."""
    for rule in formatters:
        if rule.get("columnMatch") == column:
            return rule
    for rule in formatters:
        try:
            if re.fullmatch(str(rule.get("columnMatch")), column):
                return rule
        except re.error:
            continue
    return None


def scale_of(options: Json, values: Sequence[Any]) -> tuple[float, float]:
    """From the least to the greatest value, unless the author set an end."""
    found = [number for value in values if (number := numbers.as_number(value)) is not None]
    least = numbers.as_number(options.get("min"))
    most = numbers.as_number(options.get("max"))
    return (
        least if least is not None else min(found, default=0.0),
        most if most is not None else max(found, default=0.0),
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    """One value with all that a formatter may look at."""

    rule: Rule
    value: Any
    row: Json
    expand: Callable[[str], str]

    @property
    def shown(self) -> tuple[str, str]:
        return _shown(self.value, self.rule.settings.get("numberFormat"))

    @property
    def number(self) -> float | None:
        return numbers.as_number(self.value)

    @property
    def palette(self) -> str:
        return str(self.rule.options.get("palette") or "blue")

    def fill(self, text: object) -> str:
        return thresholds.fill(str(text), self.shown, self.row, self.expand)


def cell(rule: Rule, value: Any, row: Json, expand: Callable[[str], str]) -> Cell:
    """A value as a cell. `row` holds the row's values by column, `expand` puts parameters in place."""
    subject = _Subject(rule, value, row, expand)
    made: Cell = {"text": "".join(subject.shown), **_sortable(value), **_decoration(subject)}
    tooltip = mapping(rule.settings.get("tooltipFormat")).get("tooltip")
    if tooltip:
        made["tooltip"] = subject.fill(tooltip)
    if rule.options.get("linkTarget") and made["text"]:
        made |= _link(subject)
    return made


def _decoration(subject: _Subject) -> Cell:
    """What the formatter adds to the text, or puts in its place."""
    rule, number = subject.rule, subject.number
    match rule.formatter:
        case Formatter.BAR | Formatter.BAR_UNDERNEATH if number is not None:
            fraction = _fraction(number, min(rule.scale[0], 0.0), rule.scale[1])
            under = rule.formatter == Formatter.BAR_UNDERNEATH
            return {"bar": {"colour": subject.palette, "fraction": fraction, "under": under}}
        case Formatter.HEATMAP if number is not None:
            return {"heat": {"palette": subject.palette, "fraction": _fraction(number, *rule.scale)}}
        case Formatter.BIG_NUMBER:
            return _big_number(subject)
        case Formatter.SPARK_AREA:
            return _spark(subject, "area")
        case Formatter.SPARK_LINE:
            return _spark(subject, "line")
        case Formatter.SPARK_BARS:
            return _spark(subject, "bars")
        case Formatter.ICON:
            return {"icon": subject.shown[0]}
        case Formatter.THRESHOLDS:
            matched = thresholds.match(rule.options, subject.value, subject.shown, subject.row, subject.expand)
            kind = "icon" if rule.options.get("thresholdsOptions") == "icons" else "colour"
            return {"text": matched.text, **({kind: matched.representation} if matched.representation else {})}
        case Formatter.COMPOSITE_BAR:
            return _composite(subject)
        case Formatter.RIGHT:
            return {"right": True}
        case resource if resource in _RESOURCES:
            return {"text": subject.shown[0].rstrip("/").rpartition("/")[2]}
        case _:  # times are times with every formatter, and what is not known stays text
            return {}


def _big_number(subject: _Subject) -> Cell:
    digits, unit = subject.shown
    made: Cell = {"big": True, "text": digits, "unit": unit}
    palette = subject.rule.options.get("palette")
    if palette and palette not in {"none", "auto"} and subject.number is not None:
        made["heat"] = {"palette": palette, "fraction": _fraction(subject.number, *subject.rule.scale)}
    return made


def _spark(subject: _Subject, kind: str) -> Cell:
    values = subject.value if isinstance(subject.value, list) else []
    points = [number for item in values if (number := numbers.as_number(item)) is not None]
    return {
        "spark": {"kind": kind, "colour": subject.palette, "points": points},
        "text": ", ".join(thresholds.as_text(point) for point in points),
        "sort": sum(points),
    }


def _composite(subject: _Subject) -> Cell:
    settings = mapping(subject.rule.options.get("compositeBarSettings"))
    found = []
    for column in objects(settings.get("columnSettings")):
        name = str(column.get("columnName"))
        number = numbers.as_number(subject.row.get(name)) or 0.0
        found.append((name, str(column.get("color") or "blue"), max(number, 0.0)))
    total = sum(number for _, _, number in found)
    label = settings.get("labelText")
    return {
        "text": subject.fill(label) if label else "".join(subject.shown),
        "sort": total,
        "parts": [
            {
                "label": f"{name}: {thresholds.as_text(number)}",
                "colour": colour,
                "fraction": number / total if total else 0.0,
            }
            for name, colour, number in found
        ],
    }


def _link(subject: _Subject) -> Cell:
    options = subject.rule.options
    column = options.get("linkColumn")
    source = subject.row.get(str(column)) if column else subject.value
    made: Cell = {}
    if options.get("linkLabel"):
        made["text"] = subject.expand(thresholds.columns_in(str(options["linkLabel"]), subject.row))
    match str(options["linkTarget"]):
        case "Url":
            address = safe_address(thresholds.as_text(source))
            return {**made, "href": address} if address is not None else made
        case "CellDetails":
            return {**made, "details": source if isinstance(source, (dict, list)) else thresholds.as_text(source)}
        case "GenericDetails":
            return {**made, "details": {name: plain(one) for name, one in subject.row.items()}}
        case target:
            return {**made, "note": f"In Azure this is a link to {target}."}


def _shown(value: Any, number_format: object) -> tuple[str, str]:
    """A value as text and unit."""
    match value:
        case None:
            return str(mapping(number_format).get("emptyValCustomText") or ""), ""
        case str() if not value:
            return str(mapping(number_format).get("emptyValCustomText") or ""), ""
        case bool():
            return ("true" if value else "false"), ""
        case int() if number_format is None:
            return str(value), ""
        case int() | float():
            return numbers.parts(float(value), number_format)
        case str() if number_format is not None and (number := numbers.as_number(value)) is not None:
            return numbers.parts(number, number_format)
        case str():
            return value, ""
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S"), ""
        case timedelta():
            return str(value), ""
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
            return (text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"), ""


def _sortable(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"sort": None}
        case datetime():
            return {"sort": value.timestamp(), "time": value.isoformat()}
        case timedelta():
            return {"sort": value.total_seconds()}
        case int() | float():
            return {"sort": value}
        case _:
            return {}  # by the text


def plain(value: Any) -> Any:
    """A value as JSON for details and export."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return value


def _fraction(value: float, least: float, most: float) -> float:
    if most <= least:
        return 1.0 if value >= most > 0 else 0.0
    return round(min(max((value - least) / (most - least), 0.0), 1.0), 4)
