// Three subscribers: change it to yours, and deploy it into the router's resource group.

@description('The output AZURE_EVENTGRID_TOPIC_NAME of the router.')
param topicName string

@description('The output AZURE_STORAGE_ACCOUNT_NAME of the router.')
param storageAccountName string

@description('An https address that answers the handshake.')
@secure()
param webhookUrl string

@description('A storage account of this resource group, and its queue.')
param queueAccountName string
param queueName string

@description('A function with an Event Grid trigger.')
param functionId string

// Agents' desktops: each offer, at once. An offer that is late is worth nothing.
module offers 'webhook.bicep' = {
  name: 'offers'
  params: {
    topicName: topicName
    storageAccountName: storageAccountName
    name: 'offers'
    url: webhookUrl
    eventTypes: [
      'Microsoft.Communication.RouterWorkerOfferIssued'
      'Microsoft.Communication.RouterWorkerOfferExpired'
      'Microsoft.Communication.RouterWorkerOfferRevoked'
    ]
    subjectBeginsWith: 'worker/'
    maxDeliveryAttempts: 5
    timeToLiveInMinutes: 5
  }
}

// Reports: everything about jobs, whenever it is read.
module jobs 'storage-queue.bicep' = {
  name: 'jobs'
  params: {
    topicName: topicName
    storageAccountName: storageAccountName
    name: 'jobs'
    queueAccountName: queueAccountName
    queueName: queueName
    subjectBeginsWith: 'job/'
  }
}

// Whoever handles jobs that nobody took in time.
module escalations 'azure-function.bicep' = {
  name: 'escalations'
  params: {
    topicName: topicName
    storageAccountName: storageAccountName
    name: 'escalations'
    functionId: functionId
    eventTypes: ['Microsoft.Communication.RouterJobExceptionTriggered']
    maxEventsPerBatch: 20
  }
}
