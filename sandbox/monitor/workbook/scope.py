"""The parameters that an item can see, and what `{Name}` and `{Name:form}` become in a query or a text.

A name that is no parameter stays as it stands: braces have other uses in KQL and in texts.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sandbox.monitor.workbook.time_range import TimeRange

_REFERENCE: Final = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}]+))?\}")
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")
UNSET: Final = "<unset>"
"""What Azure shows in a text for a parameter without a value."""


class Purpose(Enum):
    """What a text is for, which says how a value stands in it."""

    QUERY = "query"
    TEXT = "text"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with its value, as text: quoted and joined already where several values may be chosen."""

    name: str
    value: str = ""
    label: str = ""
    required: bool = False
    time_range: TimeRange | None = None

    @property
    def is_set(self) -> bool:
        """Whether it has a value."""
        return bool(self.value) or self.time_range is not None


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its parameters in place, and the required ones that have no value."""

    text: str
    unset: tuple[str, ...] = ()


@dataclass(slots=True)
class Scope:
    """Parameters by name. A group has a scope of its own, over its parent's."""

    now: datetime
    parent: Scope | None = None
    _own: dict[str, Parameter] = field(default_factory=dict)

    def child(self) -> Scope:
        """A scope that sees this one."""
        return Scope(self.now, self)

    def set(self, parameter: Parameter) -> None:
        """Have a parameter from here on."""
        self._own[parameter.name] = parameter

    def get(self, name: str) -> Parameter | None:
        """The parameter, or None."""
        if name in self._own:
            return self._own[name]
        return self.parent.get(name) if self.parent is not None else None

    def value(self, name: str) -> str:
        """A parameter's value; the empty text for what is unset or unknown."""
        parameter = self.get(name)
        return parameter.value if parameter is not None else ""

    def export(self) -> None:
        """Let the parent have all parameters of this scope."""
        if self.parent is not None:
            for parameter in self._own.values():
                self.parent.set(parameter)

    def snapshot(self) -> Scope:
        """This scope as it is now: items after this one must not change what this one sees."""
        return Scope(self.now, self.parent.snapshot() if self.parent else None, dict(self._own))

    def expand(self, text: str, purpose: Purpose) -> Expanded:
        """The text with every known parameter in place."""
        unset: list[str] = []

        def replace(found: re.Match[str]) -> str:
            parameter = self.get(found[1])
            if parameter is None:
                return found[0]
            if not parameter.is_set:
                if parameter.required:
                    unset.append(parameter.name)
                return "" if purpose is Purpose.QUERY else UNSET
            shown = self._formatted(parameter, found[2] or "", purpose)
            return _MARKDOWN.sub(r"\\\1", shown) if purpose is Purpose.MARKDOWN else shown

        return Expanded(_REFERENCE.sub(replace, text), tuple(dict.fromkeys(unset)))

    def text(self, text: object) -> str:
        """A label or title with its parameters in place."""
        return self.expand(str(text), Purpose.TEXT).text if text else ""

    def _formatted(self, parameter: Parameter, form: str, purpose: Purpose) -> str:
        if parameter.time_range is not None:
            return parameter.time_range.format(form, self.now, in_query=purpose is Purpose.QUERY)
        if form.startswith("$"):
            return _at_path(parameter.value, form)
        return _FORMS.get(form.lower(), _value)(parameter)


def _value(parameter: Parameter) -> str:
    return parameter.value


def _label(parameter: Parameter) -> str:
    return parameter.label or parameter.value


def _escape(parameter: Parameter) -> str:
    """For a text in quotes of KQL."""
    return re.sub(r"([\\\"'])", r"\\\1", parameter.value)


def _escape_json(parameter: Parameter) -> str:
    return json.dumps(parameter.value, ensure_ascii=False)[1:-1]


def _base64(parameter: Parameter) -> str:
    return base64.b64encode(parameter.value.encode()).decode()


_FORMS: Final[Mapping[str, Callable[[Parameter], str]]] = {
    "label": _label,
    "escape": _escape,
    "escapejson": _escape_json,
    "base64": _base64,
}


def _at_path(value: str, path: str) -> str:
    """The part of a JSON text at a path such as `$.a.b` or `$.a[0]`; empty where there is none."""
    try:
        found: Any = json.loads(value)
    except json.JSONDecodeError:
        return ""
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        if name and isinstance(found, dict):
            found = found.get(name)
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return ""
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
