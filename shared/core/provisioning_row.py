"""An event of the provisioning log as the row that is sent: every column of CrosstenantProvisioning_CL.

Columns, JSON keys and words are those of AADProvisioningLogs where it has them, so that one query reads both; JSON
texts have no blank after a colon, because published queries look for `"identityType":"User"` as text. Nothing is
looked up here: all that a row says is in the event or in the configuration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.core.messages import Reason
from shared.core.provisioning_event import Status
from shared.core.provisioning_steps import steps_of
from shared.core.reason_words import ReasonWords, words_for

if TYPE_CHECKING:
    from shared.core.provisioning_event import Identity, ModifiedValue, ProvisioningEvent

ProvisioningRow = dict[str, str | int | bool | None]

_MILLISECOND: Final = timedelta(milliseconds=1)
_LONGEST: Final = 8_000
"""Characters of a text that comes from elsewhere. The service cuts a column at 64 KB; so much nobody reads."""

_ENTRA_ACTIONS: Final = {
    "create": "create",
    "adopt": "update",
    "update": "update",
    "enable": "update",
    "restore": "update",
    "disable": "disable",
    "softDelete": "delete",
}
_ASKED_FOR: Final = frozenset({Reason.RELEASED, Reason.ON_DEMAND})
"""Triggers that a person stands behind. Which person, no message can prove."""

_RESULTS: Final = {Status.SUCCESS: "Success", Status.FAILURE: "Failure", Status.HELD: "Skipped"}


@dataclass(frozen=True, slots=True)
class Installation:
    """What rows of one target say of the installation that wrote them."""

    source_tenant_id: str
    target_tenant_id: str
    writer_client_id: str


def entra_action(event: ProvisioningEvent) -> str:
    """Entra's word for the action. A removal that was held for being one too many is Entra's staged delete."""
    if event.status is Status.HELD and event.reason == "deletionBudget":
        return "stageddelete"
    return _ENTRA_ACTIONS.get(event.action, "other")


def row_of(event: ProvisioningEvent, installation: Installation) -> ProvisioningRow:
    """The row, with all columns in the order of docs/provisioning-log.md."""
    code = event.reason.partition(":")[0]
    words = words_for(code)
    went_well = event.status is Status.SUCCESS
    explanation = f"{words.reason} {event.detail}".rstrip()[:_LONGEST]
    signature = "" if went_well else (words.entra_code or code)
    action = entra_action(event)
    return {
        "TimeGenerated": event.at.isoformat(),
        "EventId": event.event_id,
        "ChangeId": event.change_id,
        "CycleId": event.cycle_id,
        "JobId": event.target,
        "CorrelationId": event.correlation_id,
        "AADTenantId": installation.source_tenant_id,
        "ProvisioningAction": action,
        "Action": action,
        "ProvisioningStatusInfo": _json(_status(event, signature, explanation, words)),
        "ProvisioningSteps": _json(steps_of(event, explanation)),
        "ModifiedProperties": _json([_modified(name, event.values.get(name)) for name in _modified_names(event)]),
        "SourceIdentity": _json(_identity(event.source)),
        "TargetIdentity": _json(_identity(event.target_user)) if event.target_user is not None else "",
        "TargetSystem": _json({"Id": installation.target_tenant_id, "Name": event.target}),
        "ServicePrincipal": _json({"Id": installation.writer_client_id, "Name": f"Crosstenant {event.target}"}),
        "InitiatedBy": _json(_initiator(event, installation)),
        "ResultType": _RESULTS[event.status],
        "ResultSignature": signature,
        "ResultDescription": explanation,
        "OperationName": "Provisioning activity",
        "OperationVersion": "1.0",
        "Category": "ProvisioningLogs",
        "DurationMs": round(event.duration / _MILLISECOND),
        "Target": event.target,
        "Decision": event.action,
        "Status": event.status.value,
        "ReasonCode": code,
        "ChangedAttributes": _json(event.changed),
        "RefusedAttributes": _json(event.refused),
        "Attempt": event.attempt,
        "LatencyMs": None if event.latency is None else round(event.latency / _MILLISECOND),
        "Trigger": event.trigger,
        "Drift": event.drift,
        "Objects": _json(event.objects),
        "DryRun": event.dry_run,
    }


def _status(event: ProvisioningEvent, signature: str, explanation: str, words: ReasonWords) -> dict[str, Any]:
    if event.status is Status.SUCCESS and not event.refused:
        return {"Status": "success", "ErrorInformation": None}
    status = {Status.SUCCESS: "warning", Status.FAILURE: "failure", Status.HELD: "skipped"}[event.status]
    error = {
        "ErrorCode": signature or event.reason.partition(":")[0],
        "Reason": explanation,
        "RecommendedAction": words.advice,
    }
    return {"Status": status, "ErrorInformation": error}


def _modified_names(event: ProvisioningEvent) -> list[str]:
    """Names of what was written; parts of a complex property where their values are told."""
    whole = {name.partition(".")[0] for name in event.values}
    return sorted({*event.values, *(name for name in event.changed if name not in whole)})


def _modified(name: str, value: ModifiedValue | None) -> dict[str, str | None]:
    return {
        "displayName": name,
        "oldValue": None if value is None else value.old,
        "newValue": None if value is None else value.new,
    }


def _identity(identity: Identity) -> dict[str, Any]:
    details = {"UserPrincipalName": identity.user_principal_name} if identity.user_principal_name else {}
    return {"Id": identity.user_id, "Name": identity.name, "identityType": "User", "details": details}


def _initiator(event: ProvisioningEvent, installation: Installation) -> dict[str, str]:
    if event.trigger in _ASKED_FOR:
        return {"Id": "", "Name": "administrator", "Type": "user"}
    return {"Id": installation.writer_client_id, "Name": "Crosstenant", "Type": "system"}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
