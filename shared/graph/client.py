"""One tenant's Microsoft Graph, in JSON.

The transport authenticates and sends; answers come as bytes and are read as JSON, because the SDK's models
cost milliseconds for each user. A request that fails is an answer with a fault, never an exception: what to do about
it is decided elsewhere. Links are followed on this tenant's own Graph host alone, so that its token can reach no other.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.core.fault_sizes import FaultSize
from shared.core.graph_call import GraphCall, GraphObserver, operation_of, unobserved
from shared.graph.faults import classify, classify_sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.core.fault_sizes import Fault

STABLE: Final = "v1.0"
BATCH_SIZE: Final = 20
_BATCHES_IN_FLIGHT: Final = 4


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """One request, addressed relative to the version root: `/users/…?$select=…`."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = STABLE  # another one is no part of a batch


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """One answer. `fault` is None exactly for the 2xx answers; `body` is {} where there is none."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    fault: Fault | None = None


class ForeignLinkError(Exception):
    """A next or delta link that does not lead to the tenant's own Graph host."""


class UnreachableError(Exception):
    """A request that had no answer."""


class SignInError(Exception):
    """A request that could not be sent for want of a token; says what the sign-in service said."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came."""

    status: int
    content: bytes
    headers: Mapping[str, str]


class Transport(Protocol):
    """What carries requests to Graph."""

    async def send(
        self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> RawResponse:
        """Send one request. Raises UnreachableError or SignInError."""
        ...

    async def roles(self) -> frozenset[str]:
        """The application permissions that the token holds. Raises SignInError."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class GraphClient:
    """Sends requests to one tenant, alone or twenty at a time."""

    def __init__(
        self,
        endpoint: str,
        open_transport: Callable[[], Transport],
        clock: Callable[[], datetime],
        *,
        tenant: str = "",
        observe: GraphObserver = unobserved,
    ) -> None:
        """`endpoint` is the cloud's Graph address without a version; `tenant` is what `observe` is told of it.

        `open_transport` is called at the first request.
        """
        self._tenant = tenant
        self._observe = observe
        self._endpoint = endpoint
        self.root = f"{endpoint}/{STABLE}"
        self._clock = clock
        self._open_transport = open_transport
        self._transport: Transport | None = None
        self._slots = asyncio.Semaphore(_BATCHES_IN_FLIGHT)

    async def send(self, request: GraphRequest) -> GraphResponse:
        """Send one request by itself."""
        call = GraphCall(operation_of(request.method, request.path), self._tenant)
        with self._observe(call):
            url = f"{self._endpoint}/{request.version}{request.path}"
            return await self._send(call, request.method, url, request.body, request.headers)

    async def roles(self) -> frozenset[str] | Fault:
        """The application permissions that this tenant has consented to, as the token has them now."""
        try:
            return await self._opened().roles()
        except SignInError as error:
            return classify_sign_in(str(error))

    def owns(self, link: str) -> bool:
        """Whether a link leads to this tenant's own Graph host, so that our token may go there."""
        return link.startswith(f"{self.root}/")

    async def follow(self, link: str) -> GraphResponse:
        """Get a next or delta link.

        Raises:
            ForeignLinkError: when it leads to another host.
        """
        if not self.owns(link):
            raise ForeignLinkError
        call = GraphCall(operation_of("GET", link.removeprefix(self.root)), self._tenant)
        with self._observe(call):
            return await self._send(call, "GET", link, None, {})

    async def send_all(self, requests: Sequence[GraphRequest]) -> list[GraphResponse]:
        """Send many requests through `$batch`; the answers come in the order of the requests."""
        chunks = [requests[start : start + BATCH_SIZE] for start in range(0, len(requests), BATCH_SIZE)]
        return list(itertools.chain.from_iterable(await asyncio.gather(*map(self._send_batch, chunks))))

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._transport is not None:
            await self._transport.close()

    async def _send_batch(self, requests: Sequence[GraphRequest]) -> Iterable[GraphResponse]:
        body = {"requests": [_batch_item(str(number), request) for number, request in enumerate(requests)]}
        operations = dict.fromkeys(operation_of(request.method, request.path) for request in requests)
        call = GraphCall("POST /$batch", self._tenant, len(requests), tuple(operations))
        async with self._slots:
            with self._observe(call):
                outer = await self._send(call, "POST", f"{self.root}/$batch", body, {})
                if outer.fault is not None:
                    return [outer] * len(requests)
                answers = {str(item.get("id")): item for item in outer.body.get("responses", ())}
                return [self._inner(call, answers.get(str(number))) for number in range(len(requests))]

    def _inner(self, call: GraphCall, item: Mapping[str, Any] | None) -> GraphResponse:
        item = item or {}
        status = item.get("status", 0)
        headers = {name.lower(): str(value) for name, value in (item.get("headers") or {}).items()}
        answer = self._answer(call, status if isinstance(status, int) else 0, item.get("body"), headers)
        if answer.fault is not None:
            call.faults[answer.fault.code] = call.faults.get(answer.fault.code, 0) + 1
        return answer

    async def _send(
        self, call: GraphCall, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> GraphResponse:
        answer = await self._exchange(call, method, url, body, headers)
        call.status = answer.status
        call.fault = answer.fault.code if answer.fault is not None else ""
        return answer

    async def _exchange(
        self, call: GraphCall, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> GraphResponse:
        try:
            response = await self._opened().send(method, url, body, headers)
        except UnreachableError:
            return GraphResponse(0, fault=classify(0, None, {}, self._clock()))
        except SignInError as error:
            return GraphResponse(0, fault=classify_sign_in(str(error)))
        return self._answer(call, response.status, _json(response.content), response.headers)

    def _opened(self) -> Transport:
        if self._transport is None:
            self._transport = self._open_transport()
        return self._transport

    def _answer(self, call: GraphCall, status: int, body: object, headers: Mapping[str, str]) -> GraphResponse:
        call.units(headers.get("x-ms-resource-unit"))
        fault = classify(status, body, headers, self._clock())
        if fault is not None and fault.size is FaultSize.THROTTLED:
            call.throttled += 1
            call.wait = max(call.wait, fault.retry_after.total_seconds() if fault.retry_after else 0.0)
        if fault is None and body is not None and not isinstance(body, dict):  # cut short, or a gateway's page
            fault = classify(0, None, headers, self._clock())
        return GraphResponse(status, body if isinstance(body, dict) else {}, fault)


_NOT_JSON: Final = object()


def _json(content: bytes) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return _NOT_JSON


def _batch_item(number: str, request: GraphRequest) -> dict[str, Any]:
    item: dict[str, Any] = {"id": number, "method": request.method, "url": request.path}
    headers = dict(request.headers)
    if request.body is not None:
        item["body"] = request.body
        headers["Content-Type"] = "application/json"
    if headers:
        item["headers"] = headers
    return item
