"""Two source users who would share one target user: both are held, naming both, until a person has sorted it out.

Seen in three ways: the target user is linked to somebody else already; two users of one pass want the same target
user, or would be invited by the same address. Those who were held together are looked at together from then on, or
whoever comes alone would win. Nothing here writes to a target.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.core.decide import Action, Plan
from shared.core.desired import InScope
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.model import Link, LinkState, StateRow
from shared.core.observed import Binned, Marker, Present

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.core.desired import Desired
    from shared.core.observed import Observed
    from shared.store.protocol import Store

REASON: Final = "twoSourceUsers"

_TAKES_A_USER: Final = frozenset({Action.CREATE, Action.ADOPT, Action.RESTORE})
_PARTNER_UNKNOWN: Final = Fault(FaultSize.TRANSIENT, "contention")


async def held_together(store: Store, target: str, links: Mapping[str, Link]) -> dict[str, frozenset[str]]:
    """For each user who is held because of others without a target user: the source ids of those others."""
    partners = {}
    for user_id, link in links.items():
        if link.state is LinkState.HELD and link.reason == REASON:
            row = await store.get_state(_row_name(target, user_id))
            if row is not None:
                partners[user_id] = frozenset(json.loads(row.value))
    return partners


async def hold_both(
    store: Store,
    target: str,
    plans: Mapping[str, Plan],
    *,
    desired: Mapping[str, Desired],
    observed: Mapping[str, Observed],
    partners: Mapping[str, Collection[str]],
    lost: Collection[str],
) -> dict[str, Plan]:
    """The plans, with holds in place of those that would give two source users one target user.

    `partners` is as `held_together` found it; those in `lost` are another worker's at the moment, so nothing is known
    of what they want.
    """
    unsure = Plan(Action.RETRY, _PARTNER_UNKNOWN.code, fault=_PARTNER_UNKNOWN)
    plans = {
        user_id: unsure if plan.action in _TAKES_A_USER and set(partners.get(user_id, ())) & set(lost) else plan
        for user_id, plan in plans.items()
    }
    holds: dict[str, Plan] = {}
    for group in _same_user(plans, desired):
        for user_id in group:
            plan, seen = plans[user_id], observed[user_id]
            if isinstance(seen, Present | Binned) and seen.marker is Marker.OURS:
                continue  # the user is theirs already; only the others are in doubt
            await _remember(store, target, user_id, [other for other in group if other != user_id])
            objects = group if plan.target_id is None else [plan.target_id, *group]
            holds[user_id] = Plan(Action.HOLD, REASON, objects=tuple(objects))
    plans |= holds
    return plans | await _linked_to_another(store, target, plans, observed)


async def of_another(store: Store, target: str, created: Mapping[str, str]) -> frozenset[str]:
    """Those of the source ids in `created` whose target user (the value) is another source user's too."""
    owners = await store.find_by_target_user(target, list(created.values()))
    return frozenset(
        user_id
        for user_id, target_id in created.items()
        if any(link.source_id != user_id for link in owners.get(target_id, ()))
    )


def _same_user(plans: Mapping[str, Plan], desired: Mapping[str, Desired]) -> list[list[str]]:
    """Groups of two and more users of this pass who would get one target user."""
    by_address: defaultdict[str, list[str]] = defaultdict(list)
    by_target: defaultdict[str, list[str]] = defaultdict(list)
    for user_id, plan in plans.items():
        want = desired[user_id]
        if plan.action not in _TAKES_A_USER or not isinstance(want, InScope):
            continue
        by_address[want.address.lower()].append(user_id)
        if plan.target_id is not None:
            by_target[plan.target_id].append(user_id)
    groups: list[list[str]] = []
    for found in (*by_address.values(), *by_target.values()):
        if len(found) > 1:
            joined = [group for group in groups if set(group) & set(found)]
            groups = [group for group in groups if group not in joined]
            groups.append(sorted({*found, *(user_id for group in joined for user_id in group)}))
    return groups


async def _linked_to_another(
    store: Store, target: str, plans: Mapping[str, Plan], observed: Mapping[str, Observed]
) -> dict[str, Plan]:
    """Holds for those whose target user, not marked as theirs, is linked to another source user."""
    foreign: dict[str, str] = {}
    for user_id, plan in plans.items():
        seen = observed[user_id]
        takes = plan.action in _TAKES_A_USER or plan.reason == "anotherInstallation"
        if takes and isinstance(seen, Present | Binned) and seen.marker is not Marker.OURS:
            foreign[user_id] = seen.user_id
    owners = await store.find_by_target_user(target, list(dict.fromkeys(foreign.values())))
    holds = {}
    for user_id, target_id in foreign.items():
        others = {link.source_id for link in owners.get(target_id, ())} - {user_id}
        if others:
            holds[user_id] = Plan(Action.HOLD, REASON, objects=(target_id, *sorted({user_id, *others})))
    return holds


async def _remember(store: Store, target: str, user_id: str, others: Sequence[str]) -> None:
    name = _row_name(target, user_id)
    row = await store.get_state(name) or StateRow(name, "")
    # A conflict is another worker's row of the same users: theirs is as good.
    await store.put_state(replace(row, value=json.dumps(sorted(others))))


def _row_name(target: str, user_id: str) -> str:
    return f"{REASON}/{target}/{user_id}"
