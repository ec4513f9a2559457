"""The two custom tables that the data collection rule fills, and AADProvisioningLogs, which Entra fills.

The columns are those of docs/provisioning-log.md (a test compares them) and of Microsoft's reference of
AADProvisioningLogs; the standard columns of Log Analytics come on top.
"""

from __future__ import annotations

from typing import Final

from sandbox.monitor.tables.columns import Column, ColumnType, Table, declare

STANDARD: Final = (
    Column("TenantId", ColumnType.STRING),  # of the workspace, not of Entra
    Column("SourceSystem", ColumnType.STRING),  # which collector brought the row
    Column("Type", ColumnType.STRING),
)

_PROVISIONING: Final = """
TimeGenerated datetime
EventId string
ChangeId string
CycleId string
JobId string
CorrelationId string
AADTenantId string
ProvisioningAction string
Action string
ProvisioningStatusInfo string
ProvisioningSteps string
ModifiedProperties string
SourceIdentity string
TargetIdentity string
TargetSystem string
ServicePrincipal string
InitiatedBy string
ResultType string
ResultSignature string
ResultDescription string
OperationName string
OperationVersion string
Category string
DurationMs long
Target string
Decision string
Status string
ReasonCode string
ChangedAttributes string
RefusedAttributes string
Attempt int
LatencyMs long
Trigger string
Drift boolean
Objects string
DryRun boolean
"""

_OPERATIONS: Final = """
TimeGenerated datetime
EventId string
Kind string
Target string
Severity string
ReasonCode string
Description string
Actions string
CycleId string
DurationMs long
Counts string
"""

_AAD_PROVISIONING: Final = """
TimeGenerated datetime
Id string
ChangeId string
CycleId string
JobId string
CorrelationId string
AADTenantId string
ProvisioningAction string
ProvisioningStatusInfo string
ProvisioningSteps string
ModifiedProperties string
SourceIdentity string
TargetIdentity string
TargetSystem string
ServicePrincipal string
InitiatedBy string
ResultType string
ResultSignature string
ResultDescription string
OperationName string
OperationVersion string
Category string
DurationMs long
"""

PROVISIONING: Final = Table(
    "CrosstenantProvisioning_CL", (*declare(_PROVISIONING), *STANDARD), "Custom-CrosstenantProvisioning_CL"
)
OPERATIONS: Final = Table(
    "CrosstenantOperations_CL", (*declare(_OPERATIONS), *STANDARD), "Custom-CrosstenantOperations_CL"
)
AAD_PROVISIONING: Final = Table("AADProvisioningLogs", (*declare(_AAD_PROVISIONING), *STANDARD))
