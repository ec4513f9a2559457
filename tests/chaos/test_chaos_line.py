"""The line to the bus: everything goes through, until it is cut."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.story.line import Line


async def _echo(reader, writer):
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_a_line_passes_everything_on_breaks_when_cut_and_is_mended_on_its_port():
    """A client sees its connection end, is refused, and is served again where it was before."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    line = Line()
    await line.start(server.sockets[0].getsockname()[1])
    port = line.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    await line.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)
    await line.mend()
    assert line.port == port
    reader, again = await asyncio.open_connection("127.0.0.1", port)
    again.write(b"again")
    assert await reader.readexactly(5) == b"again"
    again.close()
    writer.close()
    await line.cut()
    server.close()
