"""From a snapshot of waiting jobs and workers to the offers that should be made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.distributions import Distribution
from shared.matching.ranking import in_rank_order
from shared.matching.workforce import Workforce


@dataclass(frozen=True, slots=True)
class Match:
    """The job should be offered to the worker; both are the values given to ``plan``."""

    job: Job
    worker: Worker


def plan(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
) -> list[Match]:
    """The offers to make, in the order in which to make them.

    ``modes``: the distribution mode of each queue, by queue id; jobs of other queues are skipped.
    ``last_offered``: id of the worker that was offered a job last, by queue id, for round robin.
    Ids are unique among the jobs and among the workers.
    """
    staff = (worker for worker in workers if not modes.keys().isdisjoint(worker.profile.queues))
    workforce = Workforce(staff, last_offered)
    if not workforce.with_room:
        return []
    waiting = (job for job in jobs if job.is_waiting and job.definition.queue_id in modes)
    return _Planner(modes, workforce).plan(waiting)


class _Lane:
    """A queue: its workers and how they are chosen for its jobs."""

    def __init__(self, queue_id: str, mode: DistributionMode, distribution: Distribution) -> None:
        self.distribution = distribution
        self.roster = distribution.roster
        self.wish = min(mode.min_concurrent_offers, mode.max_concurrent_offers)
        self.limit = mode.max_concurrent_offers
        self._workers = self.roster.index.in_queue(queue_id)
        self._meeting = self.roster.index.meeting
        self._open = self.roster.open
        self._holders = self.roster.holders
        self._bypass_selectors = mode.bypass_selectors

    def eligible(self, job: Job) -> int:
        """Who may be offered the job now, if it can have more offers.

        A sweep asks this for every waiting job, so selectors are looked up without further calls.
        """
        if job.offers and len(job.offers) >= self.limit:
            return 0
        definition = job.definition
        workers = self._workers & self._open.get(definition.channel_id, 0)
        if not self._bypass_selectors:
            meeting = self._meeting
            for s in definition.requested_worker_selectors:
                if not workers:
                    return 0
                if s.is_active:
                    workers &= meeting[s.key, s.operator, s.value, type(s.value)]
        if workers and (job.offers or job.declines or job.id in self._holders):
            workers &= ~self.roster.barred_from(job)
        return workers


class _Planner:
    """Plans one offer after the other."""

    def __init__(self, modes: Mapping[str, DistributionMode], workforce: Workforce) -> None:
        self._workforce = workforce
        self._lanes = {
            queue_id: _Lane(queue_id, mode, workforce.distribution(mode))
            for queue_id, mode in modes.items()
        }
        self._matches: list[Match] = []

    def plan(self, jobs: Iterable[Job]) -> list[Match]:
        for job in list(self._fulfil_wishes(in_rank_order(jobs))):
            lane = self._lanes[job.queue_id]
            self._offer(job, lane, lane.eligible(job), lane.limit - max(lane.wish, len(job.offers)))
        return self._matches

    def _fulfil_wishes(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """Bring every job up to its wish; yields those which might get more."""
        for job in jobs:
            if not self._workforce.with_room:
                return
            lane = self._lanes[job.definition.queue_id]
            eligible = lane.eligible(job)
            if eligible:
                left = self._offer(job, lane, eligible, lane.wish - len(job.offers))
                if left and lane.limit > lane.wish:
                    yield job

    def _offer(self, job: Job, lane: _Lane, eligible: int, times: int) -> int:
        """Plan up to so many offers of the job; who is left of the eligible workers."""
        while eligible and times > 0:
            position = lane.distribution.choose(job, eligible)
            self._plan(job, lane, position)
            eligible ^= 1 << position
            times -= 1
        return eligible

    def _plan(self, job: Job, lane: _Lane, position: int) -> None:
        worker = lane.roster.workers[position]
        if lane.limit > lane.wish:  # Only then is the job looked at again.
            lane.roster.bar(position, job.id)
        self._workforce.take(job, worker)
        self._matches.append(Match(job, worker))
