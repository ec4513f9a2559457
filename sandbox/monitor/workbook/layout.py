"""A workbook as a page shows it for a reader's choices: what is visible, with texts, controls and links resolved.

Query steps are laid out empty and asked for one by one (`step`), so that a slow or failing one holds up nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook import exports, links, parameters, steps
from sandbox.monitor.workbook.charts import KINDS
from sandbox.monitor.workbook.choices import Choices
from sandbox.monitor.workbook.document import Item, ItemType, Workbook, every_item
from sandbox.monitor.workbook.markdown import to_html
from sandbox.monitor.workbook.scope import Purpose, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.monitor.workbook.running import Runner

_SIZES: Final = {0: "medium", 1: "small", 2: "large", 3: "full", 4: "tiny"}
_TEXT_STYLES: Final = frozenset({"info", "success", "warning", "error", "upsell"})


@dataclass(slots=True)
class _Walk:
    """One pass over the items. Keeps the scope that each query step sees."""

    choices: Choices
    runner: Runner
    scopes: dict[str, Scope] = field(default_factory=dict)

    def items(self, items: tuple[Item, ...], scope: Scope) -> list[dict[str, Any]]:
        shown = []
        for item in items:
            visible = all(condition.holds(scope.value(condition.parameter)) for condition in item.conditions)
            body = self._item(item, scope, visible=visible)
            if visible:
                shown.append({"id": item.id, "name": item.name, "width": item.width, **body})
        return shown

    def _item(self, item: Item, scope: Scope, *, visible: bool) -> dict[str, Any]:
        """The item for the page. A hidden item still sets its parameters, but a hidden group's items do nothing."""
        match item.type:
            case ItemType.TEXT:
                return self._text(item, scope)
            case ItemType.PARAMETERS:
                controls = parameters.resolve(item, scope, self.choices, self.runner)
                style = str(item.content.get("style") or "pills")
                return {"kind": "parameters", "style": style, "controls": controls}
            case ItemType.LINKS:
                return {"kind": "links", **links.resolve(item, scope, self.choices)}
            case ItemType.GROUP:
                return self._group(item, scope) if visible else {}
            case ItemType.QUERY:
                self.scopes[item.id] = scope.snapshot()
                exports.resolve(item, scope, self.choices)
                size = item.content.get("size")
                return {
                    "kind": "query",
                    "title": scope.text(item.content.get("title")),
                    "size": _SIZES.get(size, "medium") if isinstance(size, int) else "medium",
                    "chart": item.content.get("visualization") in KINDS,
                }
            case ItemType.METRIC:
                return {"kind": "unsupported", "text": "Platform metrics are not kept here."}
            case _:
                return {"kind": "unsupported", "text": f"An item of type {item.type} cannot be shown here."}

    def _text(self, item: Item, scope: Scope) -> dict[str, Any]:
        text = scope.expand(str(item.content.get("json") or ""), Purpose.MARKDOWN).text
        style = item.content.get("style")
        return {"kind": "text", "html": to_html(text), "style": style if style in _TEXT_STYLES else ""}

    def _group(self, item: Item, scope: Scope) -> dict[str, Any]:
        if item.content.get("groupType") == "template":
            return {"kind": "unsupported", "text": "A group from another template cannot be shown here."}
        inner = scope.child()
        shown = self.items(item.items, inner)
        if item.content.get("exportParameters") is True:
            inner.export()
        return {
            "kind": "group",
            "title": scope.text(item.content.get("title")),
            "expandable": item.content.get("expandable") is True,
            "expanded": item.content.get("expanded") is True,
            "items": shown,
        }


def layout(workbook: Workbook, values: Mapping[str, Any], now: datetime, runner: Runner) -> dict[str, Any]:
    """The page for these choices."""
    walk = _Walk(Choices(values, workbook.global_parameters), runner)
    return {"title": workbook.title, "items": walk.items(workbook.items, Scope(now))}


def step(
    workbook: Workbook, values: Mapping[str, Any], item_id: str, now: datetime, runner: Runner
) -> dict[str, Any] | None:
    """What one query step shows for these choices; None where there is no such step to be seen."""
    choices = Choices(values, workbook.global_parameters)
    walk = _Walk(choices, runner)
    walk.items(workbook.items, Scope(now))
    scope = walk.scopes.get(item_id)
    if scope is None:
        return None
    [item] = [found for found in every_item(workbook.items) if found.id == item_id]
    return steps.show(item, scope, choices, runner)
