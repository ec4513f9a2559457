"""The monitor as a process: one listener with TLS for ingestion and control, and a plain one for the page.

A thin shell: it turns sockets into requests and responses into bytes, fetches the login service's keys, and leaves
the event loop free by having threads do what takes DuckDB's time.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from sandbox.monitor.service import INSTRUMENTATION_KEY, RULE_ID, Monitor
from sandbox.monitor.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sandbox.monitor.page_service import PageService

HOST = "127.0.0.1"
_LARGEST_BODY = 64 * 1024 * 1024
_AT_ONCE = 2  # queries; more would only wait for each other
_KEYS_PATH = "/common/discovery/v2.0/keys"


def real_time() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LoginService:
    """Where the keys of tokens are published, and the authority of that address."""

    url: str
    ca: Path | None


class PageServer:
    """Serves the page on the loopback interface."""

    def __init__(self, service: PageService, now: Callable[[], datetime] = real_time) -> None:
        self._service = service
        self._now = now
        self._runner: web.AppRunner | None = None
        self._threads = asyncio.Semaphore(_AT_ONCE)

    async def start(self, port: int = 0) -> str:
        """Listen (0: on a free port) and return the address; OSError if the port is taken."""

        async def answer(request: web.Request) -> web.StreamResponse:
            read = await _read(request)
            async with self._threads:
                return _sent(await asyncio.to_thread(self._service.handle, read, self._now()))

        self._runner, taken = await _listen(answer, port, None)
        return f"http://{HOST}:{taken}/"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()


class IngestionServer:
    """Serves ingestion and control, with TLS."""

    def __init__(
        self,
        monitor: Monitor,
        tls: ssl.SSLContext,
        login: LoginService | None = None,
        now: Callable[[], datetime] = real_time,
    ) -> None:
        self._monitor = monitor
        self._tls = tls
        self._login = login
        self._now = now
        self._runner: web.AppRunner | None = None
        if login is not None:
            monitor.tokens.keys = {}  # read when the first token comes

    async def start(self, port: int = 0) -> str:
        """Listen (0: on a free port) and return the address; OSError if the port is taken."""

        async def answer(request: web.Request) -> web.StreamResponse:
            read = await _read(request)
            if self._login is not None and self._monitor.wants_keys(read, self._now()):
                self._monitor.tokens.keys = await _keys(self._login)
            response = await asyncio.to_thread(self._monitor.handle, read, self._now())
            if response.drop and request.transport is not None:
                request.transport.abort()
            return _sent(response)

        self._runner, taken = await _listen(answer, port, self._tls)
        return f"https://localhost:{taken}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def describe(address: str) -> dict[str, Any]:
        """What a client has to know, as JSON."""
        return {
            "url": address,
            "control": f"{address}/_control",
            "logsEndpoint": address,
            "ruleId": RULE_ID,
            "connectionString": f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint={address}/",
        }


async def _keys(login: LoginService) -> dict[str, Any]:
    """The published keys; none where the login service does not answer, so that no token is good."""
    tls = ssl.create_default_context(cafile=str(login.ca) if login.ca else None)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.get(login.url.rstrip("/") + _KEYS_PATH) as response,
        ):
            response.raise_for_status()
            found: dict[str, Any] = await response.json()
            return found
    except aiohttp.ClientError:
        return {}


async def _listen(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], port: int, tls: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    # What a client packed is unpacked by the endpoint, which has a limit for it.
    application = web.Application(client_max_size=_LARGEST_BODY)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, ssl_context=tls)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


async def _read(request: web.Request) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )


def _sent(response: Response) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)
