"""What a drop-down or an options group offers: from a fixed list or a query, with the special choices on top."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.workbook.document import Json, mapping, objects
from sandbox.monitor.workbook.scope import Purpose, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.monitor.tables.store import Result
    from sandbox.monitor.workbook.running import Runner

ALL: Final = "value::all"
_SPECIAL: Final = "value::"
_MOST: Final = 1000


class OptionsUnavailableError(Exception):
    """The list cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice."""

    value: str
    label: str
    group: str = ""
    selected: bool = False

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return {"value": self.value, "label": self.label, "group": self.group}


def options_of(parameter: Json, scope: Scope, runner: Runner) -> list[Option]:
    """The options that the parameter lists, without the special ones.

    Raises:
        OptionsUnavailableError: the list needs a source that is not there, or a parameter without a value.
        QueryFailedError: the query failed.
    """
    if parameter.get("jsonData"):
        return _from_json(scope.expand(str(parameter["jsonData"]), Purpose.QUERY).text)
    query = parameter.get("query")
    if not query:
        return []
    if parameter.get("queryType") not in {None, 0}:
        raise OptionsUnavailableError(f"Its list comes from a source of type {parameter['queryType']}, not from logs.")
    expanded = scope.expand(str(query), Purpose.QUERY)
    if expanded.unset:
        raise OptionsUnavailableError(f"Its list waits for {', '.join(expanded.unset)}.")
    return _from_result(runner.run(expanded.text))


def special_options(parameter: Json) -> list[Option]:
    """`All` and its kin, as the parameter's settings ask for them."""
    found = mapping(parameter.get("typeSettings")).get("additionalResourceOptions")
    names = [str(name) for name in found] if isinstance(found, list) else []
    return [
        Option(name, "All" if name == ALL else f"Any {name.removeprefix(_SPECIAL)}")
        for name in names
        if name == ALL or name.removeprefix(_SPECIAL).isdigit()
    ]


def meant(chosen: Sequence[str], options: Sequence[Option]) -> list[Option]:
    """The options that the chosen values mean: a special one means the first so many."""
    for value in chosen:
        if value.startswith(_SPECIAL) and value != ALL:
            count = value.removeprefix(_SPECIAL)
            return list(options[: int(count)]) if count.isdigit() else []
    known = {option.value: option for option in options}
    return [known.get(value, Option(value, value)) for value in chosen]


def _from_json(text: str) -> list[Option]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise OptionsUnavailableError(f"Its list is no JSON: {error}") from error
    if isinstance(found, list) and all(isinstance(entry, str) for entry in found):
        return [Option(entry, entry) for entry in found]
    return [
        Option(
            _plain(entry.get("value")),
            _plain(entry.get("label", entry.get("value"))),
            _plain(entry.get("group", "")),
            selected=entry.get("selected") is True,
        )
        for entry in objects(found)
    ]


def _from_result(result: Result) -> list[Option]:
    """By the names value, label, selected and group; without them by place."""
    names = [column.name.lower() for column in result.columns]

    def place(name: str, otherwise: int) -> int | None:
        if name in names:
            return names.index(name)
        return otherwise if "value" not in names and otherwise < len(names) else None

    value_at = names.index("value") if "value" in names else 0
    label_at, selected_at, group_at = place("label", 1), place("selected", 2), place("group", 3)
    options = [
        Option(
            _plain(row[value_at]),
            _plain(row[label_at if label_at is not None else value_at]),
            _plain(row[group_at]) if group_at is not None else "",
            selected=selected_at is not None and row[selected_at] in {True, "true"},
        )
        for row in result.rows[:_MOST]
    ]
    return list({option.value: option for option in options}.values())


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(value)
