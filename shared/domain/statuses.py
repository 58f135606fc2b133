"""The states of jobs and workers."""

from enum import StrEnum


class JobStatus(StrEnum):
    PENDING_CLASSIFICATION = "pendingClassification"
    CLASSIFICATION_FAILED = "classificationFailed"
    CREATED = "created"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    PENDING_SCHEDULE = "pendingSchedule"
    SCHEDULED = "scheduled"
    SCHEDULE_FAILED = "scheduleFailed"
    WAITING_FOR_ACTIVATION = "waitingForActivation"


TERMINAL = frozenset({JobStatus.CLOSED, JobStatus.CANCELLED})
"""Nothing more happens to the job; it may be deleted."""

UNFINISHED = frozenset(JobStatus) - TERMINAL

ACTIVE = UNFINISHED - {JobStatus.CREATED}
"""What the list filter ``active`` means (API description of RouterJobStatusSelector)."""


class WorkerState(StrEnum):
    ACTIVE = "active"
    DRAINING = "draining"
    INACTIVE = "inactive"
