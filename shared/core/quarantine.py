"""What a target as a whole refuses: the pause of throttling, and the quarantine of a kind of action.

    open ──fault of tenant size──▶ quarantined ──probe succeeds──▶ open
                                    ▲        │ probe is due: one plan goes through
                                    └────────┘ probe fails: the next one comes later

Only the probe's own success opens a kind again. Another worker's writes may have been under way since before the
fault, and prove nothing. Nothing is stored here, no clock is read, and no removal is counted.

Some faults look like one user's and are the tenant's where everybody has them: a permission that was withdrawn is told
for each user apart. So several users in a row who are refused for it, with no success between, count as one fault of
tenant size. Whoever holds a role is rightly refused, so then the probe is somebody who was not refused before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, Final

from shared.core.decide import DRIFTED, Action, Plan
from shared.core.fault_sizes import Fault, FaultSize, back_off
from shared.core.guard import UnreadableRowError, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_VERSION: Final = 1

_PROBE_LEASE: Final = timedelta(minutes=10)
"""A probe that was not heard of for so long died with its worker: twice a message's lock."""

_CROWD: Final = 5
"""Users in a row with one fault that make it the tenant's: fewer may be chance, and more would be noise."""

_PERHAPS_THE_TENANTS: Final = frozenset({"InsufficientRights"})
"""Codes of faults of one user that everybody gets once a permission is withdrawn."""

_MOST_REFUSED: Final = 20  # users who are remembered as refused

_PROBE_POLL: Final = timedelta(minutes=1)
"""How soon to look again while a probe is under way, or after one that showed nothing."""


class ActionKind(StrEnum):
    """Kinds of action that a target can refuse separately."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


class Gate(Enum):
    """Whether a kind of action may be written."""

    OPEN = auto()
    PROBE_DUE = auto()  # one plan may
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One kind of action that a target refuses."""

    code: str  # of the fault
    since: datetime
    probe_at: datetime
    failed_probes: int = 0
    probe_user: str | None = None  # source id of the probe under way
    probe_ends_at: datetime | None = None  # after this it counts as lost
    refused: tuple[str, ...] = ()  # users who were refused each for themselves: poor probes


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What is known of one target, by all of its workers together."""

    paused_until: datetime | None = None
    quarantines: Mapping[ActionKind, Quarantine] = field(default_factory=dict)
    refused: Mapping[ActionKind, tuple[str, ...]] = field(default_factory=dict)  # users in a row, of an open kind
    throttled: timedelta = timedelta()  # all pauses so far, together


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one user's attempt showed of the target; `kinds` are those that it speaks for."""

    user_id: str
    kinds: frozenset[ActionKind]
    fault: Fault | None


def kind_of(plan: Plan) -> ActionKind | None:
    """The kind of action of a plan; None where it writes nothing.

    A block that follows the source user's own is an update. One because of leaving the scope is a removal. A create
    whose user was invited before has only attributes left to write.
    """
    match plan.action:
        case Action.CREATE:
            return ActionKind.CREATE if plan.target_id is None else ActionKind.UPDATE
        case Action.DISABLE:
            return ActionKind.UPDATE if plan.reason in {"changed", DRIFTED} else ActionKind.REMOVE
        case Action.SOFT_DELETE:
            return ActionKind.REMOVE
        case Action.ADOPT | Action.UPDATE | Action.ENABLE | Action.RESTORE:
            return ActionKind.UPDATE
        case Action.NOTHING | Action.HOLD | Action.RETRY:
            return None


def pause_left(health: TargetHealth, now: datetime) -> timedelta | None:
    """How long nothing at all may be written; None where the target is not paused."""
    if health.paused_until is None or health.paused_until <= now:
        return None
    return health.paused_until - now


def gate(health: TargetHealth, kind: ActionKind, now: datetime) -> Gate:
    """Whether this kind of action may be written now."""
    quarantine = health.quarantines.get(kind)
    if quarantine is None:
        return Gate.OPEN
    return Gate.PROBE_DUE if _is_due(quarantine, now) else Gate.CLOSED


def refusal(quarantine: Quarantine, now: datetime) -> Fault:
    """The fault that stands for a write that was not even tried, with the time until the next probe."""
    wait = quarantine.probe_at - now if quarantine.probe_at > now else _PROBE_POLL
    return Fault(FaultSize.TENANT, quarantine.code, retry_after=wait)


def begin_probe(health: TargetHealth, kind: ActionKind, user_id: str, now: datetime) -> TargetHealth | None:
    """Let one user's plan through; None where another probe is under way or none is due. To be stored before it goes.

    A kind that was opened meanwhile needs no probe, and the health comes back as it was.
    """
    quarantine = health.quarantines.get(kind)
    if quarantine is None:
        return health
    if not _is_due(quarantine, now):
        return None
    begun = replace(quarantine, probe_user=user_id, probe_ends_at=now + _PROBE_LEASE)
    return replace(health, quarantines={**health.quarantines, kind: begun})


def best_probe(quarantine: Quarantine, user_ids: Sequence[str]) -> str:
    """Whom of these users to send: one who was not refused before, if there is one."""
    return next((user_id for user_id in user_ids if user_id not in quarantine.refused), user_ids[0])


def learn(health: TargetHealth, lessons: Iterable[Lesson], now: datetime) -> TargetHealth:
    """The health after what some attempts showed."""
    quarantines, refused = dict(health.quarantines), dict(health.refused)
    before = until = health.paused_until if pause_left(health, now) else None
    for lesson in lessons:
        if lesson.fault is not None and lesson.fault.size is FaultSize.THROTTLED:
            ends_at = now + back_off(lesson.fault, 1)
            until = ends_at if until is None else max(until, ends_at)
        for kind in lesson.kinds:
            row = _in_a_row(refused.pop(kind, ()), lesson)
            quarantine = _taught(quarantines.pop(kind, None), lesson, now, row)
            if quarantine is not None:
                quarantines[kind] = quarantine
            elif row:
                refused[kind] = row
    longer = until - (before or now) if until is not None else timedelta()
    return TargetHealth(until, quarantines, refused, health.throttled + longer)


def encode_health(health: TargetHealth) -> str:
    """Write a target's health down as JSON text."""
    return json.dumps(
        {
            "v": _VERSION,
            "pausedUntil": _text(health.paused_until),
            "quarantines": {
                kind: {
                    "code": quarantine.code,
                    "since": _text(quarantine.since),
                    "probeAt": _text(quarantine.probe_at),
                    "failedProbes": quarantine.failed_probes,
                    "probeUser": quarantine.probe_user,
                    "probeEndsAt": _text(quarantine.probe_ends_at),
                    "refused": quarantine.refused,
                }
                for kind, quarantine in sorted(health.quarantines.items())
            },
            "refused": dict(sorted(health.refused.items())),
            "throttledSeconds": health.throttled.total_seconds(),
        },
        separators=(",", ":"),
    )


def decode_health(text: str) -> TargetHealth:
    """Read what `encode_health` wrote.

    Raises:
        UnreadableRowError: it is something else, or a later version's.
    """
    raw = read_object(text, _VERSION)
    try:
        return TargetHealth(
            paused_until=_time(raw["pausedUntil"]),
            quarantines={ActionKind(kind): _quarantine(item) for kind, item in raw["quarantines"].items()},
            refused={ActionKind(kind): _users(item) for kind, item in raw.get("refused", {}).items()},
            throttled=timedelta(seconds=float(raw.get("throttledSeconds", 0.0))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableRowError(f"a field is missing or wrong: {type(error).__name__}") from error


def _is_due(quarantine: Quarantine, now: datetime) -> bool:
    lost = quarantine.probe_ends_at is None or quarantine.probe_ends_at <= now
    return quarantine.probe_at <= now and lost


def _in_a_row(refused: tuple[str, ...], lesson: Lesson) -> tuple[str, ...]:
    """The users who were refused one after the other, after one more lesson."""
    if lesson.fault is None:
        return ()
    if lesson.fault.size is not FaultSize.USER or lesson.fault.code not in _PERHAPS_THE_TENANTS:
        return refused
    others = tuple(user_id for user_id in refused if user_id != lesson.user_id)
    return (*others, lesson.user_id)[-_MOST_REFUSED:]


def _taught(quarantine: Quarantine | None, lesson: Lesson, now: datetime, row: tuple[str, ...]) -> Quarantine | None:
    """What one lesson makes of one kind. `row` are the users who were refused one after the other."""
    fault = lesson.fault
    if quarantine is None:
        crowd = row if len(row) >= _CROWD else ()
        if fault is None or not (fault.size is FaultSize.TENANT or crowd):
            return None
        return Quarantine(fault.code, since=now, probe_at=now + back_off(fault, 1), refused=crowd)
    is_probe = quarantine.probe_user == lesson.user_id
    if fault is None:
        return None if is_probe else quarantine
    the_same = bool(quarantine.refused) and fault.code == quarantine.code
    if (fault.size is FaultSize.TENANT or the_same) and (is_probe or _is_due(quarantine, now)):
        failed = quarantine.failed_probes + 1
        refused = (*quarantine.refused, *row)[-_MOST_REFUSED:] if the_same else ()
        return Quarantine(fault.code, quarantine.since, now + back_off(fault, failed + 1), failed, refused=refused)
    if is_probe:  # a fault of another size says nothing of the tenant: somebody else tries soon
        wait = back_off(fault, 1) if fault.size is FaultSize.THROTTLED else _PROBE_POLL
        return replace(quarantine, probe_at=now + wait, probe_user=None, probe_ends_at=None)
    return quarantine


def _quarantine(item: Mapping[str, Any]) -> Quarantine:
    since, probe_at = _time(item["since"]), _time(item["probeAt"])
    failed, user = item["failedProbes"], item["probeUser"]
    if since is None or probe_at is None or not isinstance(item["code"], str):
        raise TypeError
    if type(failed) is not int or failed < 0 or not (user is None or isinstance(user, str)):
        raise TypeError
    refused = _users(item.get("refused", []))
    return Quarantine(item["code"], since, probe_at, failed, user, _time(item["probeEndsAt"]), refused)


def _users(item: object) -> tuple[str, ...]:
    if not isinstance(item, list) or not all(isinstance(user_id, str) for user_id in item):
        raise TypeError
    return tuple(item)


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError
    return time
