"""Application Insights' track endpoint: envelopes of telemetry become rows of the App… tables.

POST /v2.1/track (or /v2/track) with a JSON array, or one envelope a line. Who may send is said by the
instrumentation key alone, as in Azure while local authentication is on.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.ingestion.envelopes import EnvelopeRefusedError, row_of
from sandbox.monitor.ingestion.faults import Endpoint, FaultScript
from sandbox.monitor.wire import BodyRefusedError, BodyTooLargeError, Request, Response, json_response, plain_body

if TYPE_CHECKING:
    from sandbox.monitor.tables.store import Store

# The exporter joins the endpoint's slash at the end with its own, as it does in Azure.
_PATH: Final = re.compile(r"/+v2(\.1)?/track/?\Z")
_LARGEST: Final = 64 * 1024 * 1024


class Track:
    """The endpoint of one Application Insights resource."""

    def __init__(self, store: Store, faults: FaultScript, instrumentation_key: str) -> None:
        self._store = store
        self._faults = faults
        self.instrumentation_key = instrumentation_key

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a path is this endpoint's."""
        return _PATH.match(path) is not None

    def handle(self, request: Request) -> Response:
        """Answer one request: 200 where all was taken, 206 where some was, 400 where nothing was."""
        if request.method != "POST":
            return json_response(405, {"itemsReceived": 0, "itemsAccepted": 0, "errors": []})
        fault = self._faults.take(Endpoint.TRACK)
        if fault is not None and not fault.keeps:
            return fault.response()
        try:
            envelopes = _envelopes(plain_body(request, _LARGEST))
        except BodyTooLargeError:
            return _outcome(413, 0, [(0, 413, "the body is too large")])
        except BodyRefusedError as refused:
            return _outcome(400, 0, [(0, 400, str(refused))])
        errors: list[tuple[int, int, str]] = []
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for index, envelope in enumerate(envelopes):
            try:
                table, row = row_of(envelope, self.instrumentation_key)
            except EnvelopeRefusedError as refused:
                errors.append((index, 400, str(refused)))
            else:
                rows[table].append(row)
        for table, accepted in rows.items():
            self._store.add(table, accepted)
        if fault is not None:
            return fault.response()
        status = 200 if not errors else 206 if rows else 400
        return _outcome(status, len(envelopes), errors)


def _envelopes(body: bytes) -> list[dict[str, Any]]:
    text = body.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    except json.JSONDecodeError as error:
        raise BodyRefusedError("the body is no JSON") from error
    if not all(isinstance(item, dict) for item in found):
        raise BodyRefusedError("an envelope must be a JSON object")
    envelopes: list[dict[str, Any]] = found
    return envelopes


def _outcome(status: int, received: int, errors: list[tuple[int, int, str]]) -> Response:
    return json_response(
        status,
        {
            "itemsReceived": received,
            "itemsAccepted": max(received - len(errors), 0),
            "errors": [{"index": index, "statusCode": code, "message": text} for index, code, text in errors],
        },
    )
