"""keep_subscriptions: the two subscriptions of the source tenant, made, checked, and renewed at half of their life.

The record with its clientState is stored before Graph is asked, because Graph validates the address, and may
deliver, before it answers. A subscription that had to be made anew leaves a gap behind it, which catch-up closes; one
whose clientState has grown old gives way to another without a gap (`rotation`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.app.commands import command
from shared.app.operations import tell
from shared.app.rotation import is_due, is_rid_of_the_last, new_client_state, retire, rotate, store
from shared.app.webhook import HEARD_WITHIN
from shared.core.commands import Command
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import SubscriptionRecord
from shared.core.operation_event import OperationEvent, OperationKind, OperationReason, Severity
from shared.graph.pages import ListFailedError

if TYPE_CHECKING:
    from shared.app.parts import Parts
    from shared.graph.subscriptions import Subscription

_logger = logging.getLogger(__name__)

RESOURCES: Final = ("/users", "/groups")
_LIFE: Final = timedelta(minutes=40_000)  # just under Graph's 41,760
_RENEW_BELOW: Final = _LIFE / 2


async def keep_subscriptions(parts: Parts, *, renew: bool = False, rotate: bool = False) -> None:
    """Make sure that both subscriptions exist, deliver to this app's address, and have half of their life left.

    `renew` extends them in any case, which is what answers a reauthorizationRequired; `rotate` gives them a new
    clientState in any case, which is done by itself when theirs has grown old.

    Raises:
        BusUnavailableError: a subscription was made anew, and catch-up could not be asked for.
        StoreError: the records could not be had; nothing was done.
    """
    with parts.tracing.work("keep subscriptions"):
        records = {record.resource: record for record in await parts.store.get_subscriptions()}
        made = [
            resource
            for resource in RESOURCES
            if await _keep(parts, resource, records.get(resource), renew=renew, anew=rotate)
        ]
        if made:
            await command(parts, Command.CATCH_UP)


async def _keep(parts: Parts, resource: str, record: SubscriptionRecord | None, *, renew: bool, anew: bool) -> bool:
    """Look after one subscription; says whether it was made anew."""
    if record is None or record.subscription_id is None:
        return await _create(parts, resource, record)
    if record.notification_url != parts.settings.notification_url:
        await parts.subscriptions.delete(record.subscription_id)  # its address was given up by a redeployment
        return await _create(parts, resource, _without_id(record))
    alive = record.expires_at is not None and record.expires_at - parts.clock.now() > _RENEW_BELOW
    if alive and not renew:
        answer = await parts.subscriptions.check(record.subscription_id)
    else:
        answer = await parts.subscriptions.renew(record.subscription_id, parts.clock.now() + _LIFE)
    if not isinstance(answer, Fault):
        kept = await _remember(parts, record, answer)
        return kept is not None and await _change(parts, kept, anew=anew)
    if answer.size is FaultSize.GONE:
        return await _create(parts, resource, _without_id(record))
    await _failed(parts, resource, answer)
    return False


async def _change(parts: Parts, record: SubscriptionRecord, *, anew: bool) -> bool:
    """Let a subscription that lives give way to another where that is due; says whether it did."""
    freed = await retire(parts, record)
    if freed is None or not is_rid_of_the_last(freed) or not (anew or is_due(freed, parts.clock.now())):
        return False
    changed = await rotate(parts, freed, parts.clock.now() + _LIFE)
    if isinstance(changed, Fault):
        await _failed(parts, record.resource, changed)
        return False
    if changed is None:
        return False
    await retire(parts, changed)
    await _made(parts, f"The subscription to {record.resource} was replaced by one with a new clientState.")
    return True


async def _create(parts: Parts, resource: str, record: SubscriptionRecord | None) -> bool:
    """Make a subscription. One that an interrupted attempt of ours made is taken over, with its clientState."""
    ours = record is not None and _is_unfinished(parts, record)
    fresh = await store(
        parts,
        SubscriptionRecord(
            resource=resource,
            client_state=new_client_state(),
            notification_url=parts.settings.notification_url,
        )
        if record is None
        else replace(
            record,
            client_state=record.client_state if ours else new_client_state(),
            notification_url=parts.settings.notification_url,
            expires_at=None,
            made_at=None,
            successor=None,
        ),
    )
    if fresh is None:
        return False
    await parts.clock.sleep(HEARD_WITHIN.total_seconds())
    answer = await _ask(parts, fresh)
    if isinstance(answer, Fault) and answer.size is FaultSize.CONFLICT:
        answer = await _take_over(parts, fresh, ours=ours)
    if isinstance(answer, Fault):
        await _failed(parts, resource, answer)
        return False
    if await _remember(parts, replace(fresh, made_at=parts.clock.now()), answer) is None:
        return False
    await _made(parts, f"The subscription to {resource} was made.")
    return True


def _is_unfinished(parts: Parts, record: SubscriptionRecord) -> bool:
    return record.subscription_id is None and record.notification_url == parts.settings.notification_url


async def _ask(parts: Parts, record: SubscriptionRecord) -> Subscription | Fault:
    return await parts.subscriptions.create(
        record.resource,
        record.change_types,
        url=record.notification_url,
        client_state=record.client_state,
        expires_at=parts.clock.now() + _LIFE,
    )


async def _take_over(parts: Parts, record: SubscriptionRecord, *, ours: bool) -> Subscription | Fault:
    """There is one already. With the clientState that we stored it is ours to go on with; another's is of no use."""
    try:
        found = await parts.subscriptions.find(record.resource)
    except ListFailedError as error:
        return error.fault
    if ours and len(found) == 1:
        return found[0]
    for subscription in found:
        await parts.subscriptions.delete(subscription.subscription_id)
    return await _ask(parts, record)


def _without_id(record: SubscriptionRecord) -> SubscriptionRecord:
    """A record whose subscription is gone; its clientState is given up with it."""
    return replace(record, subscription_id=None, notification_url="")


async def _remember(parts: Parts, record: SubscriptionRecord, subscription: Subscription) -> SubscriptionRecord | None:
    """Store what Graph confirmed; None where another worker stored something first."""
    after = replace(record, subscription_id=subscription.subscription_id, expires_at=subscription.expires_at)
    if after == record:
        return record
    _logger.info("subscription to %s lives until %s", record.resource, subscription.expires_at.isoformat())
    return await store(parts, after)


async def _made(parts: Parts, description: str) -> None:
    await tell(parts, [_event(parts, Severity.INFORMATION, OperationReason.SUBSCRIPTION_MADE, description)])


async def _failed(parts: Parts, resource: str, fault: Fault) -> None:
    _logger.warning("subscription to %s: %s", resource, fault.code)
    description = (
        f"The subscription to {resource} could not be looked after ({fault.code}). Catch-up goes on every few minutes,"
        " so changes arrive later, and none is lost."
    )
    await tell(parts, [_event(parts, Severity.WARNING, fault.code, description)])


def _event(parts: Parts, severity: Severity, reason: str, description: str) -> OperationEvent:
    return OperationEvent(
        OperationKind.SUBSCRIPTION_CHANGED,
        parts.clock.now(),
        severity=severity,
        reason_code=reason,
        description=description,
    )
