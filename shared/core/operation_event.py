"""One event of the operations log: what happened to a target, or to the app, as a whole.

Kinds and the names of counts are fixed here; docs/provisioning-log.md says the same, and queries and alerts read
them. An event holds no personal data and knows no store and no sink.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE: Final = UUID("0b8f5c1e-91a4-4f39-8a55-2f4b0f3d7e02")


class OperationKind(StrEnum):
    """What happened."""

    QUARANTINE_ENTERED = "quarantineEntered"
    QUARANTINE_LEFT = "quarantineLeft"
    DELETION_BUDGET_EXCEEDED = "deletionBudgetExceeded"
    CYCLE_STARTED = "cycleStarted"
    CYCLE_FINISHED = "cycleFinished"
    CYCLE_FAILED = "cycleFailed"
    CATCH_UP_FINISHED = "catchUpFinished"
    CATCH_UP_FAILED = "catchUpFailed"
    CONFIGURATION_CHANGED = "configurationChanged"
    SCOPE_SUSPENDED = "scopeSuspended"
    SUBSCRIPTION_CHANGED = "subscriptionChanged"
    STATUS = "status"


class OperationReason(StrEnum):
    """Why, where it is no fault of Graph's and no hold of a user: those have codes of their own."""

    LIST_FAILED = "listFailed"
    FEWER_IN_SCOPE = "fewerInScope"
    SCOPING_GROUP_UNKNOWN = "scopingGroupUnknown"
    TARGET_LOST = "targetLost"
    SUBSCRIPTION_MADE = "subscriptionMade"


class Severity(StrEnum):
    """How much a person should care."""

    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"


_CYCLE: Final = frozenset(
    {
        "inScope",
        "present",
        "new",
        "changed",
        "drifted",
        "references",
        "due",
        "leavers",
        "withheld",
        "sent",
        "requests",
        "pendingRedemption",
    }
)
_CATCH_UP: Final = frozenset({"users", "groups", "sent", "requests"})

COUNTS: Final[Mapping[OperationKind, frozenset[str]]] = {
    OperationKind.QUARANTINE_ENTERED: frozenset(),
    OperationKind.QUARANTINE_LEFT: frozenset(),
    OperationKind.DELETION_BUDGET_EXCEEDED: frozenset({"held", "allowance"}),
    OperationKind.CYCLE_STARTED: _CYCLE,
    OperationKind.CYCLE_FINISHED: _CYCLE,
    OperationKind.CYCLE_FAILED: _CYCLE,
    OperationKind.CATCH_UP_FINISHED: _CATCH_UP,
    OperationKind.CATCH_UP_FAILED: _CATCH_UP,
    OperationKind.CONFIGURATION_CHANGED: frozenset(),
    OperationKind.SCOPE_SUSPENDED: frozenset({"users"}),
    OperationKind.SUBSCRIPTION_CHANGED: frozenset(),
    OperationKind.STATUS: frozenset(
        {
            "active",
            "disabled",
            "softDeleted",
            "held",
            "new",
            "escrow",
            "unlogged",
            "throttledSeconds",
            "inScope",
            "waiting",
            "pendingRedemption",
            "subscriptionMinutesLeft",
            "cursorAgeMinutes",
        }
    ),
}
"""The names of counts that each kind may have."""


@dataclass(frozen=True, slots=True)
class OperationEvent:
    """One row of the operations log. ValueError where a count has a name that its kind does not know."""

    kind: OperationKind
    at: datetime
    target: str = ""  # empty: the source, or the app
    severity: Severity = Severity.INFORMATION
    reason_code: str = ""  # an OperationReason, a fault's code, or several of these
    description: str = ""  # a sentence for a person, with what to do
    actions: tuple[str, ...] = ()  # kinds of action that are affected
    cycle_id: str = ""
    duration: timedelta | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = self.counts.keys() - COUNTS[self.kind]
        if unknown:
            raise ValueError(f"{self.kind} has no counts called {', '.join(sorted(unknown))}")

    @property
    def event_id(self) -> str:
        """Deterministic: an event that is told twice is one."""
        parts = (self.kind, self.target, self.at.isoformat(), self.cycle_id, self.reason_code, *self.actions)
        return str(uuid5(_NAMESPACE, "/".join(parts)))

    def row(self) -> dict[str, str | int | None]:
        """The columns of CrosstenantOperations_CL, all of them."""
        return {
            "TimeGenerated": self.at.isoformat(),
            "EventId": self.event_id,
            "Kind": self.kind.value,
            "Target": self.target,
            "Severity": self.severity.value,
            "ReasonCode": self.reason_code,
            "Description": self.description,
            "Actions": _json(list(self.actions)),
            "CycleId": self.cycle_id,
            "DurationMs": None if self.duration is None else round(self.duration / timedelta(milliseconds=1)),
            "Counts": _json(dict(self.counts)),
        }

    def to_json(self) -> str:
        """The row as one line of JSON."""
        return _json(self.row())


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
