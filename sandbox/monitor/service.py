"""The monitor without its sockets: one workspace, its ingestion endpoints and its control interface.

It is given the time and the keys of the login service; it neither listens nor fetches.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox.monitor import control
from sandbox.monitor.ingestion.faults import FaultScript
from sandbox.monitor.ingestion.logs import LogsIngestion
from sandbox.monitor.ingestion.tokens import TokenCheck, Verdict
from sandbox.monitor.ingestion.track import Track
from sandbox.monitor.wire import Request, Response, json_response

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.monitor.tables.store import Store

RULE_ID: Final = "dcr-00000000000000000000000000000005"
INSTRUMENTATION_KEY: Final = "70000000-0000-4000-8000-000000000007"


@dataclass(slots=True)
class Monitor:
    """One workspace with everything that writes to it."""

    store: Store
    tokens: TokenCheck = field(default_factory=TokenCheck)
    faults: FaultScript = field(default_factory=FaultScript)
    logs: LogsIngestion = field(init=False)
    track: Track = field(init=False)
    _control: control.Control = field(init=False)
    _counted: Counter[tuple[str, int]] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Put the parts together."""
        self.logs = LogsIngestion(self.store, self.faults, RULE_ID)
        self.track = Track(self.store, self.faults, INSTRUMENTATION_KEY)
        self._control = control.Control(self)

    def wants_keys(self, request: Request, now: datetime) -> bool:
        """Whether the login service's keys should be read again before this request is handled."""
        return (
            LogsIngestion.answers(request.path)
            and self.tokens.keys is not None
            and self.tokens.check(_authorization(request), now.timestamp()) is Verdict.UNKNOWN_KEY
        )

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer one request that came at `now`."""
        if request.path.startswith(f"{control.PREFIX}/"):
            return self._control.handle(request, now)
        if LogsIngestion.answers(request.path):
            response = self._logs(request, now)
            self._counted["logs", response.status] += 1
            return response
        if Track.answers(request.path):
            response = self.track.handle(request)
            self._counted["track", response.status] += 1
            return response
        # Live metrics ask here too, and stop asking when they find nothing.
        return json_response(404, {"error": {"code": "NotFound", "message": "There is nothing here."}})

    def counters(self) -> dict[str, dict[str, int]]:
        """How many requests each endpoint answered with which status."""
        found: dict[str, dict[str, int]] = {"logs": {}, "track": {}}
        for (endpoint, status), count in sorted(self._counted.items()):
            found[endpoint][str(status)] = count
        return found

    def _logs(self, request: Request, now: datetime) -> Response:
        verdict = self.tokens.check(_authorization(request), now.timestamp())
        match verdict:
            case Verdict.ALLOWED:
                return self.logs.handle(request, now)
            case Verdict.FORBIDDEN:
                return json_response(403, {"error": {"code": "OperationFailed", "message": self.tokens.last_reason}})
            case Verdict.REFUSED | Verdict.UNKNOWN_KEY:
                challenge = 'Bearer authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
                return json_response(
                    401,
                    {"error": {"code": "AuthenticationFailed", "message": self.tokens.last_reason}},
                    {"WWW-Authenticate": challenge},
                )


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")
