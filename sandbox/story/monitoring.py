"""The story's Azure Monitor: the part beside the others, the app's settings for it, and what Entra itself logs.

Entra provisions Contoso's people to applications as well. That is not the app's doing, so the story writes those rows
of AADProvisioningLogs: an administrator sees them beside the app's own in the same workbook.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from sandbox.story.processes import Part, start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Json = Mapping[str, Any]

WORKBOOK: Final = Path(__file__).resolve().parents[2] / "infra" / "workbooks" / "crosstenant.workbook.json"
TABLE: Final = "AADProvisioningLogs"
_AT_ONCE: Final = 1000  # rows of one call


@dataclass(frozen=True, slots=True)
class Application:
    """An application that Entra provisions people to."""

    name: str
    service_principal: str
    job: str
    hours_ago: float  # when its job last ran


APPLICATIONS: Final = (
    Application("ServiceNow", "91000000-0000-4000-8000-000000000001", "snowDirectory.sandbox", 3.0),
    Application("Zscaler", "92000000-0000-4000-8000-000000000002", "zscaler.sandbox", 5.5),
)


async def start_monitor(tenants: Json, log: Path) -> Part:
    """The monitor, under the tenants' authority and with the keys of their login service."""
    arguments = [
        "monitor",
        *("--tls-cert", tenants["certificate"]),
        *("--tls-key", tenants["key"]),
        *("--login", tenants["login"]),
        *("--ca", tenants["ca"]),
        *("--workbook", str(WORKBOOK)),
        "--aad-provisioning-logs",
    ]
    return await start("monitor", arguments, log=log)


def settings(monitor: Json) -> dict[str, str]:
    """What the app is told of it; and Microsoft's exporter not to report on itself to Microsoft."""
    return {
        "LOGS_INGESTION_ENDPOINT": monitor["logsEndpoint"],
        "LOGS_RULE_ID": monitor["ruleId"],
        "APPLICATIONINSIGHTS_CONNECTION_STRING": monitor["connectionString"],
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    }


async def fill_applications(monitor: Json, ca: str, people: Iterable[Json], now: datetime) -> None:
    """Have the monitor hold what Entra logged of these people for each application."""
    found = [row(application, person, now) for person in people for application in APPLICATIONS]
    tls = ssl.create_default_context(cafile=ca)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        for first in range(0, len(found), _AT_ONCE):
            url = f"{monitor['control']}/tables/{TABLE}/rows"
            async with session.post(url, json=found[first : first + _AT_ONCE]) as response:
                response.raise_for_status()


def row(application: Application, person: Json, now: datetime) -> dict[str, Any]:
    """What Entra logs when it has created a person's account in an application."""
    when = (now - timedelta(hours=application.hours_ago)).astimezone(UTC)
    upn = str(person["userPrincipalName"])
    identity = {
        "Id": person["id"],
        "Name": person["displayName"],
        "identityType": "User",
        "details": {"id": person["id"], "UserPrincipalName": upn, "DisplayName": person["displayName"]},
    }
    account = {**identity, "Id": f"{application.name}/{upn.partition('@')[0]}", "details": {"UserPrincipalName": upn}}
    step = {
        "name": "EntryExportAdd",
        "provisioningStepType": "export",
        "status": "success",
        "description": f"User '{upn}' was created in {application.name}",
    }
    return {
        "TimeGenerated": when.isoformat(),
        "Id": f"{application.job}.{person['id']}",
        "ChangeId": f"{application.job}.{person['id']}",
        "CycleId": f"{application.job}.{when:%Y%m%d%H}",
        "JobId": application.job,
        "ProvisioningAction": "create",
        "ProvisioningStatusInfo": _text({"Status": "Success", "ErrorInformation": None}),
        "ProvisioningSteps": _text([step]),
        "ModifiedProperties": _text([{"displayName": "userName", "oldValue": None, "newValue": upn}]),
        "SourceIdentity": _text(identity),
        "TargetIdentity": _text(account),
        "TargetSystem": _text({"Id": application.service_principal, "Name": application.name}),
        "ServicePrincipal": _text({"Id": application.service_principal, "Name": application.name}),
        "InitiatedBy": _text({"Id": "", "Name": "Azure AD Provisioning Service", "Type": "system"}),
        "ResultType": "Success",
        "OperationName": "Provisioning activity",
        "OperationVersion": "1.0",
        "Category": "ProvisioningLogs",
        "DurationMs": 640,
    }


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
