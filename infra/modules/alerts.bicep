// What wakes a person: rules on the two logs, and one on the dead letters of Service Bus. docs/alerts.md says for each
// what it means and what to do; it is written for somebody who was asleep. A rule tells of a target by itself, and
// resolves by itself when its query says so.
param workspaceId string
param serviceBusId string
param topicName string
param location string
param tags object

@description('Address that alerts are sent to; empty: they are seen in the portal alone.')
param email string

param latencyObjectiveSeconds int

// Rows arrive minutes after they were sent, so no time is shorter than half an hour. A status is sent every five minutes,
// and where very many people are counted less often: who waits for several, or for none, waits an hour. Every query answers with one number, and a target where it has one.
var rules = [
  {
    name: 'quarantine-entered'
    title: 'Crosstenant: a target is in quarantine'
    description: 'A kind of action is stopped in this target for a fault of the tenant as a whole. See docs/alerts.md, quarantine-entered.'
    query: loadTextContent('../workbooks/queries/alerts/quarantine-entered.kql')
    severity: 1
    byTarget: true
    column: 'StoppedActions'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    lookBack: 'P2D' // the longest there is: a quarantine that is older resolves the alert, and is still in the workbook
  }
  {
    name: 'no-success'
    title: 'Crosstenant: nothing is written while work waits'
    description: 'Nothing was written to this target for an hour, though messages wait or people fail. See docs/alerts.md, no-success.'
    query: loadTextContent('../workbooks/queries/alerts/no-success.kql')
    severity: 1
    byTarget: true
    column: 'Work'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
    lookBack: null
  }
  {
    name: 'silent'
    title: 'Crosstenant: no sign of life'
    description: 'No status was received for an hour, and no other alert on the logs can fire. See docs/alerts.md, silent.'
    query: loadTextContent('../workbooks/queries/alerts/silent.kql')
    severity: 1
    byTarget: false
    column: 'Statuses'
    operator: 'LessThan'
    threshold: 1
    window: 'PT1H'
    lookBack: null
  }
  {
    name: 'subscription-lapsing'
    title: 'Crosstenant: a subscription is about to lapse'
    description: 'A change-notification subscription of Graph lapses within two days and was not renewed. See docs/alerts.md, subscription-lapsing.'
    query: loadTextContent('../workbooks/queries/alerts/subscription-lapsing.kql')
    severity: 2
    byTarget: false
    column: 'MinutesLeft'
    operator: 'LessThan'
    threshold: 2880
    window: 'PT30M'
    lookBack: null
  }
  {
    name: 'cursor-old'
    title: 'Crosstenant: no catch-up for two hours'
    description: 'Changes whose notification was lost are not made up for. See docs/alerts.md, cursor-old.'
    query: loadTextContent('../workbooks/queries/alerts/cursor-old.kql')
    severity: 2
    byTarget: false
    column: 'AgeMinutes'
    operator: 'GreaterThan'
    threshold: 120
    window: 'PT30M'
    lookBack: null
  }
  {
    name: 'unlogged'
    title: 'Crosstenant: rows of the log wait to be sent'
    description: 'What was done in this target is not all in the log. See docs/alerts.md, unlogged.'
    query: loadTextContent('../workbooks/queries/alerts/unlogged.kql')
    severity: 2
    byTarget: true
    column: 'Unlogged'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
    lookBack: null
  }
  {
    name: 'holds-waiting'
    title: 'Crosstenant: people wait for a decision'
    description: 'People of this target are held until somebody decides. See docs/alerts.md, holds-waiting.'
    query: loadTextContent('../workbooks/queries/alerts/holds-waiting.kql')
    severity: 3
    byTarget: true
    column: 'Held'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT30M'
    lookBack: null
  }
  {
    name: 'latency-missed'
    title: 'Crosstenant: changes take longer than they should'
    description: 'Five of a hundred changes took longer than the objective. See docs/alerts.md, latency-missed.'
    query: loadTextContent('../workbooks/queries/alerts/latency-missed.kql')
    severity: 3
    byTarget: true
    column: 'P95Seconds'
    operator: 'GreaterThan'
    threshold: latencyObjectiveSeconds
    window: 'PT1H'
    lookBack: null
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'crosstenant'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'crosstenant'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'email', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'crosstenant-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    severity: rule.severity
    enabled: true
    autoMitigate: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT10M'
    windowSize: rule.window
    overrideQueryTimeRange: rule.lookBack
    // The tables are some minutes old at most when this is made, and unknown to the service that checks queries.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: rule.column
          timeAggregation: 'Maximum'
          operator: rule.operator
          threshold: rule.threshold
          dimensions: rule.byTarget ? [{ name: 'Target', operator: 'Include', values: ['*'] }] : []
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [actionGroup.id]
    }
  }
}]

// Counted by Service Bus itself, so it holds when the app does not run.
resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'crosstenant-dead-letters'
  location: 'global'
  tags: tags
  properties: {
    description: 'Messages that nobody could process lie in a dead-letter queue. See docs/alerts.md, dead-letters.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead-letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'EntityName', operator: 'Include', values: [topicName] }]
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}
