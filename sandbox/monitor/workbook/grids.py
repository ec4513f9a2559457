"""A result as a grid: columns with labels, cells by their formatters, the order, and what a chosen row exports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.tables.columns import ColumnType
from sandbox.monitor.workbook import cells, exports
from sandbox.monitor.workbook.cells import Formatter, Rule
from sandbox.monitor.workbook.document import Item, Json, mapping, objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.monitor.tables.store import Result, ResultColumn
    from sandbox.monitor.workbook.choices import Choices
    from sandbox.monitor.workbook.scope import Scope

ROW_LIMIT: Final = 250
"""Rows of a grid where the author sets no limit, as in Azure."""

_GENERATED: Final = re.compile(r"\$gen_[a-z_]+_(.+)_\d+\Z")
_KNOWN: Final = frozenset(int(formatter) for formatter in Formatter)


def grid(item: Item, result: Result, scope: Scope, choices: Choices) -> dict[str, Any]:
    """The grid for the page."""
    settings = mapping(item.content.get("gridSettings"))
    names = [column.name for column in result.columns]
    rows = [dict(zip(names, row, strict=True)) for row in result.rows]
    rules = _rules(objects(settings.get("formatters")), names, rows)
    labels = {str(one.get("columnId")): scope.text(one.get("label")) for one in objects(settings.get("labelSettings"))}
    visible = [column for column in result.columns if rules[column.name].formatter != Formatter.HIDDEN]
    sort = _sort(settings, item.content, names)
    rows = _sorted(rows, sort)
    limit = settings.get("rowLimit")
    limit = limit if isinstance(limit, int) and limit > 0 else ROW_LIMIT
    return {
        "kind": "grid",
        "columns": [_column(column, rules[column.name], labels) for column in visible],
        "rows": [
            {
                "cells": [cells.cell(rules[one.name], row[one.name], row, scope.text) for one in visible],
                **exports.for_row(item, row, choices),
            }
            for row in rows[:limit]
        ],
        "filter": settings.get("filter") is True,
        "sort": [{"column": name, "descending": descending} for name, descending in sort if name in names],
        "export": item.content.get("showExportToExcel") is True,
        "total": len(rows),
        "truncated": result.truncated,
        "notes": _notes(settings, rules),
    }


def _column(column: ResultColumn, rule: Rule, labels: Mapping[str, str]) -> dict[str, Any]:
    width = rule.options.get("customColumnWidthSetting")
    numeric = column.type in {ColumnType.INT, ColumnType.LONG, ColumnType.REAL}
    plain = rule.formatter in {Formatter.AUTOMATIC, Formatter.RIGHT, Formatter.HEATMAP}
    return {
        "name": column.name,
        "label": labels.get(column.name) or column.name,
        "right": (numeric and plain) or rule.formatter == Formatter.RIGHT,
        "width": _width(str(width)) if width else None,
    }


def _rules(formatters: Sequence[Json], names: Sequence[str], rows: Sequence[Json]) -> dict[str, Rule]:
    """A rule for each column; columns that share one share its scale."""
    found = {name: cells.find_rule(formatters, name) for name in names}
    rules = {}
    for name in names:
        settings = found[name]
        if settings is None:
            rules[name] = Rule()
            continue
        shared = [other for other in names if found[other] is settings]
        values = [row[other] for row in rows for other in shared]
        rules[name] = Rule(settings, cells.scale_of(mapping(settings.get("formatOptions")), values))
    return rules


def _sort(settings: Json, content: Json, names: Sequence[str]) -> list[tuple[str, bool]]:
    """Column and whether it descends; a generated key names the column in its middle."""
    found = objects(settings.get("sortBy")) or objects(content.get("sortBy"))
    keys = []
    for one in found:
        key = str(one.get("itemKey") or "")
        generated = _GENERATED.match(key)
        name = key if key in names else generated[1] if generated else key
        if name in names and one.get("sortOrder") in {1, 2}:
            keys.append((name, one.get("sortOrder") == 2))
    return keys


def _sorted(rows: list[dict[str, Any]], keys: Sequence[tuple[str, bool]]) -> list[dict[str, Any]]:
    for name, descending in reversed(keys):
        rows = sorted(rows, key=lambda row: _order(row[name]), reverse=descending)
    return rows


def _order(value: Any) -> tuple[int, float, str]:
    sortable = cells.cell(Rule(), value, {}, str)
    if value is None:
        return (0, 0.0, "")
    if isinstance(sortable.get("sort"), (int, float)):
        return (1, float(sortable["sort"]), "")
    return (2, 0.0, str(sortable["text"]).lower())


def _width(setting: str) -> str | None:
    """A width as CSS has it; a share of what is left is none of its units, so the column takes what it needs."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(px|ch|%)?\s*", setting)
    return f"{found[1]}{found[2] or 'ch'}" if found else None


def _notes(settings: Json, rules: Mapping[str, Rule]) -> list[str]:
    notes = [
        f"Column {name}: the formatter {rule.formatter} is not known here; the value is shown as it is."
        for name, rule in rules.items()
        if rule.formatter not in _KNOWN
    ]
    groups = mapping(settings.get("hierarchySettings")).get("groupBy")
    if isinstance(groups, list) and groups:
        notes.append(f"In Azure the rows are grouped by {', '.join(map(str, groups))}; here they are listed.")
    return notes
