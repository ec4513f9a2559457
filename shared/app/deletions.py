"""Charging removals to the deletion budget of their target, before they are written.

All workers share one ledger per target. Where it cannot be read, or grew too large to be written, nobody is removed:
every removal is held. Creates and updates never come here, and nothing is written to a target.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.app.guard_rows import change_ledger, load_ledger
from shared.app.state_rows import ContendedRowError, StateRowError, WithStore
from shared.core.decide import MARKER_MISSING, Action, Plan
from shared.core.fault_sizes import Fault, FaultSize
from shared.core.guard import (
    DeletionBudget,
    Ledger,
    Removal,
    admit,
    alert_due,
    alerted,
    count_age,
    settle,
    with_count,
)
from shared.core.hold_notes import DELETION_BUDGET, SCOPE_GROUP_LOST
from shared.core.model import LinkState
from shared.core.operation_event import OperationEvent, OperationKind, Severity
from shared.core.quarantine import ActionKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.core.model import Link

_logger = logging.getLogger(__name__)

_COUNT_LIFE: Final = timedelta(minutes=10)
_COUNT_LIFE_WHEN_HOLDING: Final = timedelta(minutes=1)
"""Counting users reads all links of a target (in Azure Tables a request per thousand), so the number is kept with the
ledger, where all workers find it. One that would hold somebody is counted afresh, for a target that has just grown."""

CONTENDED: Final = Fault(FaultSize.TRANSIENT, "Conflict")
"""Other workers were quicker every time: try again."""


def removes(plan: Plan) -> bool:
    """Whether a plan is a removal, which the budget is for."""
    return kind_of(plan) is ActionKind.REMOVE


async def charge(
    parts: WithStore,
    target_name: str,
    budget: DeletionBudget,
    plans: Mapping[str, Plan],
    links: Mapping[str, Link],
    *,
    now: datetime,
) -> dict[str, Plan]:
    """Charge the removals among the plans; returns what becomes of those that may not be written now."""
    removals = [
        Removal(user_id, waits=plan.reason == SCOPE_GROUP_LOST or _waits(links.get(user_id)))
        for user_id, plan in plans.items()
        if removes(plan)
    ]
    if not removals:
        return {}
    passed: frozenset[str] = frozenset()
    try:
        passed = await _admit(parts, target_name, budget, removals, now)
    except ContendedRowError:
        return {
            removal.user_id: Plan(Action.RETRY, CONTENDED.code, plans[removal.user_id].target_id, fault=CONTENDED)
            for removal in removals
        }
    except StateRowError as error:
        _logger.error("%s: removals are held: %s", target_name, error)  # noqa: TRY400 - the text says it all
    return {removal.user_id: _held(plans[removal.user_id]) for removal in removals if removal.user_id not in passed}


async def settle_charges(parts: WithStore, target_name: str, removed: Iterable[str], refused: Iterable[str]) -> None:
    """Strike the releases of users who were removed, and give back the charges of those whose removal was refused."""
    removed, refused = tuple(removed), tuple(refused)
    try:
        await change_ledger(parts, target_name, lambda ledger: (settle(ledger, removed=removed, refused=refused), None))
    except StateRowError as error:  # charges stand, and expire with their window
        _logger.warning("%s: removals could not be settled: %s", target_name, error)


async def over_budget(
    parts: WithStore, target_name: str, budget: DeletionBudget, held: int, now: datetime
) -> OperationEvent | None:
    """That removals are held, for an operator: once a day, by the one worker that stores the time of it."""
    counts = {"held": held}
    try:
        owned = await change_ledger(
            parts,
            target_name,
            lambda ledger: (alerted(ledger, now), ledger.owned) if alert_due(ledger, now) else (ledger, None),
        )
    except ContendedRowError:
        return None
    except StateRowError:  # every removal is held because of it: worth saying each time
        pass
    else:
        if owned is None:
            return None
        counts["allowance"] = budget.allowance(owned)
    return OperationEvent(
        OperationKind.DELETION_BUDGET_EXCEEDED,
        now,
        target_name,
        Severity.ERROR,
        reason_code=DELETION_BUDGET,
        description="More people are to be removed than the deletion budget allows. The rest are held until somebody"
        f" looks: python -m admin holds list --target {target_name}",
        actions=(ActionKind.REMOVE,),
        counts=counts,
    )


async def owned_users(parts: WithStore, target_name: str) -> int:
    """Live users of ours in a target. Held ones are left out: not all of them are ours, and less is safer."""
    counts = await parts.store.count_links(target_name)
    return counts[LinkState.ACTIVE] + counts[LinkState.DISABLED]


async def _admit(
    parts: WithStore, target_name: str, budget: DeletionBudget, removals: Sequence[Removal], now: datetime
) -> frozenset[str]:
    ledger = await load_ledger(parts, target_name)
    passed = admit(ledger, removals, budget, now).passed
    short = any(removal.user_id not in passed and not removal.waits for removal in removals)
    age = count_age(ledger, now)
    owned = None
    if age >= _COUNT_LIFE or (short and age >= _COUNT_LIFE_WHEN_HOLDING):
        owned = await owned_users(parts, target_name)

    def change(current: Ledger) -> tuple[Ledger, frozenset[str]]:
        counted = current if owned is None else with_count(current, owned, now)
        admission = admit(counted, removals, budget, now)
        return admission.ledger, admission.passed

    return await change_ledger(parts, target_name, change)


def _waits(link: Link | None) -> bool:
    """Whether a removal was held before. Somebody whose marker was missing, and is back, was held for that alone."""
    return link is not None and link.state is LinkState.HELD and link.reason != MARKER_MISSING


def _held(plan: Plan) -> Plan:
    objects = (plan.target_id,) if plan.target_id is not None else ()
    reason = SCOPE_GROUP_LOST if plan.reason == SCOPE_GROUP_LOST else DELETION_BUDGET
    return Plan(Action.HOLD, reason, plan.target_id, objects=objects)
