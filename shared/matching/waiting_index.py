"""Which waiting job a worker with free capacity should get: an index that is kept up to date.

It is the planner's index turned round: bit ``i`` stands for a job, and a worker excludes the jobs
of which it fails a condition. Jobs of one queue and channel form a lane; a lane is cut into
segments along the rank of its jobs. A search goes through the segments of all its lanes in the
order of their best rank and ends, mostly, in the first; a change touches one segment. Within a
segment a job has any free bit, so that no job has to move for another.
"""

from collections.abc import Iterator, Mapping
from heapq import merge
from operator import itemgetter

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.label_column import token
from shared.matching.ranking import JobRank, job_rank
from shared.matching.waiting_lane import Entry, Lane, Search, Tokens

type LaneKey = tuple[str, str]


class WaitingIndex:
    """Waiting jobs, found by worker. Where jobs change elsewhere too it is no more than a hint.

    Do not change the index while going through an iterator it gave.
    """

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._known: dict[str, tuple[LaneKey, JobRank]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, job: Job) -> None:
        """Take in the job as it is now, in place of what is known of it; if it waits."""
        self.remove(job.id)
        if not job.is_waiting:
            return
        key, rank = (job.queue_id, job.channel_id), job_rank(job)
        self._known[job.id] = (key, rank)
        self._lanes.setdefault(key, Lane()).add(Entry(rank, job))

    def remove(self, job_id: str) -> None:
        """Forget the job; nothing if it is not known."""
        known = self._known.pop(job_id, None)
        if known is None:
            return
        key, rank = known
        self._lanes[key].remove(rank)
        if not self._lanes[key]:
            del self._lanes[key]

    def best_for(self, worker: Worker, modes: Mapping[str, DistributionMode]) -> Job | None:
        """The job that ``plan`` would offer the worker first, were it the only worker."""
        return next(self.best_first(worker, modes), None)

    def best_first(self, worker: Worker, modes: Mapping[str, DistributionMode]) -> Iterator[Job]:
        """Every job that may be offered to the worker now, in the order of ``plan``.

        ``modes``: the distribution mode by queue id; jobs of other queues are left out.
        """
        held = {reservation.job_id for reservation in worker.reservations}
        for job in self._suited_to(worker, modes):
            if job.id not in held and job.may_be_offered_to(worker.id, worker.registration):
                yield job

    def _suited_to(self, worker: Worker, modes: Mapping[str, DistributionMode]) -> Iterator[Job]:
        lanes = list(self._lanes_of(worker, modes))
        labels = {key: token(value) for key, value in worker.profile.labels.items()}
        for wanted in (_below_wish, _from_wish_to_limit):
            searches = (lane.search(_search(labels, mode, wanted(mode))) for lane, mode in lanes)
            for _, entry in merge(*searches, key=itemgetter(0)):
                if entry is not None:
                    yield entry.job

    def _lanes_of(
        self, worker: Worker, modes: Mapping[str, DistributionMode]
    ) -> Iterator[tuple[Lane, DistributionMode]]:
        """The lanes whose jobs the worker has room for."""
        if not worker.may_get_offers:
            return
        channel_ids = {channel.channel_id for channel in worker.profile.channels}
        open_channels = [id for id in channel_ids if worker.has_capacity_for(id)]
        for queue_id in modes.keys() & worker.profile.queues:
            for channel_id in open_channels:
                lane = self._lanes.get((queue_id, channel_id))
                if lane is not None:
                    yield lane, modes[queue_id]


def _search(labels: Tokens, mode: DistributionMode, offers: range) -> Search:
    return Search(None if mode.bypass_selectors else labels, offers)


def _below_wish(mode: DistributionMode) -> range:
    """How many offers a job has open that has not got its minimum."""
    return range(min(mode.min_concurrent_offers, mode.max_concurrent_offers))


def _from_wish_to_limit(mode: DistributionMode) -> range:
    """How many offers a job has open that has its minimum and may get more."""
    return range(max(0, mode.min_concurrent_offers), mode.max_concurrent_offers)
