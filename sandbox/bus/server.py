"""The bus on sockets: accepts connections, moves their bytes, and wakes the broker when something is due.

Runs on the event loop it is started on. A fault of one client ends that client's connection and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from sandbox.bus.amqp.connection import Connection, Phase
from sandbox.bus.broker.broker import Broker
from sandbox.bus.clock import Clock, SystemClock
from sandbox.bus.service.credentials import connection_string
from sandbox.bus.service.router import Router

if TYPE_CHECKING:
    from sandbox.bus.topology import Topology

_LOGGER = logging.getLogger(__name__)
_HANDSHAKE_SECONDS = 30.0
_HEARTBEAT_SECONDS = 5.0
_GOODBYE_SECONDS = 1.0


class BusServer:
    """A Service Bus for SDKs that are told ``UseDevelopmentEmulator=true``.

    ``clock`` must run with real time; for virtual time use a ``Broker`` by itself.
    """

    def __init__(self, config: Topology, *, clock: Clock | None = None) -> None:
        self.broker = Broker(config, clock=clock or SystemClock(), on_earlier_deadline=self._set_alarm)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_ServerProtocol] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._host = ""
        self.port = 0

    @property
    def connection_string(self) -> str:
        """What clients need to connect; valid once started."""
        return connection_string(self._host, self.port)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one.

        :raises OSError: the address cannot be had
        """
        loop = asyncio.get_running_loop()
        router = Router(self.broker, loop)
        self._loop = loop
        self._server = await loop.create_server(lambda: _ServerProtocol(self, router, loop), host, port)
        self._host = host
        self.port = self._server.sockets[0].getsockname()[1]
        self._set_alarm()

    async def stop(self) -> None:
        """Close every connection and listen no more. Messages are gone with the process, not before."""
        if self._server is None:
            return
        self._server.close()
        for protocol in list(self._connections):
            protocol.end()
        # From 3.12 on this waits for the connections too, and a client that does not read would hold it up for ever.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), _GOODBYE_SECONDS)
        for protocol in list(self._connections):
            protocol.abort()
        self._server = self._loop = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def add(self, protocol: _ServerProtocol) -> None:
        """A client has connected."""
        self._connections.add(protocol)

    def remove(self, protocol: _ServerProtocol) -> None:
        """It is gone."""
        self._connections.discard(protocol)

    def _set_alarm(self) -> None:
        """Wake the broker at its next deadline."""
        deadline = self.broker.next_deadline()
        if deadline is None or self._loop is None:
            return
        when = self._loop.time() + max(deadline - self.broker.now(), 0.0)
        if self._alarm is not None:
            if self._alarm.when() <= when:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.broker.advance()
        self._set_alarm()


class _ServerProtocol(asyncio.Protocol):
    """One client's socket."""

    def __init__(self, server: BusServer, router: Router, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._connection = Connection(router, container_id=f"crosstenant-bus-{uuid4()}", on_output=self._flush_soon)
        self._timer: asyncio.TimerHandle | None = None
        self._wrote = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("AMQP needs a stream")
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.add(self)
        self._timer = self._loop.call_later(_HANDSHAKE_SECONDS, self._check_handshake)

    def data_received(self, data: bytes) -> None:
        try:
            self._connection.receive(data)
        except Exception:  # the edge: one client's message must not end the others' bus
            _LOGGER.exception("a connection is closed after an internal error")
            self._connection.close()
        if self._connection.phase is Phase.CLOSED:
            self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server.remove(self)
        self._connection.lost()

    def pause_writing(self) -> None:
        self._connection.congested = True

    def resume_writing(self) -> None:
        self._connection.resume()

    def end(self) -> None:
        """Close the connection from this side."""
        self._connection.close()
        self._flush()

    def abort(self) -> None:
        """Drop the socket, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    def _flush_soon(self) -> None:
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        data = self._connection.take_output()
        if data:
            self._wrote = self._loop.time()
            self._transport.write(data)
        if self._connection.phase is Phase.CLOSED:
            self._transport.close()

    def _check_handshake(self) -> None:
        if self._connection.phase is Phase.OPEN:
            self._keep_alive()
        elif self._transport is not None:
            self._transport.abort()

    def _keep_alive(self) -> None:
        every = min(_HEARTBEAT_SECONDS, (self._connection.peer_idle_seconds or _HEARTBEAT_SECONDS * 2) / 2)
        if self._loop.time() - self._wrote >= every:
            self._connection.heartbeat()
        self._timer = self._loop.call_later(every, self._keep_alive)
