"""The line between the app and the bus, which can be cut: bytes go through as they are, until they do not.

The bus keeps its messages in memory, so ending its process would lose what Service Bus never loses. What a restart of
Service Bus is to its clients is this: every connection breaks, none is taken for a while, and the messages are there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 64 * 1024


class Line:
    """A listener on a port of its own that passes everything on to another port of this machine."""

    def __init__(self) -> None:
        """Make a line that leads nowhere yet."""
        self._to = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._running: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, to: int) -> None:
        """Listen on a free port, and lead to the port `to`."""
        self._to = to
        await self.mend()

    async def mend(self) -> None:
        """Take connections, again if need be on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, _HOST, self.port)
            self.port = int(self._server.sockets[0].getsockname()[1])

    async def cut(self) -> None:
        """Drop every connection without a word, and take none until mended."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        if self._running:
            await asyncio.wait(self._running)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._open.add(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection(_HOST, self._to)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(to_writer)
        await asyncio.gather(_pass(reader, to_writer), _pass(to_reader, writer))
        self._open -= {writer, to_writer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that comes, until it ends or breaks; then the other side ends too."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()
