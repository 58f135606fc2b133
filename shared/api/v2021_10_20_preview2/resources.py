"""The shapes of answers: no more, nothing of another type."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import Field, with_config

from shared.api.v2021_10_20_preview2.words import JobStatus, LabelOperator
from shared.api.v2023_11_01.resources import CLOSED, AnsweredTime, Int32, Primitives
from shared.domain.distribution import ScoringParameter
from shared.domain.statuses import WorkerState


@with_config(CLOSED)
class JobQueue(TypedDict):
    id: str
    name: NotRequired[str]
    distributionPolicyId: str
    labels: Primitives
    exceptionPolicyId: NotRequired[str]


@with_config(CLOSED)
class AnsweredWorkerSelector(TypedDict):
    key: str
    labelOperator: LabelOperator
    value: str | float | bool
    ttlSeconds: NotRequired[float]
    expedite: bool


@with_config(CLOSED)
class AnsweredQueueSelector(TypedDict):
    key: str
    labelOperator: LabelOperator
    value: str | float | bool


@with_config(CLOSED)
class AnsweredStaticRule(TypedDict):
    kind: Literal["static-rule"]
    value: NotRequired[Any]


@with_config(CLOSED)
class AnsweredDirectMapRule(TypedDict):
    kind: Literal["direct-map-rule"]


@with_config(CLOSED)
class AnsweredExpressionRule(TypedDict):
    kind: Literal["expression-rule"]
    language: Literal["powerFx"]
    expression: str


@with_config(CLOSED)
class AnsweredFunctionCredential(TypedDict):
    clientId: NotRequired[str]


@with_config(CLOSED)
class AnsweredFunctionRule(TypedDict):
    kind: Literal["azure-function-rule"]
    functionUrl: str
    credential: NotRequired[AnsweredFunctionCredential]


@with_config(CLOSED)
class AnsweredClientCredential(TypedDict):
    clientId: str


@with_config(CLOSED)
class AnsweredWebhookRule(TypedDict):
    kind: Literal["webhook-rule"]
    authorizationServerUri: str
    clientCredential: AnsweredClientCredential
    webhookUri: str


type RouterRule = (
    AnsweredStaticRule
    | AnsweredDirectMapRule
    | AnsweredExpressionRule
    | AnsweredFunctionRule
    | AnsweredWebhookRule
)


@with_config(CLOSED)
class AnsweredScoringRuleOptions(TypedDict):
    batchSize: Int32
    scoringParameters: list[ScoringParameter]
    allowScoringBatchOfWorkers: bool
    descendingOrder: bool


@with_config(CLOSED)
class AnsweredBestWorkerMode(TypedDict):
    kind: Literal["best-worker"]
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool
    scoringRule: NotRequired[RouterRule]
    scoringRuleOptions: NotRequired[AnsweredScoringRuleOptions]


@with_config(CLOSED)
class OtherDistributionMode(TypedDict):
    kind: Literal["longest-idle", "round-robin"]
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool


@with_config(CLOSED)
class DistributionPolicy(TypedDict):
    id: str
    name: NotRequired[str]
    offerTtlSeconds: float
    mode: AnsweredBestWorkerMode | OtherDistributionMode


@with_config(CLOSED)
class RuleEngineSelector(TypedDict):
    kind: Literal["rule-engine"]
    rule: RouterRule


@with_config(CLOSED)
class StaticQueueSelector(TypedDict):
    kind: Literal["static"]
    labelSelector: AnsweredQueueSelector


@with_config(CLOSED)
class ConditionalQueueSelector(TypedDict):
    kind: Literal["conditional"]
    condition: RouterRule
    labelSelectors: list[AnsweredQueueSelector]


@with_config(CLOSED)
class PassThroughQueueSelector(TypedDict):
    kind: Literal["pass-through"]
    key: str
    labelOperator: LabelOperator


@with_config(CLOSED)
class QueueWeightedAllocation(TypedDict):
    weight: float
    labelSelectors: list[AnsweredQueueSelector]


@with_config(CLOSED)
class WeightedAllocationQueueSelector(TypedDict):
    kind: Literal["weighted-allocation-queue-selector"]
    allocations: list[QueueWeightedAllocation]


type QueueSelectorAttachment = (
    StaticQueueSelector
    | ConditionalQueueSelector
    | PassThroughQueueSelector
    | RuleEngineSelector
    | WeightedAllocationQueueSelector
)


@with_config(CLOSED)
class StaticWorkerSelector(TypedDict):
    kind: Literal["static"]
    labelSelector: AnsweredWorkerSelector


@with_config(CLOSED)
class ConditionalWorkerSelector(TypedDict):
    kind: Literal["conditional"]
    condition: RouterRule
    labelSelectors: list[AnsweredWorkerSelector]


@with_config(CLOSED)
class PassThroughWorkerSelector(TypedDict):
    kind: Literal["pass-through"]
    key: str
    labelOperator: LabelOperator
    ttlSeconds: NotRequired[float]


@with_config(CLOSED)
class WorkerWeightedAllocation(TypedDict):
    weight: float
    labelSelectors: list[AnsweredWorkerSelector]


@with_config(CLOSED)
class WeightedAllocationWorkerSelector(TypedDict):
    kind: Literal["weighted-allocation-worker-selector"]
    allocations: list[WorkerWeightedAllocation]


type WorkerSelectorAttachment = (
    StaticWorkerSelector
    | ConditionalWorkerSelector
    | PassThroughWorkerSelector
    | RuleEngineSelector
    | WeightedAllocationWorkerSelector
)


@with_config(CLOSED)
class ClassificationPolicy(TypedDict):
    id: str
    name: NotRequired[str]
    fallbackQueueId: NotRequired[str]
    queueSelectors: list[QueueSelectorAttachment]
    prioritizationRule: NotRequired[RouterRule]
    workerSelectors: list[WorkerSelectorAttachment]


@with_config(CLOSED)
class QueueLengthExceptionTrigger(TypedDict):
    kind: Literal["queue-length"]
    threshold: Int32


@with_config(CLOSED)
class WaitTimeExceptionTrigger(TypedDict):
    kind: Literal["wait-time"]
    threshold: str


@with_config(CLOSED)
class CancelExceptionAction(TypedDict):
    kind: Literal["cancel"]
    note: NotRequired[str]
    dispositionCode: NotRequired[str]


@with_config(CLOSED)
class ReclassifyExceptionAction(TypedDict):
    kind: Literal["reclassify"]
    classificationPolicyId: NotRequired[str]
    labelsToUpsert: Primitives


@with_config(CLOSED)
class ManualReclassifyExceptionAction(TypedDict):
    kind: Literal["manual-reclassify"]
    queueId: NotRequired[str]
    priority: NotRequired[Int32]
    workerSelectors: list[AnsweredWorkerSelector]


type ExceptionAction = (
    CancelExceptionAction | ReclassifyExceptionAction | ManualReclassifyExceptionAction
)


@with_config(CLOSED)
class JobExceptionRule(TypedDict):
    trigger: QueueLengthExceptionTrigger | WaitTimeExceptionTrigger
    actions: dict[str, ExceptionAction]


@with_config(CLOSED)
class ExceptionPolicy(TypedDict):
    id: str
    name: NotRequired[str]
    exceptionRules: dict[str, JobExceptionRule]


@with_config(CLOSED)
class JobAssignment(TypedDict):
    id: str
    workerId: str
    assignTime: AnsweredTime
    completeTime: NotRequired[AnsweredTime]
    closeTime: NotRequired[AnsweredTime]


@with_config(CLOSED)
class RouterJob(TypedDict):
    id: str
    channelReference: NotRequired[str]
    jobStatus: JobStatus
    enqueueTimeUtc: NotRequired[AnsweredTime]
    channelId: str
    classificationPolicyId: NotRequired[str]
    queueId: NotRequired[str]
    priority: Int32
    dispositionCode: NotRequired[str]
    requestedWorkerSelectors: list[AnsweredWorkerSelector]
    attachedWorkerSelectors: list[AnsweredWorkerSelector]
    labels: Primitives
    assignments: dict[str, JobAssignment]
    tags: Primitives
    notes: dict[str, str]


@with_config(CLOSED)
class QueueAssignment(TypedDict):
    pass


@with_config(CLOSED)
class ChannelConfiguration(TypedDict):
    capacityCostPerJob: Int32


@with_config(CLOSED)
class JobOffer(TypedDict):
    id: str
    jobId: str
    capacityCost: Int32
    offerTimeUtc: AnsweredTime
    expiryTimeUtc: AnsweredTime


@with_config(CLOSED)
class WorkerAssignment(TypedDict):
    id: str
    jobId: str
    capacityCost: Int32
    assignTime: AnsweredTime


@with_config(CLOSED)
class RouterWorker(TypedDict):
    id: str
    state: WorkerState
    queueAssignments: dict[str, QueueAssignment]
    totalCapacity: Int32
    labels: Primitives
    tags: Primitives
    channelConfigurations: dict[str, ChannelConfiguration]
    offers: list[JobOffer]
    assignedJobs: list[WorkerAssignment]
    loadRatio: Annotated[float, Field(ge=0, le=1)]
    availableForOffers: bool
