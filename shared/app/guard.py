"""The guards between a decision and its write: pause, quarantine, deletion budget; and what a write teaches them.

`serve` makes three calls in each pass over users of one target:

    plans = await limit(parts, target_name, budget, plans, links, now=now)        after decide
    outcomes = … apply …
    alerts = await learn(parts, target_name, budget, plans, outcomes, now=now)    `plans` as `limit` returned them
    await settle(parts, target_name, plans, outcomes)                             before the links are committed

A plan that may not be written now comes back as a retry with reason `throttled` or `quarantined`, or as a hold. Such a
retry was never tried, so it should spend no attempt and fill no log; `was_not_tried` tells it. All workers of a target
agree through rows of the store. Nothing is written to a target here, and no create ever waits for the budget.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from shared.app.deletions import CONTENDED, charge, over_budget, removes, settle_charges
from shared.app.guard_rows import change_health, load_health
from shared.app.holds import note_holds
from shared.app.state_rows import ContendedRowError, WithStore
from shared.core.decide import Action, Plan
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.hold_notes import DELETION_BUDGET
from shared.core.operation_event import OperationEvent, OperationKind, Severity
from shared.core.quarantine import (
    ActionKind,
    Gate,
    Lesson,
    TargetHealth,
    begin_probe,
    best_probe,
    gate,
    kind_of,
    pause_left,
    refusal,
)
from shared.core.quarantine import learn as learn_health

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from shared.app.apply import Outcome
    from shared.core.guard import DeletionBudget
    from shared.core.model import Link

_logger = logging.getLogger(__name__)

_THROTTLED: Final = "throttled"
_QUARANTINED: Final = "quarantined"


def was_not_tried(plan: Plan) -> bool:
    """Whether a plan is a retry because `limit` kept it from being written."""
    return plan.action is Action.RETRY and plan.reason in {_THROTTLED, _QUARANTINED}


async def limit(
    parts: WithStore,
    target_name: str,
    budget: DeletionBudget,
    plans: Mapping[str, Plan],
    links: Mapping[str, Link],
    *,
    now: datetime,
) -> dict[str, Plan]:
    """What may be written now. Keys are source ids; `links` are the links as they were before this attempt.

    A ledger that cannot be read holds every removal.

    Raises:
        StoreError: the guards could not be asked; nothing may be written.
    """
    plans = dict(plans)
    if any(kind_of(plan) is not None for plan in plans.values()):
        health = await load_health(parts, target_name)
        left = pause_left(health, now)
        if left is not None:
            _pause(plans, left)
        else:
            probes = _quarantine(plans, health, now)
            plans |= await charge(parts, target_name, budget, plans, links, now=now)
            await _send_probes(parts, target_name, plans, probes, now)
    await note_holds(parts, target_name, plans, links, now)
    return plans


async def learn(
    parts: WithStore,
    target_name: str,
    budget: DeletionBudget,
    plans: Mapping[str, Plan],
    outcomes: Mapping[str, Outcome],
    *,
    now: datetime,
) -> tuple[OperationEvent, ...]:
    """Take from one pass what it showed of the target; returns what an operator should be told.

    `plans` are those that `limit` returned, `outcomes` what came of the ones that were carried out.
    """
    alerts: list[OperationEvent] = []
    lessons = _lessons(plans, outcomes)
    if lessons:

        def change(health: TargetHealth) -> tuple[TargetHealth, tuple[TargetHealth, TargetHealth]]:
            after = learn_health(health, lessons, now)
            return after, (health, after)

        try:
            before, after = await change_health(parts, target_name, change)
        except ContendedRowError:  # the next fault teaches it again
            _logger.warning("%s: its health could not be noted: too many workers at once", target_name)
        else:
            alerts += _transitions(target_name, before, after, now)
    held = sum(plan.action is Action.HOLD and plan.reason == DELETION_BUDGET for plan in plans.values())
    alert = await over_budget(parts, target_name, budget, held, now) if held else None
    if alert is not None:
        alerts.append(alert)
    return tuple(alerts)


async def settle(
    parts: WithStore, target_name: str, plans: Mapping[str, Plan], outcomes: Mapping[str, Outcome]
) -> None:
    """Give back the charges of removals that were refused, and strike the releases that were used.

    A lost answer (a fault of transient size) proves neither, so its charge stands until the user is seen again.
    """
    tried = {
        user_id: outcomes[user_id].fault for user_id, plan in plans.items() if user_id in outcomes and removes(plan)
    }
    removed = [user_id for user_id, fault in tried.items() if fault is None]
    refused = [
        user_id for user_id, fault in tried.items() if fault is not None and fault.size is not FaultSize.TRANSIENT
    ]
    if removed or refused:
        await settle_charges(parts, target_name, removed, refused)


def _pause(plans: dict[str, Plan], left: timedelta) -> None:
    fault = Fault(FaultSize.THROTTLED, "TooManyRequests", retry_after=left)
    for user_id, plan in plans.items():
        if kind_of(plan) is not None:
            plans[user_id] = _not_now(plan, _THROTTLED, fault)


def _not_now(plan: Plan, reason: str, fault: Fault) -> Plan:
    return Plan(Action.RETRY, reason, plan.target_id, fault=fault)


# --- quarantine -----------------------------------------------------------------------------------------------------


def _quarantine(plans: dict[str, Plan], health: TargetHealth, now: datetime) -> dict[ActionKind, str]:
    """Turn plans of quarantined kinds into retries, but for one of each kind that is due to be probed: by kind."""
    closed: dict[ActionKind, list[str]] = {}
    for user_id, plan in plans.items():
        kind = kind_of(plan)
        if kind is not None and gate(health, kind, now) is not Gate.OPEN:
            closed.setdefault(kind, []).append(user_id)
    probes: dict[ActionKind, str] = {}
    for kind, user_ids in closed.items():
        quarantine = health.quarantines[kind]
        if gate(health, kind, now) is Gate.PROBE_DUE:
            probes[kind] = best_probe(quarantine, user_ids)
        for user_id in user_ids:
            if user_id != probes.get(kind):
                plans[user_id] = _not_now(plans[user_id], _QUARANTINED, refusal(quarantine, now))
    return probes


async def _send_probes(
    parts: WithStore, target_name: str, plans: dict[str, Plan], probes: Mapping[ActionKind, str], now: datetime
) -> None:
    """Let each probe go if no other worker has sent one. Last of all, so that a probe that goes is really written."""
    for kind, user_id in probes.items():
        if kind_of(plans[user_id]) is not kind:
            continue  # held by the budget

        def change(
            health: TargetHealth, kind: ActionKind = kind, user_id: str = user_id
        ) -> tuple[TargetHealth, TargetHealth | None]:
            begun = begin_probe(health, kind, user_id, now)
            return begun or health, None if begun else health

        try:
            closed = await change_health(parts, target_name, change)
        except ContendedRowError:
            closed = await load_health(parts, target_name)
        if closed is None:
            continue
        if removes(plans[user_id]):
            await settle_charges(parts, target_name, (), (user_id,))
        quarantine = closed.quarantines.get(kind)
        fault = refusal(quarantine, now) if quarantine else CONTENDED
        plans[user_id] = _not_now(plans[user_id], _QUARANTINED, fault)


def _lessons(plans: Mapping[str, Plan], outcomes: Mapping[str, Outcome]) -> list[Lesson]:
    """What each user's attempt showed. A look at the target that failed speaks for all kinds of action."""
    lessons = []
    for user_id, plan in plans.items():
        kind = kind_of(plan)
        if user_id in outcomes and kind is not None:
            outcome = outcomes[user_id]
            if kind is ActionKind.CREATE and outcome.target_id is not None:
                lessons.append(Lesson(user_id, frozenset({ActionKind.CREATE}), None))  # the invitation was taken
                kind = ActionKind.UPDATE
            lessons.append(Lesson(user_id, frozenset({kind}), outcome.fault))
        elif plan.action is Action.RETRY and plan.fault is not None and not was_not_tried(plan):
            lessons.append(Lesson(user_id, frozenset(ActionKind), plan.fault))
    return lessons


def _transitions(target_name: str, before: TargetHealth, after: TargetHealth, now: datetime) -> list[OperationEvent]:
    entered = [kind for kind in ActionKind if kind in after.quarantines and kind not in before.quarantines]
    left = [kind for kind in ActionKind if kind in before.quarantines and kind not in after.quarantines]
    alerts = []
    if entered:
        codes = ", ".join(sorted({after.quarantines[kind].code for kind in entered}))
        kinds = " and ".join(entered)
        alerts.append(
            OperationEvent(
                OperationKind.QUARANTINE_ENTERED,
                now,
                target_name,
                Severity.ERROR,
                reason_code=codes,
                description=f"The target refuses to {kinds} users ({codes}). Everything else goes on, and a probe tries"
                " again by itself; docs/operating.md says what each code asks for.",
                actions=tuple(entered),
            )
        )
    if left:
        codes = ", ".join(sorted({before.quarantines[kind].code for kind in left}))
        alerts.append(
            OperationEvent(
                OperationKind.QUARANTINE_LEFT,
                now,
                target_name,
                reason_code=codes,
                description=f"A probe succeeded: the target lets us {' and '.join(left)} users again.",
                actions=tuple(left),
            )
        )
    return alerts
