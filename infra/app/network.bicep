// A network of the app's own, in which it reaches the other resources. The app itself stays public.

param name string
param location string
param tags object
param storageAccountId string
param cosmosAccountId string
param topicId string
param vaultId string

var targets = [
  {
    name: 'blob'
    resourceId: storageAccountId
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'queue'
    resourceId: storageAccountId
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'table'
    resourceId: storageAccountId
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'Sql'
    resourceId: cosmosAccountId
    zone: 'privatelink.documents.azure.com'
  }
  {
    name: 'topic'
    resourceId: topicId
    zone: 'privatelink.eventgrid.azure.net'
  }
  {
    name: 'vault'
    resourceId: vaultId
    zone: 'privatelink.vaultcore.azure.net'
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: ['10.0.0.0/16']
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            {
              name: 'app'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: '10.0.1.0/24'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

module endpoints 'private-endpoint.bicep' = [
  for target in targets: {
    name: 'private-endpoint-${target.name}'
    params: {
      name: 'pe-${toLower(target.name)}-${name}'
      location: location
      tags: tags
      networkId: network.id
      subnetId: '${network.id}/subnets/private-endpoints'
      resourceId: target.resourceId
      groupId: target.name
      zoneName: target.zone
    }
  }
]

output appSubnetId string = '${network.id}/subnets/app'
