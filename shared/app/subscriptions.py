"""keep_subscriptions: the two subscriptions of the source tenant, made, and renewed at half of their life.

The record with its clientState is stored before Graph is asked, because Graph validates the address, and may
deliver, before it answers.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import SubscriptionRecord
from shared.store.protocol import Written

if TYPE_CHECKING:
    from shared.app.parts import Parts
    from shared.graph.subscriptions import Subscription

_logger = logging.getLogger(__name__)

RESOURCES: Final = ("/users", "/groups")
_LIFE: Final = timedelta(minutes=40_000)  # just under Graph's 41,760
_RENEW_BELOW: Final = _LIFE / 2


async def keep_subscriptions(parts: Parts) -> None:
    """Make sure that both subscriptions exist, deliver to this app's address, and have half of their life left."""
    records = {record.resource: record for record in await parts.store.get_subscriptions()}
    for resource in RESOURCES:
        await _keep(parts, resource, records.get(resource))


async def _keep(parts: Parts, resource: str, record: SubscriptionRecord | None) -> None:
    if record is not None and record.subscription_id is not None:
        if record.notification_url != parts.settings.notification_url:
            await parts.subscriptions.delete(record.subscription_id)  # its address was given up by a redeployment
        elif record.expires_at is not None and record.expires_at - parts.clock.now() > _RENEW_BELOW:
            return
        else:
            answer = await parts.subscriptions.renew(record.subscription_id, parts.clock.now() + _LIFE)
            if not isinstance(answer, Fault):
                await _remember(parts, record, answer)
                return
            if answer.size is not FaultSize.GONE:
                _logger.warning("subscription to %s not renewed: %s", resource, answer.code)
                return
    await _create(parts, resource, record)


async def _create(parts: Parts, resource: str, record: SubscriptionRecord | None) -> None:
    fresh = SubscriptionRecord(
        resource=resource,
        client_state=secrets.token_urlsafe(48),
        notification_url=parts.settings.notification_url,
        etag=record.etag if record else None,
    )
    stored = await parts.store.put_subscription(fresh)
    if not isinstance(stored, Written):
        _logger.info("another worker is at the subscription to %s", resource)
        return
    answer = await parts.subscriptions.create(
        resource,
        url=fresh.notification_url,
        client_state=fresh.client_state,
        expires_at=parts.clock.now() + _LIFE,
    )
    if isinstance(answer, Fault):
        _logger.warning("subscription to %s not made: %s", resource, answer.code)
        return
    await _remember(parts, replace(fresh, etag=stored.etag), answer)


async def _remember(parts: Parts, record: SubscriptionRecord, subscription: Subscription) -> None:
    _logger.info("subscription to %s lives until %s", record.resource, subscription.expires_at.isoformat())
    await parts.store.put_subscription(
        replace(record, subscription_id=subscription.subscription_id, expires_at=subscription.expires_at)
    )
