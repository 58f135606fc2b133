// All resources of a router and how they depend on each other.

param token string
param location string
param tags object
param operatorId string
param alertEmail string
param cosmosMaxThroughput int
param cosmosBackupTier 'Continuous7Days' | 'Continuous30Days'
param privateNetwork bool
param zoneRedundant bool
param matchFanOut bool
param alwaysReadyInstances int
param maximumInstances int
param instanceMemory int
param requestsPerInstance int
param eventSchema 'EventGridSchema' | 'CloudEventSchemaV1_0'
param entraTenant string
param entraAudience string
param settings object
param purgeProtection bool

module identity 'identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    location: location
    tags: tags
    writerId: identity.outputs.principalId
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    isPublic: !privateNetwork
    hasQueues: matchFanOut
    userId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmos 'cosmos.bicep' = {
  name: 'cosmos'
  params: {
    name: 'cosmos-${token}'
    location: location
    tags: tags
    maxThroughput: cosmosMaxThroughput
    backupTier: cosmosBackupTier
    zoneRedundant: zoneRedundant
    isPublic: !privateNetwork
    userId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module topic 'topic.bicep' = {
  name: 'topic'
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    inputSchema: eventSchema
    isPublic: !privateNetwork
    senderId: identity.outputs.principalId
    storageAccountName: storage.outputs.name
    deadLetterContainer: storage.outputs.deadLetterContainer
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'vault.bicep' = {
  name: 'vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    isPublic: !privateNetwork
    purgeProtection: purgeProtection
    readerId: identity.outputs.principalId
    operatorId: operatorId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    storageAccountId: storage.outputs.id
    cosmosAccountId: cosmos.outputs.id
    topicId: topic.outputs.id
    vaultId: vault.outputs.id
  }
}

module api 'api.bicep' = {
  name: 'api'
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemory: instanceMemory
    requestsPerInstance: requestsPerInstance
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsConnectionString: monitoring.outputs.connectionString
    storageAccountName: storage.outputs.name
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    deploymentContainer: storage.outputs.deploymentContainer
    store: cosmos.outputs.store
    topicEndpoint: topic.outputs.endpoint
    eventSchema: eventSchema
    vaultUri: vault.outputs.uri
    matchFanOut: matchFanOut
    entraTenant: entraTenant
    entraAudience: entraAudience
    settings: settings
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    token: token
    location: location
    tags: tags
    email: alertEmail
    componentId: monitoring.outputs.componentId
    cosmosAccountId: cosmos.outputs.id
    topicId: topic.outputs.id
  }
}

output vaultName string = vault.outputs.name
output cosmosAccountName string = cosmos.outputs.name
output topicName string = topic.outputs.name
output storageAccountName string = storage.outputs.name
output siteName string = api.outputs.name
output endpoint string = api.outputs.endpoint
