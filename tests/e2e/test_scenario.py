"""The scenario of the product's first documents, with the unmodified official SDK.

A worker listens on two queues and handles one call or two chats at a time; a chat job demands
English and, for a minute, a skill above ten.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.jobrouter import JobRouterAdministrationClient, JobRouterClient, aio
from azure.communication.jobrouter.models import (
    CancelJobOptions,
    CloseJobOptions,
    CompleteJobOptions,
    DeclineJobOfferOptions,
    DistributionPolicy,
    LongestIdleMode,
    RouterChannel,
    RouterJob,
    RouterJobStatus,
    RouterQueue,
    RouterWorker,
    RouterWorkerSelector,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.e2e.conftest import RunningRouter

WORKER_LABELS = {"Skill": 11, "English": True, "French": False, "Vendor": "Acme"}


def policy() -> DistributionPolicy:
    return DistributionPolicy(offer_expires_after_seconds=60, mode=LongestIdleMode())


def worker(queues: list[str]) -> RouterWorker:
    return RouterWorker(
        capacity=2,
        queues=queues,
        channels=[
            RouterChannel(channel_id="voice", capacity_cost_per_job=2),
            RouterChannel(channel_id="chat", capacity_cost_per_job=1),
        ],
        labels=WORKER_LABELS,
        available_for_offers=True,
    )


def chat(queue_id: str) -> RouterJob:
    return RouterJob(
        channel_id="chat",
        queue_id=queue_id,
        requested_worker_selectors=[
            RouterWorkerSelector(key="English", label_operator="equal", value=True),
            RouterWorkerSelector(
                key="Skill", label_operator="greaterThan", value=10, expires_after_seconds=60
            ),
        ],
        labels={"name": "John"},
    )


def call(queue_id: str) -> RouterJob:
    return RouterJob(channel_id="voice", queue_id=queue_id)


def check_offer(event: dict[str, Any], worker_id: str, job_id: str, queue_id: str) -> None:
    """Every member of the documents' example, and how the hosted service frames it."""
    data = event["data"]
    assert event["subject"] == f"worker/{worker_id}/job/{job_id}"
    assert data["workerId"] == worker_id
    assert data["jobId"] == job_id
    assert data["channelId"] == "chat"
    assert data["queueId"] == queue_id
    uuid.UUID(data["offerId"])
    offered = datetime.fromisoformat(data["offerTimeUtc"])
    expires = datetime.fromisoformat(data["expiryTimeUtc"])
    assert abs(datetime.now(UTC) - offered) < timedelta(seconds=30)
    assert expires - offered == timedelta(seconds=60)
    assert (data["offeredOn"], data["expiresOn"]) == (data["offerTimeUtc"], data["expiryTimeUtc"])
    assert data["jobPriority"] == 1
    assert data["jobLabels"] == {"name": "John"}


LIFE = [
    "RouterJobReceived",
    "RouterJobQueued",
    "RouterWorkerOfferIssued",
    "RouterWorkerOfferAccepted",
    "RouterJobCompleted",
    "RouterJobClosed",
]


def test_the_scenario_with_the_sync_client(running_router: RunningRouter) -> None:
    with running_router.administration() as administration, running_router.client() as client:
        set_up(administration, client)
        client.upsert_job("sync-chat", chat("sync-queue-1"))
        offered = running_router.webhook.wait_for("RouterWorkerOfferIssued", jobId="sync-chat")
        check_offer(offered, "sync-worker", "sync-chat", "sync-queue-1")

        accepted = client.accept_job_offer("sync-worker", offered["data"]["offerId"])
        assert (accepted.job_id, accepted.worker_id) == ("sync-chat", "sync-worker")
        assert client.get_job("sync-chat").status == RouterJobStatus.ASSIGNED
        assert client.get_worker("sync-worker").load_ratio == 0.5
        client.complete_job("sync-chat", accepted.assignment_id)
        assert client.get_worker("sync-worker").load_ratio == 0.5, "wrap-up holds the capacity"
        client.close_job("sync-chat", accepted.assignment_id)

        closed = client.get_job("sync-chat")
        assert closed.status == RouterJobStatus.CLOSED
        assert closed.assignments is not None
        assert closed.assignments[accepted.assignment_id].closed_at is not None
        freed = client.get_worker("sync-worker")
        assert (freed.load_ratio, freed.assigned_jobs, freed.offers) == (0, [], [])
        running_router.webhook.wait_for("RouterJobClosed", jobId="sync-chat")
        assert running_router.webhook.names("sync-chat") == LIFE
        two_chats_or_one_call(client)


def set_up(administration: JobRouterAdministrationClient, client: JobRouterClient) -> None:
    administration.upsert_distribution_policy("sync-policy", policy())
    for queue_id in ("sync-queue-1", "sync-queue-2"):
        queue = RouterQueue(distribution_policy_id="sync-policy")
        administration.upsert_queue(queue_id, queue)
    registered = client.upsert_worker("sync-worker", worker(["sync-queue-1", "sync-queue-2"]))
    assert registered.state == "active"
    assert registered.labels == {**WORKER_LABELS, "Id": "sync-worker"}


def two_chats_or_one_call(client: JobRouterClient) -> None:
    for number in (1, 2, 3):
        client.upsert_job(f"sync-more-{number}", chat("sync-queue-1"))
    client.upsert_job("sync-call", call("sync-queue-2"))
    assert jobs_offered(client) == {"sync-more-1", "sync-more-2"}
    for number in (1, 2):
        finish(client, f"sync-more-{number}")
    assert jobs_offered(client) == {"sync-more-3"}, "a call needs the whole worker"
    finish(client, "sync-more-3")
    assert jobs_offered(client) == {"sync-call"}
    client.upsert_job("sync-more-4", chat("sync-queue-1"))
    assert jobs_offered(client) == {"sync-call"}
    finish(client, "sync-call")
    assert jobs_offered(client) == {"sync-more-4"}


def jobs_offered(client: JobRouterClient) -> set[str]:
    return {offer.job_id for offer in client.get_worker("sync-worker").offers or []}


def finish(client: JobRouterClient, job_id: str) -> None:
    offers = client.get_worker("sync-worker").offers or []
    offer_id = next(offer.offer_id for offer in offers if offer.job_id == job_id)
    accepted = client.accept_job_offer("sync-worker", offer_id)
    client.complete_job(job_id, accepted.assignment_id)
    client.close_job(job_id, accepted.assignment_id)


async def test_the_scenario_with_the_async_client(running_router: RunningRouter) -> None:
    administration = aio.JobRouterAdministrationClient.from_connection_string(
        running_router.connection_string, connection_verify=running_router.ca_certificate
    )
    client = aio.JobRouterClient.from_connection_string(
        running_router.connection_string, connection_verify=running_router.ca_certificate
    )
    async with administration, client:
        await administration.upsert_distribution_policy("policy:é 1", policy())
        queue = RouterQueue(distribution_policy_id="policy:é 1")
        await administration.upsert_queue("queue 1", queue)
        await administration.upsert_queue("queue 2", queue)
        await client.upsert_worker("worker é", worker(["queue 1", "queue 2"]))
        await client.upsert_job("job:1", chat("queue 1"))
        offered = running_router.webhook.wait_for("RouterWorkerOfferIssued", jobId="job:1")
        check_offer(offered, "worker é", "job:1", "queue 1")
        accepted = await client.accept_job_offer("worker é", offered["data"]["offerId"])
        await client.complete_job(
            "job:1", accepted.assignment_id, CompleteJobOptions(note="helped")
        )
        await client.close_job(
            "job:1", accepted.assignment_id, CloseJobOptions(disposition_code="sold")
        )
        closed = await client.get_job("job:1")
        assert (closed.status, closed.disposition_code) == (RouterJobStatus.CLOSED, "sold")
        assert [note.message for note in closed.notes or []] == ["helped"]
        assert (await client.get_worker("worker é")).load_ratio == 0
        running_router.webhook.wait_for("RouterJobClosed", jobId="job:1")
        assert running_router.webhook.names("job:1") == LIFE


def test_decline_unassign_cancel_and_delete(running_router: RunningRouter) -> None:
    with running_router.administration() as administration, running_router.client() as client:
        administration.upsert_distribution_policy("d-policy", policy())
        administration.upsert_queue("d-queue", RouterQueue(distribution_policy_id="d-policy"))
        client.upsert_worker("d-worker", worker(["d-queue"]))
        client.upsert_job("d-job", call("d-queue"))
        first = client.get_worker("d-worker").offers[0]  # type: ignore[index]
        client.decline_job_offer(
            "d-worker", first.offer_id, DeclineJobOfferOptions(retry_offer_at=datetime.min)
        )
        second = client.get_worker("d-worker").offers[0]  # type: ignore[index]
        assert second.offer_id != first.offer_id
        accepted = client.accept_job_offer("d-worker", second.offer_id)
        result = client.unassign_job("d-job", accepted.assignment_id)
        assert (result.job_id, result.unassignment_count) == ("d-job", 1)
        with pytest.raises(HttpResponseError) as refused:
            client.delete_job("d-job")
        assert refused.value.status_code == 409
        client.cancel_job("d-job", CancelJobOptions(disposition_code="gone"))
        assert client.get_job("d-job").disposition_code == "gone"
        client.delete_job("d-job")
        with pytest.raises(ResourceNotFoundError):
            client.get_job("d-job")
        client.delete_worker("d-worker")
        administration.delete_queue("d-queue")
        administration.delete_distribution_policy("d-policy")


def test_lists_come_in_pages(running_router: RunningRouter) -> None:
    with running_router.administration() as administration, running_router.client() as client:
        administration.upsert_distribution_policy("l-policy", policy())
        administration.upsert_queue("l-queue", RouterQueue(distribution_policy_id="l-policy"))
        for number in range(5):
            client.upsert_job(f"l-job-{number}", call("l-queue"))
        pages = client.list_jobs(queue_id="l-queue", results_per_page=2).by_page()
        ids = [[job.id for job in page] for page in pages]
        assert ids == [["l-job-0", "l-job-1"], ["l-job-2", "l-job-3"], ["l-job-4"]]
        queued = client.list_jobs(queue_id="l-queue", status="queued", channel_id="voice")
        assert len(list(queued)) == 5
        assert list(client.list_jobs(queue_id="l-queue", status="assigned")) == []
        assert "l-queue" in [queue.id for queue in administration.list_queues()]
        assert "l-policy" in [p.id for p in administration.list_distribution_policies()]
