"""From a decision and what came of it to its event in the provisioning log.

Pure, and the one place that says which decisions are told, how far each came, and which values may be told. Keeping
the event with its link, and sending it, is the app's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from shared.core.decide import Action, Plan
from shared.core.desired import Desired, InScope, UnknownDesired
from shared.core.fault_sizes import Fault, lasts
from shared.core.observed import Present
from shared.core.provisioning_event import Identity, ModifiedValue, ProvisioningEvent, Stage, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.core.mapping_rules import AttributeMapping
    from shared.core.model import Link
    from shared.core.observed import Observed

_CHANGES: Final = UUID("c3d1f1f0-8c39-4d5e-9d2c-6a2d7f0b9e15")

_LONGEST_VALUE: Final = 256
"""Characters of one value: an event is kept with its link, and a link has to stay small."""

_SCOPING: Final = frozenset({"scopingFilterUndecidable", "inputFilterUndecidable", "scopingGroupUnknown"})
_PROCESSING: Final = frozenset({"mappingFailed", "MissingValues"})
_REFERENCES: Final = "UnableToResolveReferenceAttributeValue"


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """What the log of one target may tell of a person.

    `values`: old and new values, of attributes whose mapping does not call Redact(). `redacted` are names of target
    attributes, `withheld` names of source attributes that a redacting mapping reads.
    """

    values: bool = False
    redacted: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why and when the user was looked at."""

    began_at: datetime  # the pass
    now: datetime  # the writes were acknowledged
    seen_at: datetime | None  # the change was first heard of
    trigger: str
    cycle_id: str = ""
    correlation_id: str = ""


def log_policy(mappings: Iterable[AttributeMapping], *, values: bool) -> LogPolicy:
    """The policy of a target: what its mappings redact is never told, whatever is switched on."""
    redacting = [mapping for mapping in mappings if mapping.expression.redacts]
    return LogPolicy(
        values=values,
        redacted=frozenset(mapping.written.name for mapping in redacting),
        withheld=frozenset(name for mapping in redacting for name in mapping.expression.attributes),
    )


def change_id(user_id: str, seen_at: datetime) -> str:
    """One for all targets and attempts that go back to one change."""
    return str(uuid5(_CHANGES, f"{user_id}/{seen_at.isoformat()}"))


def event_of(
    plan: Plan,
    link: Link,
    fault: Fault | None,
    want: Desired,
    observed: Observed | None = None,
    *,
    occasion: Occasion,
    policy: LogPolicy,
    refused: tuple[str, ...] = (),
    waited: bool = False,
) -> ProvisioningEvent | None:
    """The event of one decision; None where nothing was to do, and none for passing trouble.

    `link` is the row as it is committed, `observed` what the target held before (None: not looked at). Somebody who
    `waited` until now, in escrow or for a person or to be removed, is told of even where nothing was to do.
    """
    nothing = plan.action is Action.NOTHING and not plan.left and not waited
    if nothing or (fault is not None and not lasts(fault, link.attempt)):
        return None
    status = Status.SUCCESS
    if fault is not None:
        status = Status.FAILURE
    elif plan.action is Action.HOLD:
        status = Status.HELD
    seen_at, now = occasion.seen_at, occasion.now
    held = observed.attributes if isinstance(observed, Present) else {}
    return ProvisioningEvent(
        at=now,
        target=link.target,
        source=_source(link.source_id, want, held, policy),
        action=plan.action,
        status=status,
        reason=fault.code if fault is not None else plan.reason,
        target_user=_target(link.target_id, want, held, policy),
        stage=_stage(plan, fault, want),
        detail=(fault.detail or "") if fault is not None else _remarks(plan, want),
        changed=_changed_names(plan) if fault is None else (),
        refused=refused,
        values=_values(plan, held, policy) if policy.values and status is Status.SUCCESS else {},
        objects=plan.objects,
        attempt=link.attempt,
        latency=now - seen_at if seen_at is not None and status is Status.SUCCESS else None,
        duration=now - occasion.began_at,
        trigger=occasion.trigger,
        change_id=change_id(link.source_id, seen_at or occasion.began_at),
        cycle_id=occasion.cycle_id,
        correlation_id=occasion.correlation_id,
        waits_for=link.manager_source_id or "",
        drift=plan.found_drift,
    )


def _stage(plan: Plan, fault: Fault | None, want: Desired) -> Stage:
    """How far it came."""
    if fault is None:
        return Stage.PROCESSING if plan.action is Action.HOLD else Stage.EXPORT
    if fault.code in _SCOPING:
        return Stage.SCOPING
    if fault.code in _PROCESSING:
        return Stage.PROCESSING
    if isinstance(want, UnknownDesired):
        return Stage.IMPORT
    if plan.action is Action.RETRY:
        return Stage.MATCHING
    return Stage.REFERENCE_RESOLUTION if fault.code == _REFERENCES else Stage.EXPORT


def _source(user_id: str, want: Desired, held: Mapping[str, Any], policy: LogPolicy) -> Identity:
    """The source user; by the name in the target where the source has nobody to read any more."""
    name, principal = "", ""
    if want.identity is not None:
        name, principal = want.identity.name, want.identity.user_principal_name
    elif "displayName" not in policy.redacted:
        name = _text(held.get("displayName")) or ""
    return Identity(
        user_id,
        "" if "displayName" in policy.withheld else name,
        "" if "userPrincipalName" in policy.withheld else principal,
    )


def _target(target_id: str | None, want: Desired, held: Mapping[str, Any], policy: LogPolicy) -> Identity | None:
    if target_id is None:
        return None
    wanted = want.attributes.get("displayName") if isinstance(want, InScope) else None
    name = "" if "displayName" in policy.redacted else _text(wanted or held.get("displayName"))
    return Identity(target_id, name or "", _text(held.get("userPrincipalName")) or "")


def _values(plan: Plan, held: Mapping[str, Any], policy: LogPolicy) -> dict[str, ModifiedValue]:
    values: dict[str, ModifiedValue] = {}
    for name, new in plan.change.attributes.items():
        old = held.get(name)
        if isinstance(new, dict):
            parts = old if isinstance(old, dict) else {}
            pairs = {f"{name}.{part}": (parts.get(part), value) for part, value in new.items()}
        else:
            pairs = {name: (old, new)}
        for full_name, (before, after) in pairs.items():
            if full_name not in policy.redacted:
                values[full_name] = ModifiedValue(_text(before), _text(after))
    return values


def _text(value: object) -> str | None:
    if value in (None, "", []):
        return None
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _remarks(plan: Plan, want: Desired) -> str:
    """Names of attributes that were not written although nothing failed, and why."""
    left = [f"Left as changed in the target: {', '.join(plan.left)}."] if plan.left else []
    skipped = [want.skipped] if isinstance(want, InScope) and want.skipped else []
    return " ".join([*skipped, *left])


def _changed_names(plan: Plan) -> tuple[str, ...]:
    names = list(plan.change.attributes)
    if plan.change.set_manager or plan.change.clear_manager:
        names.append("manager")
    return tuple(sorted(names))
