"""The Logs Ingestion API: rows for the streams of one data collection rule.

POST /dataCollectionRules/{immutable id}/streams/{stream}?api-version=2023-01-01, a JSON array, often in gzip.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.ingestion.faults import Endpoint, FaultScript
from sandbox.monitor.tables.columns import ValueRefusedError, read_time, store_time
from sandbox.monitor.tables.store import DECLARED, Store
from sandbox.monitor.wire import BodyRefusedError, BodyTooLargeError, Request, Response, json_response, plain_body

if TYPE_CHECKING:
    from sandbox.monitor.tables.columns import Table

LARGEST_CALL: Final = 1024 * 1024
"""Bytes of a call, packed and unpacked (Azure Monitor service limits, Logs Ingestion API)."""

API_VERSIONS: Final = frozenset({"2021-11-01-preview", "2023-01-01"})
OLDEST: Final = timedelta(days=2)
"""Azure Monitor replaces a TimeGenerated before this by the time of receipt, and one more than a day ahead."""

_AHEAD: Final = timedelta(days=1)
_PATH: Final = re.compile(r"/dataCollectionRules/([^/]+)/streams/([^/]+)/?\Z", re.IGNORECASE)
_STREAMS: Final = {table.stream: table for table in DECLARED.values() if table.stream}


class LogsIngestion:
    """The endpoint of one rule. The token has been checked before a request comes here."""

    def __init__(self, store: Store, faults: FaultScript, rule_id: str) -> None:
        self._store = store
        self._faults = faults
        self.rule_id = rule_id

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a path is this endpoint's."""
        return _PATH.match(path) is not None

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer one request that came at `now`."""
        found = _PATH.match(request.path)
        if found is None:
            return _refused(404, "NotFound", "There is nothing here.")
        rule, stream = found.groups()
        if request.method != "POST":
            return _refused(405, "MethodNotAllowed", "Only POST is allowed.")
        if request.query.get("api-version") not in API_VERSIONS:
            return _refused(400, "InvalidApiVersion", "The api-version is missing or not supported.")
        if rule != self.rule_id:
            return _refused(404, "NotFound", f"Data collection rule with immutable id '{rule}' not found.")
        table = _STREAMS.get(stream)
        if table is None:
            return _refused(400, "InvalidStream", f"The stream {stream} is not declared in the rule.")
        fault = self._faults.take(Endpoint.LOGS, stream)
        if fault is not None and not fault.keeps:
            return fault.response()
        try:
            rows = _rows(request, table, now)
        except BodyTooLargeError:
            return _refused(413, "ContentLengthLimitExceeded", f"A call may have {LARGEST_CALL} bytes.")
        except (BodyRefusedError, ValueRefusedError) as refused:
            return _refused(400, "InvalidRequestBody", str(refused))
        self._store.add(table.name, rows)
        return Response(204) if fault is None else fault.response()


def _rows(request: Request, table: Table, now: datetime) -> list[dict[str, Any]]:
    try:
        given = json.loads(plain_body(request, LARGEST_CALL))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BodyRefusedError("the body is no JSON") from error
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise BodyRefusedError("the body must be a JSON array of objects")
    rows = []
    for index, item in enumerate(given):
        try:
            row = table.row(item)
        except ValueRefusedError as refused:
            raise ValueRefusedError(f"record {index}: {refused}") from refused
        row["TimeGenerated"] = _accepted_time(row["TimeGenerated"], now)
        rows.append(row)
    return rows


def _accepted_time(stored: str | None, now: datetime) -> str:
    if stored is not None and now - OLDEST <= read_time(stored) <= now + _AHEAD:
        return stored
    return store_time(now.astimezone(UTC))


def _refused(status: int, code: str, message: str) -> Response:
    return json_response(status, {"error": {"code": code, "message": message}})
