"""ingest: from a Graph notification to hints on the topic, within Graph's three seconds.

Nothing in a notification is trusted but an id, and that only after its subscription, tenant and clientState were
checked. Graph is never called here, so a forged notification can at worst cause a read. The answer is 202 once
everything was sent, also for items that were refused (Graph would only repeat them), and 5xx where sending failed
(Graph then tries again for four hours).
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
    from collections.abc import Coroutine, Mapping, Sequence

    from shared.app.parts import Parts
    from shared.core.model import SubscriptionRecord

_logger = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024
"""Bytes. Graph's own notifications stay far below."""

_ANSWER_WITHIN: Final = 2.0
"""Seconds for sending. Graph counts an answer after three as slow, and delays or drops what comes next."""

_MAX_TOKEN: Final = 4096


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
    with parts.tracing.notification(traceparent):
        return await _ingest(parts, body)


async def _ingest(parts: Parts, body: bytes) -> Reply:
    try:
        notification = json.loads(body)
    except (ValueError, RecursionError):
        _logger.warning("a notification was refused: it is not JSON")
        return Reply(400, "the body must be JSON")
    items = notification.get("value") if isinstance(notification, dict) else None
    if not isinstance(items, list):
        _logger.warning("a notification was refused: it has no list of items")
        return Reply(400, "the body must be an object with a list named value")
    try:
        user_ids, commands = await _trusted(parts, items)
        now = parts.clock.now()
        changes = [UserChange(user_id, Reason.NOTIFICATION, seen_at=now) for user_id in dict.fromkeys(user_ids)]
        envelopes = [envelope(change, not_before=now, timing=parts.settings.timing) for change in changes]
        envelopes += [
            command_envelope(Order(command), now, parts.settings.timing) for command in dict.fromkeys(commands)
        ]
        await _within(_ANSWER_WITHIN, parts.topic.send(envelopes))
    except (BusUnavailableError, StoreError, TimeoutError) as error:
        _logger.warning("a notification could not be taken and will come again: %s", type(error).__name__)
        return Reply(503, "try again")
    return Reply(202)


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
    records = await parts.store.get_subscriptions() if items else ()
    user_ids: list[str] = []
    commands: list[Command] = []
    refused: Counter[str] = Counter()
    for item in items:
        refusal = _refusal(item, records, parts.sync.source.tenant_id)
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
    for what, count in refused.items():  # a line for each of them would let anybody fill the log
        _logger.warning("of a notification, %d %s", count, what)
    return user_ids, commands


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


def _refusal(item: object, records: Sequence[SubscriptionRecord], tenant_id: str) -> str | None:
    """Why an item is not believed; None where it is. Every record is compared, in constant time each."""
    if not isinstance(item, dict):
        return "it is not an object"
    client_state = item.get("clientState")
    if not isinstance(client_state, str):
        return "it has no clientState"
    if str(item.get("tenantId", "")).lower() != tenant_id:
        return "it is of another tenant"
    presented = client_state.encode(errors="surrogatepass")  # JSON can hold what is no text
    known = False
    for record in records:
        matches = hmac.compare_digest(record.client_state.encode(), presented)
        # Graph may deliver before it has told us the id of a subscription that it is just making.
        known |= matches and record.subscription_id in (None, item.get("subscriptionId"))
    return None if known else "its clientState or subscription is not ours"


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
