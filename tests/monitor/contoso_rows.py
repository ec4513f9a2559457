"""Rows of a Contoso day for the tests: decisions in two tenants, applications, a hold, and a name with markup."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PEOPLE = (
    ("p1", "Nestor Wilke", "NestorW@contoso.com"),
    ("p2", "Adele Vance", "AdeleV@contoso.com"),
    ("p3", "Lee Gu", "LeeG@contoso.com"),
    ("p4", "<img src=x onerror=alert(1)> O'Brien", "MarkupM@contoso.com"),
)


def provisioning(now: datetime = NOW) -> list[dict[str, Any]]:
    """Decisions in EMEA and APAC over the last hours, oldest last."""
    rows = []
    for index in range(96):
        person_id, name, upn = PEOPLE[index % len(PEOPLE)]
        target = ("emea", "apac")[(index // 4) % 2]
        failed = index % 12 == 11
        decision = ("create", "update", "update", "disable", "adopt", "restore")[index % 6]
        rows.append(
            {
                "TimeGenerated": (now - timedelta(minutes=12 * index, seconds=7)).isoformat(),
                "EventId": f"event-{index}",
                "ChangeId": f"change-{index}",
                "JobId": target,
                "Target": target,
                "ProvisioningAction": "create" if decision in {"create", "adopt"} else "update",
                "Action": "create" if decision in {"create", "adopt"} else "update",
                "Decision": decision,
                "Status": "failure" if failed else "success",
                "ResultType": "Failure" if failed else "Success",
                "ResultSignature": "AzureActiveDirectoryForbidden" if failed else "",
                "ResultDescription": "The target's guest-invite setting is too strict." if failed else "",
                "ReasonCode": "invitationsBlocked" if failed else "changed",
                "SourceIdentity": _identity(person_id, name, upn),
                "TargetIdentity": _identity(f"{target}-{person_id}", f"{name} (Contoso US)", upn),
                "TargetSystem": json.dumps({"Id": target, "Name": target}, separators=(",", ":")),
                "ServicePrincipal": json.dumps(
                    {"Id": "writer", "Name": f"Crosstenant {target}"}, separators=(",", ":")
                ),
                "LatencyMs": 900 + (index * 137) % 4000,
                "DurationMs": 200 + (index * 31) % 900,
                "Attempt": int(failed),
                "Drift": index % 10 == 0,
                "Trigger": "notification",
                "ChangedAttributes": json.dumps(["department", "manager"][: 1 + index % 2], separators=(",", ":")),
            }
        )
    return rows


def operations(now: datetime = NOW) -> list[dict[str, Any]]:
    """Status rows of both targets and one quarantine."""
    rows: list[dict[str, Any]] = [
        {
            "TimeGenerated": (now - timedelta(minutes=5 * index)).isoformat(),
            "EventId": f"status-{target}-{index}",
            "Kind": "status",
            "Target": target,
            "Severity": "information",
            "Counts": json.dumps({"active": 30 - index, "held": index % 3, "escrow": 0}, separators=(",", ":")),
        }
        for index in range(12)
        for target in ("emea", "apac")
    ]
    rows.append(
        {
            "TimeGenerated": (now - timedelta(minutes=50)).isoformat(),
            "EventId": "quarantine-1",
            "Kind": "quarantineEntered",
            "Target": "apac",
            "Severity": "error",
            "ReasonCode": "invitationsBlocked",
            "Description": "Graph refuses invitations; creates wait for a probe.",
        }
    )
    return rows


def applications(now: datetime = NOW) -> list[dict[str, Any]]:
    """What Entra provisions to ServiceNow and Zscaler for everybody."""
    return [
        {
            "TimeGenerated": (now - timedelta(hours=3, minutes=11 * index)).isoformat(),
            "Id": f"aad-{index}",
            "ChangeId": f"aad-change-{index}",
            "JobId": f"{application}.job",
            "ProvisioningAction": "create",
            "SourceIdentity": _identity(person_id, name, upn),
            "TargetIdentity": _identity(f"{application}-{person_id}", name, upn),
            "TargetSystem": json.dumps({"Id": application, "Name": application}, separators=(",", ":")),
            "ServicePrincipal": json.dumps({"Id": application, "Name": application}, separators=(",", ":")),
            "ResultType": "Success",
            "OperationName": "Provisioning activity",
            "Category": "ProvisioningLogs",
            "DurationMs": 400 + index,
        }
        for index, (application, (person_id, name, upn)) in enumerate(
            (application, person) for application in ("ServiceNow", "Zscaler") for person in PEOPLE
        )
    ]


def _identity(object_id: str, name: str, upn: str) -> str:
    return json.dumps(
        {"Id": object_id, "Name": name, "identityType": "User", "details": {"UserPrincipalName": upn}},
        separators=(",", ":"),
    )
