"""What a commit leaves to do: follow-ups, matching, publishing.

It runs in the request that committed, after the commit. Whatever it cannot finish stays in the
outbox, and the sweeps finish it; so nothing here may fail the request, whose work is done.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from shared.domain.errors import NotFound
from shared.domain.follow_ups import (
    AssignReservation,
    FollowUp,
    ReleaseReservation,
    RevokeOffer,
    RouteJob,
    WorkerFollowUp,
)
from shared.domain.jobs import Job
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import Stored, StoreError
from shared.services.commits import Commit, change_job, change_worker
from shared.services.matching import match_job, match_worker
from shared.services.offering import knows_offer, resolve_reservation
from shared.services.outbox import Pending
from shared.services.router import Router, TooMuchContention
from shared.services.routing import route_job

log = logging.getLogger(__name__)


async def settle(
    router: Router,
    pending: Iterable[Pending] = (),
    *,
    job: Stored[Job] | None = None,
    worker: Stored[Worker] | None = None,
) -> None:
    """Do all that follows from the pending records, match, and have the events published.

    ``job``, ``worker``: as just read or committed; each is matched if it is waiting or has capacity
    left.
    """
    settlement = _Settlement(router)
    if job is not None:
        settlement.noticed_job(job)
    if worker is not None:
        settlement.noticed_worker(worker)
    with router.telemetry.settling():
        await settlement.run(pending)
    await router.outbox.post(settlement.done)


async def resettle(router: Router, pending: Iterable[Pending]) -> tuple[list[Pending], bool]:
    """As :func:`settle`, for records that somebody left behind, but nothing is published.

    Gives the records that are to be published now, and whether all that was to be done is done.
    """
    settlement = _Settlement(router)
    with router.telemetry.settling():
        complete = await settlement.run(pending)
    return settlement.done, complete


class _Settlement:
    def __init__(self, router: Router) -> None:
        self._router = router
        self._jobs: dict[str, Stored[Job]] = {}
        self._unrouted: dict[str, Stored[Job]] = {}
        self._workers: dict[str, Stored[Worker]] = {}
        self._taken_up: set[str] = set()
        self.done: list[Pending] = []

    def noticed_job(self, job: Stored[Job]) -> None:
        """A job for which a match may have become possible, or that follow-ups will route."""
        if job.value.is_waiting:
            self._jobs[job.value.id] = job
        elif job.value.is_to_be_routed:
            self._unrouted[job.value.id] = job

    def noticed_worker(self, worker: Stored[Worker]) -> None:
        """A worker for which a match may have become possible, or that follow-ups will change."""
        self._workers[worker.value.id] = worker

    async def run(self, pending: Iterable[Pending]) -> bool:
        """Apply follow-ups, and theirs in turn, then match. A failure does not stop the others."""
        try:
            complete = await self._apply_all(pending)
            return await self._match() and complete
        finally:
            self._router.settling.difference_update(self._taken_up)

    async def _apply_all(self, pending: Iterable[Pending]) -> bool:
        complete = True
        waiting = deque(self._take_up(pending))
        while waiting:
            item = waiting.popleft()
            try:
                for follow_up in item.record.follow_ups:
                    waiting.extend(self._take_up(await self._apply(follow_up)))
            except (StoreError, TooMuchContention):
                log.warning("a follow-up waits for the sweep", exc_info=True)
                complete = False
            else:
                self.done.append(item)
        return complete

    def _take_up(self, pending: Iterable[Pending]) -> Sequence[Pending]:
        items = list(pending)
        ids = {item.record.id for item in items}
        self._taken_up.update(ids)
        self._router.settling.update(ids)
        return items

    async def _match(self) -> bool:
        router = self._router
        matches = [partial(match_job, router, id, job) for id, job in self._jobs.items()]
        matches += [partial(match_worker, router, id, w) for id, w in self._workers.items()]
        complete = True
        for match in matches:
            try:
                self.done += self._take_up(await match())
            except (StoreError, TooMuchContention):
                log.warning("matching waits for the sweep", exc_info=True)
                complete = False
        return complete

    async def _apply(self, follow_up: FollowUp) -> tuple[Pending, ...]:
        match follow_up:
            case RevokeOffer():
                return await self._revoke(follow_up)
            case RouteJob():
                return await self._route(follow_up)
            case _:
                return await self._change_worker(follow_up)

    async def _change_worker(self, follow_up: WorkerFollowUp) -> tuple[Pending, ...]:
        now = self._router.clock()
        worker_id = follow_up.worker_id
        try:
            commit = await change_worker(
                self._router,
                worker_id,
                lambda worker: _on_worker(worker, follow_up, now),
                seen=self._workers.pop(worker_id, None),
            )
        except NotFound:
            return ()
        if commit.stored is not None:
            self.noticed_worker(commit.stored)
        return commit.pending

    async def _route(self, follow_up: RouteJob) -> tuple[Pending, ...]:
        seen = self._unrouted.pop(follow_up.job_id, None)
        commit = await route_job(self._router, follow_up.job_id, seen)
        if commit.stored is not None:
            self.noticed_job(commit.stored)
        return commit.pending

    async def _revoke(self, follow_up: RevokeOffer) -> tuple[Pending, ...]:
        try:
            commit = await change_job(
                self._router, follow_up.job_id, lambda job: job.revoke(follow_up.offer_id)
            )
        except NotFound:
            commit = Commit(None)
        if commit.stored is None or not commit.pending:
            await self._disown(commit, follow_up)
            return ()
        self.noticed_job(commit.stored)
        return commit.pending

    async def _disown(self, commit: Commit[Job], follow_up: RevokeOffer) -> None:
        """The job does not list the offer: it ended, was accepted, or is only about to be issued.

        In the last case nobody but this follow-up knows that the offer must not be.
        """
        if commit.stored is not None and knows_offer(commit.stored.value, follow_up.offer_id):
            return
        await resolve_reservation(
            self._router, follow_up.worker_id, follow_up.offer_id, follow_up.job_id
        )


def _on_worker(worker: Worker, follow_up: WorkerFollowUp, now: datetime) -> Transition[Worker]:
    match follow_up:
        case AssignReservation():
            return worker.assign(follow_up.offer_id, follow_up.assignment_id, follow_up.assigned_at)
        case ReleaseReservation():
            return worker.release(follow_up.offer_id, follow_up.expired_registration, now)
