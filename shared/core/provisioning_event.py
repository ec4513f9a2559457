"""One event of the provisioning log: what was decided for one user in one target, and how it ended.

An event is born with the link's commit and kept with the link until the log has taken it, so it is kept short: the
facts alone, as compact JSON. What follows from them and from the configuration (Entra's words, steps, advice, names
of tenants) is added when the row is made, in `provisioning_row`. It names the person, as Entra's log does, and holds
values of attributes only where the configuration asks for them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE: Final = UUID("6f1c7a52-5b0c-4b8e-9f41-0d6f3a1f7c11")
_MILLISECOND: Final = timedelta(milliseconds=1)


class Status(StrEnum):
    """How a decision ended; Entra's words, and one of our own."""

    SUCCESS = "success"
    FAILURE = "failure"
    HELD = "held"


class Stage(StrEnum):
    """The steps of one user's way, in their order; Entra's types of provisioning steps."""

    IMPORT = "import"
    SCOPING = "scoping"
    MATCHING = "matching"
    PROCESSING = "processing"
    REFERENCE_RESOLUTION = "referenceResolution"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the log names them. Empty texts where something is not known, or may not be told."""

    user_id: str
    name: str = ""
    user_principal_name: str = ""


@dataclass(frozen=True, slots=True)
class ModifiedValue:
    """An attribute before and after, as text; None where there was no value."""

    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ProvisioningEvent:
    """The facts of one row of the provisioning log."""

    at: datetime
    target: str
    source: Identity
    action: str  # of the plan
    status: Status
    reason: str  # a code
    target_user: Identity | None = None
    stage: Stage = Stage.EXPORT  # how far it came
    detail: str = ""  # what a person needs to mend it; names of attributes and rules, no values
    changed: tuple[str, ...] = ()  # names of attributes
    refused: tuple[str, ...] = ()  # names of attributes that the target did not take
    values: Mapping[str, ModifiedValue] = field(default_factory=dict)  # only where the configuration asks for them
    objects: tuple[str, ...] = ()  # ids that a person has to look at
    attempt: int = 0
    latency: timedelta | None = None  # from the change heard of to the write acknowledged
    duration: timedelta = timedelta()  # from the beginning of the pass
    trigger: str = ""  # why the user was looked at
    change_id: str = ""
    cycle_id: str = ""
    correlation_id: str = ""  # W3C trace id
    waits_for: str = ""  # source id of a manager who has no user in the target yet
    drift: bool = False
    dry_run: bool = False  # asked for, and not done

    @property
    def event_id(self) -> str:
        """Deterministic, so that a row sent twice can be told to be one."""
        return str(uuid5(_NAMESPACE, f"{self.target}/{self.source.user_id}/{self.at.isoformat()}/{self.action}"))

    def to_json(self) -> str:
        """The facts as one line of JSON, without those that say nothing."""
        facts = {
            "at": self.at.isoformat(),
            "target": self.target,
            "source": _identity_list(self.source),
            "action": self.action,
            "status": self.status.value,
            "reason": self.reason,
            "targetUser": None if self.target_user is None else _identity_list(self.target_user),
            "stage": None if self.stage is Stage.EXPORT else self.stage.value,
            "detail": self.detail,
            "changed": self.changed,
            "refused": self.refused,
            "values": {name: [value.old, value.new] for name, value in self.values.items()},
            "objects": self.objects,
            "attempt": self.attempt,
            "latencyMs": None if self.latency is None else round(self.latency / _MILLISECOND),
            "durationMs": round(self.duration / _MILLISECOND),
            "trigger": self.trigger,
            "changeId": self.change_id,
            "cycleId": self.cycle_id,
            "correlationId": self.correlation_id,
            "waitsFor": self.waits_for,
            "drift": self.drift,
            "dryRun": self.dry_run,
        }
        # A latency of 0 ms is a fact; other zeros are what is read where nothing stands.
        told = {name: fact for name, fact in facts.items() if fact or (name == "latencyMs" and fact is not None)}
        return json.dumps(told, separators=(",", ":"))


class UnreadableEventError(ValueError):
    """What is kept with a link is no event of this version."""


def read_event(text: str) -> ProvisioningEvent:
    """Read what `to_json` wrote.

    Raises:
        UnreadableEventError: it is something else.
    """
    try:
        facts: dict[str, Any] = json.loads(text)
        latency = facts.get("latencyMs")
        target_user = facts.get("targetUser")
        return ProvisioningEvent(
            at=datetime.fromisoformat(facts["at"]),
            target=facts.get("target", ""),
            source=Identity(*facts["source"]),
            action=facts["action"],
            status=Status(facts["status"]),
            reason=facts.get("reason", ""),
            target_user=None if target_user is None else Identity(*target_user),
            stage=Stage(facts.get("stage", Stage.EXPORT)),
            detail=facts.get("detail", ""),
            changed=tuple(facts.get("changed", ())),
            refused=tuple(facts.get("refused", ())),
            values={name: ModifiedValue(*value) for name, value in facts.get("values", {}).items()},
            objects=tuple(facts.get("objects", ())),
            attempt=facts.get("attempt", 0),
            latency=None if latency is None else latency * _MILLISECOND,
            duration=facts.get("durationMs", 0) * _MILLISECOND,
            trigger=facts.get("trigger", ""),
            change_id=facts.get("changeId", ""),
            cycle_id=facts.get("cycleId", ""),
            correlation_id=facts.get("correlationId", ""),
            waits_for=facts.get("waitsFor", ""),
            drift=facts.get("drift", False),
            dry_run=facts.get("dryRun", False),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableEventError(type(error).__name__) from error


def _identity_list(identity: Identity) -> list[str]:
    return [identity.user_id, identity.name, identity.user_principal_name]
