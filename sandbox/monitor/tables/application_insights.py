"""The tables of a workspace-based Application Insights, with their columns' names in Log Analytics.

Left out are the columns about pages, browsers and places, which no service fills.
"""

from __future__ import annotations

from typing import Final

from sandbox.monitor.tables.columns import Table, declare
from sandbox.monitor.tables.custom import STANDARD

_COMMON: Final = """
TimeGenerated datetime
Properties dynamic
OperationName string
OperationId string
ParentId string
SyntheticSource string
SessionId string
UserId string
UserAuthenticatedId string
UserAccountId string
AppVersion string
AppRoleName string
AppRoleInstance string
ClientType string
ClientModel string
ClientOS string
ClientIP string
IKey string
SDKVersion string
"""

_TRACES: Final = """
Message string
SeverityLevel int
Measurements dynamic
ItemCount int
"""

_REQUESTS: Final = """
Id string
Source string
Name string
Url string
Success boolean
ResultCode string
DurationMs real
PerformanceBucket string
Measurements dynamic
ItemCount int
"""

_DEPENDENCIES: Final = """
Id string
Target string
DependencyType string
Name string
Data string
Success boolean
ResultCode string
DurationMs real
PerformanceBucket string
Measurements dynamic
ItemCount int
"""

_METRICS: Final = """
Name string
Namespace string
Sum real
Min real
Max real
ItemCount int
"""

_EVENTS: Final = """
Name string
Measurements dynamic
ItemCount int
"""

_EXCEPTIONS: Final = """
ProblemId string
ExceptionType string
Method string
OuterType string
OuterMessage string
InnermostType string
InnermostMessage string
Details dynamic
SeverityLevel int
Measurements dynamic
ItemCount int
"""


def _table(name: str, own: str) -> Table:
    return Table(name, (*declare(_COMMON), *declare(own), *STANDARD))


TRACES: Final = _table("AppTraces", _TRACES)
REQUESTS: Final = _table("AppRequests", _REQUESTS)
DEPENDENCIES: Final = _table("AppDependencies", _DEPENDENCIES)
METRICS: Final = _table("AppMetrics", _METRICS)
EVENTS: Final = _table("AppEvents", _EVENTS)
EXCEPTIONS: Final = _table("AppExceptions", _EXCEPTIONS)

ALL: Final = (TRACES, REQUESTS, DEPENDENCIES, METRICS, EVENTS, EXCEPTIONS)
