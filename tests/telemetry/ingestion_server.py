"""A small Logs Ingestion endpoint: takes rows of a rule's streams, and fails as it is told to."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import ssl
from dataclasses import dataclass, field

from aiohttp import web

PATH = re.compile(r"/dataCollectionRules/(?P<rule>[\w-]+)/streams/(?P<stream>[\w-]+)")
LIMIT = 1_000_000  # bytes, compressed or not


@dataclass
class Ingestion:
    """What came, and what is answered. `answers` are used up one a request; then everything is taken."""

    rule: str = "dcr-1"
    answers: list = field(default_factory=list)  # a status, or (status, headers), or "silence"
    limit: int = LIMIT
    rows: dict = field(default_factory=dict)  # by stream
    sizes: list = field(default_factory=list)  # of bodies that were taken, uncompressed
    requests: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self, tls_dir):
        application = web.Application(client_max_size=16 * LIMIT)
        application.router.add_post("/{path:.*}", self._take)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.url = f"https://localhost:{self._runner.addresses[0][1]}"

    async def stop(self):
        await self._runner.cleanup()

    async def _take(self, request):
        self.requests += 1
        answer = self.answers.pop(0) if self.answers else 204
        if answer == "silence":
            await asyncio.sleep(30)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status != 204:
            return web.json_response({"error": {"code": "Told"}}, status=status, headers=headers)
        found = PATH.fullmatch(request.path)
        if found is None or found["rule"] != self.rule or request.query["api-version"] != "2023-01-01":
            return web.json_response({"error": {"code": "NotFound"}}, status=404)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.json_response({"error": {"code": "Unauthorized"}}, status=401)
        body = await request.read()  # aiohttp has undone the compression
        compressed = gzip.compress(body)
        if max(len(body), len(compressed)) > self.limit:
            return web.json_response({"error": {"code": "ContentLengthLimitExceeded"}}, status=413)
        assert request.headers["Content-Encoding"] == "gzip"
        self.rows.setdefault(found["stream"], []).extend(json.loads(body))
        self.sizes.append(len(body))
        return web.Response(status=204)


@dataclass
class ApplicationInsights:
    """A small Application Insights: takes envelopes, a JSON object a line."""

    items: list = field(default_factory=list)
    connection_string: str = ""
    environment: dict = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    async def start(self, tls_dir):
        application = web.Application(client_max_size=16 * LIMIT)
        application.router.add_post("/{path:.*track}", self._track)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        endpoint = f"https://localhost:{self._runner.addresses[0][1]}"
        self.connection_string = f"InstrumentationKey={'0' * 8}-0000-4000-8000-{'0' * 12};IngestionEndpoint={endpoint}"
        # The exporter's transport is requests, which brings authorities of its own.
        self.environment = os.environ | {"REQUESTS_CA_BUNDLE": str(tls_dir / "ca.pem")}

    async def stop(self):
        await self._runner.cleanup()

    async def _track(self, request):
        body = await request.read()
        items = json.loads(body)
        self.items += items
        return web.json_response({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})
