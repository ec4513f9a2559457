"""One envelope of telemetry as a row of an App… table, with the names that Log Analytics gives its parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sandbox.monitor.tables import application_insights as tables
from sandbox.monitor.tables.columns import ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.monitor.tables.columns import Table

    Json = Mapping[str, Any]

_DURATION: Final = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(\.\d+)?\Z")
_SEVERITIES: Final = {"Verbose": 0, "Information": 1, "Warning": 2, "Error": 3, "Critical": 4}
_BUCKETS: Final = (
    (250, "<250ms"),
    (500, "250ms-500ms"),
    (1000, "500ms-1sec"),
    (3000, "1sec-3sec"),
    (7000, "3sec-7sec"),
    (15000, "7sec-15sec"),
    (30000, "15sec-30sec"),
    (60000, "30sec-1min"),
)
_TAGS: Final = {
    "OperationName": "ai.operation.name",
    "OperationId": "ai.operation.id",
    "ParentId": "ai.operation.parentId",
    "SyntheticSource": "ai.operation.syntheticSource",
    "SessionId": "ai.session.id",
    "UserId": "ai.user.id",
    "UserAuthenticatedId": "ai.user.authUserId",
    "UserAccountId": "ai.user.accountId",
    "AppVersion": "ai.application.ver",
    "AppRoleName": "ai.cloud.role",
    "AppRoleInstance": "ai.cloud.roleInstance",
    "ClientType": "ai.device.type",
    "ClientModel": "ai.device.model",
    "ClientOS": "ai.device.osVersion",
    "ClientIP": "ai.location.ip",
    "SDKVersion": "ai.internal.sdkVersion",
}


class EnvelopeRefusedError(ValueError):
    """An envelope is not what the endpoint takes; the text says why."""


def row_of(envelope: Json, instrumentation_key: str) -> tuple[str, dict[str, Any]]:
    """The table's name and the row.

    Raises:
        EnvelopeRefusedError: it is another resource's, has no time, is of an unknown kind, or has a wrong value.
    """
    if envelope.get("iKey") != instrumentation_key:
        raise EnvelopeRefusedError("the instrumentation key is not known")
    data = envelope.get("data")
    base = data.get("baseData") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(base, dict):
        raise EnvelopeRefusedError("data.baseData is missing")
    table, own = _own(str(data.get("baseType")), base)
    tags = envelope.get("tags") or {}
    weight = 100 / float(envelope.get("sampleRate") or 100)
    common = {
        "TimeGenerated": envelope.get("time"),
        "Properties": base.get("properties") or {},
        "IKey": envelope.get("iKey"),
        "ItemCount": round(weight),
        "Measurements": base.get("measurements") or {},
        **{column: tags.get(tag) for column, tag in _TAGS.items()},
    }
    if common["TimeGenerated"] is None:
        raise EnvelopeRefusedError("time is missing")
    try:
        return table.name, table.row({**common, **own, "SourceSystem": "Azure"})
    except ValueRefusedError as refused:
        raise EnvelopeRefusedError(str(refused)) from refused


def _own(kind: str, base: Json) -> tuple[Table, dict[str, Any]]:
    match kind:
        case "MessageData":
            return tables.TRACES, {"Message": base.get("message"), "SeverityLevel": _severity(base)}
        case "RequestData":
            return tables.REQUESTS, {
                "Id": base.get("id"),
                "Source": base.get("source"),
                "Name": base.get("name"),
                "Url": base.get("url"),
                "Success": base.get("success", True),
                "ResultCode": base.get("responseCode"),
                **_duration(base),
            }
        case "RemoteDependencyData":
            return tables.DEPENDENCIES, {
                "Id": base.get("id"),
                "Target": base.get("target"),
                "DependencyType": base.get("type"),
                "Name": base.get("name"),
                "Data": base.get("data"),
                "Success": base.get("success", True),
                "ResultCode": base.get("resultCode"),
                **_duration(base),
            }
        case "MetricData":
            return tables.METRICS, _metric(base)
        case "EventData":
            return tables.EVENTS, {"Name": base.get("name")}
        case "ExceptionData":
            return tables.EXCEPTIONS, _exception(base)
        case _:
            raise EnvelopeRefusedError(f"the kind {kind} is not known")


def _metric(base: Json) -> dict[str, Any]:
    points = base.get("metrics")
    if not isinstance(points, list) or not points or not isinstance(points[0], dict):
        raise EnvelopeRefusedError("metrics is empty")
    point = points[0]  # the service reads one
    value = point.get("value")
    return {
        "Name": point.get("name"),
        "Namespace": point.get("ns"),
        "Sum": value,
        "Min": point.get("min", value) if point.get("min") is not None else value,
        "Max": point.get("max", value) if point.get("max") is not None else value,
        "ItemCount": point.get("count") or 1,
    }


def _exception(base: Json) -> dict[str, Any]:
    details = [item for item in base.get("exceptions") or [] if isinstance(item, dict)]
    if not details:
        raise EnvelopeRefusedError("exceptions is empty")
    outer, inner = details[0], details[-1]
    frames = outer.get("parsedStack") or [{}]
    return {
        "ProblemId": base.get("problemId") or outer.get("typeName"),
        "ExceptionType": outer.get("typeName"),
        "Method": frames[0].get("method") if isinstance(frames[0], dict) else None,
        "OuterType": outer.get("typeName"),
        "OuterMessage": outer.get("message"),
        "InnermostType": inner.get("typeName"),
        "InnermostMessage": inner.get("message"),
        "Details": details,
        "SeverityLevel": _severity(base),
    }


def _severity(base: Json) -> int | None:
    level = base.get("severityLevel")
    return _SEVERITIES.get(level) if isinstance(level, str) else level


def _duration(base: Json) -> dict[str, Any]:
    found = _DURATION.match(str(base.get("duration")))
    if found is None:
        raise EnvelopeRefusedError("duration is not of the form D.HH:MM:SS.ffffff")
    days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    milliseconds = (whole + float(fraction or 0)) * 1000
    bucket = next((name for limit, name in _BUCKETS if milliseconds < limit), ">=1min")
    return {"DurationMs": milliseconds, "PerformanceBucket": bucket}
