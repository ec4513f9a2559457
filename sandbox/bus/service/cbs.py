"""The ``$cbs`` node: takes tokens. One good token opens the whole bus to its connection; repeats are welcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bus.broker.errors import Reason
from sandbox.bus.service.credentials import token_fault
from sandbox.bus.service.requests import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.bus.service.client import Client


class TokenNode:
    """Handles ``put-token``."""

    def __init__(self, client: Client, now: Callable[[], float]) -> None:
        self._client = client
        self._now = now

    def handle(self, request: Request) -> Response:
        """202 for a token that is taken, 401 for one that is not, 400 for any other operation."""
        if request.fields.get("operation") != "put-token":
            return Response(400, "the operation is not put-token", condition=Reason.NOT_ALLOWED.condition)
        fault = token_fault(request.body, self._now())
        if fault is not None:
            return Response(401, fault, condition=Reason.UNAUTHORIZED.condition)
        self._client.authorized = True
        return Response(202, "Accepted")
