"""What clients and operators are told of a store that is down, throttles or is the wrong one."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient as SynchronousClient
from azure.cosmos import PartitionKey

from shared import bootstrap
from shared.domain.statuses import JobStatus
from shared.ports import StoreError, StoreUnavailable
from shared.storage.cosmos import Account, Patience, open_cosmos_store, provision_cosmos_store
from tests.cosmos.double import EMULATOR_KEY, Double, Options, double_in_thread, running_double
from tests.cosmos.faults import Answer, Drop, Effect, Fault, Hang
from tests.functions.api import JOB, KEY, WORKER, Api, Reply
from tests.invariants.checks import check_at_rest
from tests.local.host_rig import ROOT, HostProcess
from tests.rig import Rig

DATABASE = "router"
FOREVER = 10**6
THROTTLED = Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=30)
SWEEPS = ("publish_outbox", "expire", "deregister_idle_workers", "tell_changed_conditions", "match")

type Send = Callable[[], Awaitable[Reply]]


# -- while it runs --------------------------------------------------------------------------------


@pytest.fixture
async def double(api: Api) -> AsyncIterator[Double]:
    """The account in which the router keeps everything; one policy and one queue are there."""
    async with running_double(Options(ranges=1)) as double:
        account = Account(endpoint=double.endpoint, credential=double.key, discover_regions=False)
        await provision_cosmos_store(account, DATABASE)
        store = await open_cosmos_store(account, DATABASE)
        api.rig = Rig(store)
        await api.ready()
        yield double
        await store.close()


@pytest.mark.parametrize(
    ("effect", "status", "code", "retry_after"),
    [
        (THROTTLED, 429, "TooManyRequests", "30"),
        (Answer(HTTPStatus.TOO_MANY_REQUESTS), 429, "TooManyRequests", "1"),
        (Answer(HTTPStatus.SERVICE_UNAVAILABLE), 503, "ServiceUnavailable", "1"),
        (Drop(), 503, "ServiceUnavailable", "1"),
    ],
    ids=str,
)
async def test_every_request_is_told_to_come_back(
    api: Api, double: Double, effect: Effect, status: int, code: str, retry_after: str
) -> None:
    offer_id = await api.offered()
    requests: list[Send] = [
        lambda: api.get("/routing/jobs/job"),
        lambda: api.get("/routing/workers?state=active"),
        lambda: api.patch("/routing/jobs/next", JOB),
        lambda: api.post(f"/routing/workers/worker/offers/{offer_id}:accept"),
        lambda: api.patch("/routing/queues/another", {"distributionPolicyId": "policy"}),
        lambda: api.delete("/routing/queues/another"),
    ]
    double.faults.add(effect, times=FOREVER)
    for send in requests:
        reply = await send()
        assert (reply.status, reply.error["code"]) == (status, code)
        assert reply.headers["retry-after"] == retry_after
    double.faults.clear()
    assert [(await send()).status for send in requests] == [200, 200, 201, 200, 201, 204]
    await check_after_sweeps(api)


async def test_what_throttling_leaves_undone_is_done_later(api: Api, double: Double) -> None:
    """It begins with the first request to the store, then with the fourth, and so on."""
    for number in count(step=3):
        throttling = double.faults.add(THROTTLED, skip=number, times=FOREVER)
        await Patient(api, double, throttling).live(str(number))
        if not throttling.struck:
            break
        await check_after_sweeps(api)
    assert number > 20


@dataclass
class Patient:
    """A client that repeats what was throttled, after a while in which the timers ran."""

    api: Api
    double: Double
    fault: Fault

    async def live(self, name: str) -> None:
        """The life of a job, and of the worker who does it."""
        job, worker = f"/routing/jobs/{name}", f"/routing/workers/{name}"
        await self._send(lambda: self.api.patch(worker, WORKER))
        await self._send(lambda: self.api.patch(job, JOB))
        (offer,) = (await self._send(lambda: self.api.get(worker))).json["offers"]
        accepting = f"{worker}/offers/{offer['offerId']}:accept"
        accepted = await self._send(lambda: self.api.post(accepting))
        assignment = f"{job}/assignments/{accepted.json['assignmentId']}"
        await self._send(lambda: self.api.post(f"{assignment}:complete", {}))
        await self._send(lambda: self.api.post(f"{assignment}:close", {}))
        read = await self._send(lambda: self.api.get(job))
        assert read.json["status"] == JobStatus.CLOSED
        await self._send(lambda: self.api.delete(worker))

    async def _send(self, send: Send) -> Reply:
        struck = self.fault.struck
        reply = await send()
        if self.fault.struck > struck:
            self.double.faults.clear()
            await sweep(self.api)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            reply = await send()
        assert 200 <= reply.status < 300, reply
        return reply


async def check_after_sweeps(api: Api) -> None:
    await sweep(api)
    await check_at_rest(api.rig.store, api.rig.events.published)


async def sweep(api: Api) -> None:
    api.rig.clock.forward(seconds=16)
    for name in SWEEPS:
        await api.worker.invoke_timer(api.worker.function(name))


# -- at the start ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running_account() -> Iterator[Double]:
    """With a proper database, one that lacks a container, and one that was made otherwise."""
    with double_in_thread(Options(ranges=1)) as double:
        _provision(double)
        yield double


@pytest.fixture
def account(running_account: Double) -> Iterator[Double]:
    yield running_account
    running_account.faults.clear()


def _provision(double: Double) -> None:
    with SynchronousClient(double.endpoint, double.key) as client:
        for name in ("proper", "incomplete", "foreign"):
            database = client.create_database(name)
            database.create_container("definitions", PartitionKey("/kind"))
            database.create_container("workers", PartitionKey("/workerId"))
            if name != "incomplete":
                key = "/id" if name == "foreign" else "/jobId"
                database.create_container("jobs", PartitionKey(key))


@dataclass(frozen=True)
class Start:
    """Of a router with these settings. ``refusal``: a pattern of what is said to be wrong."""

    refusal: str = ""
    database: str = "proper"
    endpoint: str | None = None
    key: str = EMULATOR_KEY

    def settings(self, double: Double) -> dict[str, str]:
        endpoint = self.endpoint or double.endpoint.rstrip("/")
        return {
            "JOBROUTER_STORE": f"cosmos:{endpoint}/{self.database}",
            "JOBROUTER_COSMOS_KEY": self.key,
        }


WRONG = {
    "key": Start("Cosmos DB denies access", key="d3Jvbmc="),
    "key that is none": Start("Cosmos DB denies access", key="no base64"),
    "database": Start("no container 'jobs' in a database 'unknown'", "unknown"),
    "container": Start("no container 'jobs' in a database 'incomplete'", "incomplete"),
    "partition key": Start("'jobs' .* by /id instead of /jobId", "foreign"),
    "endpoint": Start("Cosmos DB does not answer", endpoint="http://127.0.0.1:9"),
}
RIGHT = Start()
APP_SETTINGS = {
    "JOBROUTER_ACCESS_KEY": b64encode(KEY).decode(),
    "JOBROUTER_EVENTGRID_ENDPOINT": "http://127.0.0.1:9/api/events",
    "JOBROUTER_EVENTGRID_KEY": "unused",
}
wrong_settings = pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """Gives the app settings, and forgets what it made of them."""

    def configure(settings: dict[str, str]) -> None:
        for name, value in {**APP_SETTINGS, **settings}.items():
            monkeypatch.setenv(name, value)

    monkeypatch.setattr(bootstrap, "_starting", None)
    bootstrap.settings.cache_clear()
    yield configure
    bootstrap.settings.cache_clear()


@wrong_settings
async def test_a_store_that_will_not_do_is_refused(
    account: Double, wrong: Start, configured: Callable[[dict[str, str]], None]
) -> None:
    configured(wrong.settings(account))
    with pytest.raises(StoreError, match=wrong.refusal) as refused:
        await bootstrap.start()
    assert wrong.key not in str(refused.value)


async def test_an_account_that_is_silent_is_named(account: Double) -> None:
    impatient = Account(
        endpoint=account.endpoint, credential=account.key, patience=Patience(query=0.2)
    )
    account.faults.add(Hang(), times=FOREVER)
    with pytest.raises(StoreUnavailable, match=f"does not answer at {account.endpoint}"):
        await open_cosmos_store(impatient, RIGHT.database)


async def test_a_start_that_failed_is_tried_again(
    account: Double, configured: Callable[[dict[str, str]], None]
) -> None:
    configured(RIGHT.settings(account))
    fault = account.faults.add(Answer(HTTPStatus.SERVICE_UNAVAILABLE), times=FOREVER)
    with pytest.raises(StoreUnavailable):
        await bootstrap.start()
    assert fault.struck
    account.faults.clear()
    await bootstrap.start()
    await bootstrap.close()


@pytest.mark.parametrize("kind", ["key", "container", "partition key", "endpoint"])
def test_the_local_host_says_in_one_line_what_is_wrong(
    account: Double, kind: str, tmp_path: Path
) -> None:
    wrong = WRONG[kind]
    settings = {**wrong.settings(account), "JOBROUTER_DATA": str(tmp_path)}
    code, out, errors = HostProcess(ROOT, settings).result()
    assert (code, out) == (1, "")
    assert re.search(wrong.refusal, errors), errors
    assert errors.count("\n") == 1
    assert wrong.key not in errors
