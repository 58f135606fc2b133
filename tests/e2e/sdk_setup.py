"""What the SDK scenarios begin with: a queue, a worker, a job; and the steps they share."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from azure.communication.jobrouter.models import (
    ClassificationPolicy,
    DistributionPolicy,
    LongestIdleMode,
    RouterChannel,
    RouterJob,
    RouterJobOffer,
    RouterJobStatus,
    RouterQueue,
    RouterWorker,
)
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineResponse

from tests.e2e.sdk_clients import Sdk, eventually

CHAT = RouterChannel(channel_id="chat", capacity_cost_per_job=1)


async def add_queue(
    sdk: Sdk, what: str = "queue", *, offers_at_once: int = 1, seconds: float = 60, **members: Any
) -> str:
    """A queue with a policy of its own; its offers expire after so many seconds. Gives its id."""
    id = sdk.id(what)
    policy = DistributionPolicy(
        offer_expires_after_seconds=seconds,
        mode=LongestIdleMode(max_concurrent_offers=offers_at_once),
    )
    await sdk.administration.upsert_distribution_policy(id, policy)
    await sdk.administration.upsert_queue(id, RouterQueue(distribution_policy_id=id, **members))
    return id


async def add_worker(sdk: Sdk, *queue_ids: str, what: str = "worker", **members: Any) -> str:
    """An available worker with room for one chat, unless told otherwise. Gives its id."""
    defaults = {"queues": [*queue_ids], "capacity": 1, "channels": [CHAT]}
    worker = RouterWorker(**{**defaults, "available_for_offers": True, **members})
    await sdk.client.upsert_worker(sdk.id(what), worker)
    return sdk.id(what)


async def add_job(sdk: Sdk, what: str = "job", **members: Any) -> str:
    """A chat. Gives its id."""
    await sdk.client.upsert_job(sdk.id(what), RouterJob(**{"channel_id": "chat", **members}))
    return sdk.id(what)


async def add_classification_policy(sdk: Sdk, what: str = "policy", **members: Any) -> str:
    policy = ClassificationPolicy(**members)
    await sdk.administration.upsert_classification_policy(sdk.id(what), policy)
    return sdk.id(what)


async def reach(sdk: Sdk, job_id: str, status: RouterJobStatus) -> RouterJob:
    """The job once it has this status."""
    return await eventually(lambda: sdk.client.get_job(job_id), lambda job: job.status == status)


async def offered_jobs(sdk: Sdk, worker_id: str) -> set[str]:
    worker = await sdk.client.get_worker(worker_id)
    return {offer.job_id for offer in worker.offers or []}


async def offer_of(sdk: Sdk, worker_id: str, job_id: str) -> RouterJobOffer:
    """The worker's offer of the job, once there is one."""

    async def look() -> list[RouterJobOffer]:
        worker = await sdk.client.get_worker(worker_id)
        return [offer for offer in worker.offers or [] if offer.job_id == job_id]

    return (await eventually(look, bool))[0]


async def accept(sdk: Sdk, worker_id: str, job_id: str) -> str:
    """The worker accepts the job it is offered. Gives the assignment's id."""
    offer = await offer_of(sdk, worker_id, job_id)
    accepted = await sdk.client.accept_job_offer(worker_id, offer.offer_id)
    assert (accepted.job_id, accepted.worker_id) == (job_id, worker_id)
    return accepted.assignment_id


async def finish(sdk: Sdk, job_id: str, assignment_id: str) -> None:
    await sdk.client.complete_job(job_id, assignment_id)
    await sdk.client.close_job(job_id, assignment_id)


# -- what the SDK tells of an answer ----------------------------------------------------------


class Answered:
    """A hook that notes of the last answer what the SDK's methods do not return."""

    status: int
    last_modified: datetime

    def __call__(self, response: PipelineResponse[Any, Any]) -> None:
        self.status = response.http_response.status_code
        self.last_modified = parsedate_to_datetime(response.http_response.headers["Last-Modified"])


def problems(refused: HttpResponseError) -> tuple[int | None, list[str]]:
    """The status and the code of each detail."""
    assert refused.error is not None
    return refused.status_code, [str(detail.code) for detail in refused.error.details]


def broken_rule(refused: HttpResponseError) -> tuple[int | None, str]:
    """The status and the rule that the request would have broken."""
    assert refused.error is not None
    return refused.status_code, refused.error.innererror["code"]
