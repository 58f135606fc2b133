"""The order in which jobs are served, and in which equally suited workers are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter

from shared.domain.jobs import Job
from shared.domain.workers import Worker

type JobRank = tuple[bool, int, datetime, str]
type WorkerRank = tuple[datetime, str]

_ID = attrgetter("id")
_LAST = datetime.max.replace(tzinfo=UTC)


def job_rank(job: Job) -> JobRank:
    """Sorts jobs: expedited ones, then highest priority, then longest waiting, then id."""
    return (not job.is_expedited, -job.priority, _waiting_since(job), job.id)


def worker_rank(worker: Worker) -> WorkerRank:
    """Sorts workers: longest available, then id."""
    return (worker.available_since or _LAST, worker.id)


def in_rank_order(jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs sorted by ``job_rank``.

    Two stable sorts and a grouping: comparing whole ranks takes several times as long.
    """
    longest_first = sorted(jobs, key=_ID)
    longest_first.sort(key=_waiting_since)
    by_urgency: defaultdict[tuple[bool, int], list[Job]] = defaultdict(list)
    for job in longest_first:
        by_urgency[not job.is_expedited, -job.definition.priority].append(job)
    for urgency in sorted(by_urgency):
        yield from by_urgency[urgency]


def _waiting_since(job: Job) -> datetime:
    return job.enqueued_at or job.created_at
