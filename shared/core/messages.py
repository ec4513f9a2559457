"""User changes: what travels on the topic, and when.

A message is a hint to look at one user. It carries ids and reasons, never an attribute, so that the
bus holds no personal data. This module turns hints into messages and back; it sends nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

_Word = TypeVar("_Word", bound=StrEnum)

VERSION: Final = 1
_LONGEST_ID: Final = 64  # characters
POISON: Final = "poison"
"""The `target` that no target may be called: messages that could not be understood are parked there."""

CONTROL: Final = "control"
"""Another one: commands to the app itself, such as to begin a full cycle at once."""


class Kind(StrEnum):
    """What a message asks for. Kinds never swallow one another in duplicate detection."""

    HINT = "hint"  # something may have changed: look at the source
    CHECK = "check"  # look at the target as well, whatever the link says
    RETRY = "retry"  # an earlier attempt at a hint did not finish
    RECHECK = "recheck"  # an earlier attempt at a check did not finish


CHECKS: Final = frozenset({Kind.CHECK, Kind.RECHECK})
RETRIES: Final = frozenset({Kind.RETRY, Kind.RECHECK})


class Reason(StrEnum):
    """Why a message was sent."""

    NOTIFICATION = "notification"
    SECOND_LOOK = "secondLook"
    REFERENCE = "reference"
    CONTENTION = "contention"
    UNFINISHED = "unfinished"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    QUARANTINED = "quarantined"
    ESCROW = "escrow"
    RELEASED = "released"
    GRACE_OVER = "graceOver"
    CATCH_UP = "catchUp"
    FULL_CYCLE = "fullCycle"
    ON_DEMAND = "onDemand"


@dataclass(frozen=True, slots=True)
class UserChange:
    """Look at source user `user_id` (for `target`, or for every target when it is None)."""

    user_id: str
    reason: Reason
    kind: Kind = Kind.HINT
    attempt: int = 0
    target: str | None = None
    seen_at: datetime | None = None  # when the change was first heard of; latency is counted from here
    cycle_id: str | None = None  # the full cycle or catch-up that asked for the look


@dataclass(frozen=True, slots=True)
class Envelope:
    """A user change with everything the bus has to know."""

    message_id: str
    body: str  # JSON text
    due: datetime
    target: str | None


class MalformedMessageError(ValueError):
    """A message on the topic that is not a user change; the text says what is wrong, without its content."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How hints are gathered: repeats in one window collapse, and work starts `settle` after it closed.

    Because the work starts after the window, no change that a collapsed hint stood for can be lost;
    the settle delay gives the source's replicas time to agree.
    """

    window: timedelta = timedelta(seconds=5)
    settle: timedelta = timedelta(seconds=5)
    second_look: timedelta = timedelta(seconds=60)
    lock: timedelta = timedelta(minutes=5)
    """Of a message, as the subscriptions are set up: work on a batch has to end well within, and a worker's claim
    that is older belongs to one that is no more."""


def envelope(change: UserChange, *, not_before: datetime, timing: Timing) -> Envelope:
    """Address one user change that should be worked on no earlier than `not_before` (UTC).

    Hints and checks are due when the window of `not_before` has closed and settled. Retries carry a
    time that somebody chose (a Retry-After, a back-off) and are due at that very time. They are told apart by it: one
    that is put off by a moment falls into the window it came from, and must not be taken for its own repetition.
    """
    seconds = timing.window.total_seconds()
    window = math.floor(not_before.timestamp() / seconds)
    slot = str(window)
    if change.kind in RETRIES:
        due = not_before
        slot = f"{not_before.timestamp():.3f}"
    else:
        due = datetime.fromtimestamp((window + 1) * seconds, UTC) + timing.settle
    parts = (
        change.kind,
        change.reason,
        change.user_id,
        change.target or "*",
        str(change.attempt),
        slot,
    )
    return Envelope(":".join(parts), encode(change), due, change.target)


def matured(change: UserChange, now: datetime, timing: Timing) -> UserChange:
    """A hint that waited for as long as a second look would is that second look.

    The source's replicas have agreed meanwhile, so nothing is to be gained by one more: after an outage that is half
    of the work. The window is added because a hint stands for all that came within it.
    """
    if change.kind is not Kind.HINT or change.reason is not Reason.NOTIFICATION or change.seen_at is None:
        return change
    waited = now - change.seen_at >= timing.window + timing.second_look
    return replace(change, reason=Reason.SECOND_LOOK) if waited else change


def retried(change: UserChange, reason: Reason, attempt: int) -> UserChange:
    """The change that asks for another attempt. Whoever was to be looked at in the target still is."""
    return replace(change, kind=Kind.RECHECK if change.kind in CHECKS else Kind.RETRY, reason=reason, attempt=attempt)


def encode(change: UserChange) -> str:
    """Write a user change as JSON text."""
    body: dict[str, object] = {
        "v": VERSION,
        "userId": change.user_id,
        "kind": change.kind,
        "reason": change.reason,
    }
    if change.attempt:
        body["attempt"] = change.attempt
    if change.target is not None:
        body["target"] = change.target
    if change.seen_at is not None:
        body["seenAt"] = change.seen_at.isoformat()
    if change.cycle_id is not None:
        body["cycleId"] = change.cycle_id
    return json.dumps(body, separators=(",", ":"))


def _one_of(words: type[_Word], raw: Mapping[str, object], name: str, default: str | None) -> _Word:
    """A field that holds one of some words; what else it holds is not repeated."""
    try:
        return words(str(raw.get(name, default)))
    except ValueError:
        raise MalformedMessageError(f"{name} must be one of {', '.join(words)}") from None


def decode(body: bytes) -> UserChange:
    """Read a user change.

    Raises:
        MalformedMessageError: naming the field and what it should be.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError("the body is not JSON") from error
    if not isinstance(raw, dict):
        raise MalformedMessageError("the body is not a JSON object")
    if raw.get("v") != VERSION:
        raise MalformedMessageError(f"v must be {VERSION}")
    attempt = raw.get("attempt", 0)
    if not isinstance(attempt, int) or isinstance(attempt, bool) or attempt < 0:
        raise MalformedMessageError("attempt must be a whole number, 0 or more")
    target = raw.get("target")
    if target is not None and not isinstance(target, str):
        raise MalformedMessageError("target must be text")
    kind, reason = _one_of(Kind, raw, "kind", Kind.HINT), _one_of(Reason, raw, "reason", None)
    return UserChange(
        user_id=object_id(raw.get("userId")),
        reason=reason,
        kind=kind,
        attempt=attempt,
        target=target,
        seen_at=_time(raw.get("seenAt")),
        cycle_id=_short_text("cycleId", raw.get("cycleId")),
    )


def object_id(value: object) -> str:
    """Read a directory object id in its canonical form: lower case, with dashes.

    Raises:
        MalformedMessageError: when it is not a GUID. Ids go into URLs, so nothing else may pass.
    """
    if isinstance(value, str) and len(value) == len("00000000-0000-0000-0000-000000000000"):
        try:
            return str(UUID(value))
        except ValueError:
            pass
    raise MalformedMessageError("userId must be an object id (a GUID)")


def _short_text(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= _LONGEST_ID):
        return value
    raise MalformedMessageError(f"{name} must be a text of at most {_LONGEST_ID} characters")


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise MalformedMessageError("seenAt must be an ISO 8601 time with an offset")
    return time
