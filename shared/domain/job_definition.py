"""What the application decides about a job, and what follows from it alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.labels import Labels, identical
from shared.domain.limits import DEFAULT_PRIORITY
from shared.domain.matching_modes import MatchingMode, QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.selectors import WorkerSelector, identity
from shared.domain.statuses import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    message: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """What the application decides about a job, or has a classification policy decide.

    ``queue_id`` is ``None`` until the policy has found the queue.
    """

    channel_id: str
    queue_id: str | None = None
    classification_policy_id: str | None = None
    channel_reference: str | None = None
    priority: int = DEFAULT_PRIORITY
    disposition_code: str | None = None
    labels: Labels = field(default_factory=dict)
    tags: Labels = field(default_factory=dict)
    requested_worker_selectors: tuple[WorkerSelector, ...] = ()
    notes: tuple[Note, ...] = ()
    matching_mode: MatchingMode = field(default_factory=QueueAndMatch)


def received_status(definition: JobDefinition) -> JobStatus:
    """What the answer to a submission shows."""
    match definition.matching_mode:
        case ScheduleAndSuspend():
            return JobStatus.PENDING_SCHEDULE
        case QueueAndMatch() if definition.classification_policy_id is not None:
            return JobStatus.PENDING_CLASSIFICATION
        case _:
            return JobStatus.CREATED


def following_status(definition: JobDefinition) -> JobStatus:
    """What a submitted job's status is going to be."""
    match definition.matching_mode:
        case Suspend():
            return JobStatus.WAITING_FOR_ACTIVATION
        case QueueAndMatch() if definition.classification_policy_id is None:
            return JobStatus.QUEUED
        case _:
            return received_status(definition)


def asks_anew(old: JobDefinition, new: JobDefinition) -> bool:
    """Whether a classification policy may say something else than before."""
    if new.classification_policy_id is None:
        return False
    other_policy = old.classification_policy_id != new.classification_policy_id
    return other_policy or not identical(old.labels, new.labels)


def fresh(definition: JobDefinition) -> JobDefinition:
    return replace(
        definition,
        requested_worker_selectors=tuple(s.fresh() for s in definition.requested_worker_selectors),
        notes=in_order(definition.notes),
    )


def routing(definition: JobDefinition) -> tuple[object, ...]:
    """The part of a definition that decides where and to whom the job goes."""
    return (
        definition.queue_id,
        definition.classification_policy_id,
        definition.channel_id,
        definition.matching_mode,
        frozenset(map(identity, definition.requested_worker_selectors)),
    )


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: note.added_at))


def with_note(definition: JobDefinition, note: str | None, now: datetime) -> JobDefinition:
    if note is None:
        return definition
    return replace(
        definition, notes=in_order((*definition.notes, Note(message=note, added_at=now)))
    )
