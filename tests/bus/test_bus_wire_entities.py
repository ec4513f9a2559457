"""Conformance over the wire with the real Python SDK: topics, refusals, many connections, the blocking client."""

from __future__ import annotations

import asyncio

import pytest
from azure.servicebus import ServiceBusClient as SyncClient
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusError,
)
from bus_samples import message

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bodies(messages) -> list[str]:
    """The texts of messages."""
    return [str(each) for each in messages]


async def test_subscriptions_get_what_their_rules_say(wire):
    """Without rules everything, by SQL on properties, by correlation on the subject."""
    sender = await wire.sender("topic")
    messages = [
        ServiceBusMessage("plain"),
        ServiceBusMessage("emea", application_properties={"target": "emea"}),
        ServiceBusMessage("apac", application_properties={"target": "apac"}),
        ServiceBusMessage("alarm", subject="alarm", application_properties={"target": "apac"}),
    ]
    await sender.send_messages(messages)
    names = ("all", "emea", "alarms")
    receivers = await asyncio.gather(*(wire.receiver(f"topic/{name}") for name in names))
    got = await asyncio.gather(*(each.receive_messages(10, max_wait_time=5) for each in receivers))
    assert [bodies(each) for each in got] == [["plain", "emea", "apac", "alarm"], ["plain", "emea"], ["alarm"]]
    assert got[1][1].enqueued_sequence_number == 2
    for receiver, each in zip(receivers, got, strict=True):
        await receiver.complete_message(each[0])


async def test_unknown_entities_are_refused(wire):
    """To senders and receivers, with an error of its own, and at once."""
    asked = (
        wire.client.get_queue_sender("nowhere"),
        wire.client.get_queue_receiver("nowhere"),
        wire.client.get_subscription_receiver("topic", "nowhere"),
    )
    answers = await asyncio.gather(*(each.__aenter__() for each in asked), return_exceptions=True)
    assert [type(each) for each in answers] == [MessagingEntityNotFoundError] * 3


async def test_a_topic_gives_no_messages(wire):
    """Receiving from it without a subscription is refused."""
    with pytest.raises(ServiceBusError, match="subscription"):
        await wire.client.get_queue_receiver("topic").__aenter__()


async def test_a_wrong_key_is_refused(wire):
    """The token node checks what is signed with the policy's key."""
    wrong = wire.server.connection_string.replace("SAS_KEY_VALUE", "another")
    async with ServiceBusClient.from_connection_string(wrong, retry_total=0) as client:
        with pytest.raises(ServiceBusAuthenticationError):
            await client.get_queue_sender("q15").__aenter__()


async def test_more_than_ten_connections_are_welcome(wire):
    """Every receiver has its own; there is no cap."""
    receivers = await asyncio.gather(*(wire.receiver(f"q{number}") for number in range(20, 36)))
    for number in range(20, 36):
        wire.server.broker.send(f"q{number}", [message(f"m{number}")])
    got = await asyncio.gather(*(each.receive_messages(1, max_wait_time=5) for each in receivers))
    assert [bodies(each) for each in got] == [[f"m{number}"] for number in range(20, 36)]


async def test_the_blocking_client_works_too(wire):
    """The same SDK without asyncio, in a thread."""

    def exchange() -> list[str]:
        with SyncClient.from_connection_string(wire.server.connection_string) as client:
            with client.get_queue_sender("q16") as sender:
                sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
            with client.get_queue_receiver("q16") as receiver:
                got = receiver.receive_messages(2, max_wait_time=5)
                for each in got:
                    receiver.complete_message(each)
                return bodies(got)

    assert await asyncio.to_thread(exchange) == ["a", "b"]
