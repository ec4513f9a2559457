"""Conformance over the wire with the real Python SDK: sessions, schedules, peeking, and settling by management."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.exceptions import (
    MessageNotFoundError,
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)
from bus_samples import message, now

pytestmark = pytest.mark.asyncio(loop_scope="module")


def bodies(messages) -> list[str]:
    """The texts of messages."""
    return [str(each) for each in messages]


async def test_a_named_session_gives_its_messages_in_order(wire):
    """And none of another's, although they were sent in one batch."""
    sender, receiver = await wire.both("sessions", session_id="named")
    batch = [ServiceBusMessage(f"{each}{n}", session_id=each) for n in range(5) for each in ("named", "other")]
    await sender.send_messages(batch)
    assert receiver.session.session_id == "named"
    assert timedelta(seconds=50) < receiver.session.locked_until_utc - now() < timedelta(seconds=65)
    got = await receiver.receive_messages(5, max_wait_time=5)
    assert bodies(got) == [f"named{n}" for n in range(5)]
    assert {each.session_id for each in got} == {"named"}
    await asyncio.gather(*(receiver.complete_message(each) for each in got))
    with pytest.raises(SessionCannotBeLockedError):
        await wire.client.get_queue_receiver("sessions", session_id="named").__aenter__()
    other = await wire.receiver("sessions", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=5)
    assert other.session.session_id == "other"
    assert len(await other.receive_messages(5, max_wait_time=5)) == 5


async def test_the_next_session_is_waited_for(wire):
    """A receiver that asks before there is one gets the first that comes."""
    asking = asyncio.create_task(wire.receiver("sessions2", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=20))
    sender = await wire.sender("sessions2")
    await sender.send_messages(ServiceBusMessage("a", session_id="late"))
    receiver = await asking
    assert receiver.session.session_id == "late"
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    await receiver.complete_message(got)


async def test_waiting_for_a_session_ends_in_time(wire):
    """With the SDK's own error."""
    with pytest.raises(OperationTimeoutError):
        await wire.client.get_queue_receiver("brief", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=0.3).__aenter__()


async def test_a_sessions_state_is_kept(wire):
    """Nothing at first; what was set, until it is set to nothing."""
    receiver = await wire.receiver("sessions", session_id="stateful")
    assert await receiver.session.get_state() is None
    await receiver.session.set_state(b"half way")
    assert await receiver.session.get_state() == b"half way"
    listed = [name async for name in wire.client.list_queue_sessions("sessions")]
    assert "stateful" in listed
    since = now() + timedelta(hours=1)
    assert [name async for name in wire.client.list_queue_sessions("sessions", state_updated_after=since)] == []
    await receiver.session.set_state(None)
    assert await receiver.session.get_state() is None


async def test_a_sessions_lock_can_be_renewed(wire):
    """The end moves."""
    receiver = await wire.receiver("sessions", session_id="renewed")
    before = receiver.session.locked_until_utc
    assert await receiver.session.renew_lock() > before


async def test_an_expired_session_is_lost(wire):
    """The receiver hears of it, and another gets the messages with the attempt counted."""
    wire.server.broker.send("brief", [message("a", session_id="s")])
    receiver = await wire.receiver("brief", session_id="s")
    assert len(await receiver.receive_messages(1, max_wait_time=5)) == 1
    with pytest.raises(SessionLockLostError):
        await receiver.receive_messages(1, max_wait_time=5)
    again = await wire.receiver("brief", session_id="s")
    (got,) = await again.receive_messages(1, max_wait_time=5)
    assert got.delivery_count == 1


async def test_closing_a_session_gives_back_uncounted(wire):
    """Unsettled messages are in their places for the next."""
    wire.server.broker.send("sessions", [message(each, session_id="closed") for each in "ab"])
    async with wire.client.get_queue_receiver("sessions", session_id="closed") as receiver:
        assert len(await receiver.receive_messages(2, max_wait_time=5)) == 2
    again = await wire.receiver("sessions", session_id="closed")
    got = await again.receive_messages(2, max_wait_time=5)
    assert [(str(each), each.delivery_count) for each in got] == [("a", 0), ("b", 0)]


async def test_deferring_works_in_a_session(wire):
    """By number, from within the session."""
    wire.server.broker.send("sessions", [message("a", session_id="deferring")])
    receiver = await wire.receiver("sessions", session_id="deferring")
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    await receiver.defer_message(got)
    (back,) = await receiver.receive_deferred_messages(got.sequence_number)
    assert back.session_id == "deferring"
    await receiver.complete_message(back)
    with pytest.raises(MessageNotFoundError):
        await receiver.receive_deferred_messages(got.sequence_number)


async def test_peeking_in_a_session_stays_in_it(wire):
    """Messages of others do not show."""
    batch = [message(f"{each}{n}", session_id=each) for n in range(2) for each in ("peeked", "unpeeked")]
    wire.server.broker.send("sessions", batch)
    receiver = await wire.receiver("sessions", session_id="peeked")
    assert bodies(await receiver.peek_messages(10)) == ["peeked0", "peeked1"]


async def test_receivers_must_be_of_the_entitys_kind(wire):
    """A plain receiver on a session entity is refused, and the other way round, and a message without a session."""
    plain = wire.client.get_queue_receiver("sessions")
    of_session = wire.client.get_queue_receiver("q0", session_id="s")
    answers = await asyncio.gather(plain.__aenter__(), of_session.__aenter__(), return_exceptions=True)
    assert [type(each) for each in answers] == [ServiceBusError] * 2
    assert all("session" in str(each) for each in answers)
    sender = await wire.sender("sessions")
    with pytest.raises(ServiceBusError, match="session id"):
        await sender.send_messages(ServiceBusMessage("without"))


async def test_peeking_shows_without_touching(wire):
    """From the start or from a number, in every state; none is an empty list."""
    receiver = await wire.receiver("q1")
    assert await receiver.peek_messages(5) == []
    wire.server.broker.send("q1", [message(each) for each in "abc"])
    wire.server.broker.receive("q1")
    peeked = await receiver.peek_messages(10, sequence_number=1)
    assert bodies(peeked) == ["a", "b", "c"]
    assert bodies(await receiver.peek_messages(1, sequence_number=2)) == ["b"]
    assert wire.server.broker.counts()["q1"].active == 2


async def test_scheduled_messages_wait_for_their_time(wire):
    """They show when peeked, can be cancelled while they wait, and arrive when their time has come."""
    sender, receiver = await wire.both("q2")
    later = now() + timedelta(hours=1)
    numbers = await sender.schedule_messages([ServiceBusMessage("x"), ServiceBusMessage("y")], later)
    assert len(set(numbers)) == 2
    (peeked, _) = await receiver.peek_messages(5)
    assert (str(peeked), peeked.state.name) == ("x", "SCHEDULED")
    await sender.cancel_scheduled_messages(numbers)
    with pytest.raises(MessageNotFoundError):
        await sender.cancel_scheduled_messages(numbers[0])
    soon = now() + timedelta(milliseconds=300)
    await sender.schedule_messages(ServiceBusMessage("soon"), soon)
    assert wire.server.broker.counts()["q2"].scheduled == 1
    (got,) = await receiver.receive_messages(1, max_wait_time=5)
    assert str(got) == "soon"
    assert got.enqueued_time_utc >= soon - timedelta(milliseconds=1)
    assert got.scheduled_enqueue_time_utc is not None


async def test_a_message_sent_with_a_time_is_scheduled(wire):
    """On a topic too; each subscription gets its copy at that time."""
    sender = await wire.sender("topic")
    one = ServiceBusMessage("a", scheduled_enqueue_time_utc=now() + timedelta(milliseconds=200))
    two = ServiceBusMessage("b", scheduled_enqueue_time_utc=now() + timedelta(hours=1))
    await sender.send_messages([one, two])
    await wire.until("topic", scheduled=1)
    await wire.until("topic/Subscriptions/all", active=1)
    (number,) = await sender.schedule_messages(ServiceBusMessage("c"), now() + timedelta(hours=1))
    await sender.cancel_scheduled_messages(number)
    await wire.until("topic", scheduled=1)


async def test_duplicates_are_judged_when_scheduled(wire):
    """Scheduling the same id twice delivers it once."""
    sender = await wire.sender("unique")
    soon = now() + timedelta(milliseconds=100)
    for _ in range(3):
        await sender.schedule_messages(ServiceBusMessage("a", message_id="same"), soon)
        await sender.send_messages(ServiceBusMessage("b", message_id="same", scheduled_enqueue_time_utc=soon))
    await wire.until("unique", scheduled=0)
    assert wire.server.broker.counts()["unique"].active == 1


async def test_settling_after_the_link_is_gone_goes_by_management(wire):
    """What a closed receiver had locked can still be settled and renewed, as the SDK does when a link was lost."""
    wire.server.broker.send("q3", [message("a")])
    async with wire.client.get_queue_receiver("q3") as receiver:
        (got,) = await receiver.receive_messages(1, max_wait_time=5)
    other = await wire.receiver("q3")
    await other._renew_locks(got.lock_token)
    await other._settle_message_via_mgmt_link("completed", [got.lock_token])
    await wire.until("q3", active=0, locked=0)
