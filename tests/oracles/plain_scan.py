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

type ScoresByJob = Mapping[str, Mapping[str, float]]
"""What scoring rules say: by job id, then by worker id."""

NEVER = datetime.max.replace(tzinfo=UTC)


def scan(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
    scores: ScoresByJob | None = None,
) -> list[tuple[str, str]]:
    """The offers as pairs of job id and worker id. Parameters as for ``plan``."""
    return list(PlainScan(workers, modes, last_offered, scores).offers(jobs))


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
        scores: ScoresByJob | None = None,
    ) -> None:
        self.workers = {worker.id: worker for worker in workers}
        self.modes = modes
        self.last_offered = dict(last_offered)
        self.scores = scores or {}

    def offers(self, jobs: Sequence[Job]) -> Iterator[tuple[str, str]]:
        waiting = [job for job in jobs if job.is_waiting and job.own_queue_id in self.modes]
        ordered = in_order(waiting)
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
        mode = self.modes[job.own_queue_id]
        if to_the_full:
            return mode.max_concurrent_offers
        return min(mode.min_concurrent_offers, mode.max_concurrent_offers)

    def is_eligible(self, worker: Worker, job: Job) -> bool:
        return (
            job.own_queue_id in worker.profile.queues
            and (
                self.modes[job.own_queue_id].bypass_selectors
                or all_accept(job.selectors, worker.profile.labels)
            )
            and worker.is_available(job.own_queue_id, job.channel_id)
            and job.may_be_offered_to(worker.id, worker.registration)
            and not any(held.job_id == job.id for held in worker.reservations)
        )

    def best(self, job: Job, eligible: list[Worker]) -> Worker:
        match self.modes[job.own_queue_id].kind:
            case DistributionModeKind.LONGEST_IDLE:
                return min(eligible, key=lambda w: (w.load_ratio, longest_available(w)))
            case DistributionModeKind.ROUND_ROBIN:
                last = self.last_offered.get(job.own_queue_id)
                return min(eligible, key=lambda w: (last is not None and w.id <= last, w.id))
            case DistributionModeKind.BEST_WORKER if self.modes[job.own_queue_id].scoring_rule:
                return self.best_by_rule(job, eligible)
            case DistributionModeKind.BEST_WORKER:
                return min(
                    eligible,
                    key=lambda w: (-default_score(job, w.profile.labels), longest_available(w)),
                )

    def best_by_rule(self, job: Job, eligible: list[Worker]) -> Worker:
        scores = self.scores.get(job.id, {})
        scored = [w for w in eligible if w.id in scores]
        if not scored:
            return min(eligible, key=longest_available)
        best = max if self.modes[job.own_queue_id].scoring.descending_order else min
        highest = best(scores[w.id] for w in scored)
        return min((w for w in scored if scores[w.id] == highest), key=longest_available)

    def offer(self, job: Job, worker: Worker) -> None:
        channel = worker.channel(job.channel_id)
        assert channel is not None
        planned = Reservation(
            offer_id=f"planned-{job.id}-{worker.id}",
            job_id=job.id,
            channel_id=job.channel_id,
            queue_id=job.own_queue_id,
            registration=worker.registration,
            capacity_cost=channel.capacity_cost_per_job,
            offered_at=NEVER,
            expires_at=NEVER,
            check_at=NEVER,
        )
        reservations = (*worker.reservations, planned)
        self.workers[worker.id] = replace(worker, reservations=reservations)
        self.last_offered[job.own_queue_id] = worker.id


def longest_available(worker: Worker) -> tuple[datetime, str]:
    return (worker.available_since or NEVER, worker.id)
