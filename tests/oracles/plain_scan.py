"""The rules of matching as a plain scan: every job looks at every worker, with domain values only.

It is slow and meant to be obviously right; the planner must give the same offers on any input.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.offers import Reservation
from shared.domain.selectors import all_accept
from shared.domain.workers import Worker
from shared.matching.scoring import default_score

NEVER = datetime.max.replace(tzinfo=UTC)


def scan(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
) -> list[tuple[str, str]]:
    """The offers as pairs of job id and worker id. Parameters as for ``plan``."""
    return list(PlainScan(workers, modes, last_offered).offers(jobs))


def in_order(jobs: Sequence[Job]) -> list[Job]:
    return sorted(
        jobs,
        key=lambda job: (
            0 if job.is_expedited else 1,
            -job.priority,
            job.enqueued_at or job.created_at,
            job.id,
        ),
    )


class PlainScan:
    """``workers`` are kept as they would be had every offer planned so far been made."""

    def __init__(
        self,
        workers: Sequence[Worker],
        modes: Mapping[str, DistributionMode],
        last_offered: Mapping[str, str | None],
    ) -> None:
        self.workers = {worker.id: worker for worker in workers}
        self.modes = modes
        self.last_offered = dict(last_offered)

    def offers(self, jobs: Sequence[Job]) -> Iterator[tuple[str, str]]:
        ordered = in_order([job for job in jobs if job.queue_id in self.modes and job.is_waiting])
        open_offers = {job.id: len(job.offers) for job in ordered}
        for to_the_full in (False, True):
            for job in ordered:
                while open_offers[job.id] < self.wanted(job, to_the_full):
                    eligible = [w for w in self.workers.values() if self.is_eligible(w, job)]
                    if not eligible:
                        break
                    worker = self.best(job, eligible)
                    self.offer(job, worker)
                    open_offers[job.id] += 1
                    yield job.id, worker.id

    def wanted(self, job: Job, to_the_full: bool) -> int:
        mode = self.modes[job.queue_id]
        if to_the_full:
            return mode.max_concurrent_offers
        return min(mode.min_concurrent_offers, mode.max_concurrent_offers)

    def is_eligible(self, worker: Worker, job: Job) -> bool:
        return (
            job.queue_id in worker.profile.queues
            and (
                self.modes[job.queue_id].bypass_selectors
                or all_accept(job.selectors, worker.profile.labels)
            )
            and worker.is_available(job.queue_id, job.channel_id)
            and job.may_be_offered_to(worker.id, worker.registration)
            and not any(held.job_id == job.id for held in worker.reservations)
        )

    def best(self, job: Job, eligible: list[Worker]) -> Worker:
        match self.modes[job.queue_id].kind:
            case DistributionModeKind.LONGEST_IDLE:
                return min(eligible, key=lambda w: (w.load_ratio, longest_available(w)))
            case DistributionModeKind.ROUND_ROBIN:
                last = self.last_offered.get(job.queue_id)
                return min(eligible, key=lambda w: (last is not None and w.id <= last, w.id))
            case DistributionModeKind.BEST_WORKER:
                return min(
                    eligible,
                    key=lambda w: (-default_score(job, w.profile.labels), longest_available(w)),
                )

    def offer(self, job: Job, worker: Worker) -> None:
        channel = worker.channel(job.channel_id)
        assert channel is not None
        planned = Reservation(
            offer_id=f"planned-{job.id}-{worker.id}",
            job_id=job.id,
            channel_id=job.channel_id,
            queue_id=job.queue_id,
            registration=worker.registration,
            capacity_cost=channel.capacity_cost_per_job,
            offered_at=NEVER,
            expires_at=NEVER,
            check_at=NEVER,
        )
        reservations = (*worker.reservations, planned)
        self.workers[worker.id] = replace(worker, reservations=reservations)
        self.last_offered[job.queue_id] = worker.id


def longest_available(worker: Worker) -> tuple[datetime, str]:
    return (worker.available_since or NEVER, worker.id)
