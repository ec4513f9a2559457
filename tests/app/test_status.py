"""How things stand, told for the workbook: counts of links, the subscription that lapses first, the oldest cursor."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.app.catch_up import catch_up
from shared.app.full_cycle import full_cycle
from shared.app.subscriptions import RESOURCES
from shared.app.tell_status import tell_status
from shared.bus.topic import MOST_WAITING, BusUnavailableError
from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.model import SubscriptionRecord

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def told(app):
    """The status rows that were told now, by target."""
    rows = []

    class Log:
        async def write(self, table, given):
            rows.extend(given)
            return range(len(given))

    await tell_status(dataclasses.replace(app.parts, log=Log()))
    return {row["Target"]: row["Counts"] for row in rows if row["Kind"] == "status"}


async def test_each_target_says_where_its_links_stand(app):
    """Every link in one state; held, in escrow and waiting to be logged beside it; the scope of the last cycle."""
    patti, isaiah, miriam = await app.join("PattiF", "IsaiahL", "MiriamG")
    await app.fault(tenant="emea", operation="POST /invitations", status=400, message="Group email address", count=1)
    await app.serve(patti)
    await app.serve(isaiah, miriam)
    await app.change(miriam, accountEnabled=False)
    await app.serve(miriam)
    await full_cycle(app.parts)
    counts = (await told(app))["emea"]
    assert '"active":1' in counts
    assert '"disabled":1' in counts
    assert '"escrow":1' in counts
    assert '"held":0' in counts
    assert '"inScope":3' in counts


async def test_who_never_signed_in_is_told_as_the_last_cycle_counted(app):
    """An invitation is pending until its first sign-in, and before the first cycle nobody knows."""
    patti, isaiah = await app.join("PattiF", "IsaiahL")
    await app.serve(patti, isaiah)
    assert "pendingRedemption" not in (await told(app))["emea"]
    cycle = await full_cycle(app.parts)
    assert cycle.targets["emea"].counts()["pendingRedemption"] == 2
    assert cycle.targets["apac"].counts()["pendingRedemption"] == 0
    await app.cloud.control("POST", f"users/{(await app.in_target(patti))['id']}/redeem")
    app.clock.advance(minutes=5)
    await full_cycle(app.parts)
    counts = await told(app)
    assert '"pendingRedemption":1' in counts["emea"]
    assert '"pendingRedemption":0' in counts["apac"]


async def test_throttling_is_told_once_in_seconds(app):
    """Since the status before, so that the rows can be added up."""
    [patti] = await app.join("PattiF")
    throttled = {"status": 429, "headers": {"Retry-After": "30"}, "count": 1}
    await app.fault(tenant="emea", operation="POST /invitations", **throttled)
    await app.serve(patti)
    assert '"throttledSeconds":30' in (await told(app))["emea"]
    app.clock.advance(minutes=5)
    assert '"throttledSeconds":0' in (await told(app))["emea"]


async def test_messages_that_wait_are_counted_and_left_alone(app):
    """Those that are due, up to as many as the bus shows at a time; each can still be received for the first time."""
    assert '"waiting":0' in (await told(app))["emea"]
    app.clock.advance(minutes=5)
    now = app.clock.now()

    async def send(count, at):
        changes = [UserChange(str(uuid4()), Reason.TRANSIENT, Kind.RETRY, target="emea") for _ in range(count)]
        timing = app.parts.settings.timing
        await app.parts.topic.send([envelope(change, not_before=at, timing=timing) for change in changes])

    await send(3, now)
    await send(2, now + timedelta(hours=1))
    counts = await told(app)
    assert '"waiting":3' in counts["emea"]
    assert '"waiting":0' in counts["apac"]
    app.clock.advance(seconds=20)
    app.bus.broker.advance()
    taken = app.bus.broker.receive("user-changes/subscriptions/emea", 10)
    assert [delivery.delivery_count for delivery in taken] == [0, 0, 0]
    assert '"waiting":3' in (await told(app))["emea"], "being worked on is not being done"
    app.clock.advance(seconds=20)
    await send(300, now)
    assert f'"waiting":{MOST_WAITING}' in (await told(app))["emea"]


async def test_a_status_goes_out_while_the_bus_is_away(app):
    """Without the count that nobody knows."""

    class Away:
        async def waiting(self, _subscription):
            raise BusUnavailableError("ServiceBusConnectionError")

    app.parts = dataclasses.replace(app.parts, topic=Away())
    assert "waiting" not in (await told(app))["emea"]


async def test_the_source_says_how_long_it_will_be_heard(app):
    """What is not known is left out; an alert reads what is there."""
    assert (await told(app))[""] == "{}"
    await catch_up(app.parts)
    for days, resource in enumerate(RESOURCES, start=1):
        until = app.clock.now() + timedelta(days=days, seconds=30)
        await app.parts.store.put_subscription(
            SubscriptionRecord(resource, "state", "https://localhost:1", "id", until)
        )
    app.clock.advance(minutes=7)
    counts = (await told(app))[""]
    assert f'"subscriptionMinutesLeft":{24 * 60 - 7}' in counts
    assert '"cursorAgeMinutes":7' in counts


async def test_counting_takes_a_hundredth_of_the_time_at_most(app):
    """Where it took three seconds, nobody counts again within five minutes."""
    await app.serve(*await app.join("PattiF"), kind=Kind.CHECK)

    class Slow:
        def __init__(self, store):
            self._store = store

        def __getattr__(self, name):
            return getattr(self._store, name)

        async def list_links(self, target):
            app.clock.advance(seconds=3)
            async for page in self._store.list_links(target):
                yield page

    app.parts = dataclasses.replace(app.parts, store=Slow(app.parts.store))
    assert set(await told(app)) == {"", "emea", "apac"}
    app.clock.advance(minutes=4)
    assert set(await told(app)) == {""}, "how the source stands is always told"
    app.clock.advance(minutes=2)
    assert set(await told(app)) == {"", "emea", "apac"}
