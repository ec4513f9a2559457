"""A result as tiles, one a row: title, subtitle, left, right and bottom content by their formatters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook import cells, exports
from sandbox.monitor.workbook.cells import Rule
from sandbox.monitor.workbook.document import Item, Json, mapping

if TYPE_CHECKING:
    from sandbox.monitor.tables.store import Result
    from sandbox.monitor.workbook.choices import Choices
    from sandbox.monitor.workbook.scope import Scope

MOST: Final = 100
"""Tiles of one step (Azure Monitor service limits, workbooks)."""

_PLACES: Final = {
    "title": "titleContent",
    "subtitle": "subtitleContent",
    "left": "leftContent",
    "right": "rightContent",
    "bottom": "secondaryContent",
}


def tiles(item: Item, result: Result, scope: Scope, choices: Choices) -> dict[str, Any]:
    """The tiles for the page."""
    settings = mapping(item.content.get("tileSettings"))
    names = [column.name for column in result.columns]
    rows = [dict(zip(names, row, strict=True)) for row in result.rows]
    rows = _sorted(rows, settings, names)
    rules = {}
    notes = []
    for place, setting in _PLACES.items():
        found = mapping(settings.get(setting))
        if not found.get("columnMatch"):
            continue
        rule = cells.find_rule([found], str(found["columnMatch"]))
        column = next((name for name in names if cells.find_rule([found], name) is not None), None)
        if rule is None or column is None:
            notes.append(f"The {place} of a tile is {found['columnMatch']}, which the query does not return.")
            continue
        values = [row[column] for row in rows]
        rules[place] = (column, Rule(found, cells.scale_of(mapping(found.get("formatOptions")), values)))
    size = settings.get("size")
    return {
        "kind": "tiles",
        "size": size if size in {"auto", "full"} else "fixed",
        "border": settings.get("showBorder") is True,
        "tiles": [
            {
                **{place: cells.cell(rule, row[column], row, scope.text) for place, (column, rule) in rules.items()},
                **exports.for_row(item, row, choices),
            }
            for row in rows[:MOST]
        ],
        "total": len(rows),
        "notes": notes,
    }


def _sorted(rows: list[dict[str, Any]], settings: Json, names: list[str]) -> list[dict[str, Any]]:
    field = settings.get("sortCriteriaField")
    order = settings.get("sortOrderField")
    if field not in names or order not in {1, 2}:
        return rows
    return sorted(
        rows,
        key=lambda row: (
            row[field] is not None,
            isinstance(row[field], str),
            row[field] if row[field] is not None else 0,
        ),
        reverse=order == 2,
    )
