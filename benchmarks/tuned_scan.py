"""Matching as a scan written for speed: what the planner is compared with besides the plain scan.

It gives the same offers as the planner for workloads without open offers, declines, reservations
and fan-out, such as JR-1. Workers are grouped by queue and sorted beforehand, what they hold is
counted as it changes, and the cheapest checks come first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from shared.domain.distribution import DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.labels import Labels, satisfies
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import Worker
from shared.matching.capacity import Load
from shared.matching.ranking import WorkerRank, job_rank, worker_rank
from shared.matching.scoring import default_score

_ORDERS: dict[DistributionModeKind, Callable[[Worker], WorkerRank | str]] = {
    DistributionModeKind.LONGEST_IDLE: worker_rank,
    DistributionModeKind.ROUND_ROBIN: attrgetter("id"),
    DistributionModeKind.BEST_WORKER: worker_rank,
}


def accepts(selectors: Iterable[WorkerSelector], labels: Labels) -> bool:
    for selector in selectors:
        if not satisfies(labels.get(selector.key), selector.operator, selector.value):
            return False
    return True


class TunedScan:
    def __init__(self, workers: Sequence[Worker], kind: DistributionModeKind) -> None:
        self._kind = kind
        self._loads = {worker.id: Load(worker) for worker in workers}
        self._last: dict[str, str] = {}
        self._by_queue: defaultdict[str, list[Worker]] = defaultdict(list)
        for worker in sorted(workers, key=_ORDERS[kind]):
            for queue_id in worker.profile.queues:
                self._by_queue[queue_id].append(worker)

    def offers(self, jobs: Sequence[Job]) -> Iterator[tuple[str, str]]:
        for job in sorted(jobs, key=job_rank):
            eligible = self._eligible(job)
            if eligible:
                worker = self._choose(job, eligible)
                self._loads[worker.id].take(job.channel_id)
                self._last[job.own_queue_id] = worker.id
                yield job.id, worker.id

    def _eligible(self, job: Job) -> list[Worker]:
        loads, channel_id, selectors = self._loads, job.channel_id, job.selectors
        return [
            worker
            for worker in self._by_queue[job.own_queue_id]
            if channel_id in loads[worker.id].open_channels
            and accepts(selectors, worker.profile.labels)
        ]

    def _choose(self, job: Job, eligible: list[Worker]) -> Worker:
        match self._kind:
            case DistributionModeKind.LONGEST_IDLE:
                return min(eligible, key=lambda worker: self._loads[worker.id].ratio)
            case DistributionModeKind.ROUND_ROBIN:
                last = self._last.get(job.own_queue_id, "")
                return next((worker for worker in eligible if worker.id > last), eligible[0])
            case DistributionModeKind.BEST_WORKER:
                return max(eligible, key=lambda w: default_score(job, w.profile.labels))


def first_accepted(ranked: Iterable[Job], worker: Worker) -> Job | None:
    """The first of the jobs, sorted by rank, that the worker can take."""
    profile = worker.profile
    queues, labels = set(profile.queues), profile.labels
    channels = {c.channel_id for c in profile.channels if worker.has_capacity_for(c.channel_id)}
    for job in ranked:
        definition = job.definition
        if (
            definition.queue_id in queues
            and definition.channel_id in channels
            and accepts(definition.requested_worker_selectors, labels)
        ):
            return job
    return None
