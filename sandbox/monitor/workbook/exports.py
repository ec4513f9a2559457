"""Parameters that a step exports when a row or tile is chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.monitor.workbook.cells import plain
from sandbox.monitor.workbook.document import Item, Json, objects
from sandbox.monitor.workbook.scope import Parameter, Scope
from sandbox.monitor.workbook.thresholds import as_text

if TYPE_CHECKING:
    from sandbox.monitor.workbook.choices import Choices


@dataclass(frozen=True, slots=True)
class Export:
    """One exported parameter. Without a field the whole row is exported as JSON."""

    parameter: str
    field: str
    default: str

    def value(self, row: Json) -> str:
        """What a chosen row gives."""
        if self.field:
            found = row.get(self.field)
            return json.dumps(found, ensure_ascii=False) if isinstance(found, (dict, list)) else as_text(plain(found))
        return json.dumps({name: plain(one) for name, one in row.items()}, ensure_ascii=False, default=str)


def exports_of(content: Json) -> tuple[Export, ...]:
    """The exports of a query step, by its one-parameter and its list form."""
    found = [
        Export(str(one["parameterName"]), str(one.get("fieldName") or ""), as_text(one.get("defaultValue")))
        for one in objects(content.get("exportedParameters"))
        if one.get("parameterName")
    ]
    if content.get("exportParameterName"):
        found.append(
            Export(
                str(content["exportParameterName"]),
                str(content.get("exportFieldName") or ""),
                as_text(content.get("exportDefaultValue")),
            )
        )
    return tuple(found)


def resolve(item: Item, scope: Scope, choices: Choices) -> None:
    """Set the exported parameters: what was chosen, else their defaults."""
    for export in exports_of(item.content):
        chosen = choices.get(item.id, export.parameter)
        value = chosen if isinstance(chosen, str) else export.default
        if value or scope.get(export.parameter) is None or export.parameter not in choices.global_parameters:
            scope.set(Parameter(export.parameter, value, value))


def for_row(item: Item, row: Json, choices: Choices) -> dict[str, Any]:
    """What choosing a row sets, by key, and whether it is chosen; nothing where the step exports nothing."""
    found = exports_of(item.content)
    if not found:
        return {}
    sets = {choices.key(item.id, export.parameter): export.value(row) for export in found}
    return {"sets": sets, "selected": all(choices.values.get(key) == value for key, value in sets.items())}
