"""A result as a chart: which columns are the axes, which one names the series, and in which unit the values stand.

The choice of columns follows Azure: the first time (or text) is the x axis, numbers are values, a text names series.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.workbook import numbers
from sandbox.monitor.workbook.document import Item, Json, mapping, objects
from sandbox.monitor.workbook.thresholds import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.monitor.tables.store import Result
    from sandbox.monitor.workbook.scope import Scope

KINDS: Final = {
    "timechart": "line",
    "linechart": "line",
    "areachart": "area",
    "barchart": "bar",
    "unstackedbar": "groupedbar",
    "categoricalbar": "categories",
    "columnchart": "bar",
    "piechart": "pie",
    "scatterchart": "scatter",
}
MOST_SERIES: Final = 100  # Azure Monitor service limits, workbooks
MOST_POINTS: Final = 10_000

OTHER: Final = "Other"
"""The series of all that was left out."""

_NUMERIC: Final = frozenset({ColumnType.INT, ColumnType.LONG, ColumnType.REAL})


class ChartImpossibleError(ValueError):
    """The result has not what the chart needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Axes:
    """The columns of a chart, by their places in a row."""

    x: int | None
    values: tuple[int, ...]
    series: tuple[int, ...]


def chart(item: Item, result: Result, visualization: str, scope: Scope) -> dict[str, Any]:
    """The chart for the page.

    Raises:
        ChartImpossibleError: there is no column of numbers, or the one that is named is missing.
    """
    settings = mapping(item.content.get("chartSettings"))
    kind = KINDS[visualization]
    axes = _axes(result, settings, kind)
    time = axes.x is not None and result.columns[axes.x].type is ColumnType.DATETIME
    if kind == "bar" and not time:
        kind = "categories"
    rows = result.rows[:MOST_POINTS]
    series = _pie(rows, axes, result) if kind == "pie" else _series(rows, axes, result, time=time)
    series = _limited(series, settings.get("createOtherGroup"))
    if kind != "pie":  # the order of a result without `order by` is chance; colours should stay
        series = {name: series[name] for name in sorted(series, key=lambda name: (name == OTHER, name))}
    number_format = mapping(settings.get("ySettings")).get("numberFormatSettings")
    summary = "sum" if _adds_up(number_format) else "average"
    largest = max((abs(y) for points in series.values() for _, y in points if y is not None), default=0.0)
    divisor, unit = numbers.unit_of(number_format).scale(largest)
    labels = {str(one.get("seriesName")): one for one in objects(settings.get("seriesLabelSettings"))}
    return {
        "kind": "chart",
        "chart": kind,
        "time": time,
        "x": result.columns[axes.x].name if axes.x is not None else "",
        "unit": unit,
        "legend": settings.get("showLegend") is not False,
        "range": [numbers.as_number(mapping(settings.get("ySettings")).get(end)) for end in ("min", "max")],
        "threshold": _threshold(settings, scope, divisor),
        "series": [
            {
                "name": scope.text(mapping(labels.get(name)).get("label")) or name,
                "colour": mapping(labels.get(name)).get("color"),
                "x": [x for x, _ in points],
                "y": [None if y is None else y / divisor for _, y in points],
                "total": numbers.written(_summed(points, summary), number_format),
            }
            for name, points in series.items()
        ],
        "metrics": settings.get("showMetrics") is True,
        "summary": summary,
        "truncated": result.truncated or len(result.rows) > MOST_POINTS,
        "notes": [],
    }


def _axes(result: Result, settings: Json, kind: str) -> Axes:
    names = [column.name for column in result.columns]

    def place(name: object) -> int:
        if name not in names:
            raise ChartImpossibleError(f"The chart needs the column {name}, which the query does not return.")
        return names.index(str(name))

    numeric = [index for index, column in enumerate(result.columns) if column.type in _NUMERIC]
    times = [index for index, column in enumerate(result.columns) if column.type is ColumnType.DATETIME]
    texts = [index for index in range(len(names)) if index not in numeric and index not in times]
    x_name, y_names, group = settings.get("xAxis"), settings.get("yAxis"), settings.get("group")
    x: int | None
    if x_name:
        x = place(x_name)
    elif kind == "pie":
        x = texts[0] if texts else None
    elif times and kind != "categories":
        x = times[0]
    else:
        x = texts[0] if texts else times[0] if times else None
    values = [place(name) for name in y_names] if isinstance(y_names, list) and y_names else numeric
    values = [index for index in values if index != x]
    if x is None and kind != "pie" and len(values) > 1:
        x, values = values[0], values[1:]
    if not values:
        raise ChartImpossibleError("The chart needs a column of numbers, which the query does not return.")
    series = [place(group)] if group else [index for index in texts if index != x]
    return Axes(x, tuple(values), tuple(series) if kind != "pie" else ())


_Points = list[tuple[Any, float | None]]


def _series(rows: Sequence[Sequence[Any]], axes: Axes, result: Result, *, time: bool) -> dict[str, _Points]:
    found: dict[str, _Points] = {}
    for row in rows:
        x = _x(row[axes.x]) if axes.x is not None else ""
        named = " / ".join(as_text(row[index]) or "(empty)" for index in axes.series)
        for index in axes.values:
            column = result.columns[index].name
            name = column if not named else named if len(axes.values) == 1 else f"{named}: {column}"
            found.setdefault(name, []).append((x, numbers.as_number(row[index])))
    if time:
        for points in found.values():
            points.sort(key=lambda point: str(point[0]))
    return found


def _pie(rows: Sequence[Sequence[Any]], axes: Axes, result: Result) -> dict[str, _Points]:
    """One series a slice: by the text of a row, else by the column's name."""
    found: dict[str, float] = {}
    for row in rows:
        for index in axes.values if axes.x is None else axes.values[:1]:
            name = as_text(row[axes.x]) or "(empty)" if axes.x is not None else result.columns[index].name
            found[name] = found.get(name, 0.0) + (numbers.as_number(row[index]) or 0.0)
    ordered = sorted(found.items(), key=lambda slice_: (-slice_[1], slice_[0]))
    return {name: [(name, value)] for name, value in ordered}


def _limited(series: dict[str, _Points], others_after: object) -> dict[str, _Points]:
    """The largest series; the rest become one, `Other`, where the author asks for it."""
    most = others_after if isinstance(others_after, int) and others_after > 0 else MOST_SERIES
    if len(series) <= most:
        return series
    ranked = sorted(series, key=lambda name: -sum(y or 0.0 for _, y in series[name]))
    kept = {name: series[name] for name in series if name in set(ranked[:most])}
    rest: dict[Any, float] = {}
    for name in ranked[most:]:
        for x, y in series[name]:
            rest[x] = rest.get(x, 0.0) + (y or 0.0)
    kept[OTHER] = sorted(rest.items(), key=lambda point: str(point[0]))
    return kept


def _adds_up(number_format: object) -> bool:
    """Whether values of this unit mean something in sum: counts and bytes do, shares, times and rates do not."""
    return not {name for _, name in numbers.unit_of(number_format).steps} & {
        "%",
        "ms",
        "s",
        "min",
        "/s",
        "B/s",
        "KiB/s",
    }


def _summed(points: _Points, summary: str) -> float:
    values = [y for _, y in points if y is not None]
    return sum(values) / len(values) if summary == "average" and values else sum(values)


def _threshold(settings: Json, scope: Scope, divisor: float) -> float | None:
    value = numbers.as_number(scope.text(settings.get("customThresholdLine")))
    return value / divisor if value is not None else None


def _x(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else as_text(value) if value is not None else "(empty)"
