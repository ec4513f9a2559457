"""ingest: from a Graph notification to hints on the topic, within Graph's three seconds.

Nothing in a notification is trusted but an id, and that only after its subscription, tenant and clientState were
checked. Graph is never called here, and the store not for each request (`webhook`), so a flood of forged notifications
costs its parsing. The answer is 202 once everything was sent, also for items that were refused (Graph would only repeat
them), and 5xx where sending failed (Graph then tries again for four hours).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.bus.errors import BusUnavailableError
from shared.core.commands import Command, Order, command_envelope
from shared.core.messages import MalformedMessageError, Reason, UserChange, envelope, object_id
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.app.parts import Parts
    from shared.core.model import SubscriptionRecord

_logger = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024
"""Bytes. Graph's own notifications stay far below."""

_MAX_ITEMS: Final = 5_000
"""Graph's own have more than two hundred bytes each, so a body of theirs never holds as many."""

_ANSWER_WITHIN: Final = 2.0
"""Seconds for sending. Graph counts an answer after three as slow, and delays or drops what comes next."""

_MAX_TOKEN: Final = 4096

_NOT_OURS: Final = "its clientState or subscription is not ours"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, without the Functions types."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


def handshake(validation_token: str) -> Reply:
    """Answer Graph's validation of the address: the token, as plain text and nothing else."""
    if len(validation_token) > _MAX_TOKEN:
        return Reply(400, "validationToken is too long")
    return Reply(200, validation_token)


def check_size(length: int) -> Reply | None:
    """Refuse a body before it is parsed."""
    return Reply(413, f"a notification may have {MAX_BODY} bytes") if length > MAX_BODY else None


async def ingest(parts: Parts, body: bytes, traceparent: str | None = None) -> Reply:
    """Send a hint for every user that a notification names; `traceparent` is the host's, of this invocation."""
    try:
        notification = json.loads(body)
    except (ValueError, RecursionError):
        return _refuse(parts, "the body must be JSON")
    items = notification.get("value") if isinstance(notification, dict) else None
    if not isinstance(items, list):
        return _refuse(parts, "the body must be an object with a list named value")
    if len(items) > _MAX_ITEMS:
        return _refuse(parts, f"a notification may have {_MAX_ITEMS} items")
    try:
        user_ids, commands = await _trusted(parts, items)
        if user_ids or commands:  # others leave no trace: anybody could fill the log with theirs
            with parts.tracing.notification(traceparent):
                await _send(parts, user_ids, commands)
    except (BusUnavailableError, StoreError, TimeoutError) as error:
        _tell(parts, f"could not be taken and will come again: {type(error).__name__}")
        return Reply(503, "try again")
    return Reply(202)


def _refuse(parts: Parts, why: str) -> Reply:
    _tell(parts, f"refused: {why}")
    return Reply(400, why)


def _tell(parts: Parts, what: str, count: int = 1) -> None:
    """Log it with a count, unless that was done a moment ago: a line for each would let anybody fill the log."""
    if told := parts.webhook.refused(what, count):
        _logger.warning("of notifications, %d %s", told, what)


async def _send(parts: Parts, user_ids: Sequence[str], commands: Sequence[Command]) -> None:
    now = parts.clock.now()
    timing = parts.settings.timing
    changes = [UserChange(user_id, Reason.NOTIFICATION, seen_at=now) for user_id in dict.fromkeys(user_ids)]
    envelopes = [envelope(change, not_before=now, timing=timing) for change in changes]
    envelopes += [command_envelope(Order(command), now, timing) for command in dict.fromkeys(commands)]
    await _within(_ANSWER_WITHIN, parts.topic.send(envelopes))


async def _within(seconds: float, sending: Coroutine[Any, Any, None]) -> None:
    """Wait so long and no longer. The send itself goes on: one that succeeds late does no harm."""
    task = asyncio.create_task(sending)
    done, _ = await asyncio.wait((task,), timeout=seconds)
    if not done:
        task.add_done_callback(lambda late: late.cancelled() or late.exception())  # seen, so that nobody is warned
        raise TimeoutError
    await task


async def _trusted(parts: Parts, items: Sequence[object]) -> tuple[list[str], list[Command]]:
    """The users that believable items name, and what their lifecycle events ask for."""
    user_ids: list[str] = []
    commands: list[Command] = []
    refused: Counter[str] = Counter()
    for item, refusal in zip(items, await _refusals(parts, items), strict=True):
        if refusal is not None or not isinstance(item, dict):
            refused[f"items refused: {refusal}"] += 1
        elif "lifecycleEvent" in item:
            commands += _answers(item["lifecycleEvent"])
        else:
            for candidate in _named(item):
                try:
                    user_ids.append(object_id(candidate))
                except MalformedMessageError:
                    refused["ids refused: no object ids"] += 1
    for what, count in refused.items():
        _tell(parts, what, count)
    return user_ids, commands


async def _refusals(parts: Parts, items: Sequence[object]) -> list[str | None]:
    """Why each item is not believed, by what is remembered of our subscriptions, or what the store says newer."""
    tenant_id, now = parts.sync.source.tenant_id, parts.clock.now()
    odd = [_is_odd(item, tenant_id) for item in items]
    if all(odd):
        return odd
    records = await parts.webhook.subscriptions()
    refusals = [_refusal(item, records, tenant_id, now) for item in items]
    if _NOT_OURS in refusals:
        newer = await parts.webhook.subscriptions(unknown=True)
        if newer is not records:
            refusals = [_refusal(item, newer, tenant_id, now) for item in items]
    return refusals


def _answers(event: object) -> list[Command]:
    """What a lifecycle event needs at once. Renewing also makes a subscription anew that was removed."""
    _logger.info("lifecycle event for a subscription: %.40s", event)
    match event:
        case "reauthorizationRequired":
            return [Command.RENEW_SUBSCRIPTIONS]
        case "subscriptionRemoved":
            return [Command.RENEW_SUBSCRIPTIONS, Command.CATCH_UP]
        case _:  # missed, and whatever else may come to mean that something was
            return [Command.CATCH_UP]


def _is_odd(item: object, tenant_id: str) -> str | None:
    """Why an item cannot be Graph's, whatever our subscriptions are; None where it can."""
    if not isinstance(item, dict):
        return "it is not an object"
    if not isinstance(item.get("clientState"), str):
        return "it has no clientState"
    return "it is of another tenant" if str(item.get("tenantId", "")).lower() != tenant_id else None


def _refusal(item: Any, records: Sequence[SubscriptionRecord], tenant_id: str, now: datetime) -> str | None:
    """Why an item is not believed; None where it is. Every clientState is compared, in constant time each."""
    odd = _is_odd(item, tenant_id)
    if odd is not None:
        return odd
    presented = item["clientState"].encode(errors="surrogatepass")  # JSON can hold what is no text
    known = False
    for record in records:
        for client_state, subscription_id in _believed(record, now):
            matches = hmac.compare_digest(client_state.encode(), presented)
            # Graph may deliver before it has told us the id of a subscription that it is just making.
            known |= matches and subscription_id in (None, item.get("subscriptionId"))
    return None if known else _NOT_OURS


def _believed(record: SubscriptionRecord, now: datetime) -> Iterator[tuple[str, str | None]]:
    """Each clientState that counts now, with its subscription's id where that is known."""
    yield record.client_state, record.subscription_id
    if record.successor is not None:
        yield record.successor, None
    for state in record.retired:
        if state.until is None or now < state.until:
            yield state.client_state, state.subscription_id


def _named(item: Mapping[str, Any]) -> list[Any]:
    """Ids of those whom an item is about, as it has them: one for a user, the members that a group gained or lost."""
    data = item.get("resourceData")
    data = data if isinstance(data, dict) else {}
    kind = str(data.get("@odata.type", "")).lower()
    if kind == "#microsoft.graph.user":
        return [data.get("id")]
    if kind == "#microsoft.graph.group":
        members = data.get("members@delta")
        if isinstance(members, list):
            return [member.get("id") for member in members if isinstance(member, dict)]
    return []
