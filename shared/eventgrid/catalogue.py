"""Which event has which type name, subject and data on the wire: the one place that knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain import events as e
from shared.eventgrid import payloads as p

_JOB = "job/{0.job_id}/channel/{0.channel_id}"
_JOB_IN_QUEUE = _JOB + "/queue/{0.queue_id}"
_CLASSIFIED = _JOB + "/queue/{0.queue.id}"
_POLICY = _JOB + "/classificationpolicy/{0.classification_policy_id}"
_RULE = _JOB + "/exceptionrule/{0.exception_rule_id}"
_ASSIGNMENT = _JOB + "/assignment/{0.assignment_id}"
_DISPOSITION = _JOB + "/disposition/{0.disposition_code}"
_OFFER = "worker/{0.worker_id}/job/{0.job_id}"
_WORKER = "worker/{0.worker_id}"


@dataclass(frozen=True, slots=True)
class EventKind:
    """``subject`` is a format string over the event."""

    name: str
    subject: str
    data: type[p.Data]

    @property
    def type(self) -> str:
        return f"Microsoft.Communication.{self.name}"


CATALOGUE: Mapping[type[object], EventKind] = {
    e.JobReceived: EventKind("RouterJobReceived", _JOB, p.JobReceivedData),
    e.JobClassified: EventKind("RouterJobClassified", _CLASSIFIED, p.JobClassifiedData),
    e.JobClassificationFailed: EventKind(
        "RouterJobClassificationFailed", _POLICY, p.JobClassificationFailedData
    ),
    e.JobQueued: EventKind("RouterJobQueued", _JOB_IN_QUEUE, p.JobQueuedData),
    e.JobExceptionTriggered: EventKind(
        "RouterJobExceptionTriggered", _RULE, p.JobExceptionTriggeredData
    ),
    e.JobWorkerSelectorsExpired: EventKind(
        "RouterJobWorkerSelectorsExpired", _JOB_IN_QUEUE, p.JobWorkerSelectorsExpiredData
    ),
    e.JobCompleted: EventKind("RouterJobCompleted", _ASSIGNMENT, p.JobAssignmentData),
    e.JobClosed: EventKind("RouterJobClosed", _ASSIGNMENT, p.JobClosedData),
    e.JobCancelled: EventKind("RouterJobCancelled", _DISPOSITION, p.JobCancelledData),
    e.JobUnassigned: EventKind("RouterJobUnassigned", _ASSIGNMENT, p.JobAssignmentData),
    e.JobWaitingForActivation: EventKind(
        "RouterJobWaitingForActivation", _JOB, p.JobWaitingForActivationData
    ),
    e.JobSchedulingFailed: EventKind("RouterJobSchedulingFailed", _JOB, p.JobSchedulingFailedData),
    e.JobDeleted: EventKind("RouterJobDeleted", _JOB, p.JobData),
    e.OfferIssued: EventKind("RouterWorkerOfferIssued", _OFFER, p.OfferIssuedData),
    e.OfferAccepted: EventKind("RouterWorkerOfferAccepted", _OFFER, p.OfferAcceptedData),
    e.OfferDeclined: EventKind("RouterWorkerOfferDeclined", _OFFER, p.OfferData),
    e.OfferRevoked: EventKind("RouterWorkerOfferRevoked", _OFFER, p.OfferData),
    e.OfferExpired: EventKind("RouterWorkerOfferExpired", _OFFER, p.OfferData),
    e.WorkerRegistered: EventKind("RouterWorkerRegistered", _WORKER, p.WorkerDescriptionData),
    e.WorkerUpdated: EventKind("RouterWorkerUpdated", _WORKER, p.WorkerUpdatedData),
    e.WorkerDeregistered: EventKind("RouterWorkerDeregistered", _WORKER, p.WorkerData),
    e.WorkerDeleted: EventKind("RouterWorkerDeleted", _WORKER, p.WorkerDeletedData),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent:
    """An event with its wire names, before it is put in an envelope."""

    id: str
    type: str
    subject: str
    occurred_at: datetime
    sequence: int
    data: dict[str, Any]


def render(recorded: e.RecordedEvent) -> WireEvent:
    """The event as subscribers know it. Ids stand in the subject as they are, unescaped."""
    kind = CATALOGUE[type(recorded.event)]
    data = kind.data.model_validate(recorded.event).model_dump(mode="json", by_alias=True)
    return WireEvent(
        id=recorded.id,
        type=kind.type,
        subject=kind.subject.format(recorded.event),
        occurred_at=recorded.occurred_at,
        sequence=recorded.sequence,
        data=data | {"sequenceNumber": recorded.sequence},
    )
