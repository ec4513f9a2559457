"""A query step: its query with the parameters in place, run, and shown as the step asks for.

A step never fails as a whole: what went wrong, is missing or cannot be shown becomes what it shows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.tables.store import QueryFailedError, Result, ResultColumn, TimeBound
from sandbox.monitor.workbook import time_range
from sandbox.monitor.workbook.cells import Rule, cell
from sandbox.monitor.workbook.charts import KINDS, ChartImpossibleError, chart
from sandbox.monitor.workbook.document import Item, Json, mapping, objects
from sandbox.monitor.workbook.grids import grid
from sandbox.monitor.workbook.scope import Purpose, Scope
from sandbox.monitor.workbook.tiles import tiles

if TYPE_CHECKING:
    from sandbox.monitor.workbook.choices import Choices
    from sandbox.monitor.workbook.running import Runner

NO_DATA: Final = "The query returned no results."
_RENDER: Final = re.compile(r"\|\s*render\s+(\w+)[^|]*\Z", re.IGNORECASE)
_SOURCES: Final = {
    1: "Azure Resource Graph",
    2: "an alert",
    3: "Azure Resource Manager",
    7: "a merge of other steps",
    9: "a custom endpoint",
    10: "workload health",
    11: "Azure RBAC",
    12: "Azure Resource Manager",
    14: "a custom view",
    16: "Prometheus",
}


@dataclass(frozen=True, slots=True)
class _Cannot(Exception):  # noqa: N818 - what a step cannot do is shown, it is no fault
    text: str


def show(item: Item, scope: Scope, choices: Choices, runner: Runner) -> dict[str, Any]:
    """What the step shows, for the page."""
    content = item.content
    query = scope.expand(str(content.get("query") or ""), Purpose.QUERY)
    if query.unset:
        return message(f"Waits for {', '.join(query.unset)}.", "waiting")
    try:
        result = _run(content, query.text, scope, runner)
    except _Cannot as cannot:
        return message(cannot.text, "unsupported")
    except QueryFailedError as failed:
        return {"kind": "error", "text": str(failed), "query": query.text}
    if not result.rows:
        return message(scope.text(content.get("noDataMessage")) or NO_DATA, _STYLES.get(_style(content), "empty"))
    visualization = str(content.get("visualization") or _rendered(query.text) or "table").lower()
    try:
        return _shown(item, result, visualization, scope, choices)
    except ChartImpossibleError as impossible:
        return message(str(impossible), "unsupported")


def message(text: str, style: str) -> dict[str, Any]:
    """A text in a step's place."""
    return {"kind": "message", "text": text, "style": style}


_STYLES: Final = {2: "info", 3: "success", 4: "warning", 5: "error"}


def _style(content: Json) -> int:
    found = content.get("noDataMessageStyle")
    return found if isinstance(found, int) else 0


def _shown(item: Item, result: Result, visualization: str, scope: Scope, choices: Choices) -> dict[str, Any]:
    match visualization:
        case "table" | "grid":
            return grid(item, result, scope, choices)
        case "tiles":
            return tiles(item, result, scope, choices)
        case "card":
            return _card(item, result, scope)
        case kind if kind in KINDS:
            return chart(item, result, kind, scope)
        case _:
            return message(f"The visualization {visualization} cannot be shown here.", "unsupported")


def _card(item: Item, result: Result, scope: Scope) -> dict[str, Any]:
    style = mapping(item.content.get("textSettings")).get("style")
    first = cell(Rule(), result.rows[0][0], {}, scope.text)
    return {"kind": "card", "text": first["text"], "big": style in {"bignumber", "header"}}


def _run(content: Json, query: str, scope: Scope, runner: Runner) -> Result:
    source = content.get("queryType") or 0
    if source == 8:
        return _json_result(query)
    if source != 0:
        raise _Cannot(f"The data comes from {_SOURCES.get(source, f'a source of type {source}')}, not from logs.")
    return runner.run(query, _bound(content, scope))


def _bound(content: Json, scope: Scope) -> TimeBound | None:
    """The span that the step is bound to; None where the query itself says it."""
    named = content.get("timeContextFromParameter")
    parameter = scope.get(str(named)) if named else None
    found = parameter.time_range if parameter is not None else time_range.read(mapping(content.get("timeContext")))
    if found is None:
        return None
    return TimeBound(*found.span(scope.now))


def _rendered(query: str) -> str | None:
    found = _RENDER.search(query.strip())
    return found[1] if found else None


def _json_result(query: str) -> Result:
    """The rows of a JSON step, whose query holds them as text."""
    try:
        document = json.loads(query)
        rows = objects(json.loads(str(mapping(document).get("content") or "[]")))
    except json.JSONDecodeError as error:
        raise _Cannot(f"The step's JSON cannot be read: {error}") from error
    if objects(mapping(document).get("transformers")):
        raise _Cannot("The step's JSON is taken apart by transformers, which are not known here.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = tuple(ResultColumn(name, _kind([row.get(name) for row in rows])) for name in names)
    return Result(columns, tuple(tuple(row.get(name) for name in names) for row in rows))


def _kind(values: list[Any]) -> ColumnType:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
        return ColumnType.REAL
    if any(isinstance(value, (dict, list)) for value in present):
        return ColumnType.DYNAMIC
    return ColumnType.STRING
