"""What is said of one user in a plan: what would be done, why, and what would be other than before.

Made of a judgement, and of nothing else. Values that a mapping marks with Redact are left out here, so that no way of
showing a plan can tell them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, assert_never

from shared.app.guard import was_not_tried
from shared.core.decide import Action, Plan
from shared.core.desired import InScope
from shared.core.difference import same_value
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import LinkState
from shared.core.observed import Present
from shared.core.quarantine import ActionKind, kind_of
from shared.core.refusals import remembered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from shared.app.judgement import Judgement
    from shared.config.sync_file import Target
    from shared.core.decision_event import LogPolicy
    from shared.core.desired import Desired
    from shared.core.model import Link
    from shared.core.observed import Observed

REDACTED: Final = "(redacted)"

FORESEEN: Final = "foreseen:"
"""Begins the id of a target user who exists in the plan alone; no such id is shown."""

CONTENTION: Final = "contention"
"""Another worker is at the user, so nothing can be said."""


class Heading(StrEnum):
    """Under which a plan lists and counts a user."""

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    RESTORE = "restore"
    REMOVE = "remove"
    HOLD = "hold"
    PUT_OFF = "putOff"  # a pause, a quarantine, or another worker is in the way
    FAIL = "fail"  # the user goes into escrow
    UNKNOWN = "unknown"  # somebody could not be read, so nobody can say
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that would be written. Values are Graph's; `known` is off where the old one was not read."""

    name: str  # with a dot for a part of a complex one
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    differs: bool
    known: bool = True
    refused: bool = False  # the target refused it before


@dataclass(frozen=True, slots=True)
class ManagerChange:
    """Ids of target users; None where there is none, or none yet. `source_id` is the new manager's in the source."""

    before: str | None
    after: str | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class PlannedUser:
    """What would become of one user in one target."""

    target: str
    source_id: str
    heading: Heading
    action: Action
    reason: str
    intended: Action  # what the rules say, whatever the guards make of it
    intended_reason: str
    target_id: str | None = None
    name: str = field(default="", repr=False)
    attributes: tuple[AttributeChange, ...] = ()
    manager: ManagerChange | None = None
    waits_for: str | None = None  # source id of a manager who is not in the target yet
    objects: tuple[str, ...] = ()
    left: tuple[str, ...] = ()  # attributes that were changed in the target and stay so
    fault: Fault | None = None
    is_news: bool = True  # off for a hold, or an escrow, that stands already
    follows: bool = False  # comes of what the plan does to somebody else

    @property
    def is_change(self) -> bool:
        """Whether something would be other than it is."""
        match self.heading:
            case Heading.CREATE | Heading.ADOPT | Heading.UPDATE | Heading.RESTORE | Heading.REMOVE:
                return True
            case Heading.HOLD | Heading.FAIL:
                return self.is_news
            case Heading.PUT_OFF | Heading.UNKNOWN | Heading.NOTHING:
                return False
            case _:
                assert_never(self.heading)


def planned_users(judged: Judgement, target: Target, *, follows: bool = False) -> Iterator[PlannedUser]:
    """Everybody of a judgement, in the order in which they would be written."""
    for user_id in judged.busy:
        yield PlannedUser(
            target.name, user_id, Heading.PUT_OFF, Action.RETRY, CONTENTION, Action.RETRY, CONTENTION, follows=follows
        )
    for user_id, plan in {**judged.unseen, **judged.plans}.items():
        intended = judged.decided.get(user_id, plan)
        link, want, seen = judged.links.get(user_id), judged.desired[user_id], judged.observed.get(user_id)
        yield PlannedUser(
            target=target.name,
            source_id=user_id,
            heading=heading_of(plan),
            action=plan.action,
            reason=plan.reason,
            intended=intended.action,
            intended_reason=intended.reason,
            target_id=actual(intended.target_id or (link.target_id if link is not None else None)),
            name=_name(want, seen, target.log),
            attributes=_attributes(intended, seen, link, target.log.redacted),
            manager=_manager(intended, want, seen, link),
            waits_for=_waits_for(want),
            objects=plan.objects,
            left=plan.left,
            fault=plan.fault,
            is_news=not _stands(plan, link),
            follows=follows,
        )


def actual(target_id: str | None) -> str | None:
    """The id of a target user, unless the user exists in the plan alone."""
    return None if target_id is not None and target_id.startswith(FORESEEN) else target_id


def heading_of(plan: Plan) -> Heading:
    """Where a plan belongs."""
    match plan.action:
        case Action.CREATE:
            return Heading.CREATE
        case Action.ADOPT:
            return Heading.ADOPT
        case Action.UPDATE | Action.ENABLE:
            return Heading.UPDATE
        case Action.DISABLE:
            return Heading.REMOVE if kind_of(plan) is ActionKind.REMOVE else Heading.UPDATE
        case Action.RESTORE:
            return Heading.RESTORE
        case Action.SOFT_DELETE:
            return Heading.REMOVE
        case Action.HOLD:
            return Heading.HOLD
        case Action.NOTHING:
            return Heading.NOTHING
        case Action.RETRY if was_not_tried(plan):
            return Heading.PUT_OFF
        case Action.RETRY:
            return Heading.FAIL if plan.fault is not None and plan.fault.size is FaultSize.USER else Heading.UNKNOWN
        case _:
            assert_never(plan.action)


def _stands(plan: Plan, link: Link | None) -> bool:
    """Whether a hold or an escrow is one that the link tells of already."""
    if link is None or link.reason != plan.reason:
        return False
    return link.state is LinkState.HELD if plan.action is Action.HOLD else link.retry_at is not None


def _name(want: Desired, seen: Observed | None, policy: LogPolicy) -> str:
    """What a person is called, as far as the logs may tell it."""
    if "displayName" in policy.withheld | policy.redacted:
        return REDACTED
    names: list[Any] = []
    if want.identity is not None:
        names += [want.identity.name, want.identity.user_principal_name]
    if isinstance(seen, Present):
        names += [seen.attributes.get(name) for name in ("displayName", "userPrincipalName")]
    return next((name for name in names if isinstance(name, str) and name), "")


def _attributes(
    plan: Plan, seen: Observed | None, link: Link | None, redacted: Collection[str]
) -> tuple[AttributeChange, ...]:
    known = isinstance(seen, Present) or plan.action is Action.CREATE
    held: Mapping[str, Any] = seen.attributes if isinstance(seen, Present) else {}
    refused = remembered(link.reason if link is not None else None)
    changes = []
    for outer, value in sorted(plan.change.attributes.items()):
        for name, before, after in _parts(outer, held.get(outer), value):
            hidden = name in redacted
            changes.append(
                AttributeChange(
                    name,
                    REDACTED if hidden and before is not None else before,
                    REDACTED if hidden and after is not None else after,
                    differs=not known or not same_value(after, before),
                    known=known,
                    refused=outer in refused,
                )
            )
    return tuple(changes)


def _parts(outer: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """An attribute, or each part of a complex one, with its old and its new value."""
    if not isinstance(after, dict):
        yield outer, before, after
        return
    held = before if isinstance(before, dict) else {}
    for inner, value in sorted(after.items()):
        yield f"{outer}.{inner}", held.get(inner), value


def _manager(plan: Plan, want: Desired, seen: Observed | None, link: Link | None) -> ManagerChange | None:
    if not (plan.change.set_manager or plan.change.clear_manager):
        return None
    before = seen.manager_id if isinstance(seen, Present) else link.manager_target_id if link is not None else None
    manager = want.manager if isinstance(want, InScope) else None
    source_id = manager.source_id if manager is not None and plan.change.set_manager else None
    return ManagerChange(actual(before), actual(plan.change.set_manager), source_id)


def _waits_for(want: Desired) -> str | None:
    manager = want.manager if isinstance(want, InScope) else None
    return manager.source_id if manager is not None and manager.target_id is None else None
