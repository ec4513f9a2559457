"""A bus on a real socket with the real SDK, shared by the tests of a module."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest_asyncio
from azure.core.exceptions import AzureError
from azure.servicebus.aio import ServiceBusClient

from sandbox.bus.config import read_config
from sandbox.bus.server import BusServer

SQL = "target IS NULL OR target = 'emea'"


def document() -> dict:
    """Entities for all wire tests: plain queues by number, and one entity for each special behaviour."""
    plain = [{"Name": f"q{number}", "Properties": {"MaxDeliveryCount": 3}} for number in range(40)]
    special = [
        {"Name": "sessions", "Properties": {"RequiresSession": True}},
        {"Name": "sessions2", "Properties": {"RequiresSession": True}},
        {"Name": "brief", "Properties": {"LockDuration": "PT1S", "RequiresSession": True}},
        {"Name": "short-lock", "Properties": {"LockDuration": "PT2S"}},
        {"Name": "unique", "Properties": {"RequiresDuplicateDetection": True}},
        {"Name": "mortal", "Properties": {"DeadLetteringOnMessageExpiration": True}},
    ]
    rule = {"Name": "target", "Properties": {"FilterType": "Sql", "SqlFilter": {"SqlExpression": SQL}}}
    label = {"FilterType": "Correlation", "CorrelationFilter": {"Label": "alarm"}}
    subscriptions = [
        {"Name": "all"},
        {"Name": "emea", "Rules": [rule]},
        {"Name": "alarms", "Rules": [{"Name": "label", "Properties": label}]},
    ]
    topics = [{"Name": "topic", "Subscriptions": subscriptions}]
    return {"UserConfig": {"Namespaces": [{"Name": "n", "Queues": plain + special, "Topics": topics}]}}


class Wire:
    """A running bus and one client of it. Receivers are closed together at the end: each close takes a second."""

    def __init__(self) -> None:
        self.server = BusServer(read_config(document()))
        self._open = []

    async def start(self) -> None:
        """Listen, and make a client that retries nothing."""
        await self.server.start()
        self.client = ServiceBusClient.from_connection_string(self.server.connection_string, retry_total=0)

    async def stop(self) -> None:
        """Close all at once."""
        await asyncio.gather(*(each.close() for each in self._open), return_exceptions=True)
        await self.client.close()
        await self.server.stop()

    async def both(self, queue: str, **options):
        """A sender and a receiver of one queue, opened together."""
        return await asyncio.gather(self.sender(queue), self.receiver(queue, **options))

    async def sender(self, queue: str):
        """An open sender to a queue, or to the topic."""
        get = self.client.get_topic_sender if queue == "topic" else self.client.get_queue_sender
        return await self._enter(get(queue))

    async def receiver(self, queue: str, **options):
        """An open receiver of a queue, or of a subscription as ``topic/name``."""
        topic, _, subscription = queue.partition("/")
        if subscription:
            return await self._enter(self.client.get_subscription_receiver(topic, subscription, **options))
        return await self._enter(self.client.get_queue_receiver(queue, **options))

    async def _enter(self, opened):
        self._open.append(opened)
        await opened.__aenter__()
        return opened

    async def until(self, path: str, **expected: int) -> None:
        """Wait until an entity's counts are as expected; the SDK settles some messages behind the caller's back."""

        def as_expected() -> bool:
            counts = self.server.broker.counts()[path]
            return all(getattr(counts, name) == number for name, number in expected.items())

        await self.eventually(as_expected, f"{path}: {expected}")

    @staticmethod
    async def eventually(check, what: str) -> None:
        """Wait until something holds that another part of the program brings about, for at most ten seconds."""
        for _ in range(1000):
            if check():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"this never came: {what}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire():
    """The bus and a client, for one module."""
    one = Wire()
    await one.start()
    yield one
    with suppress(AzureError):
        await one.stop()
