"""Valid domain values for tests: name what matters to the test, the rest is a plain default.

The functions for a job and a worker take the members of its definition or profile as well.
"""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.channels import Channel
from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.events import JobDeleted, RecordedEvent
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.offers import Offer, Reservation
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker, WorkerProfile
from shared.ports import OutboxRecord

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def make_job(id: str = "job-1", **members: Any) -> Job:
    """A job of channel ``chat`` that waits in ``queue-1`` since ``NOW``."""
    definition, own = _split(members, JobDefinition)
    defaults: dict[str, Any] = {"status": JobStatus.QUEUED, "created_at": NOW, "enqueued_at": NOW}
    return Job(id=id, definition=make_definition(**definition), **(defaults | own))


def make_definition(**members: Any) -> JobDefinition:
    return JobDefinition(**({"channel_id": "chat", "queue_id": "queue-1"} | members))


def make_worker(id: str = "worker-1", **members: Any) -> Worker:
    """A worker of ``queue-1``, registered since ``NOW``, with room for one job of ``chat``."""
    profile, own = _split(members, WorkerProfile)
    defaults: dict[str, Any] = {"registration": 1, "available_since": NOW}
    return Worker(id=id, profile=make_profile(**profile), **(defaults | own))


def make_profile(**members: Any) -> WorkerProfile:
    defaults: dict[str, Any] = {
        "capacity": 1,
        "queues": ("queue-1",),
        "channels": (make_channel(),),
        "available_for_offers": True,
    }
    return WorkerProfile(**(defaults | members))


def make_channel(channel_id: str = "chat", cost: int = 1, at_most: int | None = None) -> Channel:
    return Channel(channel_id=channel_id, capacity_cost_per_job=cost, max_number_of_jobs=at_most)


def make_selector(
    key: str,
    operator: LabelOperator = LabelOperator.EQUAL,
    value: LabelValue = True,
    **members: Any,
) -> WorkerSelector:
    return WorkerSelector(key=key, operator=operator, value=value, **members)


def make_offer(offer_id: str = "offer-1", **members: Any) -> Offer:
    defaults: dict[str, Any] = {
        "worker_id": "worker-1",
        "registration": 1,
        "capacity_cost": 1,
        "offered_at": NOW,
        "expires_at": NOW + seconds(60),
    }
    return Offer(offer_id=offer_id, **(defaults | members))


def make_reservation(offer_id: str = "offer-1", **members: Any) -> Reservation:
    """What the worker of :func:`make_offer` holds for it; ``assignment_id`` makes it accepted."""
    defaults: dict[str, Any] = {
        "job_id": "job-1",
        "channel_id": "chat",
        "queue_id": "queue-1",
        "registration": 1,
        "capacity_cost": 1,
        "offered_at": NOW,
        "expires_at": NOW + seconds(60),
        "check_at": NOW + seconds(15),
    }
    return Reservation(offer_id=offer_id, **(defaults | members))


def make_queue(id: str = "queue-1", **members: Any) -> Queue:
    return Queue(id=id, **({"distribution_policy_id": "policy-1"} | members))


def make_distribution_policy(id: str = "policy-1", **members: Any) -> DistributionPolicy:
    return DistributionPolicy(id=id, **members)


def make_classification_policy(
    id: str = "classification-policy-1", **members: Any
) -> ClassificationPolicy:
    return ClassificationPolicy(id=id, **members)


def make_exception_policy(id: str = "exception-policy-1", **members: Any) -> ExceptionPolicy:
    return ExceptionPolicy(id=id, **members)


def make_record(id: str = "record-1", aggregate_id: str = "job-1", **members: Any) -> OutboxRecord:
    """An outbox record, made at ``NOW``, with one event."""
    defaults: dict[str, Any] = {
        "created_at": NOW,
        "events": (make_event(f"{id}-event", aggregate_id),),
    }
    return OutboxRecord(id=id, aggregate_id=aggregate_id, **(defaults | members))


def make_event(id: str = "event-1", job_id: str = "job-1", sequence: int = 1) -> RecordedEvent:
    event = JobDeleted(
        job_id=job_id,
        channel_id="chat",
        channel_reference=None,
        queue_id="queue-1",
        labels={},
        tags={},
    )
    return RecordedEvent(id=id, sequence=sequence, occurred_at=NOW, event=event)


def _split(members: dict[str, Any], part: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members of the part, and the others."""
    names = {field.name for field in fields(part)}
    inner = {name: value for name, value in members.items() if name in names}
    return inner, {name: value for name, value in members.items() if name not in names}
