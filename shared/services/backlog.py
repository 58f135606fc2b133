"""The waiting jobs that this process has seen: a hint, for workers freed before a long backlog.

The store answers "the best waiting jobs" in pages, and a worker may be eligible for none of the
first thousand. The index answers "the best waiting job for this worker" at once. It may be behind
the store, so what it says is read from the store before it is acted upon.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.waiting_index import WaitingIndex
from shared.ports import JobStore, Stored

MOST_KNOWN = 200_000
"""Beyond this many jobs the process starts to learn anew: others may have ended most of them."""


class Backlog:
    def __init__(self, most_known: int = MOST_KNOWN) -> None:
        self._most_known = most_known
        self._index = WaitingIndex()

    def __len__(self) -> int:
        return len(self._index)

    def notice(self, job: Job) -> None:
        """The job as it is now; one that no longer waits is forgotten."""
        if len(self._index) >= self._most_known:
            self._index = WaitingIndex()
        self._index.add(job)

    def notice_new(self, jobs: Iterable[Stored[Job]]) -> None:
        """Take in the jobs that are not known yet. A sweep sees the whole backlog every time: to
        take in again what is known would hold up the event loop, and hints are verified anyway."""
        for stored in jobs:
            if stored.value.id not in self._index:
                self.notice(stored.value)

    def forget(self, job_id: str) -> None:
        self._index.remove(job_id)

    async def best_for(
        self,
        worker: Worker,
        modes: Mapping[str, DistributionMode],
        jobs: JobStore,
        count: int,
    ) -> list[Stored[Job]]:
        """Up to ``count`` waiting jobs that suit the worker, best first, as the store has them."""
        hints = [job.id for job in islice(self._index.best_first(worker, modes), count)]
        found = [await self._verified(job_id, jobs) for job_id in hints]
        return [stored for stored in found if stored is not None]

    async def _verified(self, job_id: str, jobs: JobStore) -> Stored[Job] | None:
        stored = await jobs.get(job_id)
        if stored is None:
            self.forget(job_id)
            return None
        self.notice(stored.value)
        return stored if stored.value.is_waiting else None
