"""What queues did lately: the jobs that were assigned last, remembered for a moment.

To read them is the dearest part of an estimate, and a few seconds change little about the past.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.jobs import Job
from shared.matching.wait_times import Service
from shared.ports import JobStore, Stored

REMEMBERED_FOR = timedelta(seconds=30)
MOST_SERVICES = 100
MOST_QUEUES = 1_000
"""Beyond this many queues all is forgotten: it can be read again."""


@dataclass(frozen=True, slots=True)
class Seen:
    at: datetime
    services: Sequence[Service]


class RecentServices:
    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    async def of(self, queue_id: str, jobs: JobStore, now: datetime) -> Seen:
        """The latest ``MOST_SERVICES`` of the queue, as they were a moment ago."""
        known = self._seen.get(queue_id)
        if known is not None and known.at <= now < known.at + REMEMBERED_FOR:
            return known
        found = await jobs.assigned_last(queue_id, MOST_SERVICES)
        if len(self._seen) >= MOST_QUEUES:
            self._seen.clear()
        self._seen[queue_id] = seen = Seen(now, [service_of(stored) for stored in found])
        return seen


def service_of(stored: Stored[Job]) -> Service:
    """The last service of a job that was assigned."""
    job, assignment = stored.value, stored.value.assignments[-1]
    cancelled_at = stored.modified_at if job.is_terminal else None
    return Service(
        standing=(job.is_expedited, job.priority),
        enqueued_at=job.enqueued_at or job.created_at,
        assigned_at=assignment.assigned_at,
        ended_at=assignment.closed_at or cancelled_at,
    )
