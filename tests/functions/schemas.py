"""The shapes of answers by the API's description, 2023-11-01: no more, nothing of another type.

Members that the description does not require are required here if this router always sends them.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import ConfigDict, Field, TypeAdapter, with_config

STRICT = ConfigDict(strict=True, extra="forbid")

type Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$")]
type ETag = Annotated[str, Field(pattern=r'^"[^"]+"$')]
type Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
type Primitives = dict[str, str | bool | int | float]


@with_config(STRICT)
class DistributionMode(TypedDict):
    kind: Literal["bestWorker", "longestIdle", "roundRobin"]
    minConcurrentOffers: Int32
    maxConcurrentOffers: Int32
    bypassSelectors: bool


@with_config(STRICT)
class DistributionPolicy(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    offerExpiresAfterSeconds: float
    mode: DistributionMode


@with_config(STRICT)
class RouterQueue(TypedDict):
    etag: ETag
    id: str
    name: NotRequired[str]
    distributionPolicyId: str
    labels: Primitives


@with_config(STRICT)
class RouterWorkerSelector(TypedDict):
    key: str
    labelOperator: Literal[
        "equal",
        "notEqual",
        "lessThan",
        "lessThanOrEqual",
        "greaterThan",
        "greaterThanOrEqual",
    ]
    value: str | bool | int | float
    expiresAfterSeconds: NotRequired[float]
    expedite: bool
    status: Literal["active", "expired"]
    expiresAt: NotRequired[Time]


@with_config(STRICT)
class RouterJobAssignment(TypedDict):
    assignmentId: str
    workerId: str
    assignedAt: Time
    completedAt: NotRequired[Time]
    closedAt: NotRequired[Time]


@with_config(STRICT)
class RouterJobNote(TypedDict):
    message: str
    addedAt: Time


@with_config(STRICT)
class ScheduleAndSuspendMode(TypedDict):
    kind: Literal["scheduleAndSuspend"]
    scheduleAt: Time


@with_config(STRICT)
class OtherMatchingMode(TypedDict):
    kind: Literal["queueAndMatch", "suspend"]


@with_config(STRICT)
class RouterJob(TypedDict):
    etag: ETag
    id: str
    channelReference: NotRequired[str]
    status: Literal[
        "created",
        "queued",
        "assigned",
        "completed",
        "closed",
        "cancelled",
        "pendingSchedule",
        "scheduled",
        "waitingForActivation",
    ]
    enqueuedAt: NotRequired[Time]
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
    scheduledAt: NotRequired[Time]
    matchingMode: ScheduleAndSuspendMode | OtherMatchingMode


@with_config(STRICT)
class RouterChannel(TypedDict):
    channelId: str
    capacityCostPerJob: Int32
    maxNumberOfJobs: NotRequired[Int32]


@with_config(STRICT)
class RouterJobOffer(TypedDict):
    offerId: str
    jobId: str
    capacityCost: Int32
    offeredAt: Time
    expiresAt: Time


@with_config(STRICT)
class RouterWorkerAssignment(TypedDict):
    assignmentId: str
    jobId: str
    capacityCost: Int32
    assignedAt: Time


@with_config(STRICT)
class RouterWorker(TypedDict):
    etag: ETag
    id: str
    state: Literal["active", "draining", "inactive"]
    queues: list[str]
    capacity: Int32
    labels: Primitives
    tags: Primitives
    channels: list[RouterChannel]
    offers: list[RouterJobOffer]
    assignedJobs: list[RouterWorkerAssignment]
    loadRatio: Annotated[float, Field(ge=0, le=1)]
    availableForOffers: bool


@with_config(STRICT)
class PreviewRouterWorker(RouterWorker):
    maxConcurrentOffers: NotRequired[Int32]


@with_config(STRICT)
class Paged[T](TypedDict):
    value: list[T]
    nextLink: NotRequired[Annotated[str, Field(pattern="^/routing/")]]


@with_config(STRICT)
class Empty(TypedDict):
    pass


@with_config(STRICT)
class AcceptJobOfferResult(TypedDict):
    assignmentId: str
    jobId: str
    workerId: str


@with_config(STRICT)
class UnassignJobResult(TypedDict):
    jobId: str
    unassignmentCount: Annotated[int, Field(ge=0, le=3)]


@with_config(STRICT)
class InnerError(TypedDict):
    code: str


@with_config(STRICT)
class Error(TypedDict):
    code: str
    message: str
    target: NotRequired[str]
    details: NotRequired[list["Error"]]
    innererror: NotRequired[InnerError]


@with_config(STRICT)
class ErrorResponse(TypedDict):
    error: Error


def check(shape: Any, body: bytes) -> None:
    """:raises ValidationError: the body is not of this shape."""
    TypeAdapter(shape).validate_json(body)
