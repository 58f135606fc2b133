// The router's state. The containers are those of the code: infra/containers.py writes them.

param name string
param location string
param tags object

@description('Most request units a second that each container scales up to. 0: serverless.')
@minValue(0)
param maxThroughput int
param zoneRedundant bool
param backupTier 'Continuous7Days' | 'Continuous30Days'
param isPublic bool

@description('Principal that reads and writes items.')
param userId string
param workspaceId string

var dataContributor = '00000000-0000-0000-0000-000000000002'
var throughput = maxThroughput == 0
  ? {}
  : {
      autoscaleSettings: {
        maxThroughput: maxThroughput
      }
    }

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: maxThroughput == 0 ? [{ name: 'EnableServerless' }] : []
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: zoneRedundant
      }
    ]
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPublic ? 'Enabled' : 'Disabled'
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: backupTier
      }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: account
  name: 'jobrouter'
  tags: tags
  properties: {
    resource: {
      id: 'jobrouter'
    }
  }
}

resource containers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = [
  for container in loadJsonContent('containers.json'): {
    parent: database
    name: container.name
    tags: tags
    properties: {
      resource: {
        id: container.name
        partitionKey: {
          paths: [container.partitionKey]
          kind: 'Hash'
          version: 2
        }
        defaultTtl: container.defaultTimeToLive
        indexingPolicy: container.indexingPolicy
      }
      options: throughput
    }
  }
]

// A role of Cosmos DB itself: those of the subscription manage the account, but see no items.
resource user 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = {
  parent: account
  name: guid(account.id, userId, dataContributor)
  properties: {
    principalId: userId
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
    scope: account.id
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'ControlPlaneRequests'
        enabled: true
      }
      {
        category: 'PartitionKeyRUConsumption'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Requests'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output name string = account.name

@description('As JOBROUTER_STORE has it.')
output store string = 'cosmos:${account.properties.documentEndpoint}${database.name}'
