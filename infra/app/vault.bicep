// The access keys, and the key that secrets of rules are stored with. They are made once: a later
// deployment leaves them as they are, so that they are changed in the vault.

param name string
param location string
param tags object
param isPublic bool
param purgeProtection bool

@description('Principal that reads the secrets.')
param readerId string

@description('Principal that reads and changes them. Empty: nobody.')
param operatorId string
param workspaceId string

@secure()
param newAccessKey string = base64('${newGuid()}${newGuid()}')

@secure()
param newSecondaryAccessKey string = base64('${newGuid()}${newGuid()}')

@description('Base64 of 32 bytes.')
@secure()
param newSecretsKey string = base64(replace(newGuid(), '-', ''))

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // Azure refuses to be told false.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: isPublic ? 'Enabled' : 'Disabled'
    networkAcls: {
      // Deployments of secrets come from such a service.
      bypass: 'AzureServices'
      defaultAction: isPublic ? 'Allow' : 'Deny'
    }
  }
}

@onlyIfNotExists()
resource accessKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'access-key'
  tags: tags
  properties: {
    value: newAccessKey
  }
}

@onlyIfNotExists()
resource secondaryAccessKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'secondary-access-key'
  tags: tags
  properties: {
    value: newSecondaryAccessKey
  }
}

@onlyIfNotExists()
resource secretsKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'secrets-key'
  tags: tags
  properties: {
    value: newSecretsKey
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, readerId, secretsUser)
  scope: vault
  properties: {
    principalId: readerId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

resource operator 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorId)) {
  name: guid(vault.id, operatorId, secretsOfficer)
  scope: vault
  properties: {
    principalId: operatorId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficer)
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
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

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
