"""The sandbox's tenants without their wire: an instance's transport, notifications, and an administrator's hands."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from sandbox.tenants.clock import Clock
from sandbox.tenants.cloud import Cloud
from sandbox.tenants.config_file import parse
from sandbox.tenants.contoso import MANAGED_IDENTITY_CLIENT_ID, default_document
from sandbox.tenants.identity.managed_identity import API_VERSION, PATH
from sandbox.tenants.wire import NeedsValidation, Request, Response, ValidationAnswer
from shared.graph.client import RawResponse, SignInError, UnreachableError
from simulation.virtual_time import loop
from simulation.weather import Fate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.tenants.notifications import Delivery
    from simulation.mortal import Mortal

    Json = dict[str, Any]
    Post = Callable[[bytes], Awaitable[int | None]]

GRAPH: Final = "https://graph.microsoft.com"
_RENEW_BEFORE: Final = 300.0  # seconds, as the SDK does
_AUDIENCE: Final = "api://AzureADTokenExchange"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MANNERS: Final[Mapping[str, Any]] = {
    "replicas": {"count": 2, "medianSeconds": 1.5, "p99Seconds": 20, "staleWriteShare": 0.05},
    "notifications": {"medianSeconds": 3, "tailSeconds": 240, "duplicateShare": 0.1, "lossShare": 0.05},
    "delta": {"pageSize": 20, "emptyPageShare": 0.1, "shortPageShare": 0.2},
    "throttling": {"writes": 3000, "windowSeconds": 150},
}


class Tenants:
    """The cloud, and the notifications that it sends."""

    def __init__(self, seed: int) -> None:
        self.cloud = Cloud(parse(default_document() | dict(_MANNERS)), clock=Clock(loop().seconds), seed=seed)
        self._woken = asyncio.Event()
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._tokens: dict[str, tuple[str, float]] = {}

    def answer(self, request: Request, *, listening: bool) -> Response:
        """What the cloud says; a webhook that it wants to see first echoes the token where somebody listens."""
        outcome = self.cloud.handle(request)
        while isinstance(outcome, NeedsValidation):
            answers = [
                ValidationAnswer(200, "text/plain", call.token.encode()) if listening else ValidationAnswer(None)
                for call in outcome.calls
            ]
            outcome = outcome.resume(answers)
        self._woken.set()
        return outcome

    async def deliver(self, post: Post) -> None:
        """Deliver notifications, for ever."""
        while True:
            for delivery in self.cloud.due_deliveries():
                task = asyncio.create_task(self._deliver(post, delivery))
                self._on_their_way.add(task)
                task.add_done_callback(self._on_their_way.discard)
            deadline = self.cloud.next_deadline()
            wait = None if deadline is None else max(0.05, deadline - loop().seconds())
            self._woken.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _deliver(self, post: Post, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(delivery.timeout_seconds):
                status = await post(delivery.body)
        except TimeoutError:
            status = None
        self.cloud.report_delivery(delivery, status)
        self._woken.set()

    # --- an administrator's hands, at once and without faults ---

    def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """Call the control interface."""
        path, _, query = path.partition("?")
        answer = self.answer(_request(method, f"{GRAPH}/_control/{path}?{query}", body, {}), listening=True)
        if answer.status >= 400:  # noqa: PLR2004 - a mistake of the simulation
            raise ValueError(f"{method} {path}: {answer.status} {answer.body.decode()}")
        return json.loads(answer.body) if answer.body else None

    def administer(self, tenant: str, method: str, path: str, body: Json | None = None) -> Json | None:
        """Call Graph in a tenant as its administrator; None where Graph refused."""
        self.cloud.world.faults, kept = _NO_FAULTS, self.cloud.world.faults
        try:
            headers = {"authorization": f"Bearer {self._administrator(tenant)}"}
            answer = self.answer(_request(method, f"{GRAPH}/v1.0{path}", body, headers), listening=True)
        finally:
            self.cloud.world.faults = kept
        if answer.status >= 400:  # noqa: PLR2004 - such as somebody who is gone already
            return None
        return json.loads(answer.body) if answer.body else {}

    def _administrator(self, tenant: str) -> str:
        token, until = self._tokens.get(tenant, ("", 0.0))
        if until < loop().time():
            token = self.control("POST", "tokens", {"tenant": tenant})["access_token"]
            self._tokens[tenant] = token, loop().time() + 3000
        return token


class _NoFaults:
    def strike(self, *_: object) -> None:
        return None


_NO_FAULTS: Any = _NoFaults()


class ReachedGraph:
    """A `Transport`: one app registration's Graph in one tenant, as one instance reaches it."""

    def __init__(
        self, tenants: Tenants, mortal: Mortal, *, tenant_id: str, client_id: str, listening: Callable[[], bool]
    ) -> None:
        self._tenants = tenants
        self._mortal = mortal
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._listening = listening
        self._token = ""
        self._until = 0.0

    async def send(
        self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> RawResponse:
        """See `Transport.send`."""
        authorization = {"authorization": f"Bearer {await self._fresh()}"}
        sent = {name.lower(): value for name, value in headers.items()} | authorization
        answer = await self._exchange(_request(method, url, body, sent))
        return RawResponse(answer.status, answer.body, {name.lower(): value for name, value in answer.headers.items()})

    async def roles(self) -> frozenset[str]:
        """See `Transport.roles`; no use case of a simulation asks."""
        raise SignInError("simulated")

    async def close(self) -> None:
        """See `Transport.close`."""

    async def _exchange(self, request: Request) -> Response:
        weather = self._mortal.weather
        fate = await self._mortal.step(weather.graph)
        if fate is Fate.REFUSED:
            raise UnreachableError
        answer = self._tenants.answer(request, listening=self._listening())
        touched = answer.interference
        await self._mortal.back(weather.graph)
        if touched.delay_seconds:
            await self._mortal.sleep(touched.delay_seconds)
        if fate is Fate.LOST or touched.reset or touched.cut_body_at is not None:
            raise UnreachableError
        return answer

    async def _fresh(self) -> str:
        if self._until - _RENEW_BEFORE < self._mortal.loop.time():
            form = {
                "client_id": self._client_id,
                "grant_type": "client_credentials",
                "scope": f"{GRAPH}/.default",
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(),
            }
            request = _request("POST", f"{GRAPH}/{self._tenant_id}/oauth2/v2.0/token", None, {})
            answer = await self._exchange(
                Request("POST", request.path, "", request.headers, urlencode(form).encode(), GRAPH)
            )
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise SignInError(answer.body.decode())
            granted = json.loads(answer.body)
            self._token, self._until = granted["access_token"], self._mortal.loop.time() + granted["expires_in"]
        return self._token

    def _assertion(self) -> str:
        cloud = self._tenants.cloud
        query = urlencode({"api-version": API_VERSION, "resource": _AUDIENCE, "client_id": MANAGED_IDENTITY_CLIENT_ID})
        answer = cloud.handle_identity(Request("GET", PATH, query, {"x-identity-header": cloud.identity_header}))
        token: str = json.loads(answer.body)["access_token"]
        return token


def _request(method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Request:
    parts = urlsplit(url)
    content = {} if body is None else {"content-type": "application/json"}
    return Request(
        method,
        parts.path,
        parts.query,
        {**headers, **content},
        b"" if body is None else json.dumps(body).encode(),
        GRAPH,
    )
