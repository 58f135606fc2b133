"""Whether and when a job takes part in matching."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class QueueAndMatch:
    """Matched as soon as it is queued."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Not matched until the application asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAndSuspend:
    """Set aside until ``schedule_at``, and even then not matched until the application asks."""

    schedule_at: datetime


type MatchingMode = QueueAndMatch | Suspend | ScheduleAndSuspend
