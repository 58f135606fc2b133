// The whole router, in a resource group of its own. See docs/how-to/deploy.md.
targetScope = 'subscription'

@description('Name of the environment: part of the resource group\'s name, and a tag of all resources.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources. Flex Consumption must be available in it.')
@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Object id of who operates the router, who may read and change its secrets. Empty: nobody.')
param operatorId string = ''

@description('Where alerts are sent. Empty: they are only shown in the portal.')
param alertEmail string = ''

@description('Most request units a second that each container scales up to, at least 1000. 0: serverless. Cannot be changed from or to 0 later.')
@minValue(0)
param cosmosMaxThroughput int = 0

@description('For how long back the database can be restored, to the second.')
@allowed([
  'Continuous7Days'
  'Continuous30Days'
])
param cosmosBackupTier string = 'Continuous7Days'

@description('Reach database, storage, topic and vault through private endpoints only.')
param privateNetwork bool = false

@description('Spread instances, database and storage over the zones of the region.')
param zoneRedundant bool = false

@description('Share the match sweep among instances, through a storage queue.')
param matchFanOut bool = false

@description('Instances that are always ready to answer requests.')
@minValue(0)
param alwaysReadyInstances int = 0

@description('Most instances that requests, or a single other function, scale out to.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 100

@description('Memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

@description('Requests that an instance answers at the same time; more of them start another. The app is asynchronous: it can wait for the database on behalf of many.')
@minValue(1)
@maxValue(1000)
param requestsPerInstance int = 50

@description('Schema of the events. Cannot be changed later.')
@allowed([
  'EventGridSchema'
  'CloudEventSchemaV1_0'
])
param eventSchema string = 'EventGridSchema'

@description('Id of the tenant whose tokens are accepted beside access keys. Empty: keys only.')
param entraTenant string = ''

@description('Whom tokens must be made for, separated by commas. Goes with the tenant.')
param entraAudience string = ''

@description('Further app settings, by their names: see docs/reference/settings.md.')
param settings object = {}

@description('Keep the vault for 90 days after its deletion, so that nobody can purge its secrets. Cannot be turned off again.')
param purgeProtection bool = false

var tags = {
  'azd-env-name': environmentName
}
var token = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module router 'app/router.bicep' = {
  name: 'router'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    operatorId: operatorId
    alertEmail: alertEmail
    cosmosMaxThroughput: cosmosMaxThroughput
    cosmosBackupTier: cosmosBackupTier
    privateNetwork: privateNetwork
    zoneRedundant: zoneRedundant
    matchFanOut: matchFanOut
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemory: instanceMemory
    requestsPerInstance: requestsPerInstance
    eventSchema: eventSchema
    entraTenant: entraTenant
    entraAudience: entraAudience
    settings: settings
    purgeProtection: purgeProtection
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = router.outputs.vaultName
output AZURE_COSMOS_ACCOUNT_NAME string = router.outputs.cosmosAccountName
output AZURE_EVENTGRID_TOPIC_NAME string = router.outputs.topicName
output AZURE_STORAGE_ACCOUNT_NAME string = router.outputs.storageAccountName
output SERVICE_API_NAME string = router.outputs.siteName
output SERVICE_API_ENDPOINT string = router.outputs.endpoint
