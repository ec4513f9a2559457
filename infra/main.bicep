// The whole installation in one resource group of the source tenant. What is decided here: names, the list of
// targets, and the order in which the parts come into being. What a part looks like stands in its module.
//
// Written in the subset of Bicep that the offline parsers in tests/infra read: plain resources, no remote modules, no
// spread, no decorators inside types, no loop with a condition. Conditions and loops over targets are evaluated there.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; part of the resource group\'s name and of every name made from it.')
param environmentName string

@minLength(1)
@description('Azure region. It has to offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@minLength(36)
@maxLength(36)
@description('Application (client) id of the app registration that reads the source tenant.')
param readerClientId string

@minLength(36)
@maxLength(36)
@description('Application (client) id of the app registration that writes to the targets.')
param writerClientId string

@description('Service Bus Premium, and Service Bus and storage reachable through private endpoints alone. Choose before the first deployment: a namespace cannot change from Standard to Premium.')
param premium bool = false

@description('Address range of the virtual network, /24 or larger; used with premium alone.')
param addressPrefix string = '10.90.0.0/24'

@minValue(0)
@description('Instances kept warm for the notifications function. Graph waits seconds for an answer and slows deliveries to a slow address, so one is the default; it is billed while idle.')
param alwaysReadyHttp int = 1

@minValue(0)
@description('Instances kept warm for each target\'s function. Without any, the first change after a quiet time waits for a cold start.')
param alwaysReadyPerTarget int = 0

@allowed([
  512
  2048
  4096
])
@description('Memory of one instance in MB; it also decides its share of a processor.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('Most instances of each function. One instance alone can use up the write quota that Graph grants for a tenant.')
param maximumInstanceCount int = 40

@description('Public https address of the notifications function; empty for the app\'s own host name.')
param notificationUrl string = ''

@minValue(1)
@description('Seconds: changes of one user within this window become one message.')
param windowSeconds int = 5

@minValue(0)
@description('Seconds of waiting after the window, for the replicas of the source to agree.')
param settleSeconds int = 5

@minValue(0)
@description('Seconds until a notification that led to nothing is looked at once more.')
param secondLookSeconds int = 60

@description('NCRONTAB: when subscriptions are looked after.')
param keepSubscriptionsSchedule string = '0 */15 * * * *'

@description('NCRONTAB: when changes that no notification told of are looked for.')
param catchUpSchedule string = '30 */5 * * * *'

@description('NCRONTAB: when everybody is compared.')
param fullCycleSchedule string = '0 0 3 * * *'

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 90

@description('Address that alerts are sent to; empty: they are seen in the portal alone.')
param alertEmail string = ''

@minValue(1)
@description('Seconds within which 95 of 100 changes should be written; an alert says when they were not.')
param latencyObjectiveSeconds int = 120

// Read when the template is compiled, and deployed with the app: a target is added by one edit and `azd up`.
var targets = loadYamlContent('../sync.yaml').targets
var targetNames = map(targets, target => target.name)

var token = toLower(uniqueString(subscription().id, environmentName, location))
var functionAppName = 'func-${token}'
var storageName = 'st${token}'
var serviceBusName = 'sbns-${token}'
var applicationInsightsName = 'appi-${token}'
var topicName = 'user-changes'
var deploymentContainerName = 'deployment'
// The longest that Service Bus has. The subscriptions and the app have to agree: a batch is done, or rescheduled, within
// it, and a claim that is older belongs to a worker that is no more.
var lockMinutes = 5
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    applicationInsightsName: applicationInsightsName
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

module logs 'modules/logs.bicep' = {
  name: 'logs'
  scope: group
  params: {
    workspaceName: monitoring.outputs.workspaceName
    ruleName: 'dcr-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: storageName
    location: location
    tags: tags
    deploymentContainerName: deploymentContainerName
    private: premium
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  scope: group
  params: {
    name: serviceBusName
    location: location
    tags: tags
    topicName: topicName
    targetNames: targetNames
    lockMinutes: lockMinutes
    premium: premium
  }
}

module network 'modules/network.bicep' = if (premium) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    addressPrefix: addressPrefix
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (premium) {
  name: 'private-endpoints'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    networkId: premium ? network!.outputs.networkId : ''
    subnetId: premium ? network!.outputs.endpointsSubnetId : ''
    serviceBusId: serviceBus.outputs.id
    storageId: storage.outputs.id
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    serviceBusName: serviceBus.outputs.name
    storageName: storage.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    logRuleName: logs.outputs.ruleName
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  // Both are looked up when the host starts, and not again for a while.
  dependsOn: [
    roles
    privateEndpoints
  ]
  params: {
    name: functionAppName
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    readerClientId: readerClientId
    writerClientId: writerClientId
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    blobEndpoint: storage.outputs.blobEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    deploymentContainerName: deploymentContainerName
    serviceBusHost: serviceBus.outputs.host
    topicName: topicName
    targetNames: targetNames
    subnetId: premium ? network!.outputs.appSubnetId : ''
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyPerTarget: alwaysReadyPerTarget
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    notificationUrl: notificationUrl
    windowSeconds: windowSeconds
    settleSeconds: settleSeconds
    secondLookSeconds: secondLookSeconds
    lockSeconds: lockMinutes * 60
    keepSubscriptionsSchedule: keepSubscriptionsSchedule
    catchUpSchedule: catchUpSchedule
    fullCycleSchedule: fullCycleSchedule
    logsIngestionEndpoint: logs.outputs.endpoint
    logsRuleId: logs.outputs.ruleId
  }
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'diagnostics'
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    serviceBusName: serviceBus.outputs.name
    storageName: storage.outputs.name
    functionAppName: functionApp.outputs.name
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    location: location
    tags: tags
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  // Their queries read tables that have to be there.
  dependsOn: [
    logs
  ]
  params: {
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    topicName: topicName
    location: location
    tags: tags
    email: alertEmail
    latencyObjectiveSeconds: latencyObjectiveSeconds
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
output FUNCTION_APP_HOST string = functionApp.outputs.host
output SERVICE_BUS_NAMESPACE string = serviceBus.outputs.name
output STORAGE_ACCOUNT string = storage.outputs.name
output LOG_ANALYTICS_WORKSPACE string = monitoring.outputs.workspaceName
output MANAGED_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
