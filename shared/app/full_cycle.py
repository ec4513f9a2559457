"""full_cycle: the truth. Everybody in scope and everybody of ours is compared, and whoever differs is looked at.

    lease ──▶ survey of all targets ──▶ user changes on the topic, as findings come ──▶ a record for each target

It writes to no tenant and decides nothing: each finding becomes a user change for that target, and the function of the
target reads, proves and decides. A cycle that was killed leaves nothing behind but its lease, which ends by itself; the
next one begins anew, and looking at somebody twice does no harm. Two never overlap.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4

from shared.app.cursors import USERS, CycleRecord, load_cursor, load_cycle, note_attempt, save_cycle
from shared.app.leases import Lease, take
from shared.app.operations import tell
from shared.app.survey import Findings, Outcome, Purpose, Survey
from shared.core.cycle import Finding
from shared.core.messages import Kind, Reason, UserChange, envelope
from shared.core.operation_event import OperationEvent, OperationKind, OperationReason, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from shared.app.parts import Parts

_logger = logging.getLogger(__name__)

_LEASE_LIFE: Final = timedelta(minutes=10)

_COUNTED_AS: Final[Mapping[Finding, str]] = {
    Finding.NEW: "new",
    Finding.CHANGED: "changed",
    Finding.DRIFTED: "drifted",
    Finding.REFERENCE: "references",
    Finding.DUE: "due",
    Finding.LEAVER: "leavers",
}


class Progress(Protocol):
    """Told as a cycle goes on."""

    def __call__(self, target: str, *, read: int, sent: int) -> None:
        """Pages read for a target so far, and users sent who are to be looked at."""
        ...


@dataclass(slots=True)
class TargetCycle:
    """What a full cycle came to in one target."""

    purpose: Purpose
    sent: int = 0
    outcome: Outcome | None = None
    failure: str | None = None

    def counts(self) -> dict[str, int]:
        """For the operations log, the status command and the workbook."""
        if self.outcome is None:
            return {}
        counts = self.outcome.counts
        return {
            "inScope": counts.in_scope,
            "present": counts.present,
            "pendingRedemption": counts.pending_redemption,
            **{_COUNTED_AS[finding]: count for finding, count in counts.by_finding.items()},
            "withheld": self.outcome.withheld,
            "sent": self.sent,
            "requests": self.outcome.pages,
        }


@dataclass(slots=True)
class Cycle:
    """What a full cycle came to."""

    cycle_id: str
    targets: dict[str, TargetCycle] = field(default_factory=dict)


async def full_cycle(
    parts: Parts, targets: Collection[str] | None = None, progress: Progress = lambda *_, **__: None
) -> Cycle | None:
    """Compare all targets, or these; None where another cycle is under way.

    Raises:
        StoreError, BusUnavailableError, LeaseLostError: it could not go on, and has to begin anew.
    """
    lease = await take(parts.store, parts.clock, "fullCycle", _LEASE_LIFE)
    if lease is None:
        return None
    try:
        with parts.tracing.work("full cycle"):
            return await _compare(parts, targets, lease, progress)
    finally:
        await lease.give_back()


async def _compare(parts: Parts, targets: Collection[str] | None, lease: Lease, progress: Progress) -> Cycle:
    now = parts.clock.now()
    cycle = Cycle(uuid4().hex)
    names = [name for name in parts.targets if targets is None or name in targets]
    cycle.targets = {name: TargetCycle(await purpose(parts, name)) for name in names}
    await note_attempt(parts.store, {name: parts.targets[name].target.rules for name in names}, now)
    await tell(parts, [_event(OperationKind.CYCLE_STARTED, name, cycle, now) for name in names])
    survey = Survey(parts, {name: one.purpose for name, one in cycle.targets.items()}, now)
    async for findings in survey.run():
        await lease.extend()
        await _send(parts, cycle, findings)
        progress(
            findings.target,
            read=survey.outcomes[findings.target].pages,
            sent=cycle.targets[findings.target].sent,
        )
    await lease.extend()
    for name, one in cycle.targets.items():
        one.outcome = survey.outcomes[name]
        await survey.mapped[name].save(parts.store)
        await _finish(parts, name, cycle, now)
    return cycle


async def purpose(parts: Parts, name: str) -> Purpose:
    """What a full cycle of a target has to ask now.

    Delta vouches for managers only as long as it has followed them without a gap since they were last read.
    """
    record = await load_cycle(parts.store, name)
    cursor = await load_cursor(parts.store, USERS)
    if record is None or record.rules != parts.targets[name].target.rules:
        return Purpose(everything=True, managers=True)
    followed = cursor is not None and record.managers_at is not None and cursor.since <= record.managers_at
    return Purpose(managers=not followed, in_scope_before=record.in_scope)


def looks(findings: Findings, now: datetime, cycle_id: str) -> list[UserChange]:
    """What findings ask for."""
    return [
        UserChange(
            found.user_id,
            Reason.FULL_CYCLE,
            Kind.CHECK if found.finding.needs_target else Kind.HINT,
            target=findings.target,
            seen_at=now,
            cycle_id=cycle_id,
        )
        for found in findings.found
    ]


async def _send(parts: Parts, cycle: Cycle, findings: Findings) -> None:
    if not findings.found:
        return
    now = parts.clock.now()
    changes = looks(findings, now, cycle.cycle_id)
    timing = parts.settings.timing
    await parts.topic.send([envelope(change, not_before=now, timing=timing) for change in changes])
    cycle.targets[findings.target].sent += len(changes)


async def _finish(parts: Parts, name: str, cycle: Cycle, began: datetime) -> None:
    """Remember a survey that was whole, and tell of it, or of the page that was not."""
    one, now = cycle.targets[name], parts.clock.now()
    outcome = one.outcome
    if outcome is None:
        return
    if outcome.failure is not None:
        one.failure = str(outcome.failure)
        _logger.warning("%s: full cycle: %s; nobody is removed for it", name, one.failure)
        await tell(parts, [_event(OperationKind.CYCLE_FAILED, name, cycle, now, began)])
        return
    before = await load_cycle(parts.store, name)
    read = one.purpose.managers or parts.targets[name].target.scope.all_users
    record = CycleRecord(
        target=name,
        cycle_id=cycle.cycle_id,
        finished_at=now,
        rules=parts.targets[name].target.rules,
        in_scope=outcome.counts.in_scope,
        present=outcome.counts.present,
        managers_at=began if read else before.managers_at if before else None,
        counts=one.counts(),
    )
    await save_cycle(parts.store, record)
    _logger.info("%s: full cycle: %s", name, one.counts())
    await tell(parts, [_event(OperationKind.CYCLE_FINISHED, name, cycle, now, began)])


def _event(
    kind: OperationKind, name: str, cycle: Cycle, now: datetime, began: datetime | None = None
) -> OperationEvent:
    one = cycle.targets[name]
    severity, reason, description = Severity.INFORMATION, "", ""
    if one.failure is not None:
        severity, reason = Severity.ERROR, OperationReason.LIST_FAILED
        description = f"{one.failure}. Nobody was removed for it; the next cycle begins anew."
    elif one.outcome is not None and one.outcome.withheld:
        severity, reason = Severity.WARNING, OperationReason.FEWER_IN_SCOPE
        description = (
            f"The source shows far fewer people in scope than last time, so {one.outcome.withheld} who are not among"
            " them were not even looked at. If the next cycle finds the same, they will be."
        )
    return OperationEvent(
        kind,
        now,
        name,
        severity,
        reason_code=reason,
        description=description,
        cycle_id=cycle.cycle_id,
        duration=None if began is None else now - began,
        counts=one.counts(),
    )
