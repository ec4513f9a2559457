"""A batch as the host gives it: coalesced, served, and the rest sent again; poison parked."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest
from azure.servicebus import ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient

from shared.app.control import control
from shared.app.giving_back import REST
from shared.app.provision import Received, provision
from shared.bus.errors import BusUnavailableError
from shared.core.commands import Command, Order, command_envelope
from shared.core.messages import Kind, Reason, Timing, UserChange, decode, encode
from shared.store import StoreError, open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

POISON = [b"{", b"[]", json.dumps({"v": 9}).encode()]


def received(change: UserChange) -> Received:
    """A message as the host gives it."""
    return Received("m", encode(change).encode())


async def messages(app, subscription, **options):
    """Messages of a subscription, taken off it."""
    found = []
    async with (
        ServiceBusClient.from_connection_string(app.bus.connection_string) as client,
        client.get_subscription_receiver("user-changes", subscription, max_wait_time=1, **options) as receiver,
    ):
        async for message in receiver:
            found.append(message)
            await receiver.complete_message(message)
    return found


async def test_poison_is_dead_lettered_with_its_reason_and_the_rest_of_the_batch_is_done(app):
    """What cannot be read is kept, with what is wrong with it; nobody else waits for it."""
    [patti] = await app.join("PattiF")
    batch = [Received(f"poison-{number}", body) for number, body in enumerate(POISON)]
    await provision(app.parts, "emea", [*batch, received(UserChange(patti, Reason.NOTIFICATION))])
    assert await app.in_target(patti) is not None
    dead = await messages(app, "poison", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    assert sorted((b"".join(m.body), m.dead_letter_reason, m.dead_letter_error_description) for m in dead) == sorted(
        [
            (POISON[0], "MalformedUserChange", "the body is not JSON"),
            (POISON[1], "MalformedUserChange", "the body is not a JSON object"),
            (POISON[2], "MalformedUserChange", "v must be 1"),
        ]
    )
    assert await messages(app, "emea") == []


async def test_each_target_keeps_its_own_copy_of_what_cannot_be_read(app):
    """Whoever sends poison may give it any id, or none, and the topic drops what has an id that it saw a moment ago."""
    for target in ("emea", "apac"):
        await provision(app.parts, target, [Received("", b"{"), Received("", b"no JSON")])
    dead = await messages(app, "poison", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    assert sorted(b"".join(m.body) for m in dead) == [b"no JSON", b"no JSON", b"{", b"{"]
    assert await messages(app, "poison") == []


async def test_what_is_left_to_do_comes_back_for_this_target_alone(app):
    """A follow-up carries its target and its time."""
    [patti] = await app.join("PattiF")
    await app.fault(tenant="apac", operation="POST /invitations", status=429, headers={"Retry-After": "1"}, count=1)
    await provision(app.parts, "apac", [received(UserChange(patti, Reason.NOTIFICATION))])
    assert await messages(app, "emea") == []
    [message] = await messages(app, "apac")
    change = decode(b"".join(message.body))
    assert (change.user_id, change.target, change.kind, change.reason) == (
        patti,
        "apac",
        Kind.RETRY,
        Reason.THROTTLED,
    )
    await provision(app.parts, "apac", [received(change)])
    assert await app.in_target(patti, "apac") is not None


async def test_a_batch_that_takes_too_long_sends_the_rest_again(app):
    """No user is begun after the better part of the message lock; nobody is lost."""
    strangers = [f"0a1b2c3d-0000-4000-8000-{number:012d}" for number in range(250)]
    timing = dataclasses.replace(app.parts.settings.timing, lock=timedelta(seconds=0.05))
    parts = dataclasses.replace(app.parts, settings=dataclasses.replace(app.parts.settings, timing=timing))
    await provision(parts, "emea", [received(UserChange(user_id, Reason.SECOND_LOOK)) for user_id in strangers])
    again = [decode(b"".join(message.body)) for message in await messages(app, "emea")]
    assert {change.reason for change in again} == {Reason.UNFINISHED}
    assert 50 <= len({change.user_id for change in again}) < 250


async def test_after_an_outage_nobody_is_looked_at_twice_for_nothing(app):
    """Who was told of long ago is read once; who was told of again just now keeps the second look."""
    long_ago, now = app.clock.now() - timedelta(hours=1), app.clock.now()
    patti, isaiah = [await app.id_of(alias) for alias in ("PattiF", "IsaiahL")]
    told = [(patti, long_ago), (isaiah, long_ago), (isaiah, now)]
    app.settle_for(seconds=60)
    batch = [received(UserChange(user_id, Reason.NOTIFICATION, seen_at=seen_at)) for user_id, seen_at in told]
    await provision(app.parts, "emea", batch)
    app.clock.advance(minutes=2)
    again = await app.messages("emea")
    assert [(change.user_id, change.reason) for change in again] == [(isaiah, Reason.SECOND_LOOK)]


class Unreadable:
    """A source that breaks in a way nobody foresaw, for one user."""

    def __init__(self, source, user_id):
        self._source = source
        self._user_id = user_id

    async def read_users(self, user_ids, **options):
        if self._user_id in user_ids:
            raise ZeroDivisionError
        return await self._source.read_users(user_ids, **options)


async def test_a_defect_that_one_user_brings_to_light_costs_nobody_else(app):
    """The others of the batch are done; that one is in escrow, and nothing is dead-lettered."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    parts = dataclasses.replace(app.parts, source=Unreadable(app.parts.source, patti))
    await provision(parts, "emea", [received(UserChange(u, Reason.NOTIFICATION)) for u in (patti, isaiah)])
    assert await app.in_target(isaiah) is not None
    assert await app.in_target(patti) is None
    await provision(app.parts, "emea", [received(UserChange(patti, Reason.ESCROW, Kind.RETRY, attempt=1))])
    assert await app.in_target(patti) is not None


class Refusing:
    """A topic that gives out and takes nothing, as when Service Bus is too busy."""

    async def send(self, _envelopes):
        raise BusUnavailableError("ServerBusy")


async def test_what_cannot_be_put_off_is_given_back_after_a_rest(app):
    """The host hands it out again at once, and the bus dead-letters what it has handed out too often."""
    [patti] = await app.join("PattiF")
    down = dataclasses.replace(app.parts, store=open_store("sqlite:////proc/nowhere/links.sqlite3"), topic=Refusing())
    with pytest.raises(BusUnavailableError):
        await provision(down, "emea", [received(UserChange(patti, Reason.NOTIFICATION))])
    with pytest.raises(BusUnavailableError):
        await control(down, "m", command_envelope(Order(Command.CATCH_UP), app.clock.now(), Timing()).body.encode())
    assert app.clock.slept == [REST, REST]


async def test_a_store_that_is_down_puts_the_batch_off_and_loses_nobody(app):
    """Raising would bring the batch back at once, time and again, and then dead-letter it."""
    [patti] = await app.join("PattiF")
    down = dataclasses.replace(app.parts, store=open_store("sqlite:////proc/nowhere/links.sqlite3"))
    with pytest.raises(StoreError):
        await down.store.get_links("emea", [patti])
    await provision(down, "apac", [received(UserChange(patti, Reason.NOTIFICATION))])
    app.clock.advance(seconds=5.5)  # the back-off of a first transient fault
    [message] = await messages(app, "apac")
    change = decode(b"".join(message.body))
    assert (change.user_id, change.kind, change.reason, change.attempt) == (patti, Kind.RETRY, Reason.TRANSIENT, 1)
