"""Carries notifications and validation calls to webhooks: the only place where the tenants call out.

It asks the cloud what is due, performs it with the allowances that Graph gives, and reports. Retries
and their times are the cloud's decision.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from sandbox.tenants.wire import NeedsValidation, Response, Validation, ValidationAnswer

if TYPE_CHECKING:
    import ssl

    from sandbox.tenants.cloud import Cloud
    from sandbox.tenants.notifications import Delivery

VALIDATION_SECONDS = 10.0
_COALESCE_SECONDS = 0.05  # what falls due within this time shares a POST
_LONGEST_ANSWER = 64 * 1024


class Deliverer:
    """Runs beside a server until stopped; `wake` after anything that may have made something due."""

    def __init__(self, cloud: Cloud, trust: ssl.SSLContext) -> None:
        self._cloud = cloud
        self._trust = trust
        self._woken = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to deliver."""
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=50)
        self._session = aiohttp.ClientSession(connector=connector)
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, giving up what is on its way."""
        tasks = [task for task in (self._loop, *self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def wake(self) -> None:
        """Look again at what is due."""
        self._woken.set()

    async def complete(self, outcome: Response | NeedsValidation) -> Response:
        """Perform the webhooks a response depends on, one after the other as Graph does."""
        while isinstance(outcome, NeedsValidation):
            outcome = outcome.resume([await self._validate(call) for call in outcome.calls])
        return outcome

    async def _run(self) -> None:
        while True:
            for delivery in self._cloud.due_deliveries():
                task = asyncio.create_task(self._deliver(delivery))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await self._pause()

    async def _pause(self) -> None:
        deadline = self._cloud.next_deadline()
        timeout = None
        if deadline is not None and not self._cloud.clock.frozen:
            timeout = max(deadline - self._cloud.clock.now(), _COALESCE_SECONDS)
        try:
            await asyncio.wait_for(self._woken.wait(), timeout)
        except TimeoutError:
            return
        self._woken.clear()
        await asyncio.sleep(_COALESCE_SECONDS)

    async def _deliver(self, delivery: Delivery) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        status, _, _ = await self._post(delivery.url, delivery.body, headers, delivery.timeout_seconds)
        self._cloud.report_delivery(delivery, status)
        self.wake()

    async def _validate(self, call: Validation) -> ValidationAnswer:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        status, content_type, body = await self._post(call.url, b"", headers, VALIDATION_SECONDS)
        return ValidationAnswer(status, content_type, body)

    async def _post(
        self, url: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> tuple[int | None, str, bytes]:
        if self._session is None:
            return None, "", b""
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(
                    URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                answer = await response.content.read(_LONGEST_ANSWER)
                return response.status, response.headers.get("Content-Type", ""), answer
        except (aiohttp.ClientError, OSError, ValueError):  # TimeoutError is an OSError
            return None, "", b""
