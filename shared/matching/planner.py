"""From a snapshot of waiting jobs and workers to the offers that should be made."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.bitsets import members
from shared.matching.distributions import BestByRule, Distribution, Scores
from shared.matching.ranking import in_rank_order
from shared.matching.workforce import Workforce


@dataclass(frozen=True, slots=True)
class Match:
    """The job should be offered to the worker; both are the values given to ``plan``."""

    job: Job
    worker: Worker


@dataclass(frozen=True, slots=True)
class Candidates:
    """Several workers who may be offered the job now; scores by rule decide who of them is."""

    job: Job
    workers: Sequence[Worker]


type Planning = Generator[Candidates, Scores | None, list[Match]]
"""Asks for scores where they are needed, and results in the plan.

``None`` for an answer leaves the job out of the plan.
"""


def plan(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
) -> list[Match]:
    """The offers to make, in the order in which to make them.

    ``modes``: the distribution mode of each queue, by queue id; jobs of other queues are skipped.
    None of them has a scoring rule, or see :func:`planning`.
    ``last_offered``: id of the worker that was offered a job last, by queue id, for round robin.
    Ids are unique among the jobs and among the workers.
    """
    try:
        candidates = next(planning(jobs, workers, modes, last_offered))
    except StopIteration as end:
        matches: list[Match] = end.value
        return matches
    raise ValueError(f"The queue of the job '{candidates.job.id}' has a scoring rule.")


def planning(
    jobs: Sequence[Job],
    workers: Sequence[Worker],
    modes: Mapping[str, DistributionMode],
    last_offered: Mapping[str, str | None],
) -> Planning:
    """As :func:`plan`, for any modes: send in the scores for the candidates that are asked for."""
    staff = (worker for worker in workers if not modes.keys().isdisjoint(worker.profile.queues))
    workforce = Workforce(staff, last_offered)
    if not workforce.with_room:
        return []
    waiting = (job for job in jobs if job.is_waiting and job.definition.queue_id in modes)
    return (yield from _Planner(modes, workforce).plan(waiting))


class _Lane:
    """A queue: its workers and how they are chosen for its jobs."""

    def __init__(self, queue_id: str, mode: DistributionMode, distribution: Distribution) -> None:
        self.distribution = distribution
        self.by_rule = distribution if isinstance(distribution, BestByRule) else None
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

    def workers(self, positions: int) -> list[Worker]:
        """In the order of the roster."""
        found = [self.roster.workers[position] for position in members(positions)]
        found.reverse()
        return found


class _Planner:
    """Plans one offer after the other."""

    def __init__(self, modes: Mapping[str, DistributionMode], workforce: Workforce) -> None:
        self._workforce = workforce
        self._lanes = {
            queue_id: _Lane(queue_id, mode, workforce.distribution(mode))
            for queue_id, mode in modes.items()
        }
        self._matches: list[Match] = []

    def plan(self, jobs: Iterable[Job]) -> Planning:
        for job in (yield from self._fulfil_wishes(in_rank_order(jobs))):
            lane = self._lanes[job.own_queue_id]
            more = lane.limit - max(lane.wish, len(job.offers))
            yield from self._offer(job, lane, lane.eligible(job), more)
        return self._matches

    def _fulfil_wishes(
        self, jobs: Iterable[Job]
    ) -> Generator[Candidates, Scores | None, Sequence[Job]]:
        """Bring every job up to its wish; results in those which might get more."""
        more_wanted: list[Job] = []
        for job in jobs:
            if not self._workforce.with_room:
                break
            lane = self._lanes[job.own_queue_id]
            eligible = lane.eligible(job)
            if eligible:
                left = yield from self._offer(job, lane, eligible, lane.wish - len(job.offers))
                if left and lane.limit > lane.wish:
                    more_wanted.append(job)
        return more_wanted

    def _offer(
        self, job: Job, lane: _Lane, eligible: int, times: int
    ) -> Generator[Candidates, Scores | None, int]:
        """Plan up to so many offers of the job; results in who is left of the eligible workers."""
        if lane.by_rule is not None and times > 0 and lane.by_rule.lacks_scores(job, eligible):
            scores = yield Candidates(job, lane.workers(eligible))
            if scores is None:
                return 0
            lane.by_rule.note_scores(job, scores)
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
