"""Notifications, from Graph's hand to the topic: what is taken, what is refused, and that nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from datetime import timedelta

import pytest
from azure.servicebus.aio import ServiceBusClient
from running_app import SOURCE_TENANT

from shared.app.ingest import ingest
from shared.bus.topic import open_topic
from shared.core.messages import Reason, decode
from shared.core.model import SubscriptionRecord

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = SubscriptionRecord("/users", "the-state", "https://localhost:1/api/notifications", "sub-users")
GROUPS = SubscriptionRecord("/groups", "another-state", "https://localhost:1/api/notifications", None)
ONE, TWO, THREE = (f"0a1b2c3d-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))


def user_item(user_id: str, **changes: object) -> dict:
    """A user's notification as Graph sends it."""
    return {
        "changeType": "updated",
        "clientState": "the-state",
        "resource": f"Users/{user_id}",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.User",
            "@odata.id": f"Users/{user_id}",
            "id": user_id,
            "organizationId": SOURCE_TENANT,
            "eventTime": "2026-05-24T22:24:31.3062901Z",
            "sequenceNumber": 636784480202455800,
        },
        "subscriptionExpirationDateTime": "2026-06-01T00:00:00+00:00",
        "subscriptionId": "sub-users",
        "tenantId": SOURCE_TENANT,
    } | changes


def group_item(*members: dict, **changes: object) -> dict:
    """A membership notification."""
    return (
        user_item("60000000-0000-4000-8000-000000000001")
        | {
            "clientState": "another-state",
            "subscriptionId": "sub-groups",
            "resourceData": {"@odata.type": "#microsoft.graph.group", "members@delta": list(members)},
        }
        | changes
    )


@pytest.fixture
def body():
    """Notification items as a request body."""
    return lambda *items: json.dumps({"value": list(items)}).encode()


async def sent(app) -> list[str]:
    """Ids on the topic for emea, in order, taken off it."""
    ids = []
    async with (
        ServiceBusClient.from_connection_string(app.bus.connection_string) as client,
        client.get_subscription_receiver("user-changes", "emea", max_wait_time=1) as receiver,
    ):
        async for message in receiver:
            change = decode(b"".join(message.body))
            assert change.reason is Reason.NOTIFICATION
            ids.append(change.user_id)
            await receiver.complete_message(message)
    return sorted(ids)


async def subscribed(app):
    for record in (USERS, GROUPS):
        await app.parts.store.put_subscription(record)


async def test_users_and_members_are_taken_once_each(app, body):
    """Items of two subscriptions in one post, in any spelling of Graph's; repeats collapse."""
    await subscribed(app)
    reply = await ingest(
        app.parts,
        body(
            user_item(ONE),
            user_item(ONE.upper(), validationTokens=["x"]),
            group_item(
                {"id": TWO}, {"id": THREE, "@removed": "deleted"}, {"id": ONE, "@removed": {"reason": "changed"}}
            ),
        ),
    )
    assert reply.status == 202
    assert await sent(app) == [ONE, TWO, THREE]


async def test_repeats_in_one_window_become_one_message(app, body):
    """Graph sends several items for one change; the user is looked at once."""
    await subscribed(app)
    window = app.parts.settings.timing.window
    start = app.clock.now()
    app.clock.offset += window - timedelta(seconds=start.timestamp() % window.total_seconds())
    start = app.clock.now()
    for _ in range(3):
        assert (await ingest(app.parts, body(user_item(TWO)))).status == 202
    windows = 1 + (app.clock.now() - start) // window  # time goes on meanwhile
    assert 1 <= len(await sent(app)) <= 1 + windows


async def test_a_thousand_replays_are_one_message_for_each_target_and_window(app, body):
    """Whoever repeats what Graph sent has everybody looked at once a window, and no more."""
    await subscribed(app)
    timing = dataclasses.replace(app.parts.settings.timing, window=timedelta(minutes=1))
    started = app.clock.now().replace(second=0, microsecond=0)
    replayed = body(user_item(ONE), group_item({"id": TWO}))
    for window in range(2):
        now = started + timedelta(minutes=window)
        parts = dataclasses.replace(
            app.parts,
            settings=dataclasses.replace(app.parts.settings, timing=timing),
            clock=dataclasses.replace(app.parts.clock, now=lambda now=now: now),
        )
        for _ in range(10):
            replies = await asyncio.gather(*(ingest(parts, replayed) for _ in range(50)))
            assert {reply.status for reply in replies} == {202}
    app.clock.advance(minutes=5)
    for target in ("emea", "apac"):
        assert sorted(change.user_id for change in await app.messages(target)) == [ONE, ONE, TWO, TWO]


FORGED = [
    user_item(ONE, clientState="guess"),
    user_item(ONE, clientState=None),
    user_item(ONE, clientState=7),
    user_item(ONE, subscriptionId="sub-unknown"),
    user_item(ONE, tenantId="99999999-0000-4000-8000-000000000001"),
    user_item(ONE, resourceData={"@odata.type": "#Microsoft.Graph.User", "id": "../../groups"}),
    user_item(ONE, resourceData={"@odata.type": "#Microsoft.Graph.User", "id": 7}),
    user_item(ONE, resourceData="text"),
    user_item(ONE, resourceData={"@odata.type": "#Microsoft.Graph.Device", "id": ONE}),
    group_item({"id": "no guid"}, "text", {}),
    group_item() | {"resourceData": {"@odata.type": "#Microsoft.Graph.Group", "members@delta": "text"}},
    user_item(ONE, lifecycleEvent="missed"),
    "text",
    None,
    [],
]


async def test_forged_and_odd_items_are_answered_202_and_send_nothing(app, body):
    """Graph would only repeat them; a forger learns nothing."""
    await subscribed(app)
    for item in FORGED:
        assert (await ingest(app.parts, body(item))).status == 202
    assert await sent(app) == []


async def test_one_bad_item_does_not_cost_the_good_ones(app, body):
    """Each item is judged by itself."""
    await subscribed(app)
    assert (await ingest(app.parts, body(FORGED[0], user_item(THREE), None))).status == 202
    assert await sent(app) == [THREE]


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"value": 7}', b"\xff", b"[" * 100_000, b""])
async def test_what_is_no_notification_is_refused(app, text):
    """400 where it is not JSON of the right shape."""
    assert (await ingest(app.parts, text)).status == 400


async def test_a_subscription_that_is_just_being_made_is_known_by_its_client_state(app, body):
    """Graph may deliver before it has told us the id."""
    await subscribed(app)
    assert (await ingest(app.parts, body(group_item({"id": TWO}, subscriptionId="not-known-yet")))).status == 202
    assert await sent(app) == [TWO]


async def test_a_bus_that_is_down_is_answered_with_5xx(app, body):
    """So that Graph tries again for hours, and nothing is lost."""
    await subscribed(app)
    nowhere = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;"
    topic = open_topic("user-changes", connection_string=nowhere, namespace=None, credential=None)
    before = time.monotonic()
    reply = await ingest(dataclasses.replace(app.parts, topic=topic), body(user_item(ONE)))
    assert reply.status == 503
    assert time.monotonic() - before < 3
    await topic.close()
