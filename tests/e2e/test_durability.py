"""What was acknowledged survives: a killed process, a restart, a receiver that is away."""

import signal
from pathlib import Path

import pytest
from azure.communication.jobrouter.models import (
    AcceptJobOfferResult,
    DistributionPolicy,
    RouterChannel,
    RouterJob,
    RouterJobStatus,
    RouterQueue,
    RouterWorker,
)

from tests.e2e.conftest import RunningRouter, start
from tests.e2e.webhook import Webhook
from tests.local.host_rig import ROOT, host_process


def set_up(router: RunningRouter) -> None:
    with router.administration() as administration, router.client() as client:
        administration.upsert_distribution_policy("policy", DistributionPolicy())
        administration.upsert_queue("queue", RouterQueue(distribution_policy_id="policy"))
        channel = RouterChannel(channel_id="chat", capacity_cost_per_job=1)
        worker = RouterWorker(
            capacity=5, queues=["queue"], channels=[channel], available_for_offers=True
        )
        client.upsert_worker("worker", worker)


def test_a_killed_router_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with Webhook() as webhook:
        for router in start(tmp_path, webhook):
            set_up(router)
            jobs, accepted = submit_and_accept_one(router)
            router.host.signal(signal.SIGKILL)
            router.host.process.wait()
            for successor in start(tmp_path, webhook):
                check_all_there(successor, jobs, accepted)


def submit_and_accept_one(router: RunningRouter) -> tuple[list[str], AcceptJobOfferResult]:
    jobs = [f"job-{number}" for number in range(10)]
    with router.client() as client:
        for job_id in jobs:
            client.upsert_job(job_id, RouterJob(channel_id="chat", queue_id="queue"))
        offer = client.get_worker("worker").offers[0]  # type: ignore[index]
        return jobs, client.accept_job_offer("worker", offer.offer_id)


def check_all_there(router: RunningRouter, jobs: list[str], accepted: AcceptJobOfferResult) -> None:
    with router.client() as client:
        for job_id in jobs:
            expected = "assigned" if job_id == accepted.job_id else "queued"
            assert client.get_job(job_id).status == expected
        client.complete_job(accepted.job_id, accepted.assignment_id)
        client.close_job(accepted.job_id, accepted.assignment_id)
        assert client.get_job(accepted.job_id).status == RouterJobStatus.CLOSED
    for job_id in jobs:
        router.webhook.wait_for("RouterJobQueued", jobId=job_id)
    router.webhook.wait_for("RouterJobClosed", jobId=accepted.job_id)


def test_events_wait_for_a_webhook_that_was_away(tmp_path: Path) -> None:
    with Webhook() as away:
        pass
    for router in start(tmp_path, away):
        set_up(router)
        with router.client() as client:
            client.upsert_job("job", RouterJob(channel_id="chat", queue_id="queue"))
    with Webhook() as webhook:
        for router in start(tmp_path, webhook):
            with router.client() as client:
                assert client.get_job("job").status == "queued"
                client.cancel_job("job")
            webhook.wait_for("RouterJobCancelled", jobId="job")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("JOBROUTER_EVENT_SCHEMA", "xml", "JOBROUTER_EVENT_SCHEMA must be"),
        ("JOBROUTER_STORE", "postgres://x", "JOBROUTER_STORE must be"),
        ("JOBROUTER_ACCESS_KEY", "c2hvcnQ=", "shorter than 16 bytes"),
    ],
)
def test_a_wrong_setting_is_refused_at_the_start(
    tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    with host_process(ROOT, JOBROUTER_DATA=str(tmp_path), **{name: value}) as host:
        code, _, errors = host.result()
    assert code == 1
    assert complaint in errors
    assert "Traceback" not in errors
