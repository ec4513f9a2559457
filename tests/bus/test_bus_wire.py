"""Conformance over the wire with the real Python SDK: sending, receiving, settling."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceiveMode, ServiceBusSubQueue
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageSizeExceededError,
)
from bus_samples import now

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bodies(messages) -> list[str]:
    """The texts of messages."""
    return [str(each) for each in messages]


async def test_a_message_arrives_as_it_was_sent(wire):
    """Body, standard properties and application properties survive with their values and types."""
    sender, receiver = await wire.both("q0")
    identifier = uuid4()
    properties = {
        "text": "é",
        "int": 7,
        "negative": -7,
        "float": 1.5,
        "true": True,
        "uuid": identifier,
        "when": now().replace(microsecond=0),
        "none": None,
    }
    await sender.send_messages(
        ServiceBusMessage(
            b"\x00body\xff",
            message_id="m-1",
            subject="s",
            correlation_id="c",
            content_type="application/json",
            to="t",
            reply_to="r",
            application_properties=properties,
            time_to_live=timedelta(minutes=5),
        )
    )
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    assert b"".join(got.body) == b"\x00body\xff"
    assert (got.message_id, got.subject, got.correlation_id, got.content_type) == ("m-1", "s", "c", "application/json")
    assert (got.to, got.reply_to, got.time_to_live) == ("t", "r", timedelta(minutes=5))
    back = {
        key.decode(): value.decode() if isinstance(value, bytes) else value
        for key, value in got.application_properties.items()
    }
    milliseconds = int(properties["when"].timestamp() * 1000)
    assert back == {**properties, "when": milliseconds}
    assert isinstance(back["uuid"], UUID)
    await receiver.complete_message(got)


async def test_a_first_delivery_has_what_the_broker_adds(wire):
    """Number, times, lock and a delivery count of 0."""
    sender, receiver = await wire.both("q1")
    before = now()
    await sender.send_messages(ServiceBusMessage("x"))
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    assert (got.sequence_number, got.enqueued_sequence_number, got.delivery_count) == (1, 1, 0)
    assert abs(got.enqueued_time_utc - before) < timedelta(seconds=5)
    assert timedelta(seconds=50) < got.locked_until_utc - before < timedelta(seconds=65)
    assert isinstance(got.lock_token, UUID)
    assert UUID(got.message_id)  # one was given
    assert got.state.name == "ACTIVE"
    await receiver.complete_message(got)
    await wire.until("q1", active=0, locked=0)


async def test_a_batch_is_taken_apart(wire):
    """Each message of a batch is a message of its own, with its own id and session."""
    sender, receiver = await wire.both("q2")
    batch = await sender.create_message_batch()
    assert batch.max_size_in_bytes == 1024 * 1024
    for number in range(50):
        batch.add_message(ServiceBusMessage(f"b{number}", message_id=f"m{number}", session_id=f"s{number % 3}"))
    await sender.send_messages(batch)
    got = await receiver.receive_messages(60, max_wait_time=5)
    assert bodies(got) == [f"b{number}" for number in range(50)]
    assert [(each.message_id, each.session_id) for each in got] == [(f"m{n}", f"s{n % 3}") for n in range(50)]
    await asyncio.gather(*(receiver.complete_message(each) for each in got))
    await wire.until("q2", active=0, locked=0)


@pytest.mark.parametrize("size", [70_000, 200_000, 1_000_000])
async def test_large_bodies_cross_in_both_directions(wire, size):
    """They take several frames each way."""
    sender, receiver = await wire.both("q3")
    body = bytes(range(256)) * (size // 256)
    await sender.send_messages(ServiceBusMessage(body))
    (got,) = await receiver.receive_messages(1, max_wait_time=10)
    assert b"".join(got.body) == body
    await receiver.complete_message(got)


async def test_an_oversized_message_is_refused_with_its_own_error(wire):
    """The call ends at once, and the sender can go on."""
    sender = await wire.sender("q4")
    with pytest.raises(MessageSizeExceededError):
        await sender.send_messages(ServiceBusMessage(b"x" * 1_500_000))
    await sender.send_messages(ServiceBusMessage("fits"))
    await wire.until("q4", active=1)


async def test_bodies_of_every_kind_arrive(wire):
    """Values and sequences are bodies too."""
    sender, receiver = await wire.both("q5")
    await sender.send_messages(AmqpAnnotatedMessage(value_body={"k": [1, "two"]}))
    await sender.send_messages(AmqpAnnotatedMessage(sequence_body=[[1, 2], [3]]))
    value, sequence = await receiver.receive_messages(2, max_wait_time=5)
    assert (value.body_type, value.body) == (AmqpMessageBodyType.VALUE, {b"k": [1, b"two"]})
    assert (sequence.body_type, list(sequence.body)) == (AmqpMessageBodyType.SEQUENCE, [[1, 2], [3]])


async def test_abandoning_redelivers_in_place_with_the_attempt_counted(wire):
    """And at the third attempt, the maximum here, the message is dead-lettered."""
    sender, receiver = await wire.both("q6")
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    for attempt in range(3):
        (got,) = await receiver.receive_messages(1, max_wait_time=5)
        assert (str(got), got.delivery_count) == ("a", attempt)
        await receiver.abandon_message(got)
    await wire.until("q6", dead_lettered=1)
    (other,) = await receiver.receive_messages(1, max_wait_time=5)
    assert str(other) == "b"
    dead_letters = await wire.receiver("q6", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    (dead,) = await dead_letters.receive_messages(1, max_wait_time=5)
    assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"
    await dead_letters.complete_message(dead)
    await wire.until("q6", dead_lettered=0)


async def test_messages_bounced_by_the_sdk_count_no_attempt(wire):
    """With credit left open the SDK releases what it did not ask for; that must not dead-letter healthy messages."""
    sender, receiver = await wire.both("q7")
    await sender.send_messages(ServiceBusMessage("a"))
    (got,) = await receiver.receive_messages(10, max_wait_time=2)
    await receiver.abandon_message(got)
    for _ in range(3):
        await receiver.peek_messages(1)
    (again,) = await receiver.receive_messages(1, max_wait_time=5)
    assert again.delivery_count == 1
    await receiver.complete_message(again)


async def test_dead_lettering_carries_reason_and_description(wire):
    """The dead-letter queue has the message with why and where from."""
    sender, receiver = await wire.both("q8")
    await sender.send_messages(ServiceBusMessage("a", application_properties={"k": "v"}))
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    await receiver.dead_letter_message(got, reason="poison", error_description="cannot be read")
    dead_letters = await wire.receiver("q8", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    (dead,) = await dead_letters.receive_messages(1, max_wait_time=5)
    assert (str(dead), dead.dead_letter_reason, dead.dead_letter_error_description) == ("a", "poison", "cannot be read")
    assert (dead.dead_letter_source, dead.application_properties[b"k"]) == ("q8", b"v")


async def test_a_deferred_message_is_received_and_settled_by_number(wire):
    """Over the management node, where deferred messages are settled too."""
    sender, receiver = await wire.both("q9")
    await sender.send_messages([ServiceBusMessage(each) for each in "abcd"])
    got = await receiver.receive_messages(4, max_wait_time=5)
    for each in got:
        await receiver.defer_message(each)
    back = await receiver.receive_deferred_messages([each.sequence_number for each in got])
    assert bodies(back) == ["a", "b", "c", "d"]
    assert back[0].state.name == "DEFERRED"
    await receiver.complete_message(back[0])
    await receiver.abandon_message(back[1])
    await receiver.defer_message(back[2])
    await receiver.dead_letter_message(back[3], reason="r", error_description="d")
    await wire.until("q9", active=0, locked=0, deferred=2, dead_lettered=1)
    (dead,) = wire.server.broker.peek("q9/$DeadLetterQueue")
    assert dead.message.application_properties["DeadLetterReason"] == "r"


async def test_receive_and_delete_settles_by_sending(wire):
    """There is no lock, and nothing is left."""
    sender, receiver = await wire.both("q10", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE)
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    assert bodies(await receiver.receive_messages(2, max_wait_time=5)) == ["a", "b"]
    await wire.until("q10", active=0, locked=0)


async def test_prefetched_messages_arrive_and_go_back_on_close(wire):
    """What was fetched ahead and not used is released when the receiver closes, uncounted."""
    sender = await wire.sender("q11")
    await sender.send_messages([ServiceBusMessage(f"m{number}") for number in range(10)])
    async with wire.client.get_queue_receiver("q11", prefetch_count=20) as receiver:
        got = await receiver.receive_messages(2, max_wait_time=5)
        for each in got:
            await receiver.complete_message(each)
    await wire.until("q11", active=8, locked=0)
    assert {each.delivery_count for each in wire.server.broker.peek("q11", most=20)} == {0}


async def test_waiting_for_messages_ends_in_time_and_finds_them_when_they_come(wire):
    """An empty queue gives an empty list; a message sent meanwhile is pushed to who waits."""
    sender, receiver = await wire.both("q12")
    assert await receiver.receive_messages(1, max_wait_time=0.2) == []
    waiting = asyncio.create_task(receiver.receive_messages(1, max_wait_time=10))
    await sender.send_messages(ServiceBusMessage("late"))
    assert bodies(await waiting) == ["late"]


async def test_iterating_receives_one_after_another(wire):
    """The iterator ends when nothing comes for its time."""
    sender, receiver = await wire.both("q13", max_wait_time=0.5)
    await sender.send_messages([ServiceBusMessage(each) for each in "abc"])
    got = []
    async for each in receiver:
        got.append(str(each))
        await receiver.complete_message(each)
    assert got == ["a", "b", "c"]


async def test_a_lock_can_be_renewed(wire):
    """The end moves; without renewal the lock is lost and the SDK says so."""
    sender, receiver = await wire.both("short-lock")
    await sender.send_messages(ServiceBusMessage("a"))
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    before = got.locked_until_utc
    assert await receiver.renew_message_lock(got) > before
    await receiver.complete_message(got)


async def test_a_lost_lock_is_an_error_of_its_own(wire):
    """Also where the SDK's own clock would still believe in it."""
    sender, receiver = await wire.both("q14")
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    got = await receiver.receive_messages(2, max_wait_time=5)
    for each in got:
        wire.server.broker.release("q14", each.lock_token)
    with pytest.raises(MessageLockLostError):
        await receiver.complete_message(got[0])
    with pytest.raises(MessageLockLostError):
        await receiver.renew_message_lock(got[1])


async def test_an_expired_lock_redelivers(wire):
    """With the attempt counted."""
    sender, receiver = await wire.both("short-lock")
    await sender.send_messages(ServiceBusMessage("a"))
    (first,) = await receiver.receive_messages(1, max_wait_time=5)
    (again,) = await receiver.receive_messages(1, max_wait_time=6)
    assert (again.message_id, again.delivery_count) == (first.message_id, 1)
    await receiver.complete_message(again)


async def test_a_message_expires(wire):
    """And is dead-lettered where the entity says so."""
    sender = await wire.sender("mortal")
    await sender.send_messages(ServiceBusMessage("a", time_to_live=timedelta(milliseconds=50)))
    await wire.until("mortal", active=0, dead_lettered=1)
    (dead,) = wire.server.broker.peek("mortal/$DeadLetterQueue")
    assert dead.message.application_properties["DeadLetterReason"] == "TTLExpiredException"


async def test_duplicates_are_dropped_silently(wire):
    """The sender hears nothing of it, in batches neither."""
    sender = await wire.sender("unique")
    await sender.send_messages(ServiceBusMessage("a", message_id="same"))
    await sender.send_messages([ServiceBusMessage("b", message_id="same"), ServiceBusMessage("c", message_id="other")])
    assert wire.server.broker.counts()["unique"].active == 2
