"""One event of each kind, all about the same job and worker."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain import events as e
from shared.domain.channels import Channel
from shared.domain.labels import LabelOperator
from shared.domain.queues import QueueDetails
from shared.domain.selectors import SelectorStatus, WorkerSelector
from shared.domain.statuses import JobStatus

NOW = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)

PERMANENT = WorkerSelector(key="Skill", operator=LabelOperator.GREATER_THAN, value=10)
TEMPORARY = WorkerSelector(
    key="English",
    operator=LabelOperator.EQUAL,
    value=True,
    expires_after_seconds=60,
    expires_at=NOW + timedelta(seconds=60),
)
ATTACHED = replace(PERMANENT, key="Attached")
EXPIRED = replace(TEMPORARY, status=SelectorStatus.EXPIRED)

_JOB: dict[str, Any] = {
    "job_id": "job-1",
    "channel_id": "voice",
    "channel_reference": "call-7",
    "queue_id": "queue-1",
    "labels": {"Locale": "en-us"},
    "tags": {"Vip": True},
}
_ASSIGNMENT: dict[str, Any] = _JOB | {"assignment_id": "assignment-1", "worker_id": "worker-1"}
_OFFER: dict[str, Any] = {
    "worker_id": "worker-1",
    "job_id": "job-1",
    "channel_id": "voice",
    "channel_reference": "call-7",
    "queue_id": "queue-1",
    "offer_id": "offer-1",
}
_OFFERED: dict[str, Any] = _OFFER | {
    "job_priority": 5,
    "job_labels": {"Locale": "en-us"},
    "job_tags": {"Vip": True},
    "worker_labels": {"Skill": 11, "English": True, "Score": 0.5},
    "worker_tags": {"Team": "blue"},
}
_WORKER: dict[str, Any] = {
    "worker_id": "worker-1",
    "capacity": 2,
    "queues": (QueueDetails(id="queue-1", name="Queue 1", labels={"Region": 1}),),
    "channels": (
        Channel(channel_id="voice", capacity_cost_per_job=2),
        Channel(channel_id="chat", capacity_cost_per_job=1, max_number_of_jobs=2),
    ),
    "labels": {"Skill": 11},
    "tags": {"Team": "blue"},
}

SAMPLES: tuple[e.Event, ...] = (
    e.JobReceived(
        **_JOB,
        status=JobStatus.PENDING_SCHEDULE,
        priority=5,
        requested_worker_selectors=(TEMPORARY.fresh(),),
        scheduled_at=NOW,
        unavailable_for_matching=True,
    ),
    e.JobClassified(
        **_JOB,
        queue=QueueDetails(id="queue-1", name="Queue 1", labels={"Region": 1}),
        classification_policy_id="policy-1",
        priority=5,
        attached_worker_selectors=(ATTACHED,),
    ),
    e.JobClassificationFailed(
        **_JOB,
        classification_policy_id="policy-1",
        errors=(
            e.ClassificationError(
                code="RuleFailed", message="It gives no number.", target="prioritizationRule"
            ),
        ),
    ),
    e.JobQueued(
        **_JOB,
        priority=5,
        requested_worker_selectors=(PERMANENT, TEMPORARY),
        attached_worker_selectors=(ATTACHED,),
    ),
    e.JobExceptionTriggered(
        **_JOB, exception_policy_id="exceptions-1", exception_rule_id="too long"
    ),
    e.JobWorkerSelectorsExpired(
        **_JOB,
        expired_requested_selectors=(EXPIRED,),
        expired_attached_selectors=(replace(EXPIRED, key="Attached"),),
    ),
    e.JobCompleted(**_ASSIGNMENT),
    e.JobClosed(**_ASSIGNMENT, disposition_code="Resolved"),
    e.JobCancelled(**_JOB, note="no answer", disposition_code="Customer hung up"),
    e.JobUnassigned(**_ASSIGNMENT),
    e.JobWaitingForActivation(
        **_JOB,
        priority=5,
        requested_worker_selectors=(PERMANENT, EXPIRED),
        attached_worker_selectors=(ATTACHED,),
        scheduled_at=NOW,
    ),
    e.JobSchedulingFailed(
        **_JOB,
        priority=5,
        requested_worker_selectors=(PERMANENT,),
        attached_worker_selectors=(),
        scheduled_at=NOW,
        reason="It is too late.",
    ),
    e.JobDeleted(**_JOB),
    e.OfferIssued(**_OFFERED, offered_at=NOW, expires_at=NOW + timedelta(minutes=1)),
    e.OfferAccepted(**_OFFERED, assignment_id="assignment-1"),
    e.OfferDeclined(**_OFFER),
    e.OfferRevoked(**_OFFER),
    e.OfferExpired(**_OFFER),
    e.WorkerRegistered(**_WORKER),
    e.WorkerUpdated(
        **_WORKER, available_for_offers=True, updated_properties=("capacity", "channels")
    ),
    e.WorkerDeregistered(worker_id="worker-1"),
    e.WorkerDeleted(**_WORKER),
)


def sample[E: e.Event](kind: type[E]) -> E:
    """The sample of a kind."""
    return next(event for event in SAMPLES if isinstance(event, kind))


def recorded(event: e.Event, id: str = "event-1", sequence: int = 3) -> e.RecordedEvent:
    return e.RecordedEvent(id=id, sequence=sequence, occurred_at=NOW, event=event)


def numbered(count: int, prefix: str = "event") -> list[e.RecordedEvent]:
    """Small events with ids ``event-1``, ``event-2`` and so on, of one worker."""
    event = e.WorkerDeregistered(worker_id="worker-1")
    return [recorded(event, f"{prefix}-{n}", n) for n in range(1, count + 1)]


def large(id: str, size: int) -> e.RecordedEvent:
    """An event with a label of ``size`` characters."""
    event = replace(sample(e.JobQueued), labels={"Transcript": "x" * size})
    return recorded(event, id)
