"""The workers of a plan: one account of what they hold, kept in step in every order needed."""

from collections.abc import Callable, Iterable, Mapping

from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.capacity import Load
from shared.matching.distributions import (
    BestByRule,
    BestWorker,
    Distribution,
    LongestIdle,
    RoundRobin,
)
from shared.matching.ranking import WorkerRank, worker_rank
from shared.matching.roster import Roster

type Order = Callable[[Worker], WorkerRank | str]
type Way = tuple[DistributionModeKind, bool, bool | None]
"""How to choose among eligible workers: all that it depends on in a mode."""


class Workforce:
    """``last_offered``: as for ``plan``."""

    def __init__(self, workers: Iterable[Worker], last_offered: Mapping[str, str | None]) -> None:
        self._workers = [worker for worker in workers if worker.may_get_offers]
        self._loads = {worker.id: Load(worker) for worker in self._workers}
        self.with_room = sum(1 for load in self._loads.values() if load.open_channels)
        """How many could take one more job of some kind."""
        self._last_offered = last_offered
        self._rosters: dict[Order, Roster] = {}
        self._distributions: dict[Way, Distribution] = {}

    def distribution(self, mode: DistributionMode) -> Distribution:
        """How jobs are distributed in a mode, by what the workers hold at any time."""
        order = mode.scoring.descending_order if mode.is_scored_by_rule else None
        way = (mode.kind, mode.bypass_selectors, order)
        distribution = self._distributions.get(way)
        if distribution is None:
            distribution = self._distributions[way] = self._new_distribution(mode)
        return distribution

    def take(self, job: Job, worker: Worker) -> None:
        """Account for a planned offer."""
        load = self._loads[worker.id]
        closed = load.take(job.channel_id)
        if closed:
            self.with_room -= not load.open_channels
            for roster in self._rosters.values():
                roster.close(worker.id, closed)
        for distribution in self._distributions.values():
            distribution.note_offer(job, worker, load)

    def _new_distribution(self, mode: DistributionMode) -> Distribution:
        match mode.kind:
            case DistributionModeKind.LONGEST_IDLE:
                return LongestIdle(self._roster(worker_rank), self._loads)
            case DistributionModeKind.ROUND_ROBIN:
                return RoundRobin(self._roster(_worker_id), self._last_offered)
            case DistributionModeKind.BEST_WORKER if mode.is_scored_by_rule:
                return BestByRule(self._roster(worker_rank), mode.scoring.descending_order)
            case DistributionModeKind.BEST_WORKER:
                return BestWorker(self._roster(worker_rank), all_pass=not mode.bypass_selectors)

    def _roster(self, order: Order) -> Roster:
        roster = self._rosters.get(order)
        if roster is None:
            ordered = sorted(self._workers, key=order)
            roster = self._rosters[order] = Roster(ordered, self._loads)
        return roster


def _worker_id(worker: Worker) -> str:
    return worker.id
