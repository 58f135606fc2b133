"""The workers of a plan in one order, as bitsets of who may be offered what."""

from collections.abc import Iterable, Mapping, Sequence

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.bitsets import inverted
from shared.matching.capacity import Load
from shared.matching.worker_index import WorkerIndex


class Roster:
    """Bit ``i`` of every set is the ``i``-th worker. ``loads``: what each holds, by worker id."""

    def __init__(self, workers: Sequence[Worker], loads: Mapping[str, Load]) -> None:
        self.workers = workers
        self.index = WorkerIndex(workers)
        self.position = {worker.id: position for position, worker in enumerate(workers)}
        self.open = inverted(loads[worker.id].open_channels for worker in workers)
        """Who may be offered one more job of a channel, by channel id."""
        self.holders: dict[str, int] = {}
        """Who holds a job, or is about to get an offer of it, by job id."""
        for position, worker in enumerate(workers):
            for held in worker.reservations:
                self.bar(position, held.job_id)

    def barred_from(self, job: Job) -> int:
        """Who may not be offered the job, whatever it demands."""
        return self.holders.get(job.id, 0) | self._excluded_by(job)

    def bar(self, position: int, job_id: str) -> None:
        """The worker holds the job, or an offer of it is planned."""
        self.holders[job_id] = self.holders.get(job_id, 0) | 1 << position

    def close(self, worker_id: str, channel_ids: Iterable[str]) -> None:
        """The worker has no more room in these channels, which were open."""
        bit = 1 << self.position[worker_id]
        for channel_id in channel_ids:
            self.open[channel_id] ^= bit

    def _excluded_by(self, job: Job) -> int:
        """Who has an open offer for the job or declined it."""
        excluded = 0
        offered = {offer.worker_id for offer in job.offers}
        for worker_id in offered | {decline.worker_id for decline in job.declines}:
            position = self.position.get(worker_id)
            if position is not None and not self._may_have(job, position):
                excluded |= 1 << position
        return excluded

    def _may_have(self, job: Job, position: int) -> bool:
        worker = self.workers[position]
        return job.may_be_offered_to(worker.id, worker.registration)
