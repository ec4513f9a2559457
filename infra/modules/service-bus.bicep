// The topic of user changes: one subscription for each target, one where messages are parked that nobody could read,
// and one for commands to the app itself. The rules here and the property `target` of a message are two halves of one
// agreement.
param name string
param location string
param tags object
param topicName string
param targetNames array
param lockMinutes int
param premium bool

var receivers = concat(
  map(targetNames, target => { name: target, rule: 'target IS NULL OR target = \'${target}\'' }),
  [{ name: 'poison', rule: 'target = \'poison\'' }, { name: 'control', rule: 'target = \'control\'' }]
)

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: premium ? { name: 'Premium', tier: 'Premium', capacity: 1 } : { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: premium ? 'Disabled' : 'Enabled'
  }
}

resource topic 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: namespace
  name: topicName
  properties: {
    // What makes the repeats of one window into one message. Cannot be switched on later.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
    // Scheduled messages count too, and a topic that is full refuses notifications.
    maxSizeInMegabytes: 5120
    // A target that took nothing for two weeks shows as dead letters before it can fill the topic for all.
    defaultMessageTimeToLive: 'P14D'
  }
}

resource subscriptions 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = [for receiver in receivers: {
  parent: topic
  name: receiver.name
  properties: {
    lockDuration: 'PT${lockMinutes}M'
    // Messages that cannot be read are parked by the app. So deliveries are only used up by outages, of which one with
    // answers lost uses several; and by what ends the worker each time, which takes a lock's time for each.
    maxDeliveryCount: 30
    deadLetteringOnMessageExpiration: true
    deadLetteringOnFilterEvaluationExceptions: true
  }
}]

// Service Bus gives every new subscription a rule called $Default that lets everything in, and a message passes if
// any rule accepts it. So our rule takes that name, and with it that rule's place.
resource rules 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = [for (receiver, index) in receivers: {
  parent: subscriptions[index]
  name: '$Default'
  properties: {
    filterType: 'SqlFilter'
    sqlFilter: {
      sqlExpression: receiver.rule
    }
  }
}]

output id string = namespace.id
output name string = namespace.name
// From https://NAME.servicebus.windows.net:443/, so that the host name is right in every cloud.
output host string = split(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':')[0]
