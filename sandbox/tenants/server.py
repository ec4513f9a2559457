"""The tenants as a process: a TLS server for Graph, login and control, and the identity endpoint beside it.

A thin shell: it turns sockets into requests and responses into bytes, and lets the deliverer call out.
All behaviour is the cloud's.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.tenants import tls
from sandbox.tenants.clock import Clock
from sandbox.tenants.cloud import Cloud
from sandbox.tenants.deliverer import Deliverer
from sandbox.tenants.identity import managed_identity
from sandbox.tenants.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.tenants.config import Config
    from sandbox.tenants.wire import JsonObject

HOST = "127.0.0.1"
_LARGEST_BODY = 8 * 1024 * 1024
# The transport computes these itself.
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running server is, and what a client needs to reach and trust it."""

    graph: str
    login: str
    control: str
    identity_endpoint: str
    identity_header: str
    ca: Path
    certificate: Path
    key: Path


class TenantsServer:
    """Serves one cloud on 127.0.0.1. Without `tls_dir` the authority lives and dies with the server."""

    def __init__(
        self, config: Config, *, seed: int = 0, tls_dir: Path | None = None, clock: Clock | None = None
    ) -> None:
        self.cloud = Cloud(config, clock=clock or Clock(time.time), seed=seed)
        self._tls_dir = tls_dir
        self._temporary: TemporaryDirectory[str] | None = None
        self._runners: list[web.AppRunner] = []
        self._deliverer: Deliverer | None = None
        self._addresses: Addresses | None = None

    @property
    def addresses(self) -> Addresses:
        """Where it listens; RuntimeError before `start`."""
        if self._addresses is None:
            raise RuntimeError("the server is not started")
        return self._addresses

    async def start(self, port: int = 0) -> Addresses:
        """Listen on a port (0: a free one); OSError if it is taken."""
        if self._tls_dir is None:
            self._temporary = TemporaryDirectory(prefix="crosstenant-tls-")
        files = tls.prepare(Path(self._temporary.name) if self._temporary else self._tls_dir or Path())
        deliverer = self._deliverer = Deliverer(self.cloud, files.client_context())
        await deliverer.start()

        async def answer(request: web.Request) -> web.StreamResponse:
            response = await deliverer.complete(self.cloud.handle(await _read(request)))
            deliverer.wake()
            return await _send(request, response)

        async def answer_identity(request: web.Request) -> web.StreamResponse:
            return await _send(request, self.cloud.handle_identity(await _read(request)))

        try:
            secure = await self._listen(answer, port, files)
            plain = await self._listen(answer_identity, 0, None)
        except OSError:
            await self.stop()
            raise
        base = f"https://localhost:{secure}"
        self._addresses = Addresses(
            graph=f"{base}/v1.0",
            login=base,
            control=f"{base}/_control",
            identity_endpoint=f"http://{HOST}:{plain}{managed_identity.PATH}",
            identity_header=self.cloud.identity_header,
            ca=files.ca,
            certificate=files.certificate,
            key=files.key,
        )
        return self._addresses

    async def stop(self) -> None:
        """Stop listening and delivering."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        if self._deliverer is not None:
            await self._deliverer.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def _listen(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]], port: int, files: tls.TlsFiles | None
    ) -> int:
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, HOST, port, ssl_context=files.server_context() if files else None)
        await site.start()
        return int(runner.addresses[0][1])

    def describe(self) -> JsonObject:
        """Everything a client has to know, as one JSON object."""
        addresses, world = self.addresses, self.cloud.world
        identity = world.config.managed_identity
        return {
            "graph": addresses.graph,
            "login": addresses.login,
            "control": addresses.control,
            "identityEndpoint": addresses.identity_endpoint,
            "identityHeader": addresses.identity_header,
            "ca": str(addresses.ca),
            "certificate": str(addresses.certificate),
            "key": str(addresses.key),
            "tenants": {
                tenant.name: {
                    "id": tenant.id,
                    "domain": tenant.config.domain,
                    "initialDomain": tenant.config.initial_domain,
                    "groups": {
                        str(group["displayName"]): str(group["id"]) for group in tenant.config.groups if "id" in group
                    },
                }
                for tenant in world.tenants.values()
            },
            "apps": {
                app.config.name: {"appId": app.config.app_id, "homeTenant": app.config.home_tenant}
                for app in world.apps.values()
            },
            "managedIdentity": None
            if identity is None
            else {
                "clientId": identity.client_id,
                "principalId": identity.principal_id,
                "tenant": identity.tenant,
            },
        }


async def _read(request: web.Request) -> Request:
    path, _, query = request.raw_path.partition("?")
    return Request(
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
        base=f"{request.scheme}://{request.host}",
    )


async def _send(request: web.Request, response: Response) -> web.StreamResponse:
    touched = response.interference
    if touched.delay_seconds:
        await asyncio.sleep(touched.delay_seconds)
    headers = {name: value for name, value in response.headers.items() if name.lower() not in _OWN_HEADERS}
    if touched.reset:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=response.status)
    if touched.cut_body_at is not None:
        stream = web.StreamResponse(status=response.status, headers=headers)
        stream.content_length = len(response.body)
        stream.force_close()
        await stream.prepare(request)
        await stream.write(response.body[: touched.cut_body_at])
        if request.transport is not None:
            request.transport.close()
        return stream
    return web.Response(status=response.status, headers=headers, body=response.body)
