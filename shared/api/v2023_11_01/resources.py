"""The shapes of answers: no more, nothing of another type.

What builds an answer is the model of the resource; these tell clients what to expect of it, in the
API's own description. Members that are not always there are ``NotRequired``.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, Field, with_config

from shared.api.wire import INT32_MAX
from shared.domain.distribution import DistributionModeKind
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


@with_config(CLOSED)
class DistributionMode(TypedDict):
    kind: DistributionModeKind
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool


@with_config(CLOSED)
class DistributionPolicy(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    offerExpiresAfterSeconds: float
    mode: DistributionMode


@with_config(CLOSED)
class RouterQueue(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    distributionPolicyId: str
    labels: Primitives


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
    queueId: str
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
