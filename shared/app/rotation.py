"""How a subscription gives way to another with a new clientState, while every notification of both is believed.

Graph changes the clientState of no subscription, so a second one is made before the first is deleted. Of one resource
and the same change types an app may have only one; so the two ask for other words that mean the same: a new user or
group is told as `updated` whether `created` was asked for or not. Each step is stored before the next, and a run that
finds what an interrupted one left goes on from there:

    stored                            at Graph         the next run
    successor                         the old one      makes the new one
    successor                         both             is refused a third, and takes the new one over
    new state, the old one retired    both             deletes the old one
    the old one retired, with a time  the new one      forgets the old state when its time is over
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.app.webhook import HEARD_WITHIN
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import RetiredState, SubscriptionRecord
from shared.graph.pages import ListFailedError
from shared.store.protocol import Written

if TYPE_CHECKING:
    from datetime import datetime

    from shared.app.parts import Parts
    from shared.graph.subscriptions import Subscription

_logger = logging.getLogger(__name__)

ROTATE_AFTER: Final = timedelta(days=30)

BELIEVED_FOR: Final = timedelta(hours=5)
"""After Graph deleted a subscription. It tries to deliver for four hours, and may be late to begin with."""

_CHANGE_TYPES: Final = ("updated,deleted", "created,updated,deleted")


def new_client_state() -> str:
    """64 characters; Graph takes 128."""
    return secrets.token_urlsafe(48)


def is_due(record: SubscriptionRecord, now: datetime) -> bool:
    """Whether its clientState is old, of unknown age, or on its way out already."""
    return record.successor is not None or record.made_at is None or now - record.made_at >= ROTATE_AFTER


async def rotate(parts: Parts, record: SubscriptionRecord, expires_at: datetime) -> SubscriptionRecord | Fault | None:
    """Make the successor of a subscription that lives. None: another worker was at the record."""
    resumed = record.successor is not None
    if not resumed:
        stored = await store(parts, replace(record, successor=new_client_state()))
        if stored is None:
            return None
        record = stored
    await parts.clock.sleep(HEARD_WITHIN.total_seconds())
    answer = await _ask(parts, record, expires_at)
    if isinstance(answer, Fault) and answer.size is FaultSize.CONFLICT:
        answer = await _make_room(parts, record, expires_at, resumed=resumed)
    if isinstance(answer, Fault):
        return answer
    assert record.successor is not None  # noqa: S101 - for the type checker
    assert record.subscription_id is not None  # noqa: S101 - for the type checker
    return await store(
        parts,
        replace(
            record,
            client_state=record.successor,
            subscription_id=answer.subscription_id,
            expires_at=answer.expires_at,
            notification_url=parts.settings.notification_url,
            change_types=_others(record),
            made_at=parts.clock.now(),
            successor=None,
            retired=(*record.retired, RetiredState(record.client_state, record.subscription_id)),
        ),
    )


async def retire(parts: Parts, record: SubscriptionRecord) -> SubscriptionRecord | None:
    """Delete what has been replaced, and forget what can no longer arrive. None: another worker was at the record."""
    now = parts.clock.now()
    kept = []
    for state in record.retired:
        if state.until is None:
            fault = await parts.subscriptions.delete(state.subscription_id)
            if fault is None or fault.size is FaultSize.GONE:
                kept.append(replace(state, until=now + BELIEVED_FOR))
            else:
                _logger.warning("a replaced subscription to %s stays for now: %s", record.resource, fault.code)
                kept.append(state)
        elif now < state.until:
            kept.append(state)
    after = replace(record, retired=tuple(kept))
    return record if after == record else await store(parts, after)


def is_rid_of_the_last(record: SubscriptionRecord) -> bool:
    """Whether Graph has deleted all that was replaced, so that there is room for another."""
    return all(state.until is not None for state in record.retired)


async def store(parts: Parts, record: SubscriptionRecord) -> SubscriptionRecord | None:
    """Store a record; None where another worker stored it first."""
    written = await parts.store.put_subscription(record)
    if not isinstance(written, Written):
        _logger.info("another worker is at the subscription to %s", record.resource)
        return None
    return replace(record, etag=written.etag)


def _others(record: SubscriptionRecord) -> str:
    return next(types for types in _CHANGE_TYPES if types != record.change_types)


async def _ask(parts: Parts, record: SubscriptionRecord, expires_at: datetime) -> Subscription | Fault:
    return await parts.subscriptions.create(
        record.resource,
        _others(record),
        url=parts.settings.notification_url,
        client_state=record.successor or "",
        expires_at=expires_at,
    )


async def _make_room(
    parts: Parts, record: SubscriptionRecord, expires_at: datetime, *, resumed: bool
) -> Subscription | Fault:
    """Graph has one with these change types. That is the successor, where an interrupted run may have made it.

    If nothing but the old one is there, Graph does not let the two be side by side: then it has to go first, and the
    catch-up that follows finds what happened in between.
    """
    try:
        found = await parts.subscriptions.find(record.resource)
    except ListFailedError as error:
        return error.fault
    others = [each for each in found if each.subscription_id != record.subscription_id]
    if resumed and len(others) == 1:
        return others[0]
    for subscription in others or found:
        await parts.subscriptions.delete(subscription.subscription_id)
    return await _ask(parts, record, expires_at)
