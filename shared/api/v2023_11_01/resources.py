"""The shapes of answers: no more, nothing of another type.

What builds an answer is the model of the resource; these tell clients what to expect of it, in the
API's own description. Members that are not always there are ``NotRequired``.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, Field, with_config

from shared.api.wire import INT32_MAX
from shared.domain.distribution import ScoringParameter
from shared.domain.labels import LabelOperator
from shared.domain.limits import MAX_UNASSIGNMENTS
from shared.domain.selectors import SelectorStatus
from shared.domain.statuses import JobStatus, WorkerState

CLOSED = ConfigDict(extra="forbid")

type AnsweredTime = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$"),
]
type ETag = Annotated[str, Field(pattern=r'^"[^"]+"$')]
type Int32 = Annotated[int, Field(ge=-INT32_MAX - 1, le=INT32_MAX)]
type Primitives = dict[str, str | float | bool]
type Count = Annotated[int, Field(ge=0, le=INT32_MAX)]
type Minutes = Annotated[float, Field(ge=0)]


@with_config(CLOSED)
class RouterQueue(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    distributionPolicyId: str
    labels: Primitives
    exceptionPolicyId: NotRequired[str]


@with_config(CLOSED)
class RouterQueueSelector(TypedDict):
    key: str
    labelOperator: LabelOperator
    value: str | float | bool


@with_config(CLOSED)
class RouterWorkerSelector(TypedDict):
    key: str
    labelOperator: LabelOperator
    value: str | float | bool
    expiresAfterSeconds: NotRequired[float]
    expedite: bool
    status: SelectorStatus
    expiresAt: NotRequired[AnsweredTime]


@with_config(CLOSED)
class StaticRouterRule(TypedDict):
    kind: Literal["static"]
    value: NotRequired[Any]


@with_config(CLOSED)
class DirectMapRouterRule(TypedDict):
    kind: Literal["directMap"]


@with_config(CLOSED)
class ExpressionRouterRule(TypedDict):
    kind: Literal["expression"]
    language: Literal["powerFx"]
    expression: str


@with_config(CLOSED)
class FunctionRouterRuleCredential(TypedDict):
    clientId: NotRequired[str]


@with_config(CLOSED)
class FunctionRouterRule(TypedDict):
    kind: Literal["function"]
    functionUri: str
    credential: NotRequired[FunctionRouterRuleCredential]


@with_config(CLOSED)
class OAuth2WebhookClientCredential(TypedDict):
    clientId: str


@with_config(CLOSED)
class WebhookRouterRule(TypedDict):
    kind: Literal["webhook"]
    authorizationServerUri: str
    clientCredential: OAuth2WebhookClientCredential
    webhookUri: str


type RouterRule = (
    StaticRouterRule
    | DirectMapRouterRule
    | ExpressionRouterRule
    | FunctionRouterRule
    | WebhookRouterRule
)


@with_config(CLOSED)
class ScoringRuleOptions(TypedDict):
    batchSize: Int32
    scoringParameters: list[ScoringParameter]
    isBatchScoringEnabled: bool
    descendingOrder: bool


@with_config(CLOSED)
class BestWorkerMode(TypedDict):
    kind: Literal["bestWorker"]
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool
    scoringRule: NotRequired[RouterRule]
    scoringRuleOptions: NotRequired[ScoringRuleOptions]


@with_config(CLOSED)
class OtherDistributionMode(TypedDict):
    kind: Literal["longestIdle", "roundRobin"]
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool


@with_config(CLOSED)
class DistributionPolicy(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    offerExpiresAfterSeconds: float
    mode: BestWorkerMode | OtherDistributionMode


@with_config(CLOSED)
class RuleEngineSelectorAttachment(TypedDict):
    kind: Literal["ruleEngine"]
    rule: RouterRule


@with_config(CLOSED)
class StaticQueueSelectorAttachment(TypedDict):
    kind: Literal["static"]
    queueSelector: RouterQueueSelector


@with_config(CLOSED)
class ConditionalQueueSelectorAttachment(TypedDict):
    kind: Literal["conditional"]
    condition: RouterRule
    queueSelectors: list[RouterQueueSelector]


@with_config(CLOSED)
class PassThroughQueueSelectorAttachment(TypedDict):
    kind: Literal["passThrough"]
    key: str
    labelOperator: LabelOperator


@with_config(CLOSED)
class QueueWeightedAllocation(TypedDict):
    weight: float
    queueSelectors: list[RouterQueueSelector]


@with_config(CLOSED)
class WeightedAllocationQueueSelectorAttachment(TypedDict):
    kind: Literal["weightedAllocation"]
    allocations: list[QueueWeightedAllocation]


type QueueSelectorAttachment = (
    StaticQueueSelectorAttachment
    | ConditionalQueueSelectorAttachment
    | PassThroughQueueSelectorAttachment
    | RuleEngineSelectorAttachment
    | WeightedAllocationQueueSelectorAttachment
)


@with_config(CLOSED)
class StaticWorkerSelectorAttachment(TypedDict):
    kind: Literal["static"]
    workerSelector: RouterWorkerSelector


@with_config(CLOSED)
class ConditionalWorkerSelectorAttachment(TypedDict):
    kind: Literal["conditional"]
    condition: RouterRule
    workerSelectors: list[RouterWorkerSelector]


@with_config(CLOSED)
class PassThroughWorkerSelectorAttachment(TypedDict):
    kind: Literal["passThrough"]
    key: str
    labelOperator: LabelOperator
    expiresAfterSeconds: NotRequired[float]


@with_config(CLOSED)
class WorkerWeightedAllocation(TypedDict):
    weight: float
    workerSelectors: list[RouterWorkerSelector]


@with_config(CLOSED)
class WeightedAllocationWorkerSelectorAttachment(TypedDict):
    kind: Literal["weightedAllocation"]
    allocations: list[WorkerWeightedAllocation]


type WorkerSelectorAttachment = (
    StaticWorkerSelectorAttachment
    | ConditionalWorkerSelectorAttachment
    | PassThroughWorkerSelectorAttachment
    | RuleEngineSelectorAttachment
    | WeightedAllocationWorkerSelectorAttachment
)


@with_config(CLOSED)
class ClassificationPolicy(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    fallbackQueueId: NotRequired[str]
    queueSelectorAttachments: list[QueueSelectorAttachment]
    prioritizationRule: NotRequired[RouterRule]
    workerSelectorAttachments: list[WorkerSelectorAttachment]


@with_config(CLOSED)
class QueueLengthExceptionTrigger(TypedDict):
    kind: Literal["queueLength"]
    threshold: Int32


@with_config(CLOSED)
class WaitTimeExceptionTrigger(TypedDict):
    kind: Literal["waitTime"]
    thresholdSeconds: float


@with_config(CLOSED)
class CancelExceptionAction(TypedDict):
    kind: Literal["cancel"]
    id: str
    note: NotRequired[str]
    dispositionCode: NotRequired[str]


@with_config(CLOSED)
class ReclassifyExceptionAction(TypedDict):
    kind: Literal["reclassify"]
    id: str
    classificationPolicyId: NotRequired[str]
    labelsToUpsert: Primitives


@with_config(CLOSED)
class ManualReclassifyExceptionAction(TypedDict):
    kind: Literal["manualReclassify"]
    id: str
    queueId: NotRequired[str]
    priority: NotRequired[Int32]
    workerSelectors: list[RouterWorkerSelector]


@with_config(CLOSED)
class RouterExceptionRule(TypedDict):
    id: str
    trigger: QueueLengthExceptionTrigger | WaitTimeExceptionTrigger
    actions: list[
        CancelExceptionAction | ReclassifyExceptionAction | ManualReclassifyExceptionAction
    ]


@with_config(CLOSED)
class ExceptionPolicy(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    exceptionRules: list[RouterExceptionRule]


@with_config(CLOSED)
class RouterJobAssignment(TypedDict):
    assignmentId: str
    workerId: str
    assignedAt: AnsweredTime
    completedAt: NotRequired[AnsweredTime]
    closedAt: NotRequired[AnsweredTime]


@with_config(CLOSED)
class RouterJobNote(TypedDict):
    message: str
    addedAt: AnsweredTime


@with_config(CLOSED)
class ScheduleAndSuspendMode(TypedDict):
    kind: Literal["scheduleAndSuspend"]
    scheduleAt: AnsweredTime


@with_config(CLOSED)
class OtherMatchingMode(TypedDict):
    kind: Literal["queueAndMatch", "suspend"]


@with_config(CLOSED)
class RouterJob(TypedDict):
    etag: ETag
    id: str
    channelReference: NotRequired[str]
    status: JobStatus
    enqueuedAt: NotRequired[AnsweredTime]
    channelId: str
    queueId: NotRequired[str]
    classificationPolicyId: NotRequired[str]
    priority: Int32
    dispositionCode: NotRequired[str]
    requestedWorkerSelectors: list[RouterWorkerSelector]
    attachedWorkerSelectors: list[RouterWorkerSelector]
    labels: Primitives
    assignments: dict[str, RouterJobAssignment]
    tags: Primitives
    notes: list[RouterJobNote]
    scheduledAt: NotRequired[AnsweredTime]
    matchingMode: ScheduleAndSuspendMode | OtherMatchingMode


@with_config(CLOSED)
class RouterChannel(TypedDict):
    channelId: str
    capacityCostPerJob: Int32
    maxNumberOfJobs: NotRequired[Int32]


@with_config(CLOSED)
class RouterJobOffer(TypedDict):
    offerId: str
    jobId: str
    capacityCost: Int32
    offeredAt: AnsweredTime
    expiresAt: AnsweredTime


@with_config(CLOSED)
class RouterWorkerAssignment(TypedDict):
    assignmentId: str
    jobId: str
    capacityCost: Int32
    assignedAt: AnsweredTime


@with_config(CLOSED)
class RouterWorker(TypedDict):
    etag: ETag
    id: str
    state: WorkerState
    queues: list[str]
    capacity: Int32
    labels: Primitives
    tags: Primitives
    channels: list[RouterChannel]
    offers: list[RouterJobOffer]
    assignedJobs: list[RouterWorkerAssignment]
    loadRatio: Annotated[float, Field(ge=0, le=1)]
    availableForOffers: bool


@with_config(CLOSED)
class AcceptJobOfferResult(TypedDict):
    assignmentId: str
    jobId: str
    workerId: str


@with_config(CLOSED)
class UnassignJobResult(TypedDict):
    jobId: str
    unassignmentCount: Annotated[int, Field(ge=0, le=MAX_UNASSIGNMENTS)]


@with_config(CLOSED)
class RouterQueueStatistics(TypedDict):
    queueId: str
    length: Count
    estimatedWaitTimeMinutes: dict[str, Minutes]
    longestJobWaitTimeMinutes: NotRequired[Minutes]


@with_config(CLOSED)
class RouterJobPositionDetails(TypedDict):
    jobId: str
    position: Annotated[int, Field(ge=1, le=INT32_MAX)]
    queueId: str
    queueLength: Annotated[int, Field(ge=1, le=INT32_MAX)]
    estimatedWaitTimeMinutes: Minutes
