"""What must be true of a router at rest: after its sweeps have run, with nothing in flight."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.domain.events import JobEvent, OfferEvent, RecordedEvent, WorkerEvent
from shared.domain.jobs import Job
from shared.domain.queue_conditions import QueueConditions
from shared.domain.workers import Worker
from shared.matching.planner import plan
from shared.ports import JobFilter, Store, WorkerFilter

MANY = 100_000
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


async def check_at_rest(store: Store, published: Sequence[RecordedEvent]) -> None:
    jobs = [s.value for s in (await store.jobs.list(JobFilter(), MANY)).items]
    workers = [s.value for s in (await store.workers.list(WorkerFilter(), MANY)).items]
    for worker in workers:
        check_capacity(worker)
    for job in jobs:
        check_job(job)
    check_reservations_agree(jobs, workers)
    await check_nobody_waits_in_vain(store, jobs, workers)
    await check_waiting_jobs_know_the_rules(store, jobs)
    await check_outbox_is_empty(store)
    check_events_are_complete(jobs, workers, published)


def check_capacity(worker: Worker) -> None:
    assert worker.consumed_capacity <= worker.profile.capacity, worker
    for channel in worker.profile.channels:
        held = sum(h.channel_id == channel.channel_id for h in worker.reservations)
        assert channel.max_number_of_jobs is None or held <= channel.max_number_of_jobs, worker
    limit = worker.profile.max_concurrent_offers
    assert limit is None or len(worker.open_offers) <= limit, worker


def check_job(job: Job) -> None:
    unfinished = [a for a in job.assignments if a.closed_at is None]
    assert len(unfinished) <= 1, job
    assert not job.offers or job.is_waiting, job
    assert not job.is_to_be_routed, job
    assert len({offer.worker_id for offer in job.offers}) == len(job.offers), job


def check_reservations_agree(jobs: Sequence[Job], workers: Sequence[Worker]) -> None:
    """Every reservation has its offer or assignment, and every one of those its reservation."""
    held = {
        (worker.id, r.offer_id, r.job_id, r.is_offer)
        for worker in workers
        for r in worker.reservations
    }
    listed = {(o.worker_id, o.offer_id, job.id, True) for job in jobs for o in job.offers}
    assigned = {
        (job.open_assignment.worker_id, job.open_assignment.offer_id, job.id, False)
        for job in jobs
        if job.open_assignment
    }
    assert held == listed | assigned


async def check_nobody_waits_in_vain(
    store: Store, jobs: Sequence[Job], workers: Sequence[Worker]
) -> None:
    modes = {}
    for queue in (await store.queues.list(MANY)).items:
        policy = await store.distribution_policies.get(queue.value.distribution_policy_id)
        if policy is not None:
            modes[queue.value.id] = policy.value.mode
    assert plan(jobs, workers, modes, {}) == []


async def check_waiting_jobs_know_the_rules(store: Store, jobs: Sequence[Job]) -> None:
    """They know when the next rule of their queue's exception policy fires."""
    for job in jobs:
        queue = await store.queues.get(job.queue_id) if job.queue_id and job.is_waiting else None
        policy_id = queue.value.exception_policy_id if queue else None
        if policy_id is not None:
            policy = await store.exception_policies.get(policy_id)
            assert policy is not None
            assert job.stay is not None
            assert QueueConditions(policy=policy.value).scheduled(job.stay) == job.stay


async def check_outbox_is_empty(store: Store) -> None:
    assert await store.jobs.outbox(LATEST, MANY) == []
    assert await store.workers.outbox(LATEST, MANY) == []


def check_events_are_complete(
    jobs: Sequence[Job], workers: Sequence[Worker], published: Sequence[RecordedEvent]
) -> None:
    """Each aggregate's events are numbered 1..n without gaps; a number always has the same id."""
    numbered: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in published:
        numbered[aggregate_of(record)][record.sequence].add(record.id)
    for aggregate, numbers in numbered.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), (aggregate, sorted(numbers))
        assert all(len(ids) == 1 for ids in numbers.values()), (aggregate, numbers)
    for job in jobs:
        assert len(numbered[f"job/{job.id}"]) == job.sequence, job
    for worker in workers:
        assert len(numbered[f"worker/{worker.id}"]) == worker.sequence, worker


def aggregate_of(record: RecordedEvent) -> str:
    """Offers are decided by their job, so their events are the job's."""
    match record.event:
        case JobEvent() | OfferEvent():
            return f"job/{record.event.job_id}"
        case WorkerEvent():
            return f"worker/{record.event.worker_id}"
