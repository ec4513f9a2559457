"""Change-notification subscriptions of the source tenant, as Graph offers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.graph.answers import INCOMPLETE
from shared.graph.client import GraphRequest
from shared.graph.pages import list_pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.core.fault_sizes import Fault
    from shared.graph.client import GraphClient, GraphResponse


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that Graph confirmed."""

    subscription_id: str
    expires_at: datetime


class SourceSubscriptions:
    """Makes and renews subscriptions with the reader app."""

    def __init__(self, client: GraphClient) -> None:
        """`client` holds the reader app's credential for the source tenant."""
        self._client = client

    async def create(
        self, resource: str, change_types: str, *, url: str, client_state: str, expires_at: datetime
    ) -> Subscription | Fault:
        """Subscribe to changes of `/users` or `/groups`. Graph validates `url` before it answers.

        Of one resource and the same `change_types` Graph lets an app have one subscription: a second is a CONFLICT.
        """
        body = {
            "changeType": change_types,
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": resource,
            "expirationDateTime": _graph_time(expires_at),
            "clientState": client_state,
            "latestSupportedTlsVersion": "v1_2",
        }
        return _confirmed(await self._client.send(GraphRequest("POST", "/subscriptions", body)))

    async def renew(self, subscription_id: str, expires_at: datetime) -> Subscription | Fault:
        """Extend a subscription; this also answers a reauthorizationRequired."""
        path = f"/subscriptions/{quote(subscription_id)}"
        body = {"expirationDateTime": _graph_time(expires_at)}
        return _confirmed(await self._client.send(GraphRequest("PATCH", path, body)))

    async def check(self, subscription_id: str) -> Subscription | Fault:
        """Whether a subscription is there, asked by its id: lists are throttled."""
        return _confirmed(await self._client.send(GraphRequest("GET", f"/subscriptions/{quote(subscription_id)}")))

    async def find(self, resource: str) -> Sequence[Subscription]:
        """This app's subscriptions to a resource; for once in a while, since lists are throttled.

        Raises:
            ListFailedError: nobody knows.
        """
        pages = list_pages(self._client, GraphRequest("GET", "/subscriptions"), "subscriptions")
        return [
            Subscription(str(item["id"]), datetime.fromisoformat(str(item["expirationDateTime"])))
            async for page in pages
            for item in page
            if str(item.get("resource")).strip("/").lower() == resource.strip("/").lower()
        ]

    async def delete(self, subscription_id: str) -> Fault | None:
        """Remove a subscription."""
        return (await self._client.send(GraphRequest("DELETE", f"/subscriptions/{quote(subscription_id)}"))).fault


def _confirmed(answer: GraphResponse) -> Subscription | Fault:
    if answer.fault is not None:
        return answer.fault
    try:
        return Subscription(str(answer.body["id"]), datetime.fromisoformat(str(answer.body["expirationDateTime"])))
    except (KeyError, ValueError):
        return INCOMPLETE


def _graph_time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
