"""The distribution modes: which of the eligible workers gets the next offer."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, override

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.bitsets import inverted, lowest, members
from shared.matching.capacity import Load
from shared.matching.roster import Roster
from shared.matching.scoring import (
    EXACT,
    Condition,
    condition,
    label_terms,
    mean_score,
    scoring_terms,
    term_points,
)

SETS_PER_MEMBER = 8
"""So many sets are intersected in about the time in which one worker is looked at by itself."""

type Scores = Mapping[str, float]
"""How well workers suit a job, by worker id. Who has no score comes after all who have one."""

type Group = tuple[tuple[float, ...], int]
"""Points, one for each scoring term so far; and who got them."""


class Distribution(Protocol):
    """Chooses among the workers of one roster; sets and positions are those of that roster."""

    roster: Roster

    def choose(self, job: Job, eligible: int) -> int:
        """The position of the worker to offer the job to; ``eligible`` is not empty."""
        ...

    def note_offer(self, job: Job, worker: Worker, load: Load) -> None:
        """An offer was planned, in this or another mode; ``load`` includes it."""
        ...


class LongestIdle(Distribution):
    """The lowest load ratio, then the roster's first; the roster is in ``worker_rank`` order."""

    def __init__(self, roster: Roster, loads: Mapping[str, Load]) -> None:
        self.roster = roster
        self._ratio_at = [loads[worker.id].ratio for worker in roster.workers]
        self._having = inverted((ratio,) for ratio in self._ratio_at)
        self._ratios = sorted(self._having)

    @override
    def choose(self, job: Job, eligible: int) -> int:
        if _few_among(eligible, len(self._ratios)):
            return min((self._ratio_at[position], position) for position in members(eligible))[1]
        least_loaded = eligible
        for ratio in self._ratios:
            if having := eligible & self._having[ratio]:
                least_loaded = having
                break
        return lowest(least_loaded)

    @override
    def note_offer(self, job: Job, worker: Worker, load: Load) -> None:
        if not load.open_channels:
            return  # The worker is not eligible again, whatever its ratio.
        position, ratio = self.roster.position[worker.id], load.ratio
        bit = 1 << position
        self._having[self._ratio_at[position]] ^= bit
        self._ratio_at[position] = ratio
        if ratio not in self._having:
            insort(self._ratios, ratio)
            self._having[ratio] = 0
        self._having[ratio] |= bit


class RoundRobin(Distribution):
    """The next worker after the queue's last one; the roster is in the order of worker ids.

    ``last_offered``: by queue id; that worker need not be in the roster.
    """

    def __init__(self, roster: Roster, last_offered: Mapping[str, str | None]) -> None:
        self.roster = roster
        ids = [worker.id for worker in roster.workers]
        self._start = {
            queue_id: 0 if last is None else bisect_right(ids, last)
            for queue_id, last in last_offered.items()
        }

    @override
    def choose(self, job: Job, eligible: int) -> int:
        start = self._start.get(job.own_queue_id, 0)
        ahead = eligible >> start
        return start + lowest(ahead) if ahead else lowest(eligible)

    @override
    def note_offer(self, job: Job, worker: Worker, load: Load) -> None:
        self._start[job.own_queue_id] = self.roster.position[worker.id] + 1


class BestWorker(Distribution):
    """The highest default score, then the roster's first; the roster is in ``worker_rank`` order.

    ``all_pass``: whether the eligible workers always pass the job's selectors. Mostly one term is
    left then in which they differ. Where more are, they are scored in groups that get the same
    points for every term.
    """

    def __init__(self, roster: Roster, all_pass: bool) -> None:
        self.roster = roster
        self._all_pass = all_pass
        self._index = roster.index

    @override
    def choose(self, job: Job, eligible: int) -> int:
        if eligible.bit_count() == 1:
            return lowest(eligible)
        deciding = self._deciding_terms(job, eligible)
        if not deciding:
            return lowest(eligible)
        if len(deciding) == 1:
            shares = self._index.shares(deciding[0])
            if shares.decide and not _few_among(eligible, len(shares.by_points)):
                return lowest(shares.best_among(eligible))
        return self._best_scored(job, eligible)

    @override
    def note_offer(self, job: Job, worker: Worker, load: Load) -> None:
        """Scores do not depend on offers."""

    def _deciding_terms(self, job: Job, eligible: int) -> list[Condition]:
        """The scoring terms for which the eligible workers may get different points."""
        met = EXACT if self._all_pass else ()
        deciding = [condition(s) for s in job.selectors if s.operator not in met and s.is_active]
        if job.definition.labels:
            deciding += [term for term in label_terms(job) if self._divides(term, eligible)]
        return deciding

    def _divides(self, term: Condition, eligible: int) -> bool:
        meeting = eligible & self._index.meeting[term]
        return meeting != 0 and meeting != eligible

    def _best_scored(self, job: Job, eligible: int) -> int:
        groups: list[Group] = [((), eligible)]
        for term in scoring_terms(job):
            groups = self._split(groups, term)
        _, first = max((mean_score(points), -lowest(group)) for points, group in groups)
        return -first

    def _split(self, groups: Iterable[Group], term: Condition) -> list[Group]:
        """The groups, each cut by the points that its workers get for one more term."""
        shares = self._index.shares(term).by_points
        parts: list[Group] = []
        for points, group in groups:
            few = _few_among(group, len(shares))
            for share, holders in self._one_by_one(group, term) if few else shares.items():
                if part := group & holders:
                    parts.append(((*points, share), part))
                    group ^= part
                    if not group:
                        break
            else:
                parts.append(((*points, 0.0), group))
        return parts

    def _one_by_one(self, group: int, term: Condition) -> Iterator[tuple[float, int]]:
        key = term[0]
        for position in members(group):
            label = self.roster.workers[position].profile.labels.get(key)
            yield term_points(label, term), 1 << position


class BestByRule(Distribution):
    """The best score that a rule gives, then the roster's first; it is in ``worker_rank`` order.

    ``descending``: whether the highest score is the best.
    """

    def __init__(self, roster: Roster, descending: bool) -> None:
        self.roster = roster
        self._sign = -1 if descending else 1
        self._scores: dict[str, Scores] = {}

    def lacks_scores(self, job: Job, eligible: int) -> bool:
        """Whether scores must be noted to choose among the workers."""
        return job.id not in self._scores and eligible.bit_count() > 1

    def note_scores(self, job: Job, scores: Scores) -> None:
        self._scores[job.id] = scores

    @override
    def choose(self, job: Job, eligible: int) -> int:
        if eligible.bit_count() == 1:
            return lowest(eligible)
        scores = self._scores[job.id]
        return min(members(eligible), key=lambda position: self._rank(scores, position))

    @override
    def note_offer(self, job: Job, worker: Worker, load: Load) -> None:
        """Scores do not depend on offers."""

    def _rank(self, scores: Scores, position: int) -> tuple[bool, float, int]:
        score = scores.get(self.roster.workers[position].id)
        return (score is None, 0 if score is None else self._sign * score, position)


def _few_among(workers: int, sets: int) -> bool:
    """Whether to look at each worker is cheaper than to intersect with each set."""
    return sets > SETS_PER_MEMBER and sets > SETS_PER_MEMBER * workers.bit_count()
