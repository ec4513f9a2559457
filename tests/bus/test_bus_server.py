"""The server's sockets: hostile and half-open peers, stopping, its window over HTTP, and the command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from bus_samples import message

from sandbox.bus.amqp.framing import AMQP_HEADER, SASL_HEADER
from sandbox.bus.config import read_config
from sandbox.bus.http import BusWindow
from sandbox.bus.server import BusServer

ROOT = Path(__file__).resolve().parents[2]
module_loop = pytest.mark.asyncio(loop_scope="module")
QUEUES = {"UserConfig": {"Namespaces": [{"Name": "n", "Queues": [{"Name": "q"}], "Topics": [{"Name": "t"}]}]}}


async def open_socket(wire):
    """A bare connection to the bus."""
    return await asyncio.open_connection("127.0.0.1", wire.server.port)


async def works(wire, queue: str) -> None:
    """A real client can still send and receive."""
    sender, receiver = await wire.both(queue)
    await sender.send_messages(ServiceBusMessage("still here"))
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    await receiver.complete_message(got)


@module_loop
@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        os.urandom(4096),
        SASL_HEADER + os.urandom(4096),
        SASL_HEADER + b"\xff\xff\xff\xff\x02\x01\x00\x00",
        AMQP_HEADER + b"\x7f\xff\xff\xff\x02\x00\x00\x00" + b"x" * 100_000,
        AMQP_HEADER + b"\x00\x00\x00\x10\x02\x00\x00\x00\x00\x53\x10\xd0\xff\xff\xff\xff",
    ],
)
async def test_garbage_ends_its_own_connection(wire, data):
    """The bus closes it, whatever was said."""
    reader, writer = await open_socket(wire)
    writer.write(data)
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), 5)
    writer.close()


@module_loop
async def test_half_open_peers_hold_up_nobody(wire):
    """Sockets that say nothing, or break off anywhere, leave the bus working for others."""
    silent = [await open_socket(wire) for _ in range(30)]
    for number, (_, writer) in enumerate(silent):
        writer.write((SASL_HEADER + b"\x00\x00\x00\x20")[:number])
        if number % 3 == 0:
            writer.transport.abort()
    await works(wire, "q0")
    for _, writer in silent:
        writer.close()


@module_loop
async def test_a_client_that_vanishes_leaves_nothing_behind(wire):
    """Its socket is gone and its waits with it; messages sent later reach others."""
    receiver = await wire.receiver("q1")
    task = asyncio.create_task(receiver.receive_messages(5, max_wait_time=30))
    store = wire.server.broker.store("q1")
    await wire.eventually(lambda: store._waiters._callbacks, "a waiting receiver")
    receiver._handler._connection._transport.writer.transport.abort()
    task.cancel()
    await wire.eventually(lambda: not store._waiters._callbacks, "the end of its wait")
    await works(wire, "q1")


@module_loop
async def test_time_passes_without_anyone_asking(wire):
    """A message scheduled in the process itself reaches a waiting receiver at its time, with no frame in between."""
    receiver = await wire.receiver("q3")
    waiting = asyncio.create_task(receiver.receive_messages(1, max_wait_time=10))
    due = wire.server.broker.now() + 0.3
    wire.server.broker.schedule("q3", [message("later", scheduled_at=due)])
    (got,) = await waiting
    assert str(got) == "later"
    await receiver.complete_message(got)


@module_loop
async def test_the_window_shows_health_and_counts(wire):
    """Every entity with the number of its messages in each state."""
    wire.server.broker.send("q2", [message("a"), message("b")])
    wire.server.broker.receive("q2")
    window = BusWindow(wire.server.broker)
    await window.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{window.port}") as http:
        async with http.get("/health") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "healthy"})
        async with http.get("/entities") as answer:
            found = {each.pop("path"): each for each in (await answer.json())["entities"]}
    await window.stop()
    assert found["q2"] == {"active": 1, "locked": 1, "deferred": 0, "scheduled": 0, "deadLettered": 0}
    assert "topic/Subscriptions/emea" in found


async def test_a_bus_can_be_stopped_with_clients_connected():
    """Stopping ends their connections and returns soon, whether they read or not."""
    server = BusServer(read_config(QUEUES))
    await server.start()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    client = ServiceBusClient.from_connection_string(server.connection_string, retry_total=0)
    async with asyncio.timeout(5), client, client.get_queue_sender("q") as sender:
        await sender.send_messages(ServiceBusMessage("a"))
        await server.stop()
    writer.close()


@contextlib.contextmanager
def command(tmp_path, document, *options):
    """The bus as a process of its own, ended when the test ends."""
    path = tmp_path / "Config.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    arguments = [sys.executable, "-m", "sandbox.bus", "--config", str(path), "--port", "0", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, cwd=ROOT, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_it_is_ready_and_stops_on_a_signal(tmp_path, number):
    """One line of JSON and nothing else; then a clean end."""
    with command(tmp_path, QUEUES, "--json", "--http-port", "0") as process:
        ready = json.loads(process.stdout.readline())
        assert ready["connectionString"] == (
            f"Endpoint=sb://127.0.0.1:{ready['port']};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
        )
        assert ready["entities"] == ["q", "t"]
        assert ready["httpPort"] > 0
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_command_shows_people_what_they_need(tmp_path):
    """The connection string and the entities, in plain words."""
    with command(tmp_path, QUEUES) as process:
        lines = [process.stdout.readline() for _ in range(8)]
        process.terminate()
    text = "".join(lines)
    assert "UseDevelopmentEmulator=true" in text
    assert "  q\n  t\n" in text


def test_the_command_stops_when_its_parent_is_gone(tmp_path):
    """So that a sandbox that was killed leaves no bus behind."""
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with parent, command(tmp_path, QUEUES, "--json", "--parent-pid", str(parent.pid)) as process:
        process.stdout.readline()
        parent.communicate(b"\n")
        assert process.wait(timeout=10) == 0


def test_a_wrong_configuration_ends_with_its_faults(tmp_path):
    """All of them on standard error, exit code 2, nothing on standard output."""
    wrong = {
        "UserConfig": {
            "Namespaces": [{"Name": "n", "Queues": [{"Name": "q", "Properties": {"LockDuration": "x", "Max": 1}}]}]
        }
    }
    with command(tmp_path, wrong, "--json") as process:
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (2, "")
    assert "queue q: Properties.LockDuration" in err
    assert "queue q: Properties.Max: is not known" in err


def test_a_port_that_is_taken_is_told(tmp_path):
    """Exit code 1 and one sentence."""
    with command(tmp_path, QUEUES, "--json") as first:
        port = json.loads(first.stdout.readline())["port"]
        with command(tmp_path, QUEUES, "--port", str(port)) as second:
            _, err = second.communicate(timeout=10)
    assert second.returncode == 1
    assert "cannot listen" in err
