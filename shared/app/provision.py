"""provision_<target>: serve a batch of user changes in one target.

For each batch: read the messages, coalesce them, then, some users at a time, take each through claim, look,
decide, apply, commit and log (`serve`). What cannot be finished is sent again, for this target and with a time;
so an exception leaves this module only when nothing could be sent, and the host then gives the whole batch back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared.app.events import send_owed
from shared.app.giving_back import given_back
from shared.app.serve import FollowUp, serve
from shared.bus.topic import PoisonMessage
from shared.core.defects import outline
from shared.core.fault_sizes import Fault, FaultSize, back_off, lasts
from shared.core.messages import Kind, MalformedMessageError, Reason, UserChange, decode, envelope, matured, retried
from shared.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)

_AT_A_TIME: Final = 100
"""Users served side by side: enough to fill `$batch` calls, few enough to commit every few seconds."""

_SHARE_OF_LOCK: Final = 0.6
"""After this much of the message lock no more users are begun: a batch must end inside it."""

_STRENGTH: Final = {Kind.HINT: 0, Kind.RETRY: 1, Kind.RECHECK: 2, Kind.CHECK: 3}


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the host gave it."""

    message_id: str
    body: bytes
    traceparent: str | None = None  # that it carries
    enqueued_at: datetime | None = None  # when it became due


async def provision(
    parts: Parts, target_name: str, messages: Sequence[Received], traceparent: str | None = None
) -> None:
    """Serve one batch of messages for one target; `traceparent` is the host's, of this invocation.

    Raises:
        BusUnavailableError: what is left to do could not be sent; the batch has to come again.
    """
    with parts.tracing.batch(target_name, traceparent, [message.traceparent for message in messages]):
        async with given_back(parts.clock):
            await _provision(parts, target_name, messages)


async def _provision(parts: Parts, target_name: str, messages: Sequence[Received]) -> None:
    started = parts.clock.now()
    due = [message.enqueued_at for message in messages if message.enqueued_at is not None]
    # The worker's library leaves the zone off where the host does.
    parts.metrics.queued(target_name, [started - (at if at.tzinfo else at.replace(tzinfo=UTC)) for at in due])
    changes, poison = _read(target_name, messages)
    waiting = coalesce(matured(change, started, parts.settings.timing) for change in changes)
    follow_ups: list[FollowUp] = []
    for start in range(0, len(waiting), _AT_A_TIME):
        now = parts.clock.now()
        if now - started > parts.settings.timing.lock * _SHARE_OF_LOCK:
            rest = (retried(change, Reason.UNFINISHED, change.attempt) for change in waiting[start:])
            follow_ups += [FollowUp(change, now) for change in rest]
            break
        follow_ups += await _serve_or_put_off(parts, target_name, waiting[start : start + _AT_A_TIME])
    await send_follow_ups(parts, target_name, follow_ups)
    if poison:  # last, since it may take seconds, and nobody's change has to wait for it
        _logger.warning("%s: %d messages cannot be read and are dead-lettered", target_name, len(poison))
        await parts.topic.park(poison)
    try:
        await send_owed(parts, target_name)
    except StoreError as error:
        _logger.warning("%s: events stay with their links: %s", target_name, error)


async def _serve_or_put_off(parts: Parts, target_name: str, changes: Sequence[UserChange]) -> list[FollowUp]:
    """Serve users; where that fails as a whole, put them off, since raising would bring the batch back at once.

    A defect that one user brings to light costs nobody else: the users are then served one by one, and that one
    goes into escrow.
    """
    try:
        return await serve(parts, parts.targets[target_name], changes)
    except StoreError as error:
        _logger.warning("%s: %d users are put off: %s", target_name, len(changes), error)
        return [_put_off(parts, change, Fault(FaultSize.TRANSIENT, "StoreUnavailable")) for change in changes]
    except Exception as error:  # noqa: BLE001 - a defect of ours, whatever it is
        if len(changes) == 1:
            user_id, what = changes[0].user_id, outline(error)  # and no more: its text may hold values of theirs
            _logger.error("%s: user %s is put into escrow for a defect: %s", target_name, user_id, what)  # noqa: TRY400
            return [_put_off(parts, changes[0], Fault(FaultSize.USER, "InternalError"))]
    _logger.warning("%s: a batch of %d users failed as a whole; they are served one by one", target_name, len(changes))
    follow_ups: list[FollowUp] = []
    for change in changes:
        follow_ups += await _serve_or_put_off(parts, target_name, [change])
    return follow_ups


def _put_off(parts: Parts, change: UserChange, fault: Fault) -> FollowUp:
    attempt = change.attempt + 1
    again = retried(change, Reason.ESCROW if lasts(fault, attempt) else Reason.TRANSIENT, attempt)
    return FollowUp(again, parts.clock.now() + back_off(fault, attempt))


def _read(target_name: str, messages: Sequence[Received]) -> tuple[list[UserChange], list[PoisonMessage]]:
    changes: list[UserChange] = []
    poison: list[PoisonMessage] = []
    for message in messages:
        try:
            changes.append(decode(message.body))
        except MalformedMessageError as error:
            poison.append(
                PoisonMessage(target_name, message.message_id, message.body, "MalformedUserChange", str(error))
            )
    return changes, poison


def coalesce(changes: Iterable[UserChange]) -> list[UserChange]:
    """One change for each user: the strongest kind, the most attempts, the earliest sight of the change."""
    by_user: dict[str, UserChange] = {}
    for change in changes:
        other = by_user.get(change.user_id)
        by_user[change.user_id] = change if other is None else _stronger(other, change)
    return list(by_user.values())


def _stronger(one: UserChange, other: UserChange) -> UserChange:
    strongest = max(one, other, key=lambda change: _STRENGTH[change.kind])
    # A notification among them keeps its second look.
    reason = Reason.NOTIFICATION if Reason.NOTIFICATION in {one.reason, other.reason} else strongest.reason
    seen = [change.seen_at for change in (one, other) if change.seen_at is not None]
    return replace(
        strongest, reason=reason, attempt=max(one.attempt, other.attempt), seen_at=min(seen) if seen else None
    )


async def send_follow_ups(parts: Parts, target_name: str, follow_ups: Sequence[FollowUp]) -> None:
    """Ask for the users who have to be looked at again, each for this target and at their time.

    Raises:
        BusUnavailableError: some may not have been sent; sending all again is harmless.
    """
    if follow_ups:
        await parts.topic.send(
            [
                envelope(
                    replace(follow_up.change, target=target_name),
                    not_before=follow_up.not_before,
                    timing=parts.settings.timing,
                )
                for follow_up in follow_ups
            ]
        )
