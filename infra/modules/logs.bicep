// Where the two logs go: a table each, and the rule by which the app may send rows to them. docs/provisioning-log.md says
// what the columns hold; a test keeps the two in step.
param workspaceName string
param ruleName string
param location string
param tags object
param retentionDays int

var provisioningColumns = [
  { name: 'TimeGenerated', type: 'datetime' }
  { name: 'EventId', type: 'string' }
  { name: 'ChangeId', type: 'string' }
  { name: 'CycleId', type: 'string' }
  { name: 'JobId', type: 'string' }
  { name: 'CorrelationId', type: 'string' }
  { name: 'AADTenantId', type: 'string' }
  { name: 'ProvisioningAction', type: 'string' }
  { name: 'Action', type: 'string' }
  { name: 'ProvisioningStatusInfo', type: 'string' }
  { name: 'ProvisioningSteps', type: 'string' }
  { name: 'ModifiedProperties', type: 'string' }
  { name: 'SourceIdentity', type: 'string' }
  { name: 'TargetIdentity', type: 'string' }
  { name: 'TargetSystem', type: 'string' }
  { name: 'ServicePrincipal', type: 'string' }
  { name: 'InitiatedBy', type: 'string' }
  { name: 'ResultType', type: 'string' }
  { name: 'ResultSignature', type: 'string' }
  { name: 'ResultDescription', type: 'string' }
  { name: 'OperationName', type: 'string' }
  { name: 'OperationVersion', type: 'string' }
  { name: 'Category', type: 'string' }
  { name: 'DurationMs', type: 'long' }
  { name: 'Target', type: 'string' }
  { name: 'Decision', type: 'string' }
  { name: 'Status', type: 'string' }
  { name: 'ReasonCode', type: 'string' }
  { name: 'ChangedAttributes', type: 'string' }
  { name: 'RefusedAttributes', type: 'string' }
  { name: 'Attempt', type: 'int' }
  { name: 'LatencyMs', type: 'long' }
  { name: 'Trigger', type: 'string' }
  { name: 'Drift', type: 'boolean' }
  { name: 'Objects', type: 'string' }
  { name: 'DryRun', type: 'boolean' }
]

var operationsColumns = [
  { name: 'TimeGenerated', type: 'datetime' }
  { name: 'EventId', type: 'string' }
  { name: 'Kind', type: 'string' }
  { name: 'Target', type: 'string' }
  { name: 'Severity', type: 'string' }
  { name: 'ReasonCode', type: 'string' }
  { name: 'Description', type: 'string' }
  { name: 'Actions', type: 'string' }
  { name: 'CycleId', type: 'string' }
  { name: 'DurationMs', type: 'long' }
  { name: 'Counts', type: 'string' }
]

var tables = [
  {
    name: 'CrosstenantProvisioning_CL'
    columns: provisioningColumns
  }
  {
    name: 'CrosstenantOperations_CL'
    columns: operationsColumns
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

// A table spells the type of a time otherwise than a stream does.
resource logTables 'Microsoft.OperationalInsights/workspaces/tables@2023-09-01' = [for table in tables: {
  parent: workspace
  name: table.name
  properties: {
    plan: 'Analytics'
    retentionInDays: retentionDays
    schema: {
      name: table.name
      columns: map(table.columns, column => { name: column.name, type: replace(column.type, 'datetime', 'dateTime') })
    }
  }
}]

// Direct: the rule has an ingestion endpoint of its own, and wants no data collection endpoint beside it.
resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  kind: 'Direct'
  // A rule can only be made for tables that are there.
  dependsOn: [
    logTables
  ]
  properties: {
    streamDeclarations: {
      'Custom-CrosstenantProvisioning_CL': {
        columns: provisioningColumns
      }
      'Custom-CrosstenantOperations_CL': {
        columns: operationsColumns
      }
    }
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspace.id
        }
      ]
    }
    dataFlows: map(tables, table => {
      streams: ['Custom-${table.name}']
      destinations: ['workspace']
      transformKql: 'source'
      outputStream: 'Custom-${table.name}'
    })
  }
}

output ruleName string = rule.name
output ruleId string = rule.properties.immutableId
output endpoint string = rule.properties.endpoints.logsIngestion
