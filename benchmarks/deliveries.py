"""What is between Graph and the app in a benchmark: notifications as Graph writes them, and the batches of the host."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from azure.servicebus.aio import ServiceBusClient

from sandbox.tenants.contoso import SOURCE_TENANT_ID
from shared.app.ingest import ingest
from shared.app.provision import Received, provision
from shared.core.model import SubscriptionRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.app.parts import Parts

SUBSCRIPTION: Final = SubscriptionRecord(
    "/users", "the-state", "https://localhost:1/api/notifications", "f0000000-0000-4000-8000-000000000001"
)
_ITEMS: Final = 100  # of one notification
_RECEIVED: Final = 200  # messages of one batch of the host


class Moment(NamedTuple):
    """A moment of this process, in seconds."""

    wall: float
    cpu: float


def now() -> Moment:
    """This one."""
    return Moment(time.perf_counter(), time.process_time())


def notification(people: Sequence[str]) -> bytes:
    """One POST of Graph's about these users, with all that Graph says of each."""
    items = [
        {
            "changeType": "updated",
            "clientState": SUBSCRIPTION.client_state,
            "resource": f"Users/{person}",
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.User",
                "@odata.id": f"Users/{person}",
                "id": person,
                "organizationId": SOURCE_TENANT_ID,
                "eventTime": "2026-11-26T09:30:12.3456789Z",
                "sequenceNumber": 638_997_000_000_000_000 + number,
            },
            "subscriptionExpirationDateTime": "2026-11-29T09:30:00+00:00",
            "subscriptionId": SUBSCRIPTION.subscription_id,
            "tenantId": SOURCE_TENANT_ID,
        }
        for number, person in enumerate(people)
    ]
    return json.dumps({"value": items}).encode()


async def deliver(parts: Parts, people: Sequence[str]) -> None:
    """Tell the app of these users, as Graph does."""
    for start in range(0, len(people), _ITEMS):
        reply = await ingest(parts, notification(people[start : start + _ITEMS]))
        if reply.status != 202:
            raise RuntimeError(f"a notification was answered {reply.status} {reply.body}")


async def serve_all(parts: Parts, connection_string: str, idle: float) -> Moment:
    """Do as the Functions host does, for all targets side by side, until no message has come for `idle` seconds.

    Returns when the last batch was done.
    """
    done = await asyncio.gather(*(_serve(parts, target, connection_string, idle) for target in parts.targets))
    return max(done)


async def _serve(parts: Parts, target: str, connection_string: str, idle: float) -> Moment:
    done = now()
    async with (
        ServiceBusClient.from_connection_string(connection_string) as client,
        client.get_subscription_receiver(parts.settings.topic, target) as receiver,
    ):
        while batch := await receiver.receive_messages(_RECEIVED, max_wait_time=idle):
            received = [Received(str(message.message_id), b"".join(message.body)) for message in batch]
            await provision(parts, target, received)
            await asyncio.gather(*map(receiver.complete_message, batch))
            done = now()
    return done
