// The function app on Flex Consumption, with every app setting it runs on. docs/settings.md explains ours; a test
// keeps the two in step. No setting is a secret.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param readerClientId string
param writerClientId string
param applicationInsightsConnectionString string
param blobEndpoint string
param tableEndpoint string
param deploymentContainerName string
param serviceBusHost string
param topicName string
param targetNames array

@description('Subnet for the app\'s outgoing traffic; empty for none.')
param subnetId string

param alwaysReadyHttp int
param alwaysReadyPerTarget int
param instanceMemoryMB int
param maximumInstanceCount int
param notificationUrl string
param windowSeconds int
param settleSeconds int
param secondLookSeconds int
param lockSeconds int
param keepSubscriptionsSchedule string
param catchUpSchedule string
param fullCycleSchedule string
param logsIngestionEndpoint string
param logsRuleId string

// Read by the Functions host, by the scale controller and by telemetry. FUNCTIONS_WORKER_RUNTIME and its kind have no
// place on Flex Consumption: functionAppConfig below says it.
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

// A setting called ServiceBusConnection alone, even an empty one, must not exist: it would go before these three.
var serviceBusSettings = {
  ServiceBusConnection__fullyQualifiedNamespace: serviceBusHost
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identityClientId
}

var appSettings = {
  SYNC_FILE: 'sync.yaml'
  MANAGED_IDENTITY_CLIENT_ID: identityClientId
  READER_CLIENT_ID: readerClientId
  WRITER_CLIENT_ID: writerClientId
  USER_CHANGES_TOPIC: topicName
  STORE_URL: tableEndpoint
  NOTIFICATION_URL: notificationUrl
  WINDOW_SECONDS: string(windowSeconds)
  SETTLE_SECONDS: string(settleSeconds)
  SECOND_LOOK_SECONDS: string(secondLookSeconds)
  LOCK_SECONDS: string(lockSeconds)
  KEEP_SUBSCRIPTIONS_SCHEDULE: keepSubscriptionsSchedule
  CATCH_UP_SCHEDULE: catchUpSchedule
  FULL_CYCLE_SCHEDULE: fullCycleSchedule
  LOGS_INGESTION_ENDPOINT: logsIngestionEndpoint
  LOGS_RULE_ID: logsRuleId
}

var settings = union(hostSettings, serviceBusSettings, appSettings)

// All HTTP functions share their instances; every other function has instances of its own.
var alwaysReady = concat(
  alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : [],
  map(alwaysReadyPerTarget > 0 ? targetNames : [], target => {
    name: 'function:provision_${replace(target, '-', '_')}'
    instanceCount: alwaysReadyPerTarget
  })
)

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true // Linux
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // By this tag azd finds where the service of azure.yaml is deployed to.
  tags: union(tags, { 'azd-service-name': 'crosstenant' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      // With the app and not as a resource of their own: one change, one restart, and never a start without them.
      appSettings: map(items(settings), setting => { name: setting.key, value: setting.value })
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }
}

// Publishing passwords are secrets; azd signs in with Entra.
resource publishingByPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = [for door in ['ftp', 'scm']: {
  parent: app
  name: door
  properties: {
    allow: false
  }
}]

output name string = app.name
output host string = app.properties.defaultHostName
