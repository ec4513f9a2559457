"""A subscription gives way to another with a new clientState: whatever Graph sends meanwhile is believed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from running_app import SOURCE_TENANT

from shared.app.control import control
from shared.app.ingest import handshake, ingest
from shared.app.parts import Clock
from shared.app.rotation import BELIEVED_FOR, ROTATE_AFTER
from shared.app.subscriptions import keep_subscriptions
from shared.core.commands import Command, Order, command_envelope
from shared.core.messages import Timing

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE = {"medianSeconds": 0, "tailSeconds": 0, "duplicateShare": 0}


class DiesError(Exception):
    """The worker was gone."""


class Dying:
    """Some hands of the app, until a worker dies before or after one of the steps that are named."""

    def __init__(self, hands, steps, countdown):
        self._hands = hands
        self._steps = steps
        self._countdown = countdown

    def __getattr__(self, name):
        call = getattr(self._hands, name)
        if name not in self._steps:
            return call

        async def step(*args, **more):
            self._countdown.tick()
            done = await call(*args, **more)
            self._countdown.tick()
            return done

        return step


class Countdown:
    """Dies at a moment; counts how many there were."""

    def __init__(self, moment):
        self.moment = moment
        self.passed = 0

    def tick(self):
        if self.passed == self.moment:
            raise DiesError
        self.passed += 1


class Listening:
    """The app behind an address that Graph delivers to."""

    def __init__(self, app):
        self.app = app
        self.believed = []  # each notification
        self.changes = 0
        self._sends = 0

    @property
    def parts(self):
        return self.app.parts

    async def answer(self, request):
        if "validationToken" in request.query:
            return web.Response(text=handshake(request.query["validationToken"]).body)
        before = self._sends
        reply = await ingest(dataclasses.replace(self.parts, topic=self), await request.read())
        self.believed.append(self._sends > before)
        return web.Response(status=reply.status)

    async def send(self, envelopes):
        """The topic of what Graph delivers."""
        self._sends += len(envelopes)

    async def keep(self, **how):
        await keep_subscriptions(self.parts, **how)

    async def rotate_until(self, moment):
        """Rotate with a worker that dies at a moment; whether it came so far."""
        countdown = Countdown(moment)
        parts = dataclasses.replace(
            self.parts,
            store=Dying(self.parts.store, {"put_subscription"}, countdown),
            subscriptions=Dying(self.parts.subscriptions, {"create", "delete"}, countdown),
        )
        try:
            await keep_subscriptions(parts, rotate=True)
        except DiesError:
            return True
        return False

    async def heard(self):
        """Change somebody; whether every subscription that tells of it is believed."""
        self.believed.clear()
        self.changes += 1
        await self.app.change(await self.app.id_of("PattiF"), department=f"Department {self.changes}")
        while self.app.tenants.cloud.world.hub.pending():  # noqa: ASYNC110 - the tenants have no event for it
            await asyncio.sleep(0.02)
        return bool(self.believed) and all(self.believed)

    async def alive(self):
        return {
            each["id"]: each["resource"] for each in (await self.app.cloud.control("GET", "subscriptions"))["value"]
        }

    async def users(self):
        """The record of the subscription to users."""
        [_, record] = await self.parts.store.get_subscriptions()
        assert record.resource == "/users"
        return record

    async def post(self, client_state, subscription_id):
        """Deliver a notification; whether it was believed."""
        user = await self.app.id_of("PattiF")
        item = {
            "clientState": client_state, "subscriptionId": subscription_id, "tenantId": SOURCE_TENANT,
            "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": user},
        }  # fmt: skip
        await self.app.messages("emea")
        self.app.clock.advance(seconds=1)
        assert (await ingest(self.parts, json.dumps({"value": [item]}).encode())).status == 202
        return bool(await self.app.messages("emea"))


@pytest_asyncio.fixture(loop_scope="module")
async def listening(tls_dir, app):
    """Subscribed, with notifications that come at once; whoever waits moves the clock."""
    site = web.Application()
    there = Listening(app)
    site.router.add_post("/api/notifications", there.answer)
    runner = web.AppRunner(site)
    await runner.setup()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    url = f"https://localhost:{runner.addresses[0][1]}/api/notifications"

    async def sleep(seconds):
        app.clock.advance(seconds=seconds)

    settings = dataclasses.replace(app.parts.settings, notification_url=url)
    app.parts = dataclasses.replace(app.parts, settings=settings, clock=Clock(app.clock.now, sleep))
    await app.cloud.control("POST", "profile", {"notifications": AT_ONCE})
    await there.keep()
    yield there
    await runner.cleanup()


async def test_a_new_one_takes_the_place_of_the_old_with_another_state(listening):
    """Both resources; nothing of the old ones is left at Graph, and a second run changes nothing."""
    before, records = await listening.alive(), await listening.parts.store.get_subscriptions()
    await listening.keep(rotate=True)
    after = await listening.alive()
    assert sorted(after.values()) == ["/groups", "/users"]
    assert not set(after) & set(before)
    rotated = await listening.parts.store.get_subscriptions()
    assert {record.subscription_id for record in rotated} == set(after)
    assert not {record.client_state for record in rotated} & {record.client_state for record in records}
    await listening.keep()
    assert await listening.alive() == after
    await listening.keep(rotate=True)
    assert not set(await listening.alive()) & set(after)


async def test_wherever_a_worker_dies_graph_is_believed_and_the_next_run_goes_on(listening):
    """Before and after each step: no notification is lost, and the next run ends with one subscription each."""
    moment, state = 0, (await listening.users()).client_state
    while await listening.rotate_until(moment):
        assert await listening.heard(), moment
        await listening.keep()
        assert await listening.heard(), moment
        assert sorted((await listening.alive()).values()) == ["/groups", "/users"], moment
        assert (await listening.users()).successor is None
        moment += 1
    assert moment == 20  # ten steps: for each resource two states and one removal are stored, one made, one deleted
    assert sorted((await listening.alive()).values()) == ["/groups", "/users"]
    assert (await listening.users()).client_state != state


async def test_the_old_state_is_believed_while_graph_may_try_again_and_not_longer(listening):
    """With its own subscription alone; the new one with its own."""
    old = await listening.users()
    await listening.keep(rotate=True)
    new = await listening.users()
    assert await listening.post(old.client_state, old.subscription_id)
    assert await listening.post(new.client_state, new.subscription_id)
    assert not await listening.post(old.client_state, new.subscription_id)
    assert not await listening.post(new.client_state, old.subscription_id)
    listening.app.clock.advance(hours=4, minutes=30)
    assert await listening.post(old.client_state, old.subscription_id)
    listening.app.clock.advance(seconds=(BELIEVED_FOR - timedelta(hours=4, minutes=30)).total_seconds())
    assert not await listening.post(old.client_state, old.subscription_id)
    assert await listening.post(new.client_state, new.subscription_id)
    await listening.keep()
    assert (await listening.users()).retired == ()


async def test_it_is_done_by_itself_when_the_state_is_old_or_of_unknown_age(listening):
    """And not before."""
    made = await listening.alive()
    for age, rotated in ((ROTATE_AFTER - timedelta(hours=1), False), (ROTATE_AFTER, True), (None, True)):
        for record in await listening.parts.store.get_subscriptions():
            made_at = None if age is None else listening.app.clock.now() - age
            await listening.parts.store.put_subscription(dataclasses.replace(record, made_at=made_at))
        await listening.keep()
        now = await listening.alive()
        assert bool(set(now) - set(made)) is rotated, age
        made = now


async def test_a_person_asks_for_it_over_the_topic(listening, terminal):
    """`subscriptions rotate`; the app does it."""
    before = await listening.alive()
    await listening.app.messages("control")
    code, out, _ = await terminal("subscriptions", "rotate")
    assert (code, "asked" in out) == (0, True)
    assert await listening.app.messages("control") == [Command.ROTATE_SUBSCRIPTIONS]
    envelope = command_envelope(Order(Command.ROTATE_SUBSCRIPTIONS), listening.app.clock.now(), Timing())
    await control(listening.parts, "m", envelope.body.encode())
    assert not set(await listening.alive()) & set(before)


async def test_a_graph_that_refuses_two_side_by_side_has_the_old_one_deleted_first(listening):
    """Then a gap is left, and catch-up is asked for."""
    before = await listening.alive()
    await listening.app.messages("control")
    await listening.app.fault(tenant="source", operation="POST /subscriptions", status=409, code="Conflict", count=1)
    await listening.keep(rotate=True)
    after = await listening.alive()
    assert sorted(after.values()) == ["/groups", "/users"]
    assert not set(after) & set(before)
    assert await listening.heard()
    assert await listening.app.messages("control") == [Command.CATCH_UP]


async def test_a_graph_that_makes_no_new_one_leaves_the_old_in_its_place(listening):
    """It is kept and believed; the next run tries again."""
    before = await listening.alive()
    await listening.app.fault(
        tenant="source", operation="POST /subscriptions", status=403, message="Subscription limit"
    )
    await listening.keep(rotate=True)
    assert await listening.alive() == before
    assert await listening.heard()
    await listening.app.cloud.control("DELETE", "faults")
    await listening.keep()
    assert not set(await listening.alive()) & set(before)
    assert await listening.heard()


async def test_a_graph_that_deletes_nothing_is_asked_again_before_another_is_made(listening):
    """The old one stays believed; no third is made beside the two."""
    await listening.app.fault(tenant="source", operation="DELETE /subscriptions/{id}", status=503)
    await listening.keep(rotate=True)
    assert len(await listening.alive()) == 4
    await listening.keep(rotate=True)
    assert len(await listening.alive()) == 4
    assert await listening.heard()
    await listening.app.cloud.control("DELETE", "faults")
    await listening.keep()
    assert len(await listening.alive()) == 2


async def test_what_was_made_at_an_address_that_was_given_up_is_removed(listening):
    """A worker died between the successor's birth and its record, and then the app moved."""
    await listening.rotate_until(4)
    assert len(await listening.alive()) == 3
    url = listening.parts.settings.notification_url + "?moved=1"
    settings = dataclasses.replace(listening.parts.settings, notification_url=url)
    listening.app.parts = dataclasses.replace(listening.parts, settings=settings)
    await listening.keep()
    await listening.keep(rotate=True)
    assert sorted((await listening.alive()).values()) == ["/groups", "/users"]
    assert await listening.heard()
