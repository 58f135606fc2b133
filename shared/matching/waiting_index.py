"""Which waiting job a worker with free capacity should get: an index that is kept up to date.

It is the planner's index turned round: bit ``i`` stands for a job, and a worker excludes the jobs
of which it fails a condition.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import Worker
from shared.matching.demands import Demands, flip
from shared.matching.label_column import LabelToken, token
from shared.matching.ranked_jobs import Entry, RankedJobs
from shared.matching.ranking import job_rank

type Lane = tuple[str, str]
"""Queue id and channel id."""


@dataclass(frozen=True, slots=True)
class Search:
    """Jobs of the lanes with so many ``offers`` open that suit a worker's ``labels``.

    ``labels`` ``None``: the selectors do not matter.
    """

    lanes: Sequence[Lane]
    offers: range
    labels: Mapping[str, LabelToken] | None


class WaitingIndex:
    """Waiting jobs, found by worker. Where jobs change elsewhere too it is no more than a hint.

    Do not change the index while going through an iterator it gave.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._jobs = RankedJobs()
        self._by_lane: dict[Lane, int] = {}
        self._by_offers: dict[int, int] = {}
        self._demands: dict[str, Demands] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._entries

    def add(self, job: Job) -> None:
        """Take in the job as it is now, in place of what is known of it; if it waits."""
        self.remove(job.id)
        if job.is_waiting:
            entry = self._entries[job.id] = self._jobs.add(job_rank(job), job)
            self._flip(entry)

    def remove(self, job_id: str) -> None:
        """Forget the job; nothing if it is not known."""
        entry = self._entries.pop(job_id, None)
        if entry is not None:
            self._jobs.remove(entry)
            self._flip(entry)

    def best_for(self, worker: Worker, modes: Mapping[str, DistributionMode]) -> Job | None:
        """The job that ``plan`` would offer the worker first, were it the only worker."""
        return next(self.best_first(worker, modes), None)

    def best_first(self, worker: Worker, modes: Mapping[str, DistributionMode]) -> Iterator[Job]:
        """Every job that may be offered to the worker now, in the order of ``plan``.

        ``modes``: the distribution mode by queue id; jobs of other queues are left out.
        """
        held = {reservation.job_id for reservation in worker.reservations}
        for searches in _searches(worker, modes):
            for job in self._jobs.sorted(self._matching(searches)):
                if job.id not in held and job.may_be_offered_to(worker.id, worker.registration):
                    yield job

    def _flip(self, entry: Entry) -> None:
        """Add the job to the sets it belongs to, or take it out of them."""
        job, bit = entry.job, 1 << entry.slot
        flip(self._by_lane, (job.own_queue_id, job.channel_id), bit)
        flip(self._by_offers, len(job.offers), bit)
        for key, selectors in _active_by_key(job.selectors).items():
            self._demands.setdefault(key, Demands()).flip(bit, selectors)

    def _matching(self, searches: Iterable[Search]) -> int:
        matches = 0
        for search in searches:
            jobs = self._in_lanes(search.lanes) & self._with_offers(search.offers)
            if jobs and search.labels is not None:
                jobs ^= jobs & self._failed_by(search.labels)
            matches |= jobs
        return matches

    def _in_lanes(self, lanes: Iterable[Lane]) -> int:
        found = 0
        for lane in lanes:
            found |= self._by_lane.get(lane, 0)
        return found

    def _with_offers(self, counts: range) -> int:
        found = 0
        for count, jobs in self._by_offers.items():
            if count in counts:
                found |= jobs
        return found

    def _failed_by(self, labels: Mapping[str, LabelToken]) -> int:
        """The jobs of which a worker with these labels fails a condition."""
        failed = 0
        for key, demands in self._demands.items():
            label = labels.get(key)
            known = demands.known.get(label)
            failed |= demands.failed_by(label) if known is None else known
        return failed


def _searches(
    worker: Worker, modes: Mapping[str, DistributionMode]
) -> tuple[list[Search], list[Search]]:
    """For jobs that have not got their minimum of offers, and for those that may get more."""
    labels = {key: token(value) for key, value in worker.profile.labels.items()}
    below_wish, below_limit = [], []
    for (minimum, limit, bypass), lanes in _lanes_by_rule(worker, modes).items():
        wish = max(0, min(minimum, limit))
        suited = None if bypass else labels
        below_wish.append(Search(lanes, range(wish), suited))
        if wish < limit:
            below_limit.append(Search(lanes, range(wish, limit), suited))
    return below_wish, below_limit


def _lanes_by_rule(
    worker: Worker, modes: Mapping[str, DistributionMode]
) -> Mapping[tuple[int, int, bool], Sequence[Lane]]:
    """The lanes in which the worker has room, by what the mode of their queue says about jobs."""
    lanes: defaultdict[tuple[int, int, bool], list[Lane]] = defaultdict(list)
    if worker.may_get_offers:
        channel_ids = {channel.channel_id for channel in worker.profile.channels}
        open_channels = [id for id in channel_ids if worker.has_capacity_for(id)]
        for queue_id in modes.keys() & worker.profile.queues:
            mode = modes[queue_id]
            rule = (mode.min_concurrent_offers, mode.max_concurrent_offers, mode.bypass_selectors)
            lanes[rule] += [(queue_id, channel_id) for channel_id in open_channels]
    return lanes


def _active_by_key(selectors: Iterable[WorkerSelector]) -> Mapping[str, list[WorkerSelector]]:
    grouped: defaultdict[str, list[WorkerSelector]] = defaultdict(list)
    for selector in selectors:
        if selector.is_active:
            grouped[selector.key].append(selector)
    return grouped
