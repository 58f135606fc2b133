"""The data of each event on the wire.

A model reads its domain event by attribute: a field takes the attribute of its own name, or the
one that its ``validation_alias`` names. So two spellings of one fact are two fields with one
source. A field for which the domain has no attribute keeps its default. Wire names are camelCase.
docs/reference/events.md says where the names come from.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.selectors import SelectorStatus, WorkerSelector
from shared.domain.statuses import JobStatus

UPDATED_PROPERTY_NAMES = {
    "available_for_offers": "AvailableForOffers",
    "capacity": "TotalCapacity",
    "queues": "QueueAssignments",
    "labels": "Labels",
    "tags": "Tags",
    "channels": "ChannelConfigurations",
    "max_concurrent_offers": "MaxConcurrentOffers",
}
"""Wire names of the fields of :class:`shared.domain.workers.WorkerProfile`."""


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with seven fractional digits, as the hosted service writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+", "0+")


def duration(seconds: float) -> str:
    """ISO 8601 duration, in seconds alone so that any number can be written."""
    return f"PT{seconds:f}".rstrip("0").rstrip(".") + "S"


def _pascal_case(status: JobStatus) -> str:
    return status.value[:1].upper() + status.value[1:]


def _expired(selectors: Iterable[WorkerSelector]) -> tuple[WorkerSelector, ...]:
    return tuple(selector for selector in selectors if not selector.is_active)


def _wire_names(properties: Iterable[str]) -> tuple[str, ...]:
    return tuple(UPDATED_PROPERTY_NAMES[name] for name in properties)


type Instant = Annotated[
    datetime,
    PlainSerializer(instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
type Duration = Annotated[
    float,
    PlainSerializer(duration),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
type PascalCaseStatus = Annotated[
    JobStatus,
    PlainSerializer(_pascal_case),
    WithJsonSchema({"enum": [_pascal_case(status) for status in JobStatus]}),
]
type Labels = dict[str, LabelValue]


class Data(BaseModel):
    """Base of all that is read off the domain and written in camelCase."""

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        defer_build=True,
        validate_by_name=True,
        # A field that keeps its default is published like any other.
        json_schema_serialization_defaults_required=True,
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )


# -- parts ------------------------------------------------------------------------------------


class SelectorData(Data):
    key: str
    label_operator: LabelOperator = Field(validation_alias="operator")
    value: LabelValue
    ttl_seconds: float | None = Field(validation_alias="expires_after_seconds")
    ttl: Duration | None = Field(validation_alias="expires_after_seconds")
    state: SelectorStatus = Field(validation_alias="status")
    expire_time: Instant | None = Field(validation_alias="expires_at")
    expiration_time: Instant | None = Field(validation_alias="expires_at")


class QueueData(Data):
    id: str
    name: str | None
    labels: Labels


class ChannelData(Data):
    channel_id: str
    capacity_cost_per_job: int
    max_number_of_jobs: int | None


type Selectors = tuple[SelectorData, ...]
type ExpiredSelectors = Annotated[tuple[SelectorData, ...], BeforeValidator(_expired)]
type PropertyNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_wire_names),
    WithJsonSchema({"type": "array", "items": {"enum": [*UPDATED_PROPERTY_NAMES.values()]}}),
]


# -- jobs -------------------------------------------------------------------------------------


class JobData(Data):
    job_id: str
    channel_reference: str | None
    channel_id: str
    queue_id: str | None
    labels: Labels
    tags: Labels


class JobReceivedData(JobData):
    job_status: PascalCaseStatus = Field(validation_alias="status")
    classification_policy_id: str | None
    priority: int | None
    requested_worker_selectors: Selectors
    scheduled_on: Instant | None = Field(validation_alias="scheduled_at")
    unavailable_for_matching: bool


class JobClassifiedData(JobData):
    queue_details: QueueData = Field(validation_alias="queue")
    queue_info: QueueData = Field(validation_alias="queue")
    classification_policy_id: str
    priority: int | None
    attached_worker_selectors: Selectors


class ClassificationErrorData(Data):
    """The last two belong to the SDKs' type of errors; here an error has no parts."""

    code: str
    message: str
    target: str | None
    innererror: None = None
    details: None = None


class JobClassificationFailedData(JobData):
    classification_policy_id: str
    errors: tuple[ClassificationErrorData, ...]


class JobQueuedData(JobData):
    priority: int
    requested_worker_selectors: Selectors
    attached_worker_selectors: Selectors


class JobExceptionTriggeredData(JobData):
    rule_key: str = Field(validation_alias="exception_rule_id")
    exception_rule_id: str


class JobWorkerSelectorsExpiredData(JobData):
    requested_worker_selectors_expired: Selectors = Field(
        validation_alias="expired_requested_selectors"
    )
    expired_requested_worker_selectors: Selectors = Field(
        validation_alias="expired_requested_selectors"
    )
    attached_worker_selectors_expired: Selectors = Field(
        validation_alias="expired_attached_selectors"
    )
    expired_attached_worker_selectors: Selectors = Field(
        validation_alias="expired_attached_selectors"
    )


class JobAssignmentData(JobData):
    """Of the events JobCompleted and JobUnassigned."""

    assignment_id: str
    worker_id: str


class JobClosedData(JobAssignmentData):
    disposition_code: str | None


class JobCancelledData(JobData):
    note: str | None
    disposition_code: str


class JobSetAsideData(JobData):
    """Of a job that is not matched until the application asks for it."""

    priority: int
    requested_worker_selectors: Selectors
    attached_worker_selectors: Selectors
    requested_worker_selectors_expired: ExpiredSelectors = Field(
        validation_alias="requested_worker_selectors"
    )
    expired_requested_worker_selectors: ExpiredSelectors = Field(
        validation_alias="requested_worker_selectors"
    )
    attached_worker_selectors_expired: ExpiredSelectors = Field(
        validation_alias="attached_worker_selectors"
    )
    expired_attached_worker_selectors: ExpiredSelectors = Field(
        validation_alias="attached_worker_selectors"
    )
    scheduled_on: Instant | None = Field(validation_alias="scheduled_at")


class JobWaitingForActivationData(JobSetAsideData):
    unavailable_for_matching: Literal[True] = True


class JobSchedulingFailedData(JobSetAsideData):
    failure_reason: str = Field(validation_alias="reason")


# -- offers -----------------------------------------------------------------------------------


class OfferData(Data):
    worker_id: str
    job_id: str
    channel_reference: str | None
    channel_id: str
    queue_id: str
    offer_id: str


class OfferedJobData(OfferData):
    """What the offer is about, as the router knew it when it decided."""

    job_priority: int
    job_labels: Labels
    job_tags: Labels
    worker_labels: Labels
    worker_tags: Labels


class OfferIssuedData(OfferedJobData):
    offered_on: Instant = Field(validation_alias="offered_at")
    offer_time_utc: Instant = Field(validation_alias="offered_at")
    expires_on: Instant = Field(validation_alias="expires_at")
    expiry_time_utc: Instant = Field(validation_alias="expires_at")


class OfferAcceptedData(OfferedJobData):
    assignment_id: str


# -- workers ----------------------------------------------------------------------------------


class WorkerData(Data):
    worker_id: str


class WorkerDescriptionData(WorkerData):
    total_capacity: int = Field(validation_alias="capacity")
    queue_assignments: tuple[QueueData, ...] = Field(validation_alias="queues")
    labels: Labels
    channel_configurations: tuple[ChannelData, ...] = Field(validation_alias="channels")
    tags: Labels


class WorkerUpdatedData(WorkerDescriptionData):
    available_for_offers: bool
    updated_worker_properties: PropertyNames = Field(validation_alias="updated_properties")


class WorkerDeletedData(WorkerDescriptionData):
    """The three of a job belong to the SDK's base type of worker events; no job is meant here."""

    job_id: None = None
    channel_reference: None = None
    channel_id: None = None
