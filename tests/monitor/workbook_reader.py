"""Reads a workbook made of items, as the page would: lays it out and asks for steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contoso_rows import NOW

from sandbox.monitor.tables.store import Result, ResultColumn, Store
from sandbox.monitor.workbook import document, layout
from sandbox.monitor.workbook.running import CachedQueries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.monitor.tables.columns import ColumnType
    from sandbox.monitor.tables.store import TimeBound


@dataclass
class Answers:
    """Answers each query with a fixed result, and remembers what was asked."""

    result: Result
    asked: list[str] = field(default_factory=list)
    bounds: list[TimeBound | None] = field(default_factory=list)

    def run(self, kql: str, bound: TimeBound | None = None) -> Result:
        self.asked.append(kql)
        self.bounds.append(bound)
        return self.result


def result(columns: Mapping[str, ColumnType], *rows: tuple[Any, ...]) -> Result:
    """A result of rows."""
    return Result(tuple(ResultColumn(name, kind) for name, kind in columns.items()), rows)


@dataclass
class Reader:
    """One reader of one workbook, with choices."""

    workbook: document.Workbook
    runner: Any
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> list[dict[str, Any]]:
        """What is laid out."""
        return layout.layout(self.workbook, self.choices, NOW, self.runner)["items"]

    def named(self, name: str) -> dict[str, Any] | None:
        """A visible item by its name, in groups too."""
        waiting = list(self.items)
        while waiting:
            item = waiting.pop(0)
            if item["name"] == name:
                return item
            waiting += item.get("items", [])
        return None

    def control(self, name: str) -> dict[str, Any]:
        """A parameter's control."""
        for item in document.every_item(self.workbook.items):
            shown = self.named(item.name)
            for control in (shown or {}).get("controls", []):
                if control["name"] == name:
                    return control
        raise KeyError(name)

    def choose(self, name: str, value: Any) -> None:
        """Choose a parameter's value."""
        self.choices[self.control(name)["key"]] = value

    def step(self, name: str) -> dict[str, Any]:
        """What a query step shows."""
        shown = self.named(name)
        assert shown is not None, f"{name} is not visible"
        found = layout.step(self.workbook, self.choices, shown["id"], NOW, self.runner)
        assert found is not None
        return found


def workbook(*items: dict[str, Any]) -> document.Workbook:
    """A workbook of these items."""
    return document.read(json.dumps({"version": "Notebook/1.0", "items": list(items)}), "test")


def read(*items: dict[str, Any], answers: Result | None = None) -> Reader:
    """A reader of these items; each query is answered with the result."""
    return Reader(workbook(*items), Answers(answers or Result((), ())))


def over(store: Store, *items: dict[str, Any]) -> Reader:
    """A reader of these items over rows."""
    return Reader(workbook(*items), CachedQueries(store).at(NOW))


def parameters(*declared: dict[str, Any], name: str = "parameters", **more: Any) -> dict[str, Any]:
    """A parameters item."""
    return {"type": 9, "name": name, "content": {"parameters": list(declared)}, **more}


def query(text: str, name: str = "step", **content: Any) -> dict[str, Any]:
    """A query item."""
    return {"type": 3, "name": name, "content": {"version": "KqlItem/1.0", "query": text, **content}}


def text(markdown: str, name: str = "text", **more: Any) -> dict[str, Any]:
    """A text item."""
    return {"type": 1, "name": name, "content": {"json": markdown}, **more}


TIME = {"name": "TimeRange", "type": 4, "isRequired": True, "value": {"durationMs": 86400000}}
