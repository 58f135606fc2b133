"""Offers that were planned on a snapshot, issued while the jobs and workers of it may change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.distribution import DistributionModeKind, DistributionPolicy
from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.matching.planner import Match
from shared.ports import Stored
from shared.services.offering import JobChanged, issue, reserve
from shared.services.outbox import Pending
from shared.services.router import Router
from shared.services.scoring import plan_offers


@dataclass(slots=True)
class Issued:
    """What came of a plan. ``lost_races``: matches dropped since their job changed meanwhile.

    ``plan_is_whole``: there was time for the scores of all jobs.
    """

    pending: list[Pending] = field(default_factory=list)
    lost_races: int = 0
    plan_is_whole: bool = True


async def offer_planned(
    router: Router, jobs: Sequence[Stored[Job]], workers: Sequence[Stored[Worker]]
) -> Issued:
    """Plan the jobs and workers against each other and issue what was planned.

    A match whose job or worker changed meanwhile is dropped: whoever changed it looks again.
    """
    policies = await policies_of(router, (stored.value.own_queue_id for stored in jobs))
    plan = await plan_offers(
        router,
        [stored.value for stored in jobs],
        [stored.value for stored in workers],
        {queue_id: policy.mode for queue_id, policy in policies.items()},
        await _last_offered(router, policies),
    )
    snapshot = _Snapshot(router, policies, jobs, workers)
    snapshot.issued.plan_is_whole = plan.is_whole
    for match in plan.matches:
        await snapshot.issue(match)
    return snapshot.issued


class _Snapshot:
    """The jobs and workers of a plan, kept up with the offers that are issued from it."""

    def __init__(
        self,
        router: Router,
        policies: Mapping[str, DistributionPolicy],
        jobs: Sequence[Stored[Job]],
        workers: Sequence[Stored[Worker]],
    ) -> None:
        self._router = router
        self._policies = policies
        self._jobs = {stored.value.id: stored for stored in jobs}
        self._workers = {stored.value.id: stored for stored in workers}
        self.issued = Issued()

    async def issue(self, match: Match) -> None:
        job_id = match.job.id
        async with self._router.job_turns.of(job_id) as had_to_wait:
            job = self._jobs.get(job_id)
            if job is None:
                return
            if had_to_wait and await self._has_changed(job):
                self._lose(job)
            else:
                await self._offer(job, self._workers[match.worker.id])

    async def _offer(self, job: Stored[Job], worker: Stored[Worker]) -> None:
        policy = self._policies[job.value.own_queue_id]
        held = await reserve(self._router, job.value, worker, policy)
        if held is None:
            return
        self._workers[worker.value.id] = held.worker
        try:
            commit = await issue(self._router, job, [held], policy)
        except JobChanged:
            self._lose(job)
            return
        assert commit.stored is not None, "an offer does not delete the job"
        self._jobs[job.value.id] = commit.stored
        self.issued.pending += commit.pending

    async def _has_changed(self, job: Stored[Job]) -> bool:
        current = await self._router.store.jobs.get(job.value.id)
        return current is None or current.etag != job.etag

    def _lose(self, job: Stored[Job]) -> None:
        del self._jobs[job.value.id]
        self.issued.lost_races += 1


async def policies_of(router: Router, queue_ids: Iterable[str]) -> dict[str, DistributionPolicy]:
    """The distribution policies by queue id; queues without one are left out."""
    policies = {id: await router.definitions.policy_of(id) for id in set(queue_ids)}
    return {id: policy for id, policy in policies.items() if policy is not None}


async def _last_offered(
    router: Router, policies: dict[str, DistributionPolicy]
) -> dict[str, str | None]:
    return {
        queue_id: await router.store.workers.last_offered(queue_id)
        for queue_id, policy in policies.items()
        if policy.mode.kind is DistributionModeKind.ROUND_ROBIN
    }
