// The function app, on Flex Consumption.

param name string
param planName string
param location string
param tags object
param zoneRedundant bool

@description('Subnet that calls of the app leave through. Empty: none.')
param subnetId string
param alwaysReadyInstances int
param maximumInstances int
param instanceMemory int

@description('Without it the platform lets a Python app answer one request at a time.')
param requestsPerInstance int
param identityId string
param identityClientId string
param insightsConnectionString string
param storageAccountName string
param blobEndpoint string
param queueEndpoint string
param deploymentContainer string

@description('As JOBROUTER_STORE has it.')
param store string
param topicEndpoint string
param eventSchema 'EventGridSchema' | 'CloudEventSchemaV1_0'
param vaultUri string
param matchFanOut bool
param entraTenant string
param entraAudience string

@description('Further app settings. They win over those below.')
param settings object
param workspaceId string

var host = {
  AzureWebJobsStorage__accountName: storageAccountName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
  AZURE_CLIENT_ID: identityClientId
}
// References without a version: the platform takes up a changed secret by itself.
var router = {
  JOBROUTER_STORE: store
  JOBROUTER_ACCESS_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/access-key)'
  JOBROUTER_SECONDARY_ACCESS_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/secondary-access-key)'
  JOBROUTER_SECRETS_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/secrets-key)'
  JOBROUTER_EVENTGRID_ENDPOINT: topicEndpoint
  JOBROUTER_EVENT_SCHEMA: eventSchema
  JOBROUTER_MATCH_FAN_OUT: matchFanOut ? 'true' : 'false'
  JOBROUTER_ENTRA_TENANT: entraTenant
  JOBROUTER_ENTRA_AUDIENCE: entraAudience
}
var fanOut = matchFanOut
  ? {
      JOBROUTER_QUEUES__queueServiceUri: queueEndpoint
      JOBROUTER_QUEUES__credential: 'managedidentity'
      JOBROUTER_QUEUES__clientId: identityClientId
    }
  : {}

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
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
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
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        triggers: {
          http: {
            perInstanceConcurrency: requestsPerInstance
          }
        }
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyInstances
              }
            ]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        for setting in items(union(host, router, fanOut, settings)): {
          name: setting.key
          value: setting.value
        }
      ]
    }
  }
}

// Deployments use Entra ID; no user name and password of the app are left.
resource publishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

// What the host says before, or instead of, sending it to Application Insights.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output name string = site.name
output endpoint string = 'https://${site.properties.defaultHostName}'
