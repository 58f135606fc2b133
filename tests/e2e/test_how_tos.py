"""The how-to pages that applications are written by, followed with the official SDK.

Each test is named after its page. It runs the page's own code, waits where the page says that time
passes, and looks at what came of it, in the router's state and in its events.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.communication.jobrouter import JobRouterAdministrationClient, JobRouterClient
from azure.communication.jobrouter.models import (
    DistributionPolicy,
    RouterChannel,
    RouterJob,
    RouterQueue,
    RouterWorker,
)
from azure.core.exceptions import ResourceNotFoundError

from tests.e2e.conftest import RunningRouter, start
from tests.e2e.pages import Reader, examples_of
from tests.e2e.webhook import PATIENCE_SECONDS, Webhook
from tests.local.host_rig import ROOT

HOW_TO = ROOT / "docs/how-to"
PAUSE_SECONDS = 0.05


@pytest.fixture
def page(
    request: pytest.FixtureRequest, running_router: RunningRouter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """The page that the test is named after, which it has to follow to its end."""
    monkeypatch.setenv("JOBROUTER_CONNECTION_STRING", running_router.connection_string)
    monkeypatch.setenv("JOBROUTER_CA_CERTIFICATE", running_router.ca_certificate)
    reader = Reader(HOW_TO / f"{request.node.name.removeprefix('test_').replace('_', '-')}.md")
    yield reader
    reader.names["client"].close()
    reader.names["administration"].close()
    assert reader.is_finished


@pytest.fixture
def client(running_router: RunningRouter) -> Iterator[JobRouterClient]:
    with running_router.client() as client:
        yield client


@pytest.fixture
def administration(running_router: RunningRouter) -> Iterator[JobRouterAdministrationClient]:
    with running_router.administration() as administration:
        yield administration


@pytest.fixture
def webhook(running_router: RunningRouter) -> Webhook:
    return running_router.webhook


def until(holds: Callable[[], object]) -> None:
    """Waits until it holds, but not for ever: what is asserted next then fails."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)


def hears_of_job(webhook: Webhook, job_id: str, *names: str) -> None:
    """Waits until this is all that the webhook was told of the job and its offers, in order."""
    until(lambda: len(webhook.names(f"job/{job_id}")) >= len(names))
    assert webhook.names(f"job/{job_id}") == [f"Router{name}" for name in names]


def test_manage_queues(
    page: Reader, client: JobRouterClient, administration: JobRouterAdministrationClient
) -> None:
    page.follow_to("Change a queue")
    assert administration.get_queue("billing").distribution_policy_id == "one-by-one"
    page.follow_to("Do not overwrite somebody else's change")
    policy = administration.get_distribution_policy("three-at-once")
    assert policy.mode is not None
    assert policy.mode.max_concurrent_offers == 3
    page.follow_to("List queues")
    assert "billing Billing and refunds\n" in page.follow_to("Delete a queue")
    page.follow_to_end()
    assert client.get_job("invoice-17").status == "cancelled"
    with pytest.raises(ResourceNotFoundError):
        administration.get_queue("billing")


def test_accept_or_decline_offers(page: Reader, client: JobRouterClient, webhook: Webhook) -> None:
    page.follow_to("Complete and close")
    received = ["JobReceived", "JobQueued", "WorkerOfferIssued", "WorkerOfferIssued"]
    declined = [*received, "WorkerOfferDeclined", "WorkerOfferDeclined"]
    hears_of_job(webhook, "claim-2", *declined, "WorkerOfferIssued")
    (offer,) = client.get_worker("ben").offers or []
    again = webhook.wait_for("RouterWorkerOfferIssued", offerId=offer.offer_id)
    page.names["on_offer_issued"](again)
    hears_of_job(webhook, "claim-2", *declined, "WorkerOfferIssued", "WorkerOfferAccepted")
    assert [job.job_id for job in client.get_worker("ben").assigned_jobs or []] == ["claim-2"]

    page.follow_next()
    taken = ["WorkerOfferAccepted", "WorkerOfferRevoked"]
    hears_of_job(webhook, "claim-1", *received, *taken, "JobCompleted", "JobClosed")
    page.follow_to_end()
    assert [note.message for note in client.get_job("claim-1").notes or []] == ["Paid in full."]


def test_classify_jobs(page: Reader, client: JobRouterClient, webhook: Webhook) -> None:
    page.follow_to("Attach selectors in other ways")
    hears_of_job(webhook, "repair-1", "JobReceived", "JobClassified", "JobQueued")
    page.follow_to("Classify again")
    by_language = client.get_job("repair-3")
    language, level = by_language.attached_worker_selectors or []
    assert (language.value, level.value in ("trainee", "senior")) == ("de", True)
    assert language.expires_at is not None
    page.follow_to_end()
    again = ["JobClassified", "JobQueued"]
    hears_of_job(webhook, "repair-2", "JobReceived", *again, *again, *again)
    hears_of_job(webhook, "repair-4", "JobReceived", "JobClassificationFailed", *again)
    failed = webhook.wait_for("RouterJobClassificationFailed", jobId="repair-4")
    assert [error["code"] for error in failed["data"]["errors"]] == ["NoQueueFound"]


def test_escalate_jobs(page: Reader, client: JobRouterClient, webhook: Webhook) -> None:
    page.follow_to("Watch it escalate")
    routed = ["JobClassified", "JobQueued"]
    hears_of_job(webhook, "outage-1", "JobReceived", *routed, "JobExceptionTriggered", *routed)
    page.follow_to_end()
    triggered = webhook.wait_for("RouterJobExceptionTriggered", jobId="outage-1")
    assert triggered["data"]["exceptionRuleId"] == "waited-too-long"
    webhook.wait_for("RouterJobQueued", jobId="outage-1", queueId="urgent-outages", priority=10)
    assert client.get_queue_statistics("outages").length == 0


def test_prefer_a_worker(page: Reader, client: JobRouterClient, webhook: Webhook) -> None:
    queued, expired = ["JobReceived", "JobQueued"], "JobWorkerSelectorsExpired"
    page.follow_to("When Carl is busy")
    page.follow_next()
    hears_of_job(webhook, "call-2", *queued, expired, "WorkerOfferIssued")
    page.follow_to("What `expedite` does")
    page.follow_next()
    hears_of_job(webhook, "call-4", *queued, expired)
    page.follow_to_end()
    assert [offer.job_id for offer in client.get_worker("carl").offers or []] == ["call-1"]


def test_schedule_jobs(page: Reader, client: JobRouterClient, webhook: Webhook) -> None:
    page.follow_to("Start it when its time has come")
    hears_of_job(webhook, "callback-1", "JobReceived", "JobWaitingForActivation")
    assert client.get_job("callback-1").status == "waitingForActivation"
    page.follow_next()
    waiting = webhook.wait_for("RouterJobWaitingForActivation", jobId="callback-1")
    page.names["on_waiting_for_activation"](waiting)
    page.follow_to_end()
    activated = ["JobQueued", "WorkerOfferIssued"]
    hears_of_job(webhook, "callback-1", "JobReceived", "JobWaitingForActivation", *activated)
    assert client.get_job("callback-2").status == "cancelled"


def test_estimate_wait_times(page: Reader, client: JobRouterClient) -> None:
    page.follow_to_end()
    statistics = client.get_queue_statistics("hotline")
    assert statistics.length == 2
    assert statistics.longest_job_wait_time_minutes is not None


# -- the page whose webhook the router must know when it starts --------------------------------


def test_subscribe_to_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reader(HOW_TO / "subscribe-to-events.md")
    page.follow_to_end()
    with (
        serving(page.names["Webhook"]) as url,
        Webhook() as webhook,
        contextmanager(start)(
            tmp_path, webhook, JOBROUTER_WEBHOOKS=f"{url},{webhook.url}"
        ) as router,
    ):
        offer_a_job(router)
        issued = webhook.wait_for("RouterWorkerOfferIssued", workerId="eve")
        until(lambda: issued["id"] in page.names["handled"])
    told = f"eve is offered task until {issued['data']['expiresOn']}"
    assert capsys.readouterr().out.splitlines() == [told]


def test_score_workers(page: Reader) -> None:
    page.follow_to_end()


def test_use_function_rules(tmp_path: Path) -> None:
    """The page's function is called for real, at an address of this machine."""
    writing, naming, _ = examples_of(HOW_TO / "use-function-rules.md")
    names: dict[str, Any] = {}
    exec(writing.block.code, names)
    (function,) = names["app"].get_functions()
    keys: list[str | None] = []
    with (
        serving(_calling(function.get_user_function(), keys)) as url,
        Webhook() as webhook,
        contextmanager(start)(
            tmp_path, webhook, JOBROUTER_RULE_HOSTS_ALLOWED="127.0.0.1"
        ) as router,
        router.administration() as administration,
        router.client() as client,
    ):
        administration.upsert_distribution_policy("tasks", DistributionPolicy())
        administration.upsert_queue("support", RouterQueue(distribution_policy_id="tasks"))
        address = "https://contoso.azurewebsites.net/api/priority"
        assert address in naming.block.code
        exec(naming.block.code.replace(address, url), {"administration": administration})
        assert priority_of(client, "urgent", {"Escalated": True}) == 10
        assert priority_of(client, "other", {}) == 1
    assert keys == ["<key>"] * 2


def priority_of(client: JobRouterClient, job_id: str, labels: dict[str, Any]) -> int | None:
    """Of a job with the labels, as its policy has it."""
    job = RouterJob(channel_id="chat", classification_policy_id="support", labels=labels)
    client.upsert_job(job_id, job)
    until(lambda: client.get_job(job_id).status == "queued")
    return client.get_job(job_id).priority


def _calling(
    function: Callable[[func.HttpRequest], func.HttpResponse], keys: list[str | None]
) -> type[BaseHTTPRequestHandler]:
    """Calls the function with what is posted, and notes the keys that come with it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys.append(self.headers["x-functions-key"])
            body = self.rfile.read(int(self.headers["content-length"]))
            response = function(func.HttpRequest("POST", self.path, body=body))
            answer = response.get_body()
            self.send_response(response.status_code)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nobody wants to know."""

    return Handler


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The page's webhook, at a free port instead of the page's. Gives its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/events"
        finally:
            server.shutdown()
            thread.join()


def offer_a_job(router: RunningRouter) -> None:
    with router.administration() as administration, router.client() as client:
        administration.upsert_distribution_policy("tasks", DistributionPolicy())
        administration.upsert_queue("tasks", RouterQueue(distribution_policy_id="tasks"))
        chat = RouterChannel(channel_id="chat", capacity_cost_per_job=1)
        worker = RouterWorker(
            queues=["tasks"], capacity=1, channels=[chat], available_for_offers=True
        )
        client.upsert_worker("eve", worker)
        client.upsert_job("task", RouterJob(channel_id="chat", queue_id="tasks"))
