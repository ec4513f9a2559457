"""`$batch`: up to twenty requests in one, with dependencies, answered in any order.

Each item is performed by the same front door as a request of its own. An item that waits for a webhook
holds up the items after it, not the process.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.tenants.graph.errors import malformed
from sandbox.tenants.graph.outcome import Finished, Outcome, Suspended
from sandbox.tenants.wire import UNTOUCHED, Interference, JsonObject, Request, Validation, ValidationAnswer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

MOST_ITEMS = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_FAILED = 400


@dataclass(frozen=True, slots=True)
class Done:
    """All items' answers, shuffled, and what a fault does to the whole."""

    responses: list[JsonObject]
    interference: Interference


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item waits for webhooks; `resume` carries on with the rest."""

    calls: tuple[Validation, ...]
    resume: Callable[[Sequence[ValidationAnswer]], Result]


Result: TypeAlias = Done | Waiting


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    request: Request
    depends_on: tuple[str, ...]
    bodyless: bool  # a body without a content type, which Graph refuses for that item


@dataclass(slots=True)
class _Progress:
    waiting: list[_Item]
    responses: list[JsonObject] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    interference: Interference = UNTOUCHED


def run(document: JsonObject, outer: Request, perform: Callable[[Request], Outcome], stream: random.Random) -> Result:
    """Perform a batch; Graph's 400 for a batch that cannot be read."""
    return _carry_on(_Progress(_read(document, outer)), perform, stream)


def _read(document: JsonObject, outer: Request) -> list[_Item]:
    requests = document.get("requests")
    if not isinstance(requests, list) or not requests:
        raise malformed("Invalid batch payload format.")
    if len(requests) > MOST_ITEMS:
        raise malformed(f"Number of batch request steps exceeds the maximum value of {MOST_ITEMS}.")
    items: list[_Item] = []
    seen: set[str] = set()
    for raw in requests:
        item = _item(raw, outer)
        if item.id.lower() in seen:
            raise malformed("Duplicate request identifier in batch.")
        if any(parent.lower() not in seen for parent in item.depends_on):
            raise malformed("A batch request depends on an identifier that does not stand before it.")
        seen.add(item.id.lower())
        items.append(item)
    return items


def _item(raw: Any, outer: Request) -> _Item:
    if not isinstance(raw, dict):
        raise malformed("Invalid batch payload format.")
    item_id, method, url = raw.get("id"), raw.get("method"), raw.get("url")
    if not isinstance(item_id, str) or not item_id or not isinstance(url, str) or not isinstance(method, str):
        raise malformed("Every batch request needs an id, a method and a url.")
    if method.upper() not in _METHODS:
        raise malformed("A batch request has a method that is not supported.")
    path, _, query = ("/" + url.lstrip("/")).partition("?")
    if path.lower().startswith("/$batch"):
        raise malformed("A batch inside a batch is not supported.")
    own = {str(name).lower(): str(value) for name, value in (raw.get("headers") or {}).items()}
    headers = {**own, "authorization": outer.headers.get("authorization", "")}
    body = raw.get("body")
    depends_on = raw.get("dependsOn") or ()
    return _Item(
        item_id,
        Request(method.upper(), path, query, headers, b"" if body is None else json.dumps(body).encode(), outer.base),
        tuple(str(parent) for parent in depends_on),
        bodyless=body is not None and "content-type" not in own,
    )


def _carry_on(progress: _Progress, perform: Callable[[Request], Outcome], stream: random.Random) -> Result:
    while progress.waiting:
        item = progress.waiting.pop(0)
        if item.bodyless:
            _refuse(progress, item, _FAILED, "BadRequest", "Write request batch item needs a Content-Type header.")
            continue
        if any(progress.statuses[parent.lower()] >= _FAILED for parent in item.depends_on):
            _refuse(progress, item, 424, "FailedDependency", "A request that this one depends on failed.")
            continue
        outcome = perform(item.request)
        if isinstance(outcome, Finished):
            _note(progress, item, outcome)
            continue
        return _waiting(outcome, item, progress, perform, stream)
    stream.shuffle(progress.responses)
    return Done(progress.responses, progress.interference)


def _waiting(
    suspended: Suspended,
    item: _Item,
    progress: _Progress,
    perform: Callable[[Request], Outcome],
    stream: random.Random,
) -> Waiting:
    def resume(answers: Sequence[ValidationAnswer]) -> Result:
        outcome = suspended.resume(answers)
        if isinstance(outcome, Suspended):
            return _waiting(outcome, item, progress, perform, stream)
        _note(progress, item, outcome)
        return _carry_on(progress, perform, stream)

    return Waiting(suspended.calls, resume)


def _note(progress: _Progress, item: _Item, finished: Finished) -> None:
    reply = finished.reply
    progress.statuses[item.id.lower()] = reply.status
    headers = {"Cache-Control": "no-cache", **reply.headers}
    response: JsonObject = {"id": item.id, "status": reply.status, "headers": headers}
    if finished.raw is not None:
        headers["Content-Type"] = finished.raw_type
        response["body"] = finished.raw.decode()
    elif reply.value is not None:
        headers["Content-Type"] = "text/plain" if reply.text else "application/json"
        response["body"] = reply.value
    progress.responses.append(response)
    mine, whole = finished.interference, progress.interference
    progress.interference = replace(
        whole,
        delay_seconds=max(mine.delay_seconds, whole.delay_seconds),
        reset=mine.reset or whole.reset,
        cut_body_at=whole.cut_body_at if mine.cut_body_at is None else mine.cut_body_at,
    )


def _refuse(progress: _Progress, item: _Item, status: int, code: str, message: str) -> None:
    progress.statuses[item.id.lower()] = status
    progress.responses.append(
        {
            "id": item.id,
            "status": status,
            "headers": {"Content-Type": "application/json"},
            "body": {"error": {"code": code, "message": message}},
        }
    )
