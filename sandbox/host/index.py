"""From azure-functions' Function objects to the functions this host runs, or the list of all that is wrong.

Pure: it reads what it is given and starts nothing. The rules are the real host's and worker's.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.host.faults import Fault
from sandbox.host.signature import signature_faults, wants_context
from sandbox.host.triggers import BindingReader, HttpTrigger, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.host.host_json import HostOptions
    from sandbox.host.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
_RETURN = "$return"


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function ready to run. `returns_http` tells that its return value is an HTTP response."""

    name: str
    trigger: Trigger
    handler: Callable[..., Any] = field(repr=False)
    returns_http: bool
    is_async: bool
    wants_context: bool


def index_functions(
    functions: Iterable[Any], settings: Settings, options: HostOptions
) -> tuple[list[IndexedFunction], list[Fault]]:
    """Read every function, and return those that are sound with the faults of all others.

    `functions` are azure-functions' Function objects, of either generation of that package.
    """
    indexed: list[IndexedFunction] = []
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for function in functions:
        name = str(function.get_function_name())
        if not _NAME.fullmatch(name) or name.lower() == "host":
            faults.append(Fault(name, "name", "must match ^[a-z][a-z0-9_-]{0,127}$ (any case) and not be 'host'"))
        if name.lower() in seen:
            faults.append(Fault(name, "name", f"is also the name of {seen[name.lower()]}; case does not count"))
        seen[name.lower()] = name
        one, wrong = _index_one(name, function, settings, options)
        faults += wrong
        if one is not None:
            indexed.append(one)
    return indexed, faults + _route_conflicts(indexed)


def _index_one(
    name: str, function: Any, settings: Settings, options: HostOptions
) -> tuple[IndexedFunction | None, list[Fault]]:
    reader = BindingReader(name, settings, options)
    bindings: list[dict[str, Any]] = [json.loads(raw) for raw in function.get_raw_bindings()]
    returns_http = False
    trigger: Trigger | None = None
    for binding in bindings:
        kind = str(binding.get("type"))
        if kind.lower().endswith("trigger"):
            trigger = reader.trigger(binding)
        elif kind == "http" and binding.get("name") == _RETURN:
            returns_http = True
        else:
            reader.fault(str(binding.get("name")), f"the binding type {kind!r} is not run here")
    if trigger is None:
        return None, reader.faults
    if function.get_setting("retry_policy") is not None:
        reader.fault("retry", "retry policies are not played by the sandbox's host")
    handler = function.get_user_function()
    for parameter, message in signature_faults(handler, trigger, returns_http=returns_http):
        reader.fault(parameter, message)
    if reader.faults:
        return None, reader.faults
    is_async = inspect.iscoroutinefunction(handler)
    return IndexedFunction(name, trigger, handler, returns_http, is_async, wants_context(handler, trigger)), []


def _route_conflicts(functions: list[IndexedFunction]) -> list[Fault]:
    """Find HTTP functions that claim one route for a common method."""
    faults = []
    claimed: list[tuple[str, HttpTrigger]] = []
    for function in functions:
        if not isinstance(function.trigger, HttpTrigger):
            continue
        mine = function.trigger
        for other, theirs in claimed:
            methods_meet = mine.methods is None or theirs.methods is None or mine.methods & theirs.methods
            if methods_meet and mine.route.text.lower() == theirs.route.text.lower():
                faults.append(Fault(function.name, "route", f"conflicts with the route defined by function {other}"))
        claimed.append((function.name, mine))
    return faults
