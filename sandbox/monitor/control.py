"""The control interface under /_control: rows, counts, faults, publishers and queries, for the story, tests and people.

JSON in and JSON out; a wrong request gets 400 with {"error": text}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.monitor import records
from sandbox.monitor.ingestion import faults
from sandbox.monitor.tables.columns import ValueRefusedError
from sandbox.monitor.tables.store import DECLARED, OPTIONAL, QueryFailedError, UnknownTableError
from sandbox.monitor.wire import Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.monitor.service import Monitor

PREFIX = "/_control"


class _WrongRequestError(ValueError):
    """A request that makes no sense."""


class Control:
    """The control interface of one monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a request whose path begins with the prefix."""
        parts = request.path.removeprefix(PREFIX).strip("/").split("/")
        try:
            answer = self._answer(request.method, parts, request, now)
        except UnknownTableError as unknown:
            return json_response(404, {"error": f"there is no table {unknown}"})
        except (ValueRefusedError, QueryFailedError, ValueError) as wrong:
            return json_response(400, {"error": str(wrong)})
        if answer is None:
            return json_response(404, {"error": "there is no such control"})
        return json_response(200, answer)

    def _answer(self, method: str, parts: list[str], request: Request, now: datetime) -> Any:
        store, script = self._monitor.store, self._monitor.faults
        match method, parts:
            case "GET", ["tables"]:
                return store.count()
            case "PUT", ["tables", name]:
                store.create(name)
                return {"present": name}
            case "DELETE", ["tables", name]:
                if name not in OPTIONAL:
                    raise _WrongRequestError(f"only {', '.join(sorted(OPTIONAL))} can be absent")
                store.drop(name)
                return {"absent": name}
            case "GET", ["tables", name, "rows"]:
                return {"value": store.rows(name)}
            case "POST", ["tables", name, "rows"]:
                return {"added": self._add(name, _list(request))}
            case "POST", ["query"]:
                result = store.query(str(_object(request).get("query", "")), now=now)
                names = [column.name for column in result.columns]
                return {"value": [dict(zip(names, row, strict=True)) for row in result.rows]}
            case "POST", ["export"]:
                return records.write(store, Path(str(_object(request)["folder"])))
            case "GET", ["faults"]:
                return {"value": script.as_json()}
            case "POST", ["faults"]:
                script.add(faults.read(_object(request)))
                return {"value": script.as_json()}
            case "DELETE", ["faults"]:
                script.clear()
                return {}
            case "POST", ["publishers"]:
                return self._publishers(_object(request))
            case "GET", ["counters"]:
                return self._monitor.counters()
            case _:
                return None

    def _add(self, name: str, rows: list[Any]) -> int:
        if name not in DECLARED:
            raise UnknownTableError(name)
        if not all(isinstance(row, dict) for row in rows):
            raise _WrongRequestError("a row must be a JSON object")
        self._monitor.store.add(name, [DECLARED[name].row(row) for row in rows])
        return len(rows)

    def _publishers(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Who may send logs: a list of object ids, or null for everybody."""
        ids = body.get("objectIds")
        if ids is not None and not (isinstance(ids, list) and all(isinstance(item, str) for item in ids)):
            raise _WrongRequestError("objectIds must be a list of texts, or null")
        self._monitor.tokens.publishers = None if ids is None else frozenset(ids)
        return {"objectIds": ids}


def _object(request: Request) -> dict[str, Any]:
    body = json.loads(request.body or b"{}")
    if not isinstance(body, dict):
        raise _WrongRequestError("the body must be a JSON object")
    return body


def _list(request: Request) -> list[Any]:
    body = json.loads(request.body or b"[]")
    if not isinstance(body, list):
        raise _WrongRequestError("the body must be a JSON array")
    return body
