"""The heart: what to do with one user in one target.

`decide(desired, observed, link, policy, now)` is a pure function of what the rules want, what the target
holds, what we remember, and what the administrator allows. Nothing else in the product chooses an action.

    desired ↓  observed →  unknown  absent       binned       present,     present,          present,
                                                              ours         unmarked          another's
    unknown                retry    retry        retry        retry        retry             retry
    frozen                 nothing  nothing      nothing      nothing      nothing           nothing
    in scope               retry    create ¹     restore ²    update ³     adopt / hold ⁴    hold
    out of scope           retry    nothing ⁷    nothing ⁷    by policy ⁶  nothing / hold ⁵  nothing
    source deleted         retry    nothing ⁷    nothing ⁷    by policy ⁶  nothing / hold ⁵  nothing

    ¹ retry while the user we just made may not be on every replica; nothing if blocked at the source; hold when
      somebody else deleted our user for good and the policy respects that
    ² hold when the deleted twin carries another installation's marker, or none and adoption is not allowed, or when
      somebody else deleted our user and the policy respects that; whoever lives and matches goes before the twin;
      create when the last attempt found the names of our user taken by somebody whom nothing else leads to
    ³ nothing when every attribute is as it should be, or is left as somebody changed it in the target; create, told
      as one, when it is the very user that an interrupted attempt of ours invited
    ⁴ adopted only when external, the only match, and the rules allow adoption; or when it is the very user
      that an interrupted attempt of ours invited, or that a person named in an import
    ⁵ hold when our link says it should be ours: somebody took the marker away, or we never came to set it
    ⁶ keep, disable or soft-delete; with grace days, disable at once and soft-delete when they are over
    ⁷ retry while a write of ours may not be on every replica, unless that write was the removal

Several matches hold an in-scope user whatever else is true, naming the objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Final, assert_never

from shared.core.desired import Desired, Frozen, InScope, Manager, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.difference import Change, difference, manager_in_doubt, whole, whole_anew
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import Link, LinkState
from shared.core.observed import Absent, Ambiguous, Binned, Marker, Observed, Present, UnknownObserved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.core.mapping_rules import Drift

CONSISTENCY_HORIZON: Final = timedelta(minutes=10)
"""How long after our own write a read of the target may still be older than that write."""

DRIFTED: Final = "drifted"
"""The reason of an update that puts back what was changed in the target; the source's own is `changed`."""

DRIFT_LEFT: Final = "driftLeft"
"""Nothing else to do, and the mapping says that what was changed in the target stays."""

RESUMED: Final = "resumed"
"""An attempt came before of which nobody knows how far it came: whatever it wrote is told of by this one."""

GRACE_BEGINS: Final = "inGrace"
GRACE_OVER: Final = "graceOver"

RESTORE_CONFLICT: Final = "RestoreConflict"
"""The code of the fault of a restore: somebody living has the names that our user in the bin had."""

_YOUNG: Final = Fault(FaultSize.YOUNG, "youngObject")

_NOT_SEEN: Final = Fault(FaultSize.YOUNG, "youngObject", timedelta(minutes=1))
"""Of somebody who is to be removed. A replica is seldom behind for longer, and they may well be gone in truth."""

_SETTLED: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED})

_LIVING: Final = frozenset({LinkState.ACTIVE, LinkState.DISABLED, LinkState.HELD})

CLOCK_SKEW: Final = timedelta(minutes=2)
"""How far Graph's clock and ours may differ."""

INVITATION_UNFINISHED: Final = "invitationUnfinished"
"""The reason of a hold: somebody left whom we seem to have invited, and who never came to carry our marker."""

_LONGEST_PASS: Final = timedelta(minutes=5)
"""From a claim to the last write under it: no worker goes on for longer than its message is locked."""

MARKER_MISSING: Final = "markerMissing"
"""The reason of a hold: a user who should be ours carries no marker."""


class Look(Enum):
    """How much of the target has to be read before a decision can be made."""

    NONE = auto()
    BY_ID = auto()  # the linked user
    BY_MATCH = auto()  # the marker, then the matching attributes, then the bin


class OutOfScopeAction(StrEnum):
    """What becomes of a target user whose source user left the scope, or was deleted."""

    KEEP = "keep"
    DISABLE = "disable"
    SOFT_DELETE = "softDelete"


class DeletedInTarget(StrEnum):
    """What becomes of a user of ours whom somebody else deleted in the target, while they are in scope."""

    RESTORE = "restore"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the administrator allows, per target."""

    adopt: bool = True
    out_of_scope: OutOfScopeAction = OutOfScopeAction.SOFT_DELETE
    source_deleted: OutOfScopeAction = OutOfScopeAction.SOFT_DELETE
    grace: timedelta = timedelta()  # between the block and the soft delete of somebody who left
    deleted_in_target: DeletedInTarget = DeletedInTarget.RESTORE
    drift: Mapping[str, Drift] = field(default_factory=dict)  # of attributes that are not simply put back


class Action(StrEnum):
    """The action of a plan, as the provisioning log names it."""

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    DISABLE = "disable"
    ENABLE = "enable"
    SOFT_DELETE = "softDelete"
    RESTORE = "restore"
    NOTHING = "nothing"
    HOLD = "hold"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision. `change` goes with create, adopt, update, disable, enable and restore."""

    action: Action
    reason: str
    target_id: str | None = None
    change: Change = field(default_factory=Change)
    objects: tuple[str, ...] = ()  # users, of the target or of the source, that a person has to look at
    fault: Fault | None = None  # why to try again, and when
    left: tuple[str, ...] = ()  # attributes that somebody changed in the target and that are left so

    @property
    def found_drift(self) -> bool:
        """Whether an attribute had been changed in the target."""
        return self.reason == DRIFTED or bool(self.left)


def look_needed(desired: Desired, link: Link | None, *, check: bool) -> Look:
    """How much of the target must be read. A hint whose fingerprint is already applied reads nothing.

    `check` forces a look at the target even then.
    """
    linked = link is not None and link.target_id is not None
    match desired:
        case UnknownDesired() | Frozen():
            return Look.NONE
        case InScope():
            if link is None or link.target_id is None:
                return Look.BY_MATCH if desired.enabled or link is not None else Look.NONE
            if _is_applied(desired, link) and not check:
                return Look.NONE
            return Look.BY_ID
        case OutOfScope() | SourceDeleted():
            if link is None or (_was_removed(link) and not check):
                return Look.NONE
            return Look.BY_ID if linked else Look.BY_MATCH
        case _:
            assert_never(desired)


def without_look(desired: Desired, link: Link | None) -> Plan:
    """Decide where `look_needed` said that the target need not be read."""
    match desired:
        case UnknownDesired():
            return _retry(desired.fault)
        case Frozen():
            return Plan(Action.NOTHING, desired.reason)
        case InScope():
            return Plan(Action.NOTHING, "upToDate" if link and link.target_id else "sourceDisabled")
        case OutOfScope():
            return Plan(Action.NOTHING, desired.reason if link is None else "alreadyRemoved")
        case SourceDeleted():
            return Plan(Action.NOTHING, "sourceDeleted" if link is None else "alreadyRemoved")
        case _:
            assert_never(desired)


def decide(desired: Desired, observed: Observed, link: Link | None, policy: Policy, now: datetime) -> Plan:
    """Choose the one action for this user. See the table at the top of this module.

    `link` is the row as it was before this attempt claimed it: a claim in it is an interrupted attempt's.
    """
    link = link or Link(target="", source_id="")
    match desired, observed:
        case UnknownDesired(), _:
            return _retry(desired.fault)
        case Frozen(), _:
            return Plan(Action.NOTHING, desired.reason)
        case _, UnknownObserved():
            return _retry(observed.fault)
        case InScope(), Ambiguous():
            return Plan(Action.HOLD, "severalMatches", objects=observed.user_ids)
        case InScope(), Absent():
            return _in_scope_absent(desired, link, policy, now)
        case InScope(), Binned():
            return _in_scope_binned(desired, observed, link, policy)
        case InScope(), Present():
            return _in_scope_present(desired, observed, link, policy, now)
        case ((OutOfScope() | SourceDeleted()), (Absent() | Binned())):
            return _leaving_unseen(link, now)
        case ((OutOfScope() | SourceDeleted()), Ambiguous()):
            return Plan(Action.NOTHING, "notOurs")
        case ((OutOfScope() | SourceDeleted()), Present()):
            return _leaving(desired, observed, link, policy, now)
        case _:  # pragma: no cover - the pairs above are all there are; mypy cannot see products of unions
            raise AssertionError(desired, observed)


def _in_scope_absent(desired: InScope, link: Link, policy: Policy, now: datetime) -> Plan:
    if link.target_id is not None and _is_recent(link, now):
        return _retry(_YOUNG)
    if desired.enabled and policy.deleted_in_target is DeletedInTarget.HOLD and _was_there(link):
        return Plan(Action.HOLD, "deletedInTarget", objects=(str(link.target_id),))
    return _created(desired)


def _created(desired: InScope) -> Plan:
    """Nobody is invited who could not sign in at home either."""
    if not desired.enabled:
        return Plan(Action.NOTHING, "sourceDisabled")
    return Plan(Action.CREATE, "inScope", change=whole_anew(desired))


def _resumed(desired: InScope, observed: Present, link: Link) -> Plan:
    """The rest of an invitation or a restore of which nobody knows how far it came, nor what the user holds."""
    change = whole(desired, manager_in_doubt(desired, link), creating=True)
    return Plan(Action.CREATE, RESUMED, observed.user_id, change)


def _in_scope_binned(desired: InScope, observed: Binned, link: Link, policy: Policy) -> Plan:
    ours = observed.marker is Marker.OURS or observed.user_id == link.target_id
    if observed.marker is Marker.ANOTHER or not (ours or (policy.adopt and not observed.collides)):
        return Plan(Action.HOLD, "deletedTwin", objects=(observed.user_id,))
    deleted_there = observed.user_id == link.target_id and _was_there(link)
    if deleted_there and policy.deleted_in_target is DeletedInTarget.HOLD:
        return Plan(Action.HOLD, "deletedInTarget", objects=(observed.user_id,))
    if link.reason == RESTORE_CONFLICT:
        return _created(desired)
    change = whole(desired, manager_in_doubt(desired, link), creating=False)
    return Plan(Action.RESTORE, "inScope", observed.user_id, change)


def _in_scope_present(desired: InScope, observed: Present, link: Link, policy: Policy, now: datetime) -> Plan:
    linked = observed.user_id == link.target_id
    match observed.marker:
        case Marker.ANOTHER:
            return Plan(Action.HOLD, "anotherInstallation", objects=(observed.user_id,))
        case Marker.NONE if not observed.external:
            return Plan(Action.HOLD, "internalUser", objects=(observed.user_id,))
        case Marker.NONE if (linked and was_never_marked(link)) or _is_interrupted_invitation(observed, link):
            return _resumed(desired, observed, link)
        case Marker.NONE if linked and link.state is LinkState.IMPORTED:
            return Plan(Action.ADOPT, "imported", observed.user_id, whole(desired, observed.manager_id, creating=False))
        case Marker.NONE if linked and _is_recent(link, now):
            return _retry(_YOUNG)
        case Marker.NONE if linked:
            return Plan(Action.HOLD, MARKER_MISSING, objects=(observed.user_id,))
        case Marker.NONE if observed.collides or not policy.adopt:
            return Plan(Action.HOLD, "adoptionNotAllowed", objects=(observed.user_id,))
        case Marker.NONE:
            return Plan(Action.ADOPT, "matched", observed.user_id, whole(desired, observed.manager_id, creating=False))
        case Marker.OURS if (linked and was_never_marked(link)) or _is_interrupted_invitation(observed, link):
            # All of it was written once, perhaps, and the answer lost: the creation is still to be told of.
            return _resumed(desired, observed, link)
        case Marker.OURS:
            return _in_scope_ours(desired, observed, link, policy, trust=linked and not _is_recent(link, now))
        case _:  # pragma: no cover - all three markers stand above; guards hide that from mypy
            raise AssertionError(observed.marker)


def _in_scope_ours(desired: InScope, observed: Present, link: Link, policy: Policy, *, trust: bool) -> Plan:
    """`trust` says whether what was read is surely no older than what we wrote last."""
    resumed = _was_interrupted(link)
    if not trust and _is_applied(desired, link):
        return Plan(Action.NOTHING, RESUMED if resumed else "upToDate", observed.user_id)
    found = difference(desired, observed, link, policy.drift, trust=trust)
    if not found.change:
        reason = DRIFT_LEFT if found.left else "upToDate"
        return Plan(Action.NOTHING, RESUMED if resumed else reason, observed.user_id, left=found.left)
    reason = DRIFTED if trust and _is_applied(desired, link) else "changed"
    action = _update_action(found.change, observed)
    return Plan(action, RESUMED if resumed else reason, observed.user_id, found.change, left=found.left)


def _leaving_unseen(link: Link, now: datetime) -> Plan:
    """Somebody we made or restored a moment ago is there, whatever a replica says that has not heard of it."""
    if not _was_removed(link) and _is_recent(link, now):
        return _retry(_NOT_SEEN)
    return Plan(Action.NOTHING, "alreadyRemoved")


def _leaving(desired: OutOfScope | SourceDeleted, observed: Present, link: Link, policy: Policy, now: datetime) -> Plan:
    if observed.marker is not Marker.OURS:
        return _leaving_unmarked(observed, link, now)
    match desired:
        case SourceDeleted():
            allowed, reason = policy.source_deleted, "sourceDeleted"
        case OutOfScope():
            allowed, reason = policy.out_of_scope, desired.reason
        case _:
            assert_never(desired)
    match allowed:
        case OutOfScopeAction.KEEP:
            return Plan(Action.NOTHING, "kept", observed.user_id)
        case OutOfScopeAction.DISABLE if observed.attributes.get("accountEnabled") is False:
            return Plan(Action.NOTHING, "alreadyDisabled", observed.user_id)
        case OutOfScopeAction.DISABLE:
            return Plan(Action.DISABLE, reason, observed.user_id, Change({"accountEnabled": False}))
        case OutOfScopeAction.SOFT_DELETE if not policy.grace:
            return Plan(Action.SOFT_DELETE, reason, observed.user_id)
        case OutOfScopeAction.SOFT_DELETE:
            return _in_grace(observed, link, policy, reason, now)
        case _:
            assert_never(allowed)


def _leaving_unmarked(observed: Present, link: Link, now: datetime) -> Plan:
    """Without our marker nobody is removed; whoever may be ours all the same is shown to a person."""
    linked = observed.user_id == link.target_id and link.state is not LinkState.IMPORTED
    interrupted = observed.external and _is_interrupted_invitation(observed, link)
    if observed.marker is Marker.ANOTHER or not (linked or interrupted):
        return Plan(Action.NOTHING, "notOurs")
    if _is_recent(link, now):
        return _retry(_NOT_SEEN)
    reason = INVITATION_UNFINISHED if interrupted or was_never_marked(link) else MARKER_MISSING
    return Plan(Action.HOLD, reason, objects=(observed.user_id,))


def _in_grace(observed: Present, link: Link, policy: Policy, reason: str, now: datetime) -> Plan:
    """Blocked at once, and soft-deleted when the grace is over; it begins with the first proof of leaving."""
    if link.leaving_since is not None and now - link.leaving_since >= policy.grace:
        return Plan(Action.SOFT_DELETE, GRACE_OVER, observed.user_id)
    if observed.attributes.get("accountEnabled") is False:
        return Plan(Action.NOTHING, GRACE_BEGINS, observed.user_id)
    return Plan(Action.DISABLE, reason, observed.user_id, Change({"accountEnabled": False}))


def _was_there(link: Link) -> bool:
    """Whether our user was in the target as far as we know, so that somebody else must have deleted it."""
    known = link.target_id is not None and link.claim is None
    return known and link.state in _LIVING and not was_never_marked(link)


def _was_removed(link: Link) -> bool:
    """Whether the last that was done to our user is the removal; a claim may be of a restore that was interrupted."""
    return link.state is LinkState.SOFT_DELETED and link.claim is None


def _retry(fault: Fault) -> Plan:
    return Plan(Action.RETRY, fault.code, fault=fault)


def _is_applied(desired: InScope, link: Link) -> bool:
    settled = link.claim is None and link.state in {LinkState.ACTIVE, LinkState.DISABLED}
    return settled and link.fingerprint == desired.fingerprint and _manager_is_applied(desired, link)


def _manager_is_applied(desired: InScope, link: Link) -> bool:
    if not desired.manages_manager:
        return True
    wanted = desired.manager or Manager("", None)
    waits_for = wanted.source_id if desired.manager and wanted.target_id is None else None
    return (link.manager_target_id, link.manager_source_id) == (wanted.target_id, waits_for)


def _is_recent(link: Link, now: datetime) -> bool:
    """Whether a read of the target may be older than the last write that we know, or suspect, we made."""
    touched = [time for time in (link.changed_at, link.claim.at if link.claim else None) if time is not None]
    return bool(touched) and now - max(touched) < CONSISTENCY_HORIZON


def was_never_marked(link: Link) -> bool:
    """Whether the user whom the link knows was invited, or restored, in an attempt that was not finished."""
    return link.state is LinkState.NEW or (link.state is LinkState.HELD and link.was_new)


def _was_interrupted(link: Link) -> bool:
    """Whether an attempt at somebody of ours may have written something that was not told of.

    Without a fingerprint nobody knows what was applied last; so it is, too, with those who were out of scope.
    """
    throttled = link.state in _SETTLED and link.leaving_since is None and link.reason != "kept"
    return link.claim is not None or (link.fingerprint is None and (link.attempt > 0 or throttled))


def _is_interrupted_invitation(observed: Present, link: Link) -> bool:
    """A user that came to be while an attempt of ours may have invited them, and that nobody has marked.

    Either the attempt's claim is still there, or its invitation was not answered: `changed_at` tells of nothing else
    while no user is known.
    """
    is_known = link.target_id is not None and link.reason != RESTORE_CONFLICT
    if is_known or observed.created_at is None:
        return False
    attempts = [time for time in (link.changed_at, link.claim.at if link.claim else None) if time is not None]
    return any(time - CLOCK_SKEW <= observed.created_at <= time + _LONGEST_PASS + CLOCK_SKEW for time in attempts)


def _update_action(change: Change, observed: Present) -> Action:
    before, after = observed.attributes.get("accountEnabled"), change.attributes.get("accountEnabled")
    if (before, after) == (True, False):
        return Action.DISABLE
    if (before, after) == (False, True):
        return Action.ENABLE
    return Action.UPDATE
