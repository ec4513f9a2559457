"""Service Bus triggers, over the wire: the sandbox's bus and the real SDK on both ends."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.bus.broker.message import Message
from sandbox.bus.server import BusServer
from sandbox.bus.topology import QueueSettings, StoreSettings, SubscriptionSettings, TopicSettings, Topology
from sandbox.host.servicebus_listener import ReconnectDelay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APPS = Path(__file__).parent / "apps"
EMEA = "user-changes/Subscriptions/emea"
TOPOLOGY = Topology(
    queues=(QueueSettings("singles"), QueueSettings("kept")),
    topics=(
        TopicSettings(
            "user-changes", subscriptions=(SubscriptionSettings("emea", StoreSettings(max_delivery_count=3)),)
        ),
    ),
)


class _AdjustableClock:
    """The machine's clock with an offset that a test may set, to let locks run out."""

    offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def clock() -> _AdjustableClock:
    """Give the bus's clock."""
    return _AdjustableClock()


@pytest.fixture
async def bus(clock) -> AsyncIterator[BusServer]:
    """Give a bus with a topic, a subscription and two queues."""
    server = BusServer(TOPOLOGY, clock=clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(bus) -> dict[str, str]:
    """Give the app settings that lead to the bus."""
    return {"ServiceBusConnection": bus.connection_string, "EMEA_SUBSCRIPTION": "emea"}


async def _send(bus: BusServer, messages: list[ServiceBusMessage], *, queue: str | None = None) -> None:
    async with ServiceBusClient.from_connection_string(bus.connection_string) as client:
        sender = client.get_queue_sender(queue) if queue else client.get_topic_sender("user-changes")
        async with sender:
            await sender.send_messages(messages)


def _put(bus: BusServer, *bodies: bytes, path: str = "user-changes") -> None:
    """Put messages on the bus from within, where it does not matter who sends them."""
    bus.broker.send(path, [Message.build(body, message_id=f"id-{body.decode()}") for body in bodies])


def _counts(bus: BusServer, path: str) -> tuple[int, int, int]:
    """Return how many messages are active, locked and dead-lettered."""
    counts = next(counts for name, counts in bus.broker.counts().items() if name.lower() == path.lower())
    return counts.active, counts.locked, counts.dead_lettered


async def test_batch(start_host, app_module, bus, settings, caplog):
    """A batch reaches the handler with the values the cloud's host gives, and is completed when it returns."""
    sent = [
        ServiceBusMessage(
            b'{"v":1}', message_id="first", application_properties={"target": "emea", "n": 7}, correlation_id="c"
        ),
        ServiceBusMessage("zweite Nachricht: ü", message_id="second", subject="s"),
    ]
    with caplog.at_level(logging.INFO):
        host = await start_host("messages", settings)
        await _send(bus, sent)
        first, second = await app_module().batches.get()
        await host.stop()
    assert (first.message_id, second.message_id) == ("first", "second")
    assert first.get_body() == b'{"v":1}'
    assert second.get_body().decode() == "zweite Nachricht: ü"
    assert first.application_properties == first.user_properties == {"target": "emea", "n": 7}
    assert second.application_properties == {}
    assert (first.correlation_id, second.correlation_id) == ("c", "")
    assert (first.subject, second.subject) == ("", "s")
    assert (first.delivery_count, second.delivery_count) == (1, 1)
    assert first.sequence_number < second.sequence_number
    assert abs((datetime.now(UTC) - first.enqueued_time_utc).total_seconds()) < 60
    assert len(first.lock_token) == 36
    assert first.locked_until is None  # the real host does not tell
    assert first.metadata["MessageIdArray"] == ["first", "second"]
    assert _counts(bus, EMEA) == (0, 0, 0)
    assert "Executing 'Functions.provision_emea'" in caplog.text
    assert "Executed 'Functions.provision_emea' (Succeeded" in caplog.text
    assert "a line of the app" in caplog.text


async def test_failed_batch(start_host, app_module, bus, settings):
    """A batch whose handler raises is abandoned at once, whole, and comes again with a higher delivery count."""
    host = await start_host("messages", settings)
    module = app_module()
    module.Counts.failures_left = 1
    _put(bus, b"a", b"b")
    seen = [message for _ in range(2) for message in await module.batches.get()]
    while len(seen) < 4:
        seen += await module.batches.get()
    await host.stop()
    assert sorted((message.get_body(), message.delivery_count) for message in seen) == [
        (b"a", 1), (b"a", 2), (b"b", 1), (b"b", 2),
    ]  # fmt: skip
    assert _counts(bus, EMEA) == (0, 0, 0)


async def test_poison(start_host, app_module, bus, settings):
    """A message that always fails uses up its deliveries and ends in the dead-letter queue."""
    host = await start_host("messages", settings)
    module = app_module()
    module.Counts.failures_left = 3
    _put(bus, b"poison")
    for delivery in (1, 2, 3):
        assert [message.delivery_count for message in await module.batches.get()] == [delivery]
    await host.stop()
    assert _counts(bus, EMEA) == (0, 0, 1)


async def test_one_invocation_at_a_time(start_host, app_module, bus, settings):
    """Batches of one function follow one another, none larger than maxMessageBatchSize."""
    host = await start_host("messages", settings)
    module = app_module()
    _put(bus, *(str(number).encode() for number in range(120)))
    bodies: list[bytes] = []
    while len(bodies) < 120:
        batch = await module.batches.get()
        assert len(batch) <= 50
        bodies += [message.get_body() for message in batch]
    await host.stop()
    assert sorted(bodies, key=int) == [str(number).encode() for number in range(120)]
    assert module.Counts.most_running == 1
    assert _counts(bus, EMEA) == (0, 0, 0)


async def test_minimum_batch(start_host, app_module, bus, settings):
    """With a minimum size, what arrives within maxBatchWaitTime is gathered into one batch."""
    prefix = "AzureFunctionsJobHost__extensions__serviceBus__"
    await start_host("messages", {**settings, f"{prefix}minMessageBatchSize": "3"})
    _put(bus, b"1")
    await _send(bus, [ServiceBusMessage("2"), ServiceBusMessage("3")])
    assert [message.get_body() for message in await app_module().batches.get()] == [b"1", b"2", b"3"]


async def test_single(start_host, app_module, bus, settings):
    """A trigger of cardinality one gets its messages one by one and completes each."""
    host = await start_host("messages", settings)
    sent = [
        ServiceBusMessage(f"{n}", message_id=f"m{n}", application_properties={"n": n}, content_type="text/plain")
        for n in range(10)
    ]
    await _send(bus, sent, queue="singles")
    seen = [await app_module().singles.get() for _ in sent]
    await host.stop()
    assert {message.message_id: message.application_properties for message in seen} == {
        f"m{n}": {"n": n} for n in range(10)
    }
    assert {(message.delivery_count, message.content_type) for message in seen} == {(1, "text/plain")}
    assert {message.correlation_id for message in seen} == {None}
    assert _counts(bus, "singles") == (0, 0, 0)


async def test_without_auto_complete(start_host, app_module, bus, settings):
    """With auto_complete_messages off nothing is settled, so the message stays on the bus."""
    host = await start_host("messages", settings)
    _put(bus, b"x", path="kept")
    assert (await app_module().unsettled.get()).get_body() == b"x"
    await host.stop()
    active, locked, dead = _counts(bus, "kept")
    assert (active + locked, dead) == (1, 0)


async def test_missing_entity(start_host, app_module, bus, settings, caplog):
    """A trigger on an entity that does not exist never fires; the log and the status tell, and others run."""
    host = await start_host("messages", settings)
    state = {function["name"]: (function["state"], function["error"]) for function in host.status()["functions"]}
    assert state["provision_emea"] == ("running", None)
    assert state["provision_nowhere"][0] == "failing"
    assert "NotFound" in state["provision_nowhere"][1]
    assert "The listener for function 'Functions.provision_nowhere' was unable to start" in caplog.text
    _put(bus, b"1")
    assert len(await app_module().batches.get()) == 1


async def test_reconnect(start_host, app_module, clock):
    """When the bus goes and comes back, the listeners find it again by themselves."""
    first = BusServer(TOPOLOGY, clock=clock)
    await first.start()
    settings = {"ServiceBusConnection": first.connection_string, "EMEA_SUBSCRIPTION": "emea"}
    await start_host("messages", settings, reconnect_delay=ReconnectDelay(0.05, 0.2))
    await first.stop()
    second = BusServer(TOPOLOGY, clock=clock)
    await second.start(port=first.port)
    _put(second, b"after the restart")
    assert [message.get_body() for message in await app_module().batches.get()] == [b"after the restart"]
    await second.stop()


async def test_unfinished_messages_go_back(start_host, app_module, bus, settings, caplog):
    """What is still being worked on when the grace time ends is cancelled and given back to the bus."""
    host = await start_host("messages", settings, grace=0.2)
    module = app_module()
    module.may_end.clear()
    _put(bus, b"1", b"2")
    await module.batches.get()
    assert await host.stop() is True
    assert _counts(bus, EMEA) == (2, 0, 0)
    assert "Executed 'Functions.provision_emea' (Cancelled" in caplog.text


async def test_finished_within_grace(start_host, app_module, bus, settings):
    """What ends within the grace time of a stop is completed."""
    host = await start_host("messages", settings)
    module = app_module()
    module.may_end.clear()
    _put(bus, b"1")
    await module.batches.get()
    stop = asyncio.create_task(host.stop())
    await asyncio.sleep(0)
    module.may_end.set()
    assert await stop is True
    assert _counts(bus, EMEA) == (0, 0, 0)


async def test_nothing_is_begun_after_a_stop(start_host, app_module, bus, settings):
    """A batch that comes while the host already stops is given back, and no invocation begins that may be cut off."""
    host = await start_host("messages", settings)
    module = app_module()
    stop = asyncio.create_task(host.stop())
    await asyncio.sleep(0)
    _put(bus, b"1", b"2")
    _put(bus, b"3", path="singles")
    assert await stop is True
    assert (module.batches.empty(), module.singles.empty()) == (True, True)
    assert _counts(bus, EMEA) == (2, 0, 0)
    assert _counts(bus, "singles") == (1, 0, 0)


async def test_lost_lock(start_host, app_module, bus, settings, clock, caplog):
    """A lock that ran out during the invocation is logged, and the message comes again."""
    await start_host("messages", settings)
    module = app_module()
    module.may_end.clear()
    _put(bus, b"slow")
    assert [message.delivery_count for message in await module.batches.get()] == [1]
    clock.offset = 61.0
    bus.broker.advance()
    module.may_end.set()
    assert [message.delivery_count for message in await module.batches.get()] == [2]
    assert "Message lock lost: 1 of 1 messages of 'Functions.provision_emea'" in caplog.text


async def test_killed_host(start_host, app_module, bus, settings, clock, tmp_path):
    """What a host was working on when it was killed is delivered to the next one, once the locks have run out."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"Values": {**settings, "HOLD_BATCHES": "yes"}}))
    _put(bus, b"1", b"2")
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.host", "--app", str(APPS / "messages"), "--port", "0", "--settings", str(file),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    while b"Executing 'Functions.provision_emea'" not in await killed.stderr.readline():
        assert killed.returncode is None
    killed.kill()
    await killed.wait()
    clock.offset = 61.0
    bus.broker.advance()
    await start_host("messages", settings)
    assert [message.get_body() for message in await app_module().batches.get()] == [b"1", b"2"]
