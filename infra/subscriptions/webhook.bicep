// A subscription that posts events to a webhook, which has to answer the handshake at once.

@description('The router\'s topic: the output AZURE_EVENTGRID_TOPIC_NAME.')
param topicName string

@description('The router\'s storage account, for dead letters: the output AZURE_STORAGE_ACCOUNT_NAME.')
param storageAccountName string

@description('Name of the subscription, unique within the topic.')
param name string

@description('Where events are posted to, by https. A secret in it is not shown to who reads the subscription.')
@secure()
param url string

@description('Most events in one request, of the Event Grid schema.')
@minValue(1)
@maxValue(5000)
param maxEventsPerBatch int = 1

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

resource subscription 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: url
        maxEventsPerBatch: maxEventsPerBatch
        preferredBatchSizeInKilobytes: 64
        minimumTlsVersionAllowed: '1.2'
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
}

output id string = subscription.id
