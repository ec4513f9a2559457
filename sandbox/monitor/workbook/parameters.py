"""Parameter items: the control that a reader sees, and the value that the items below it get."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.tables.store import QueryFailedError
from sandbox.monitor.workbook import options as option_lists
from sandbox.monitor.workbook import time_range
from sandbox.monitor.workbook.document import Json, mapping, objects
from sandbox.monitor.workbook.options import ALL, Option, OptionsUnavailableError
from sandbox.monitor.workbook.scope import Parameter, Purpose, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.monitor.workbook.choices import Choices
    from sandbox.monitor.workbook.document import Item
    from sandbox.monitor.workbook.running import Runner

WORKSPACE: Final = "this workspace"
"""What stands for every Azure resource that a reader could pick: there is one workspace here."""


class ParameterType(IntEnum):
    """Types of parameters in workbook files."""

    TEXT = 1
    DROP_DOWN = 2
    TIME_RANGE = 4
    RESOURCE = 5
    SUBSCRIPTION = 6
    RESOURCE_TYPE = 7
    LOCATION = 8
    OPTIONS_GROUP = 10


@dataclass(frozen=True, slots=True)
class Resolved:
    """A parameter's value, and its control for the page (None where it is hidden)."""

    parameter: Parameter
    control: dict[str, Any] | None


def resolve(item: Item, scope: Scope, choices: Choices, runner: Runner) -> list[dict[str, Any]]:
    """Set the item's parameters in the scope, one after the other, and return the controls."""
    controls = []
    for declared in objects(item.content.get("parameters")):
        name = str(declared.get("name") or "")
        if not name:
            continue
        resolved = _resolve(_Declared(declared, name, scope, choices.get(item.id, name), runner))
        scope.set(resolved.parameter)
        if resolved.control is not None:
            controls.append({"key": choices.key(item.id, name), **resolved.control})
    return controls


@dataclass(frozen=True, slots=True)
class _Declared:
    """One parameter of the file, with what is needed to resolve it."""

    settings: Json
    name: str
    scope: Scope
    chosen: Any
    runner: Runner

    @property
    def type_settings(self) -> Json:
        return mapping(self.settings.get("typeSettings"))

    @property
    def required(self) -> bool:
        return self.settings.get("isRequired") is True

    def control(self, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "kind": kind,
            "name": self.name,
            "label": self.scope.text(self.settings.get("label")) or self.name,
            "description": self.scope.text(self.settings.get("description")),
            "required": self.required,
            "error": "",
            **more,
        }


def _resolve(declared: _Declared) -> Resolved:
    kind = declared.settings.get("type")
    match kind:
        case ParameterType.TEXT:
            resolved = _text(declared)
        case ParameterType.DROP_DOWN | ParameterType.OPTIONS_GROUP:
            resolved = _list(declared)
        case ParameterType.TIME_RANGE:
            resolved = _time(declared)
        case ParameterType.RESOURCE | ParameterType.SUBSCRIPTION | ParameterType.RESOURCE_TYPE | ParameterType.LOCATION:
            fixed = Parameter(declared.name, WORKSPACE, WORKSPACE)
            resolved = Resolved(fixed, declared.control("fixed", text=WORKSPACE))
        case _:
            note = f"A parameter of type {kind} cannot be shown here."
            resolved = Resolved(Parameter(declared.name), declared.control("fixed", text="", error=note))
    hidden = declared.settings.get("isHiddenWhenLocked") is True
    return Resolved(resolved.parameter, None) if hidden else resolved


def _text(declared: _Declared) -> Resolved:
    error = ""
    if isinstance(declared.chosen, str):
        value = declared.chosen
    elif declared.settings.get("query"):
        value, error = _first_cell(declared)
    else:
        value = declared.scope.expand(str(declared.settings.get("value") or ""), Purpose.QUERY).text
    parameter = Parameter(declared.name, value, value, required=declared.required)
    lines = 4 if declared.type_settings.get("multiLineText") is True else 1
    error = _broken_rule(declared, value) or error
    return Resolved(parameter, declared.control("text", value=value, lines=lines, error=error))


def _broken_rule(declared: _Declared, value: str) -> str:
    for rule in objects(declared.type_settings.get("paramValidationRules")):
        try:
            matches = re.search(str(rule.get("regExp") or ""), value) is not None
        except re.error:
            continue
        if value and matches is not (rule.get("match") is not False):
            return str(rule.get("message") or "This is not valid.")
    return ""


def _first_cell(declared: _Declared) -> tuple[str, str]:
    """The query's first value, and what went wrong."""
    expanded = declared.scope.expand(str(declared.settings["query"]), Purpose.QUERY)
    if expanded.unset:
        return "", ""
    try:
        result = declared.runner.run(expanded.text)
    except QueryFailedError as failed:
        return "", str(failed)
    return (str(result.rows[0][0]) if result.rows and result.rows[0][0] is not None else ""), ""


def _time(declared: _Declared) -> Resolved:
    offered = [
        found
        for entry in objects(declared.type_settings.get("selectableValues"))
        if (found := time_range.read(entry)) is not None
    ]
    chosen = (
        time_range.read(mapping(declared.chosen))
        or time_range.read(mapping(declared.settings.get("value")))
        or time_range.read(mapping(declared.settings.get("timeContext")))
        or time_range.TimeRange(timedelta(days=1))
    )
    if chosen.start is None and chosen not in offered:
        offered = sorted([*offered, chosen], key=lambda one: one.duration)
    control = declared.control(
        "time",
        options=[{"value": _milliseconds(one), "label": one.label} for one in offered],
        custom=declared.type_settings.get("allowCustom") is True,
        value={
            "durationMs": 0 if chosen.start else _milliseconds(chosen),
            "startTime": chosen.start.isoformat() if chosen.start else None,
            "endTime": chosen.end.isoformat() if chosen.end else None,
        },
    )
    parameter = Parameter(declared.name, chosen.query, chosen.label, required=declared.required, time_range=chosen)
    return Resolved(parameter, control)


def _milliseconds(found: time_range.TimeRange) -> int:
    return int(found.duration / timedelta(milliseconds=1))


def _list(declared: _Declared) -> Resolved:
    settings = declared.settings
    error = ""
    try:
        offered = option_lists.options_of(settings, declared.scope, declared.runner)
    except (OptionsUnavailableError, QueryFailedError) as failed:
        offered, error = [], str(failed)
    drop_down = settings.get("type") == ParameterType.DROP_DOWN
    multi = drop_down and settings.get("multiSelect") is True
    special = option_lists.special_options(settings) if drop_down else []
    values = _chosen(declared, offered, special)
    values = values if multi else values[:1]
    every = ALL in values
    selected = _everything(declared, offered) if every else option_lists.meant(values, offered)
    label = "All" if every else ", ".join(option.label for option in selected)
    value = _joined(settings, selected) if multi else selected[0].value if selected else ""
    control = declared.control(
        "dropdown" if drop_down else "options",
        multi=multi,
        options=[option.as_json() for option in (*special, *offered)],
        special=[option.value for option in special],
        value=values,
        text=label,
        error=error,
    )
    return Resolved(Parameter(declared.name, value, label, required=declared.required), control)


def _everything(declared: _Declared, offered: Sequence[Option]) -> Sequence[Option]:
    """What `All` means: the author's marker, else every option."""
    marker = declared.type_settings.get("selectAllValue")
    return [Option(str(marker), "All")] if marker not in {None, ""} else offered


def _joined(settings: Json, selected: Sequence[Option]) -> str:
    quote, delimiter = (
        otherwise if (found := settings.get(name)) is None else str(found)
        for name, otherwise in (("quote", "'"), ("delimiter", ","))
    )
    return delimiter.join(f"{quote}{option.value}{quote}" for option in selected)


def _chosen(declared: _Declared, offered: Sequence[Option], special: Sequence[Option]) -> list[str]:
    """The reader's choice, else what the file holds, else what the list marks, else the default, else the first."""
    known = {option.value for option in (*offered, *special)}

    def kept(found: Any) -> list[str]:
        values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        expanded = [declared.scope.expand(str(value), Purpose.QUERY).text for value in values]
        return [value for value in expanded if value in known]

    settings = declared.settings
    if declared.chosen == [] or kept(declared.chosen):
        return kept(declared.chosen)
    candidates = [
        kept(settings.get("value")),
        [option.value for option in offered if option.selected],
        kept(settings.get("defaultValue")),
    ]
    if declared.required or settings.get("type") == ParameterType.OPTIONS_GROUP:
        candidates.append([option.value for option in offered[:1]])
    return next((found for found in candidates if found), [])
