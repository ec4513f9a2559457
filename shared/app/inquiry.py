"""What is asked before a decision: what one target should hold for some people, and what it does hold.

Reads only: the source, the links, the target. Whoever serves a change, plans one, or explains one asks here, so that
all of them see a person in the same light. Nothing is decided, claimed or written here.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.app.configuration import lost_groups
from shared.app.desire import Draft, complete, draft, selection, wanted_manager
from shared.core.desired import InScope, OutOfScope, SourceDeleted, UnknownDesired
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.hold_notes import SCOPE_GROUP_LOST
from shared.core.messages import Reason
from shared.core.model import LinkState
from shared.core.observed import Absent, Ambiguous, Binned
from shared.graph.source import Found
from shared.graph.target import Sought

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.app.parts import Parts, TargetParts
    from shared.config.sync_file import Target
    from shared.core.desired import Desired
    from shared.core.messages import UserChange
    from shared.core.model import Link
    from shared.core.observed import Observed

_SCOPING_GROUP_UNKNOWN = Fault(FaultSize.USER, "scopingGroupUnknown")


async def desire(
    parts: Parts, target: Target, user_ids: Sequence[str], links: Mapping[str, Link], now: datetime
) -> dict[str, Desired]:
    """What a target should hold for each user, from readings of the source made now; keys are source ids."""
    select = selection(target)
    readings = await parts.source.read_users(
        user_ids,
        select=select.properties,
        expand_manager=select.manager,
        groups=() if target.scope.all_users else target.scope.groups,
    )
    drafts = {user_id: draft(target, reading, links.get(user_id), now) for user_id, reading in readings.items()}
    drafts = await _prove_scope(parts, target, drafts, links)
    drafts |= not_settled(drafts, links, now, parts.settings.timing.second_look)
    return await with_managers(parts, target, drafts)


async def with_managers(parts: Parts, target: Target, drafts: Mapping[str, Draft]) -> dict[str, Desired]:
    """Drafts with the managers' users in the target put in."""
    managers = [manager for manager in map(wanted_manager, drafts.values()) if manager is not None]
    manager_links = await parts.store.get_links(target.name, list(dict.fromkeys(managers)))
    return {user_id: complete(drafted, manager_links) for user_id, drafted in drafts.items()}


async def look(
    hands: TargetParts, user_ids: Sequence[str], desired: Mapping[str, Desired], links: Mapping[str, Link]
) -> dict[str, Observed]:
    """What the target holds for each user: the linked user, or whoever matches."""
    people = []
    names: dict[str, None] = {}
    for user_id in user_ids:
        link, want = links.get(user_id), desired[user_id]
        sought = Sought(user_id, link.target_id if link else None)
        if isinstance(want, InScope):
            sought = replace(
                sought, addresses=(want.address, *want.aliases), values={**want.on_create, **want.attributes}
            )
            names.update(dict.fromkeys(want.attributes))
        elif isinstance(want, OutOfScope | SourceDeleted):
            sought = replace(sought, addresses=want.addresses)
        people.append(sought)
    observed = await hands.directory.look(people, select=names, expand_manager=True, precedence=hands.target.matching)
    # Somebody living who matches goes before our own user in the bin, whom a restore could not bring back beside them.
    binned = [
        replace(sought, target_id=None)
        for sought in people
        if sought.target_id and isinstance(desired[sought.source_id], InScope)
        if isinstance(observed[sought.source_id], Binned)
    ]
    rivals = await hands.directory.look(binned, select=names, expand_manager=True, precedence=hands.target.matching)
    return observed | {who: rival for who, rival in rivals.items() if _is_alive(rival, links[who])}


def _is_alive(rival: Observed, link: Link) -> bool:
    """Whether a look by everything that may match found more than what lies in the bin, or is to be repeated."""
    if isinstance(rival, Ambiguous):
        return link.target_id not in rival.user_ids
    return not isinstance(rival, Absent | Binned)


async def _prove_scope(
    parts: Parts, target: Target, drafts: dict[str, Draft], links: Mapping[str, Link]
) -> dict[str, Draft]:
    """Not being in a group proves something only while the group is known to exist, and was not lost in an edit."""
    leaving = [
        user_id
        for user_id, drafted in drafts.items()
        if isinstance(drafted.desired, OutOfScope) and drafted.desired.reason == "notInGroup" and user_id in links
    ]
    if not leaving:
        return drafts
    if not await parts.source.groups_exist(target.scope.groups):
        return drafts | dict.fromkeys(leaving, Draft(UnknownDesired(_SCOPING_GROUP_UNKNOWN)))
    lost = await lost_groups(parts.store, target)
    if not lost:
        return drafts
    suspended = Draft(OutOfScope(SCOPE_GROUP_LOST, "in a group that sync.yaml has lost"))
    if not await parts.source.groups_exist(lost):  # who was in it cannot be told
        return drafts | dict.fromkeys(leaving, suspended)
    readings = await parts.source.read_users(leaving, select=("id",), expand_manager=False, groups=lost)
    for user_id, reading in readings.items():
        if isinstance(reading, Found) and reading.groups:
            drafts[user_id] = suspended
        elif not isinstance(reading, Found):
            drafts[user_id] = Draft(UnknownDesired(_SCOPING_GROUP_UNKNOWN))
    return drafts


def not_settled(
    drafts: Mapping[str, Draft], links: Mapping[str, Link], now: datetime, horizon: timedelta
) -> dict[str, Draft]:
    """Those who would be removed, or restored, within moments of our having written the opposite.

    Of two readings of the source that contradict one another, the later one may have come from the replica that is
    behind. So nobody is turned round before the last write is old enough for all of them to agree.
    """
    waiting = {}
    for user_id, drafted in drafts.items():
        link = links.get(user_id)
        if link is None or link.changed_at is None or not _turns_round(drafted.desired, link):
            continue
        fault = _unsettled(link.changed_at, horizon, now)
        if fault is not None:
            waiting[user_id] = Draft(UnknownDesired(fault))
    return waiting


def not_confirmed(
    desired: Mapping[str, Desired],
    links: Mapping[str, Link],
    changes: Mapping[str, UserChange],
    now: datetime,
    horizon: timedelta,
) -> dict[str, Desired]:
    """Those who would be removed as out of scope, within moments of our having heard that something changed.

    Somebody who moves from one scoping group to another is in none of them for a replica that has heard of the leaving
    and not of the joining. So the scope is read once more when all replicas have heard of both. An administrator who
    asks for one person does not wait.
    """
    waiting: dict[str, Desired] = {}
    for user_id, want in desired.items():
        link, change = links.get(user_id), changes[user_id]
        if not isinstance(want, OutOfScope) or link is None or not _turns_round(want, link):
            continue
        if change.seen_at is None or change.reason is Reason.ON_DEMAND:
            continue
        fault = _unsettled(change.seen_at, horizon, now)
        if fault is not None:
            waiting[user_id] = UnknownDesired(fault, want.identity)
    return waiting


def _unsettled(since: datetime, horizon: timedelta, now: datetime) -> Fault | None:
    """Why to wait until replicas agree on what happened then; None where they do by now."""
    left = since + horizon - now
    return Fault(FaultSize.TRANSIENT, "notSettled", left) if left > timedelta() else None


def _turns_round(want: Desired, link: Link) -> bool:
    if isinstance(want, OutOfScope | SourceDeleted):
        return link.state in {LinkState.NEW, LinkState.ACTIVE, LinkState.DISABLED} and link.leaving_since is None
    return isinstance(want, InScope) and link.state is LinkState.SOFT_DELETED
