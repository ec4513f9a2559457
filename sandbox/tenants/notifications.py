"""Change notifications: who is told of which change, when, in what form, and again if it fails.

The hub turns journal entries into deliveries that lie ready at a time; it never opens a connection. A
transport takes what is due, performs it and reports how it went.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.tenants.clock import precise_timestamp, timestamp
from sandbox.tenants.directory.model import Change, ChangeKind, Kind
from sandbox.tenants.subscription import Subscription, concerns

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sandbox.tenants.config import NotificationSettings
    from sandbox.tenants.wire import JsonObject

FIRST_ATTEMPT_SECONDS = 3.0
RETRY_ATTEMPT_SECONDS = 10.0
_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 20 * 60.0
_GIVE_UP_AFTER = 4 * 3600.0
# Minutes before expiry at which Graph asks for reauthorisation: halving distances, then every quarter of an hour.
_REMINDERS = (180, 90, 45, 30, 15)
_TICKS_PER_SECOND = 10_000_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST to perform; a transport reports it with the status it got, or None."""

    id: int
    url: str
    body: bytes
    attempt: int
    timeout_seconds: float
    first_attempt_at: float


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    order: int
    url: str = field(compare=False)
    subscription: str = field(compare=False)
    item: JsonObject = field(compare=False)


@dataclass(order=True, slots=True)
class _Retry:
    due: float
    order: int
    delivery: Delivery = field(compare=False)


@dataclass(order=True, slots=True)
class _Reminder:
    due: float
    order: int
    subscription: str = field(compare=False)
    renewals: int = field(compare=False)


class NotificationHub:
    """All subscriptions of the cloud and what is on its way to them.

    `consented` says whether an app may still be told about a scope of a tenant: a revoked consent ends
    delivery without a word.
    """

    def __init__(
        self,
        settings: NotificationSettings,
        now: Callable[[], float],
        stream: random.Random,
        consented: Callable[[Subscription], bool],
    ) -> None:
        self.settings = settings
        self._now = now
        self._stream = stream
        self._consented = consented
        self._subscriptions: dict[str, Subscription] = {}
        self._waiting: list[_Waiting] = []
        self._retries: list[_Retry] = []
        self._reminders: list[_Reminder] = []
        self._in_flight: dict[int, Delivery] = {}
        self._order = 0

    # --- subscriptions -------------------------------------------------------------------------

    def subscriptions(self) -> list[Subscription]:
        """What has not expired."""
        now = self._now()
        for expired in [item.id for item in self._subscriptions.values() if item.expires_at <= now]:
            del self._subscriptions[expired]
        return list(self._subscriptions.values())

    def get(self, subscription_id: str) -> Subscription | None:
        """One that has not expired."""
        found = self._subscriptions.get(subscription_id)
        return found if found is not None and found.expires_at > self._now() else None

    def add(self, subscription: Subscription) -> None:
        """Begin to notify."""
        self._subscriptions[subscription.id] = subscription
        self._remind(subscription, at_once=True)

    def renew(self, subscription: Subscription, expires_at: float | None) -> None:
        """Prolong (or only reauthorise, without a time); the reminders start again."""
        if expires_at is not None:
            subscription.expires_at = expires_at
        subscription.renewals += 1
        # Never at once: a subscriber that answers each reminder would be asked without end.
        self._remind(subscription, at_once=False)

    def remove(self, subscription_id: str) -> None:
        """Stop to notify."""
        self._subscriptions.pop(subscription_id, None)

    def _remind(self, subscription: Subscription, *, at_once: bool) -> None:
        if subscription.lifecycle_url is None:
            return
        now = self._now()
        moments = [subscription.expires_at - minutes * 60 for minutes in _REMINDERS]
        coming = [moment for moment in moments if moment > now]
        if at_once and len(coming) < len(moments):
            coming.append(now)  # made for less than three hours
        for moment in coming:
            self._order += 1
            heapq.heappush(self._reminders, _Reminder(moment, self._order, subscription.id, subscription.renewals))

    # --- changes -------------------------------------------------------------------------------

    def tell(self, change: Change) -> None:
        """Queue what subscribers will hear of a change."""
        if change.consequence and change.kind is not ChangeKind.MANAGER:
            return  # links that went with their object are not notified
        for subscription in self._subscriptions.values():
            if subscription.tenant != change.tenant or not concerns(subscription, change):
                continue
            copies = 2 if self._stream.random() < self.settings.duplicate_share else 1
            for _ in range(copies):
                if self._stream.random() < self.settings.loss_share:
                    continue
                item = self._item(subscription, change)
                self._enqueue(subscription.notification_url, subscription, item)

    def _enqueue(self, url: str, subscription: Subscription, item: JsonObject, late: float | None = None) -> None:
        delay = self.settings.lag.draw(self._stream) if late is None else late
        self._order += 1
        heapq.heappush(self._waiting, _Waiting(self._now() + delay, self._order, url, subscription.id, item))

    def _item(self, subscription: Subscription, change: Change) -> JsonObject:
        odd = self._stream.random() < self.settings.variant_share
        plural, singular = ("Users", "User") if change.object_kind is Kind.USER else ("Groups", "Group")
        path = f"{plural.lower() if odd else plural}/{change.object_id}"
        data: JsonObject = {
            "@odata.type": f"#{'microsoft.graph' if odd else 'Microsoft.Graph'}.{singular}",
            "@odata.id": path,
            "id": change.object_id,
            "organizationId": subscription.tenant_id,
        }
        match change.kind:
            case ChangeKind.MEMBER_ADDED:
                data["members@delta"] = [{"id": change.related}]
            case ChangeKind.MEMBER_REMOVED:
                data["members@delta"] = [{"id": change.related, "@removed": "deleted"}]
            case _:
                moment = precise_timestamp(change.at)
                data["eventTime"] = moment.replace("Z", "+00:00") if odd else moment
                data["sequenceNumber"] = int(change.at * _TICKS_PER_SECOND) + change.sequence
        return {
            "changeType": "deleted" if change.kind is ChangeKind.PURGE else "updated",
            "clientState": subscription.client_state,
            "resource": path,
            "resourceData": data,
            "subscriptionExpirationDateTime": timestamp(subscription.expires_at).replace("Z", "+00:00"),
            "subscriptionId": subscription.id,
            "tenantId": subscription.tenant_id,
        }

    # --- deliveries ----------------------------------------------------------------------------

    def take_due(self) -> list[Delivery]:
        """What has to be sent now, each once; it counts as pending until reported."""
        now = self._now()
        self._fire_reminders(now)
        due: list[Delivery] = []
        while self._retries and self._retries[0].due <= now:
            due.append(heapq.heappop(self._retries).delivery)
        by_url: dict[str, list[JsonObject]] = {}
        while self._waiting and self._waiting[0].due <= now:
            waiting = heapq.heappop(self._waiting)
            subscription = self.get(waiting.subscription)
            if subscription is not None and self._consented(subscription):
                by_url.setdefault(waiting.url, []).append(waiting.item)
        for url, items in by_url.items():
            self._stream.shuffle(items)  # order is not promised
            for start in range(0, len(items), self.settings.items_per_post):
                body = json.dumps({"value": items[start : start + self.settings.items_per_post]}).encode()
                self._order += 1
                due.append(Delivery(self._order, url, body, 1, FIRST_ATTEMPT_SECONDS, now))
        for delivery in due:
            self._in_flight[delivery.id] = delivery
        return due

    def report(self, delivery: Delivery, status: int | None) -> None:
        """How a delivery went: 2xx ends it, anything else brings it back later, for four hours."""
        if self._in_flight.get(delivery.id) is not delivery:
            return  # it left before a reset: nobody waits for it any more
        del self._in_flight[delivery.id]
        if status is not None and 200 <= status < 300:
            return
        pause = min(_FIRST_PAUSE * 2 ** (delivery.attempt - 1), _LONGEST_PAUSE)
        due = self._now() + pause
        if due - delivery.first_attempt_at > _GIVE_UP_AFTER:
            return
        again = Delivery(
            delivery.id,
            delivery.url,
            delivery.body,
            delivery.attempt + 1,
            RETRY_ATTEMPT_SECONDS,
            delivery.first_attempt_at,
        )
        self._order += 1
        heapq.heappush(self._retries, _Retry(due, self._order, again))

    def next_deadline(self) -> float | None:
        """When `take_due` will have something, in seconds since 1970; None if nothing waits."""
        heads: list[Any] = [queue[0] for queue in (self._waiting, self._retries, self._reminders) if queue]
        return min((head.due for head in heads), default=None)

    def pending(self) -> int:
        """How many notifications wait, are on their way or wait for another attempt."""
        return len(self._waiting) + len(self._retries) + len(self._in_flight)

    def _fire_reminders(self, now: float) -> None:
        while self._reminders and self._reminders[0].due <= now:
            reminder = heapq.heappop(self._reminders)
            subscription = self.get(reminder.subscription)
            if subscription is None or subscription.renewals != reminder.renewals:
                continue
            if subscription.lifecycle_url is None:
                continue
            item = {
                "subscriptionId": subscription.id,
                "subscriptionExpirationDateTime": timestamp(subscription.expires_at).replace("Z", "+00:00"),
                "tenantId": subscription.tenant_id,
                "clientState": subscription.client_state,
                "lifecycleEvent": "reauthorizationRequired",
            }
            self._enqueue(subscription.lifecycle_url, subscription, item, late=0.0)
