"""Speaks to a monitor without sockets, as the two clients and the story do."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from sandbox.monitor.service import INSTRUMENTATION_KEY, RULE_ID, Monitor
from sandbox.monitor.wire import Request, Response

if TYPE_CHECKING:
    from datetime import datetime

STREAM = "Custom-CrosstenantProvisioning_CL"


@dataclass(slots=True)
class MonitorDriver:
    """One monitor at one time."""

    monitor: Monitor
    now: datetime

    def token(self, audience: str = "https://monitor.azure.com", *, lifetime: float = 3600, oid: str = "app") -> str:
        """A token that nobody signed."""
        now = self.now.timestamp()
        claims = {"aud": audience, "nbf": now - 60, "exp": now + lifetime, "oid": oid}
        return jwt.encode(claims, "nobody's key, and long enough for HS256", algorithm="HS256")

    def send(
        self,
        body: object,
        *,
        stream: str = STREAM,
        rule: str = RULE_ID,
        token: str | None = None,
        version: str = "2023-01-01",
        packed: bool = True,
    ) -> Response:
        """Send rows to the Logs Ingestion API; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token() if token is None else token}"}
        if packed:
            raw, headers["content-encoding"] = gzip.compress(raw), "gzip"
        path = f"/dataCollectionRules/{rule}/streams/{stream}"
        return self.monitor.handle(Request("POST", path, {"api-version": version}, headers, raw), self.now)

    def track(self, envelopes: object, path: str = "/v2.1/track") -> Response:
        """Send telemetry."""
        body = envelopes if isinstance(envelopes, bytes) else json.dumps(envelopes).encode()
        return self.monitor.handle(Request("POST", path, {}, {}, body), self.now)

    def control(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the control interface."""
        raw = b"" if body is None else json.dumps(body).encode()
        response = self.monitor.handle(Request(method, f"/_control/{path}", {}, {}, raw), self.now)
        return response.status, json.loads(response.body)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return self.monitor.store.rows(table)


def envelope(kind: str, base: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Telemetry as the exporter wraps it."""
    return {
        "ver": 1,
        "name": f"Microsoft.ApplicationInsights.{kind}",
        "time": "2026-11-25T11:59:58.250Z",
        "iKey": INSTRUMENTATION_KEY,
        "tags": {"ai.cloud.role": "crosstenant", "ai.operation.id": "0af7651916cd43dd8448eb211c80319c"},
        "data": {"baseType": kind, "baseData": {"ver": 2, **base}},
        **more,
    }


def message_of(response: Response) -> str:
    """The text of an error answer."""
    return str(json.loads(response.body)["error"]["message"])
