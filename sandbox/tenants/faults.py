"""Scripted faults: which requests they strike, how often, and what becomes of those requests.

A fault is data given by the control interface or a test; chance comes from the seed. What "apply the
write but lose the answer" means for an operation is the caller's affair: this module only says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.tenants.wire import Interference, JsonObject

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping


class FaultBody(StrEnum):
    """What a struck request's answer holds."""

    JSON = "json"
    HTML = "html"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a fault strikes; what is None matches everything."""

    tenant: str | None = None
    app: str | None = None  # id of the app that asks
    operation: re.Pattern[str] | None = None  # whole operation name, such as "PATCH /users/{id}"
    path: re.Pattern[str] | None = None  # anywhere in the path as sent
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a struck request. No status: it is answered as usual, late or cut or not at all.

    `apply` lets the operation happen first: with `reset` or a status its answer is lost. `answer` is a JSON
    value that stands in for the right one: a page without its users, say.
    """

    status: int | None = None
    code: str = "serviceNotAvailable"
    message: str = "A scripted fault."
    headers: Mapping[str, str] = field(default_factory=dict)
    body: FaultBody = FaultBody.JSON
    answer: Any = None
    apply: bool = False
    interference: Interference = field(default_factory=Interference)


@dataclass(frozen=True, slots=True)
class Fault:
    """A match, an effect, and for how many more strikes (None: until removed)."""

    id: str
    match: Match
    effect: Effect
    remaining: int | None


class FaultScriptError(ValueError):
    """A fault that cannot be read."""


class Faults:
    """The faults in force, in the order they came; the first that matches strikes."""

    def __init__(self, stream: random.Random) -> None:
        self._stream = stream
        self._faults: dict[str, Fault] = {}
        self._number = 0

    def add(self, match: Match, effect: Effect, count: int | None = None) -> Fault:
        """Put a fault in force."""
        self._number += 1
        fault = Fault(f"fault-{self._number}", match, effect, count)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take one out of force; False if there is none."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all out of force."""
        self._faults.clear()

    def strike(self, tenant: str, app: str, operation: str, path: str) -> Effect | None:
        """The effect on this request of an app, or None; a counted fault is used up by it."""
        for fault in list(self._faults.values()):
            match = fault.match
            if match.tenant not in {None, tenant} or match.app not in {None, app}:
                continue
            if match.operation is not None and match.operation.fullmatch(operation) is None:
                continue
            if match.path is not None and match.path.search(path) is None:
                continue
            if match.probability < 1 and self._stream.random() >= match.probability:
                continue
            if fault.remaining is not None:
                if fault.remaining <= 1:
                    del self._faults[fault.id]
                else:
                    self._faults[fault.id] = replace(fault, remaining=fault.remaining - 1)
            return fault.effect
        return None

    def as_json(self) -> list[JsonObject]:
        """The faults in force."""
        return [
            {
                "id": fault.id,
                "tenant": fault.match.tenant,
                "app": fault.match.app,
                "operation": fault.match.operation and fault.match.operation.pattern,
                "path": fault.match.path and fault.match.path.pattern,
                "probability": fault.match.probability,
                "remaining": fault.remaining,
                "status": fault.effect.status,
                "apply": fault.effect.apply,
                "reset": fault.effect.interference.reset,
            }
            for fault in self._faults.values()
        ]


_KEYS = frozenset(
    {"tenant", "app", "operation", "path", "probability", "count", "status", "code", "message", "headers", "body"}
    | {"answer", "apply", "reset", "delaySeconds", "cutBodyAt"}
)


def read(document: Any) -> tuple[Match, Effect, int | None]:
    """A fault as the control interface takes it; FaultScriptError if it is none.

    Keys: tenant, app (the id of one that asks), operation (a regular expression on the whole name; its "{id}" needs
    no escape), path (a regular expression), probability, count, status, code, message, headers, body (json, html,
    empty), answer (a JSON value instead of the right one; its status is 200 where none is given), apply, reset,
    delaySeconds, cutBodyAt.
    """
    if not isinstance(document, dict):
        raise FaultScriptError("a fault is a JSON object")
    unknown = sorted(set(document) - _KEYS)
    if unknown:
        raise FaultScriptError(f"unknown keys: {', '.join(unknown)}")
    try:
        operation, path = document.get("operation"), document.get("path")
        match = Match(
            tenant=document.get("tenant"),
            app=document.get("app"),
            # Templates hold braces and a dollar sign, which mean something else in an expression.
            operation=re.compile(re.sub(r"([{}$])", r"\\\1", operation)) if operation else None,
            path=re.compile(path) if path else None,
            probability=float(document.get("probability", 1.0)),
        )
        answer = document.get("answer")
        status = document.get("status", None if answer is None else 200)
        effect = Effect(
            status=None if status is None else int(status),
            code=str(document.get("code", "serviceNotAvailable")),
            message=str(document.get("message", "A scripted fault.")),
            headers={str(name): str(value) for name, value in (document.get("headers") or {}).items()},
            body=FaultBody(document.get("body", "json")),
            answer=answer,
            apply=bool(document.get("apply", False)),
            interference=Interference(
                delay_seconds=float(document.get("delaySeconds", 0)),
                reset=bool(document.get("reset", False)),
                cut_body_at=None if document.get("cutBodyAt") is None else int(document["cutBodyAt"]),
            ),
        )
        count = document.get("count")
        return match, effect, None if count is None else int(count)
    except (ValueError, TypeError, AttributeError, re.error) as error:
        raise FaultScriptError(str(error)) from error
