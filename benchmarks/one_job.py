"""A router with one queue, and the life of one job in it, request by request."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionPolicy
from shared.domain.events import RecordedEvent
from shared.domain.job_definition import JobDefinition
from shared.domain.labels import Labels
from shared.domain.queues import Queue
from shared.domain.workers import WorkerProfile
from shared.services.distribution_policies import upsert_distribution_policy
from shared.services.jobs import close_job, complete_job, get_job, upsert_job
from shared.services.offers import accept_offer
from shared.services.preconditions import Precondition
from shared.services.queues import upsert_queue
from shared.services.router import Router
from shared.services.workers import upsert_worker

ALWAYS = Precondition()

type Watch = Callable[[str, Awaitable[Any]], Awaitable[Any]]
"""Awaits the request of this name, and answers what it answers."""


class Unheard:
    """Publishes to nobody."""

    async def publish(self, _events: Sequence[RecordedEvent]) -> None:
        return

    async def close(self) -> None:
        return


async def set_up(router: Router, workers: int, labels: Labels) -> None:
    """The queue ``queue`` and its workers, each with these labels and room for one chat."""
    policy = DistributionPolicy(id="policy")
    await upsert_distribution_policy(router, "policy", lambda _: policy, ALWAYS)
    queue = Queue(id="queue", distribution_policy_id="policy")
    await upsert_queue(router, "queue", lambda _: queue, ALWAYS)
    profile = WorkerProfile(
        capacity=1,
        queues=("queue",),
        channels=(Channel(channel_id="chat", capacity_cost_per_job=1),),
        labels=labels,
        available_for_offers=True,
    )
    for number in range(workers):
        await upsert_worker(router, f"worker-{number}", lambda _: profile, ALWAYS)


async def life_cycle(router: Router, job_id: str, definition: JobDefinition, watch: Watch) -> None:
    """``definition``: of a job that is offered to one worker as soon as it is submitted."""
    await watch("submit", upsert_job(router, job_id, lambda _: definition, ALWAYS))
    (offer,) = (await get_job(router, job_id)).value.offers
    accepted = await watch("accept", accept_offer(router, offer.worker_id, offer.offer_id))
    assignment_id = accepted.assignment_id
    await watch("complete", complete_job(router, job_id, assignment_id, None))
    await watch("close", close_job(router, job_id, assignment_id, None, None, None))
