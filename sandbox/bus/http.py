"""A small window on the bus over HTTP: ``/health`` as the official emulator has it, and ``/entities``.

``GET /entities`` answers ``{"entities": [{"path", "active", "locked", "deferred", "scheduled", "deadLettered"}]}``; no
message counts twice, so all but ``deadLettered`` at 0 means that nothing is left to do. Read only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.bus.broker.broker import Broker


class BusWindow:
    """Serves the two paths for one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        application = web.Application()
        application.router.add_get("/health", self._health)
        application.router.add_get("/entities", self._entities)
        self._runner = web.AppRunner(application, access_log=None)
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one.

        :raises OSError: the address cannot be had
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "healthy"})

    async def _entities(self, _request: web.Request) -> web.Response:
        counts = self._broker.counts()
        return web.json_response(
            {
                "entities": [
                    {
                        "path": path,
                        "active": each.active,
                        "locked": each.locked,
                        "deferred": each.deferred,
                        "scheduled": each.scheduled,
                        "deadLettered": each.dead_lettered,
                    }
                    for path, each in counts.items()
                ]
            }
        )
