"""One event of the provisioning log: what was decided for one user in one target, and how it ended.

An event is born with the link's commit, so its id is given once and stays the same however often the event is
sent. It names attributes and never holds their values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1c7a52-5b0c-4b8e-9f41-0d6f3a1f7c11")


class Status(StrEnum):
    """How a decision ended; Entra's words, and one of our own."""

    SUCCESS = "success"
    FAILURE = "failure"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class ProvisioningEvent:
    """One row of the provisioning log."""

    at: datetime
    target: str
    source_id: str
    target_id: str | None
    action: str
    status: Status
    reason: str
    detail: str | None = None  # what a person needs to mend it; names of attributes and rules, no values
    changed: tuple[str, ...] = ()  # names of attributes
    attempt: int = 0
    latency: timedelta | None = None  # from the change heard of to the write acknowledged
    objects: tuple[str, ...] = ()  # target users that a person has to look at

    @property
    def event_id(self) -> str:
        """Deterministic, so that a row sent twice can be told to be one."""
        return str(uuid5(_NAMESPACE, f"{self.target}/{self.source_id}/{self.at.isoformat()}/{self.action}"))

    def to_json(self) -> str:
        """One line of JSON with the log's column names."""
        return json.dumps(
            {
                "eventId": self.event_id,
                "timeGenerated": self.at.isoformat(),
                "target": self.target,
                "sourceId": self.source_id,
                "targetId": self.target_id,
                "action": self.action,
                "status": self.status,
                "reason": self.reason,
                "detail": self.detail,
                "changed": list(self.changed),
                "attempt": self.attempt,
                "latencyMs": None if self.latency is None else round(self.latency / timedelta(milliseconds=1)),
                "objects": list(self.objects),
            },
            separators=(",", ":"),
        )
