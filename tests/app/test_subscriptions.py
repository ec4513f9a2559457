"""Subscriptions of the source tenant: made, kept, renewed, replaced; and what health says of them."""

from __future__ import annotations

import dataclasses
import json
import ssl
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from shared.app.control import control
from shared.app.health import health
from shared.app.ingest import handshake, ingest
from shared.app.subscriptions import keep_subscriptions
from shared.config.faults import ConfigurationError, ConfigurationFault
from shared.core.commands import Command, Order, command_envelope
from shared.core.messages import Timing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def webhook(tls_dir, app):
    """The app at a notification address that Graph can validate."""

    async def answer(request):
        reply = handshake(request.query["validationToken"])
        return web.Response(status=reply.status, text=reply.body)

    site = web.Application()
    site.router.add_post("/api/notifications", answer)
    runner = web.AppRunner(site)
    await runner.setup()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tls_dir / "server.pem", tls_dir / "server.key")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    settings = dataclasses.replace(app.parts.settings, notification_url=f"https://localhost:{port}/api/notifications")
    app.parts = dataclasses.replace(app.parts, settings=settings)
    yield app
    await runner.cleanup()


async def alive(app) -> dict[str, str]:
    """Graph's subscriptions: resource → id."""
    return {item["resource"]: item["id"] for item in (await app.cloud.control("GET", "subscriptions"))["value"]}


async def records(app):
    return {record.resource: record for record in await app.parts.store.get_subscriptions()}


async def test_both_are_made_with_states_of_their_own_and_kept(webhook):
    """A second run changes nothing."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    assert set(made) == {"/users", "/groups"}
    kept = await records(webhook)
    assert {resource: record.subscription_id for resource, record in kept.items()} == made
    assert len({record.client_state for record in kept.values()}) == 2
    await keep_subscriptions(webhook.parts)
    assert await alive(webhook) == made


async def age(app, days: int) -> None:
    """Let the app believe that its subscriptions end in so many days."""
    for record in (await records(app)).values():
        await app.parts.store.put_subscription(
            dataclasses.replace(record, expires_at=app.clock.now() + timedelta(days=days))
        )


async def renewals(app) -> int:
    counters = (await app.cloud.control("GET", "counters"))["requests"]["source"]
    return counters.get("PATCH /subscriptions/{id}", 0)


async def test_they_are_renewed_at_half_of_their_life(webhook):
    """The same subscriptions, living longer; not a day earlier."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    await age(webhook, 14)
    await keep_subscriptions(webhook.parts)
    assert await renewals(webhook) == 0
    await age(webhook, 13)
    await keep_subscriptions(webhook.parts)
    assert await renewals(webhook) == 2
    assert await alive(webhook) == made
    for record in (await records(webhook)).values():
        assert record.expires_at - webhook.clock.now() > timedelta(days=27)


async def test_one_that_vanished_is_made_again(webhook):
    """Whoever removed it."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    await webhook.parts.subscriptions.delete(made["/users"])
    await age(webhook, 1)
    await keep_subscriptions(webhook.parts)
    now = await alive(webhook)
    assert now["/users"] != made["/users"]
    assert now["/groups"] == made["/groups"]


async def test_a_new_address_replaces_the_subscriptions(webhook):
    """After a redeployment nothing is delivered to the old one."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    moved = dataclasses.replace(
        webhook.parts.settings, notification_url=webhook.parts.settings.notification_url + "?moved=1"
    )
    await keep_subscriptions(dataclasses.replace(webhook.parts, settings=moved))
    now = await alive(webhook)
    assert set(now) == {"/users", "/groups"}
    assert not set(now.values()) & set(made.values())


async def test_an_address_that_cannot_be_validated_is_told_and_tried_again(webhook):
    """Nothing is remembered as alive; the next run makes them."""
    wrong = dataclasses.replace(webhook.parts.settings, notification_url="https://localhost:1/api/notifications")
    await keep_subscriptions(dataclasses.replace(webhook.parts, settings=wrong))
    assert await alive(webhook) == {}
    await keep_subscriptions(webhook.parts)
    assert set(await alive(webhook)) == {"/users", "/groups"}


async def test_health_tells_how_long_they_live_and_where_links_stand(webhook):
    """503 before, 200 after."""

    async def build():
        return webhook.parts

    assert (await health(build)).status == 503
    await keep_subscriptions(webhook.parts)
    [patti] = await webhook.join("PattiF")
    await webhook.serve(patti)
    reply = await health(build)
    report = json.loads(reply.body)
    assert (reply.status, report["healthy"]) == (200, True)
    assert set(report["subscriptions"]) == {"/users", "/groups"}
    assert report["targets"]["emea"]["active"] == 1


async def test_health_lists_the_faults_of_a_configuration():
    """With their paths, so that the mend is plain."""

    async def build():
        raise ConfigurationError("sync.yaml", (ConfigurationFault("targets[0].name", "is missing"),))

    reply = await health(build)
    assert reply.status == 503
    [fault] = json.loads(reply.body)["configuration"]["faults"]
    assert fault == {"path": "targets[0].name", "message": "is missing"}


async def test_one_that_vanished_unseen_is_found_by_its_id_and_catch_up_closes_the_gap(webhook):
    """Long before it would be renewed; changes that nobody was told of are looked for at once."""
    await keep_subscriptions(webhook.parts)
    await webhook.messages("control")
    made = await alive(webhook)
    await webhook.parts.subscriptions.delete(made["/users"])
    await keep_subscriptions(webhook.parts)
    assert (await alive(webhook))["/users"] != made["/users"]
    assert await webhook.messages("control") == [Command.CATCH_UP]
    await keep_subscriptions(webhook.parts)
    assert await webhook.messages("control") == []


async def test_one_that_a_crash_left_without_its_id_is_taken_over(webhook):
    """Graph answers 409, and the clientState that was stored before is the one it has."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    for record in (await records(webhook)).values():
        await webhook.parts.store.put_subscription(dataclasses.replace(record, subscription_id=None, expires_at=None))
    states = {resource: record.client_state for resource, record in (await records(webhook)).items()}
    await keep_subscriptions(webhook.parts)
    assert await alive(webhook) == made
    kept = await records(webhook)
    assert {resource: record.subscription_id for resource, record in kept.items()} == made
    assert {resource: record.client_state for resource, record in kept.items()} == states


async def test_one_whose_state_nobody_knows_is_replaced(webhook):
    """A store that was lost: what the old subscriptions would deliver could not be believed."""
    await keep_subscriptions(webhook.parts)
    made = await alive(webhook)
    for resource in made:
        await webhook.parts.store.delete_subscription(resource)
    await keep_subscriptions(webhook.parts)
    now = await alive(webhook)
    assert set(now) == set(made)
    assert not set(now.values()) & set(made.values())


async def test_graph_that_asks_for_reauthorization_is_answered_at_once(webhook):
    """Renewed, whatever is left of their life."""
    await keep_subscriptions(webhook.parts)
    await webhook.messages("control")
    record = (await records(webhook))["/users"]
    event = {
        "lifecycleEvent": "reauthorizationRequired",
        "subscriptionId": record.subscription_id,
        "clientState": record.client_state,
        "tenantId": webhook.parts.sync.source.tenant_id,
    }
    assert (await ingest(webhook.parts, json.dumps({"value": [event]}).encode())).status == 202
    [command] = await webhook.messages("control")
    assert command is Command.RENEW_SUBSCRIPTIONS
    await control(webhook.parts, "m", command_envelope(Order(command), webhook.clock.now(), Timing()).body.encode())
    assert await renewals(webhook) == 2


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ("missed", [Command.CATCH_UP]),
        ("subscriptionRemoved", [Command.RENEW_SUBSCRIPTIONS, Command.CATCH_UP]),
        ("somethingNew", [Command.CATCH_UP]),
        (7, [Command.CATCH_UP]),
    ],
)
async def test_what_graph_says_was_missed_is_looked_for_at_once(webhook, event, asked):
    """Nothing waits for the timer; an event that nobody knows yet may mean a gap."""
    await keep_subscriptions(webhook.parts)
    await webhook.messages("control")
    record = (await records(webhook))["/users"]
    item = {
        "lifecycleEvent": event,
        "subscriptionId": record.subscription_id,
        "clientState": record.client_state,
        "tenantId": webhook.parts.sync.source.tenant_id,
    }
    assert (await ingest(webhook.parts, json.dumps({"value": [item, item]}).encode())).status == 202
    assert sorted(await webhook.messages("control")) == sorted(asked)
    forged = item | {"clientState": "guess"}
    assert (await ingest(webhook.parts, json.dumps({"value": [forged]}).encode())).status == 202
    assert await webhook.messages("control") == []


async def test_a_quota_that_is_full_is_told_and_catch_up_goes_on(webhook):
    """403 for one more subscription: said with its code, nothing raised, tried again by the timer."""
    await webhook.fault(
        tenant="source", operation="POST /subscriptions", status=403, message="Subscription limit reached"
    )
    await keep_subscriptions(webhook.parts)
    assert await alive(webhook) == {}
    await webhook.cloud.control("DELETE", "faults")
    await keep_subscriptions(webhook.parts)
    assert set(await alive(webhook)) == {"/users", "/groups"}


async def test_a_command_that_cannot_be_read_is_parked_with_its_reason(webhook):
    """Nothing is carried out, and nothing comes again."""
    await control(webhook.parts, "m-1", b'{"v": 1, "command": "deleteEverybody"}')
    path = "user-changes/subscriptions/poison/$deadletterqueue"
    [dead] = webhook.bus.broker.receive(path, 10)
    webhook.bus.broker.complete(path, dead.lock_token)
    assert b"deleteEverybody" in dead.message.body
