// What an operator is woken for. The metrics are those of docs/reference/telemetry.md.

param token string
param location string
param tags object

@description('Where alerts are sent. Empty: they are only shown in the portal.')
param email string
param componentId string
param cosmosAccountId string
param topicId string

var queries = [
  {
    name: 'server-errors'
    description: 'More than 1 % of requests are answered with a server error.'
    severity: 1
    query: '''
requests
| where toint(resultCode) >= 100
| summarize total = count(), failed = countif(toint(resultCode) >= 500)
| where total >= 20
| project value = 100.0 * failed / total
'''
    operator: 'GreaterThan'
    threshold: 1
  }
  {
    name: 'outbox-age'
    description: 'Events have waited for more than 60 s to be published.'
    severity: 1
    query: '''
customMetrics
| where name == 'jobrouter.outbox.age'
| project value = valueMax
'''
    operator: 'GreaterThan'
    threshold: 60
  }
  {
    name: 'sweep-lag'
    // The sweep that is left out runs once a minute only.
    description: 'Deadlines, such as the expiry of offers, are met more than 30 s late.'
    severity: 2
    query: '''
customMetrics
| where name == 'jobrouter.sweep.lag'
| where customDimensions['jobrouter.sweep.name'] != 'deregister_idle_workers'
| project value = valueMax
'''
    operator: 'GreaterThan'
    threshold: 30
  }
  {
    name: 'no-sweeps'
    description: 'No sweep has run, or no telemetry arrives: offers do not expire any more.'
    severity: 0
    query: '''
customMetrics
| where name == 'jobrouter.sweep.duration'
| summarize value = count()
'''
    operator: 'LessThan'
    threshold: 1
  }
]

var metrics = [
  {
    name: 'throttled-requests'
    description: 'Cosmos DB refuses requests: the request units do not suffice.'
    severity: 2
    resourceId: cosmosAccountId
    metric: 'TotalRequests'
    aggregation: 'Count'
    threshold: 100
    dimensions: [
      {
        name: 'StatusCode'
        operator: 'Include'
        values: ['429']
      }
    ]
  }
  {
    name: 'failed-publishes'
    description: 'Event Grid refuses events.'
    severity: 2
    resourceId: topicId
    metric: 'PublishFailCount'
    aggregation: 'Total'
    threshold: 10
    dimensions: []
  }
  {
    name: 'dead-letters'
    description: 'Event Grid has given up on events: a subscriber does not take them.'
    severity: 3
    resourceId: topicId
    metric: 'DeadLetteredCount'
    aggregation: 'Total'
    threshold: 0
    dimensions: []
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'job-router'
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in queries: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Job Router: ${alert.name}'
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [componentId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: 'value'
            timeAggregation: 'Maximum'
            operator: alert.operator
            threshold: alert.threshold
          }
        ]
      }
      actions: {
        actionGroups: empty(email) ? [] : [group.id]
      }
    }
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in metrics: {
    name: '${alert.name}-${token}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [alert.resourceId]
      evaluationFrequency: 'PT1M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: alert.dimensions
          }
        ]
      }
      actions: empty(email)
        ? []
        : [
            {
              actionGroupId: group.id
            }
          ]
    }
  }
]
