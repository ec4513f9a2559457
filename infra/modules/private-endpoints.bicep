// Private endpoints of a premium installation, each with the DNS zone that makes the ordinary host name lead to it.
param token string
param location string
param tags object
param networkId string
param subnetId string
param serviceBusId string
param storageId string

// Bicep knows the storage suffix of each cloud, and not that of Service Bus.
var serviceBusSuffixes = {
  AzureCloud: 'servicebus.windows.net'
  AzureUSGovernment: 'servicebus.usgovcloudapi.net'
  AzureChinaCloud: 'servicebus.chinacloudapi.cn'
}

var doors = [
  {
    name: 'service-bus'
    resourceId: serviceBusId
    groupId: 'namespace'
    zone: 'privatelink.${serviceBusSuffixes[environment().name]}'
  }
  {
    name: 'blob'
    resourceId: storageId
    groupId: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'table'
    resourceId: storageId
    groupId: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
]

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for door in doors: {
  name: door.zone
  location: 'global'
  tags: tags
}]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for (door, index) in doors: {
  parent: zones[index]
  name: 'vnet-${token}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for door in doors: {
  name: 'pe-${door.name}-${token}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: door.name
        properties: {
          privateLinkServiceId: door.resourceId
          groupIds: [
            door.groupId
          ]
        }
      }
    ]
  }
}]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (door, index) in doors: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: door.name
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]
