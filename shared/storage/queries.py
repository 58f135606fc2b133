"""The ports' queries as all adapters see them: sort keys, and what identifies a paged query."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.jobs import Job
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker
from shared.ports import JobFilter, WorkerFilter, WorkerOrder, WorkerQuery
from shared.storage.continuation import PagedQuery
from shared.storage.epoch import to_micros

type WaitingKey = tuple[int, int, int, str]
type IdleKey = tuple[float, int, str]

IN_SERVICE = (JobStatus.ASSIGNED, JobStatus.COMPLETED)
"""Of jobs with a ``Job.open_assignment``."""


def waiting_key(job: Job) -> WaitingKey:
    """Ascending is best first: expedited, highest priority, earliest in its queue, id."""
    since = job.enqueued_at or job.created_at
    return (0 if job.is_expedited else 1, -job.priority, to_micros(since), job.id)


def assigned_at(job: Job) -> datetime | None:
    """When the last of its assignments was made that was not taken back."""
    return job.assignments[-1].assigned_at if job.assignments else None


def idle_key(worker: Worker) -> IdleKey:
    """Ascending is longest idle first: lowest load ratio, earliest available, id."""
    since = worker.available_since
    return (worker.load_ratio, to_micros(since) if since else 0, worker.id)


def job_list(filter: JobFilter) -> PagedQuery:
    statuses = None if filter.statuses is None else sorted(filter.statuses)
    before, after = filter.scheduled_before, filter.scheduled_after
    scheduled = [before and to_micros(before), after and to_micros(after)]
    identity = (
        "jobs", statuses, filter.queue_id, filter.channel_id, filter.classification_policy_id,
        scheduled,
    )  # fmt: skip
    return PagedQuery(identity, (str,))


def waiting_jobs(queue_ids: Sequence[str], channel_ids: Sequence[str] | None) -> PagedQuery:
    channels = None if channel_ids is None else sorted(set(channel_ids))
    return PagedQuery(("waiting", sorted(set(queue_ids)), channels), (int, int, int, str))


def worker_list(filter: WorkerFilter) -> PagedQuery:
    identity = ("workers", filter.state, filter.queue_id, filter.channel_id, filter.has_capacity)
    return PagedQuery(identity, (str,))


def available_workers(query: WorkerQuery) -> PagedQuery:
    selectors = [(s.key, s.operator, s.value) for s in query.selectors if s.is_active]
    identity = (
        "available", query.queue_id, query.channel_id, selectors, query.order, query.after_id
    )  # fmt: skip
    return PagedQuery(identity, (str,) if query.order is WorkerOrder.ID else (float, int, str))


def definition_list(kind: str) -> PagedQuery:
    return PagedQuery(("definitions", kind), (str,))
