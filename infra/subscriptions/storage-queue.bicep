// A subscription that puts events on a storage queue of this resource group, in the name of the topic:
// its account needs no shared keys.

@description('The router\'s topic: the output AZURE_EVENTGRID_TOPIC_NAME.')
param topicName string

@description('The router\'s storage account, for dead letters: the output AZURE_STORAGE_ACCOUNT_NAME.')
param storageAccountName string

@description('Name of the subscription, unique within the topic.')
param name string

@description('Account of the queue.')
param queueAccountName string
param queueName string

@description('For how long a message waits to be read. -1: for ever.')
@minValue(-1)
param messageTimeToLiveInSeconds int = 604800

@description('Such as Microsoft.Communication.RouterWorkerOfferIssued. Empty: all types.')
param eventTypes string[] = []

@description('Such as job/ or worker/. Empty: any subject.')
param subjectBeginsWith string = ''

@description('Empty: any subject.')
param subjectEndsWith string = ''

@description('The schema that the topic takes events in.')
@allowed([
  'EventGridSchema'
  'CloudEventSchemaV1_0'
])
param eventSchema string = 'EventGridSchema'

@minValue(1)
@maxValue(30)
param maxDeliveryAttempts int = 30

@minValue(1)
@maxValue(1440)
param timeToLiveInMinutes int = 1440

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource queueAccount 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: queueAccountName
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' existing = {
  name: '${queueAccountName}/default/${queueName}'
}

var queueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, topic.id, queueDataMessageSender)
  scope: queue
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataMessageSender)
  }
}

resource subscription 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: queueAccount.id
          queueName: queueName
          queueMessageTimeToLiveInSeconds: messageTimeToLiveInSeconds
        }
      }
    }
    eventDeliverySchema: eventSchema
    filter: {
      includedEventTypes: empty(eventTypes) ? null : eventTypes
      subjectBeginsWith: subjectBeginsWith
      subjectEndsWith: subjectEndsWith
      isSubjectCaseSensitive: true
    }
    retryPolicy: {
      maxDeliveryAttempts: maxDeliveryAttempts
      eventTimeToLiveInMinutes: timeToLiveInMinutes
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: account.id
          blobContainerName: 'event-dead-letters'
        }
      }
    }
  }
  dependsOn: [sender]
}

output id string = subscription.id
