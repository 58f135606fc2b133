"""What happened: one class per event of the hosted service's catalogue.

Names and fields are the domain's own; the Event Grid adapter gives them their wire names.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.channels import Channel
from shared.domain.labels import Labels
from shared.domain.queues import QueueDetails
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """What every event about a job tells."""

    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str | None
    labels: Labels
    tags: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReceived(JobEvent):
    """``status`` is the status that follows from the job as submitted."""

    status: JobStatus
    classification_policy_id: str | None = None
    priority: int | None
    requested_worker_selectors: tuple[WorkerSelector, ...]
    scheduled_at: datetime | None
    unavailable_for_matching: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClassified(JobEvent):
    """``queue`` is where the job is now; ``queue_id`` and ``priority`` are the policy's choice.

    They are ``None`` if it made none.
    """

    queue: QueueDetails
    classification_policy_id: str
    priority: int | None
    attached_worker_selectors: tuple[WorkerSelector, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationError:
    """Why a job could not be classified. ``target``: the member of the policy at fault."""

    code: str
    message: str
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClassificationFailed(JobEvent):
    classification_policy_id: str
    errors: tuple[ClassificationError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued(JobEvent):
    priority: int
    requested_worker_selectors: tuple[WorkerSelector, ...]
    attached_worker_selectors: tuple[WorkerSelector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobExceptionTriggered(JobEvent):
    """``queue_id`` is the queue whose exception policy has the rule."""

    exception_policy_id: str
    exception_rule_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWorkerSelectorsExpired(JobEvent):
    expired_requested_selectors: tuple[WorkerSelector, ...]
    expired_attached_selectors: tuple[WorkerSelector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCompleted(JobEvent):
    assignment_id: str
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClosed(JobEvent):
    assignment_id: str
    worker_id: str
    disposition_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(JobEvent):
    note: str | None
    disposition_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUnassigned(JobEvent):
    assignment_id: str
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWaitingForActivation(JobEvent):
    """The scheduled time came; the application must now ask for matching."""

    priority: int
    requested_worker_selectors: tuple[WorkerSelector, ...]
    attached_worker_selectors: tuple[WorkerSelector, ...] = ()
    scheduled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSchedulingFailed(JobEvent):
    """The job cannot be set aside until its time."""

    priority: int
    requested_worker_selectors: tuple[WorkerSelector, ...]
    attached_worker_selectors: tuple[WorkerSelector, ...] = ()
    scheduled_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDeleted(JobEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEvent:
    """What every event about an offer tells."""

    worker_id: str
    job_id: str
    channel_id: str
    channel_reference: str | None
    queue_id: str
    offer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDescribed(OfferEvent):
    """What the events which describe job and worker of an offer tell."""

    job_priority: int
    job_labels: Labels
    job_tags: Labels
    worker_labels: Labels
    worker_tags: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferIssued(OfferDescribed):
    offered_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted(OfferDescribed):
    assignment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDeclined(OfferEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRevoked(OfferEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExpired(OfferEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDescribed(WorkerEvent):
    """What the events which describe a worker tell."""

    capacity: int
    queues: tuple[QueueDetails, ...]
    channels: tuple[Channel, ...]
    labels: Labels
    tags: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRegistered(WorkerDescribed):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUpdated(WorkerDescribed):
    """``updated_properties`` holds field names of :class:`shared.domain.workers.WorkerProfile`."""

    available_for_offers: bool
    updated_properties: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDeregistered(WorkerEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDeleted(WorkerDescribed):
    pass


type Event = (
    JobReceived
    | JobClassified
    | JobClassificationFailed
    | JobQueued
    | JobExceptionTriggered
    | JobWorkerSelectorsExpired
    | JobCompleted
    | JobClosed
    | JobCancelled
    | JobUnassigned
    | JobWaitingForActivation
    | JobSchedulingFailed
    | JobDeleted
    | OfferIssued
    | OfferAccepted
    | OfferDeclined
    | OfferRevoked
    | OfferExpired
    | WorkerRegistered
    | WorkerUpdated
    | WorkerDeregistered
    | WorkerDeleted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as committed.

    ``id`` is the same at every delivery; ``sequence`` counts the events of one job or one worker
    from 1, without gaps, so that consumers can order and de-duplicate.
    """

    id: str
    sequence: int
    occurred_at: datetime
    event: Event
