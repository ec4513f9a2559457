"""Scripted faults: what the next requests to an endpoint get instead of, or beside, what they asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sandbox.monitor.wire import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping


class Endpoint(StrEnum):
    """What a fault can be at."""

    LOGS = "logs"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, for `count` requests.

    `keeps` stores the rows all the same, so that a client that tries again sends them twice; `drops` closes the
    connection without an answer.
    """

    endpoint: Endpoint
    status: int
    count: int = 1
    retry_after: int | None = None  # seconds
    stream: str | None = None  # any, if not given
    keeps: bool = False
    drops: bool = False

    def response(self) -> Response:
        """The answer in place of the endpoint's own."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        answer = json_response(
            self.status, {"error": {"code": "Scripted", "message": "A fault that was asked for."}}, headers
        )
        return Response(answer.status, answer.headers, answer.body, drop=self.drops)


@dataclass(slots=True)
class FaultScript:
    """The faults that wait for requests, in the order in which they were added."""

    _waiting: list[tuple[Fault, int]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Let a fault wait."""
        self._waiting.append((fault, fault.count))

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def take(self, endpoint: Endpoint, stream: str | None = None) -> Fault | None:
        """The fault for this request, if one waits for it."""
        for index, (fault, left) in enumerate(self._waiting):
            if fault.endpoint is endpoint and fault.stream in {None, stream}:
                if left > 1:
                    self._waiting[index] = (fault, left - 1)
                else:
                    del self._waiting[index]
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """The waiting faults."""
        return [
            {"endpoint": fault.endpoint.value, "status": fault.status, "stream": fault.stream, "left": left}
            for fault, left in self._waiting
        ]


def read(body: Mapping[str, Any]) -> Fault:
    """A fault from JSON: endpoint, status, and optionally count, retryAfter, stream, keeps, drops.

    Raises:
        ValueError: a name is unknown or a value is not of its kind.
    """
    unknown = set(body) - {"endpoint", "status", "count", "retryAfter", "stream", "keeps", "drops"}
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
    status, count, retry_after = body.get("status", 503), body.get("count", 1), body.get("retryAfter")
    for name, value in (("status", status), ("count", count), ("retryAfter", retry_after)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError(f"{name} must be a whole number")
    if not 400 <= status <= 599:
        raise ValueError("status must be between 400 and 599")
    return Fault(
        endpoint=Endpoint(body.get("endpoint", "")),
        status=status,
        count=count,
        retry_after=retry_after,
        stream=body.get("stream"),
        keeps=body.get("keeps") is True,
        drops=body.get("drops") is True,
    )
