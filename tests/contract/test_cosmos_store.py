"""Azure Cosmos DB where it fails: start-up, errors, time-outs, writes of unknown outcome."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from http import HTTPStatus
from itertools import count
from time import monotonic
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient

from shared.domain.jobs import Job
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    JobFilter,
    OutboxRecord,
    Stored,
    StoreError,
    StoreUnavailable,
    TooLarge,
)
from shared.storage.cosmos import (
    AccessDenied,
    Account,
    ContainerMissing,
    CosmosStore,
    Patience,
    WrongPartitionKey,
    open_cosmos_store,
    provision_cosmos_store,
)
from shared.storage.cosmos.client import connected
from shared.storage.cosmos.containers import CONTAINERS, DEFAULT_TIME_TO_LIVE, QUERIES
from shared.storage.cosmos.errors import RejectedRequest
from shared.storage.documents import UnreadableDocument
from tests.cosmos.double import Double, Options, double_in_thread
from tests.cosmos.faults import Answer, Drop, Hang
from tests.cosmos.messages import Operation
from tests.cosmos.request_log import Entry
from tests.factories import NOW, make_job, make_offer, make_queue, make_record, seconds

LATER = NOW + seconds(5)
EVER = NOW + seconds(10**6)
QUICK = Patience(request=0.15, query=4.0, operation=2.0)
IMPATIENT = Patience(request=0.1, query=0.2, operation=0.2)
TOKEN = "an-entra-id-token"
NAMES = count()


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with double_in_thread(Options(tokens=[TOKEN], strict_indexing=True)) as double:
        yield double


@pytest.fixture
def double(running: Double) -> Iterator[Double]:
    running.requests.clear()
    yield running
    running.faults.clear()


@pytest.fixture
def account(double: Double) -> Account:
    return Account(endpoint=double.endpoint, credential=double.key, patience=QUICK)


@pytest.fixture
async def database(account: Account) -> str:
    name = f"database-{next(NAMES)}"
    await provision_cosmos_store(replace(account, patience=Patience()), name)
    return name


@pytest.fixture
async def store(account: Account, database: str, double: Double) -> AsyncIterator[CosmosStore]:
    opened = await opened_at_last(account, database)
    double.requests.clear()
    yield opened
    await opened.close()


async def opened_at_last(account: Account, database: str) -> CosmosStore:
    """Less patient than a busy machine is quick, which is not what these tests are about."""
    while True:
        with suppress(StoreUnavailable):
            return await open_cosmos_store(account, database)


@pytest.fixture
async def impatient(account: Account, database: str) -> AsyncIterator[CosmosStore]:
    async with connected(account) as client:
        yield CosmosStore(client, database, IMPATIENT, AsyncExitStack())


# -- start-up -------------------------------------------------------------------------------------


async def test_what_was_provisioned_can_be_provisioned_again(
    account: Account, database: str
) -> None:
    await provision_cosmos_store(account, database)
    await (await open_cosmos_store(account, database)).close()


async def test_several_may_provision_at_once(account: Account) -> None:
    await asyncio.gather(*(provision_cosmos_store(account, "shared") for _ in range(5)))
    store = await open_cosmos_store(account, "shared")
    await store.close()


async def test_containers_are_made_as_defined(account: Account, database: str) -> None:
    async with CosmosClient(account.endpoint, account.credential) as client:
        for definition in CONTAINERS:
            container = client.get_database_client(database).get_container_client(definition.name)
            made = await container.read()
            assert made["partitionKey"]["paths"] == [definition.partition_key_path]
            assert made["defaultTtl"] == DEFAULT_TIME_TO_LIVE
            included = made["indexingPolicy"]["includedPaths"]
            assert {path["path"] for path in included} == set(definition.indexed)


async def test_a_missing_database_is_named(account: Account) -> None:
    with pytest.raises(ContainerMissing, match="'jobs' in a database 'unknown'"):
        await open_cosmos_store(account, "unknown")


async def test_a_missing_container_is_named(account: Account, database: str) -> None:
    async with CosmosClient(account.endpoint, account.credential) as client:
        await client.get_database_client(database).delete_container("workers")
    with pytest.raises(ContainerMissing, match="'workers'"):
        await open_cosmos_store(account, database)


async def test_another_partition_key_is_refused(account: Account, database: str) -> None:
    async with CosmosClient(account.endpoint, account.credential) as client:
        proxy = client.get_database_client(database)
        await proxy.delete_container("jobs")
        await proxy.create_container("jobs", PartitionKey(path="/id"))
    with pytest.raises(WrongPartitionKey, match=r"'jobs'.* by /id instead of /jobId"):
        await open_cosmos_store(account, database)


@pytest.mark.parametrize("key", ["d3Jvbmc=", "no base64"])
async def test_a_wrong_key_is_refused(
    account: Account, database: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_COSMOS_HEALTH_CHECK_MAX_RETRIES", "0")
    with pytest.raises(AccessDenied, match="Cosmos DB"):
        await open_cosmos_store(replace(account, credential=key), database)


async def test_rights_to_the_items_are_needed(
    account: Account, database: str, double: Double
) -> None:
    double.faults.add(Answer(HTTPStatus.FORBIDDEN), Operation.READ, container="jobs")
    with pytest.raises(AccessDenied):
        await open_cosmos_store(account, database)


async def test_an_account_that_does_not_answer(account: Account) -> None:
    began = monotonic()
    with pytest.raises(StoreUnavailable):
        await open_cosmos_store(replace(account, endpoint="http://127.0.0.1:9/"), "any")
    assert monotonic() - began < 5


@pytest.fixture
def without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK sends tokens over https alone, which the double does not speak."""
    policies = "azure.core.pipeline.policies._authentication_async"
    monkeypatch.setattr(f"{policies}._enforce_https", lambda _request: None)
    monkeypatch.setenv("AZURE_COSMOS_HEALTH_CHECK_MAX_RETRIES", "0")


class Credential:
    """An Entra ID credential; the store closes it at its end."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.closed = False

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, 2**40)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


@pytest.mark.usefixtures("without_tls")
async def test_a_credential_of_entra_id(account: Account, database: str) -> None:
    credential = Credential(TOKEN)
    store = await open_cosmos_store(replace(account, credential=credential), database)
    await store.jobs.create(make_job("a"), make_record("r", "a"), NOW)
    assert await store.jobs.get("a") is not None
    await store.close()
    assert credential.closed


@pytest.mark.usefixtures("without_tls")
async def test_an_unknown_credential_of_entra_id(account: Account, database: str) -> None:
    credential = Credential("another-token")
    with pytest.raises(AccessDenied):
        await open_cosmos_store(replace(account, credential=credential), database)
    assert credential.closed


# -- errors ---------------------------------------------------------------------------------------

PASSING = [
    Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=0.01),
    Answer(HTTPStatus.SERVICE_UNAVAILABLE),
    Answer(HTTPStatus.REQUEST_TIMEOUT),
    Answer(HTTPStatus.NOT_FOUND, sub_status=1002),
    Drop(),
    Hang(),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
async def test_a_failure_that_passes_is_not_noticed(
    store: CosmosStore, double: Double, fault: Any
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(fault, Operation.READ)
    assert await store.jobs.get("a") == created
    double.faults.add(fault, Operation.QUERY)
    assert (await store.jobs.list(JobFilter(), 10)).items == [created]


@pytest.mark.parametrize("fault", PASSING, ids=str)
async def test_a_failure_that_stays_is_told_in_time(
    store: CosmosStore, impatient: CosmosStore, double: Double, fault: Any
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(fault, times=10**6)
    operations: list[Callable[[], Awaitable[Any]]] = [
        lambda: impatient.jobs.get("a"),
        lambda: impatient.jobs.due(NOW, 10),
        lambda: impatient.jobs.replace(created, make_job("a"), make_record("r", "a"), NOW),
    ]
    for operation in operations:
        began = monotonic()
        with pytest.raises(StoreUnavailable):
            await operation()
        assert monotonic() - began < 2


async def test_a_throttling_database_is_not_waited_for_longer_than_allowed(
    store: CosmosStore, double: Double
) -> None:
    throttled = double.faults.add(Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=60), times=9)
    began = monotonic()
    with pytest.raises(StoreUnavailable) as unavailable:
        await store.jobs.get("a")
    assert unavailable.value.retry_after == 60
    assert monotonic() - began < 1
    assert throttled.struck == 1


async def test_the_wait_that_a_throttling_database_asks_for_is_kept(
    store: CosmosStore, double: Double
) -> None:
    double.faults.add(Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=0.3))
    began = monotonic()
    assert await store.jobs.get("a") is None
    assert monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (HTTPStatus.UNAUTHORIZED, AccessDenied),
        (HTTPStatus.FORBIDDEN, AccessDenied),
        (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TooLarge),
        (HTTPStatus.BAD_REQUEST, RejectedRequest),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(
    store: CosmosStore, double: Double, status: HTTPStatus, error: type[StoreError]
) -> None:
    for record in (None, make_record("r", "a")):
        fault = double.faults.add(Answer(status), Operation.CREATE, Operation.BATCH, times=9)
        with pytest.raises(error):
            await store.jobs.create(make_job("a"), record, NOW)
        assert fault.struck == 1
        double.faults.clear()
    assert await store.jobs.get("a") is None


async def test_a_container_that_vanished_is_not_taken_for_an_empty_one(
    store: CosmosStore, double: Double
) -> None:
    double.faults.add(Answer(HTTPStatus.NOT_FOUND, sub_status=1003), Operation.READ)
    with pytest.raises(ContainerMissing):
        await store.jobs.get("a")


@pytest.mark.parametrize(
    "damage",
    [
        {"document": {"id": "a"}},
        {"document": {"$float": "x"}},
        {"document": None},
    ],
)
async def test_a_damaged_item_is_told(
    store: CosmosStore, account: Account, database: str, damage: dict[str, Any]
) -> None:
    await store.jobs.create(make_job("a"), None, NOW)
    async with CosmosClient(account.endpoint, account.credential) as client:
        jobs = client.get_database_client(database).get_container_client("jobs")
        item = await jobs.read_item("job", "a")
        await jobs.replace_item("job", {**item, **damage})
    with pytest.raises(UnreadableDocument):
        await store.jobs.get("a")
    with pytest.raises(UnreadableDocument):
        await store.jobs.list(JobFilter(), 10)


async def test_a_closed_store_is_unavailable(account: Account, database: str) -> None:
    store = await open_cosmos_store(account, database)
    created = await store.jobs.create(make_job("a"), None, NOW)
    await store.close()
    await store.close()
    for operation in (
        store.jobs.get("a"),
        store.jobs.list(JobFilter(), 10),
        store.jobs.replace(created, make_job("a"), None, NOW),
    ):
        with pytest.raises(StoreUnavailable):
            await operation


# -- writes of unknown outcome --------------------------------------------------------------------

IN_DOUBT: list[Any] = [
    fault
    for applied in (True, False)
    for fault in (
        Drop(applied=applied),
        Hang(applied=applied),
        Answer(HTTPStatus.REQUEST_TIMEOUT, applied=applied),
        Answer(HTTPStatus.INTERNAL_SERVER_ERROR, applied=applied),
    )
]
WRITES = (Operation.CREATE, Operation.REPLACE, Operation.DELETE, Operation.BATCH)
RECORD = make_record("r", "a")

in_doubt = pytest.mark.parametrize("fault", IN_DOUBT, ids=str)
with_and_without_record = pytest.mark.parametrize("record", [None, RECORD], ids=["alone", "record"])


async def until_priority_is(priority: int, store: CosmosStore) -> Stored[Job]:
    while True:
        stored = await store.jobs.get("a")
        if stored is not None and stored.value.priority == priority:
            return stored


def is_write_of_job(entry: Entry) -> bool:
    return entry.operation in WRITES and entry.container == "jobs"


async def records(store: CosmosStore) -> list[OutboxRecord]:
    return list(await store.jobs.outbox(EVER, 100))


@in_doubt
@with_and_without_record
async def test_a_create_in_doubt_happens_once(
    store: CosmosStore, double: Double, fault: Any, record: OutboxRecord | None
) -> None:
    struck = double.faults.add(fault, *WRITES, container="jobs")
    created = await store.jobs.create(make_job("a"), record, NOW)
    assert struck.struck == 1
    assert await store.jobs.get("a") == created
    assert await records(store) == ([record] if record else [])
    await store.jobs.replace(created, make_job("a", priority=2), None, LATER)


@in_doubt
@with_and_without_record
async def test_a_replace_in_doubt_happens_once(
    store: CosmosStore, double: Double, fault: Any, record: OutboxRecord | None
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    struck = double.faults.add(fault, *WRITES, container="jobs")
    replaced = await store.jobs.replace(created, make_job("a", priority=2), record, LATER)
    assert struck.struck == 1
    assert (replaced.value, replaced.modified_at) == (make_job("a", priority=2), LATER)
    assert await store.jobs.get("a") == replaced
    assert await records(store) == ([record] if record else [])
    await store.jobs.replace(replaced, make_job("a"), None, LATER)


@in_doubt
@with_and_without_record
async def test_a_delete_in_doubt_happens_once(
    store: CosmosStore, double: Double, fault: Any, record: OutboxRecord | None
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    struck = double.faults.add(fault, *WRITES, container="jobs")
    await store.jobs.delete(created, record)
    assert struck.struck == 1
    assert await store.jobs.get("a") is None
    assert await records(store) == ([record] if record else [])


@in_doubt
async def test_definitions_in_doubt_are_written_once(
    store: CosmosStore, double: Double, fault: Any
) -> None:
    double.faults.add(fault, *WRITES)
    created = await store.queues.create(make_queue("a"), NOW)
    double.faults.add(fault, *WRITES)
    replaced = await store.queues.replace(created, make_queue("a", name="Sales"), LATER)
    assert await store.queues.get("a") == replaced
    double.faults.add(fault, *WRITES)
    await store.queues.delete(replaced)
    assert await store.queues.get("a") is None


@with_and_without_record
async def test_a_taken_id_is_refused_also_in_doubt(
    store: CosmosStore, double: Double, record: OutboxRecord | None
) -> None:
    first = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(Drop(), *WRITES, container="jobs")
    with pytest.raises(AlreadyExists):
        await store.jobs.create(make_job("a", priority=2), record, LATER)
    assert await store.jobs.get("a") == first
    assert await records(store) == []


@with_and_without_record
async def test_a_lost_race_is_lost_also_in_doubt(
    store: CosmosStore, double: Double, record: OutboxRecord | None
) -> None:
    old = await store.jobs.create(make_job("a"), None, NOW)
    new = await store.jobs.replace(old, make_job("a", priority=2), None, NOW)
    for attempt in (
        lambda: store.jobs.replace(old, make_job("a", priority=3), record, LATER),
        lambda: store.jobs.delete(old, record),
    ):
        double.faults.add(Drop(), *WRITES, container="jobs")
        with pytest.raises(ConcurrencyConflict):
            await attempt()
    assert await store.jobs.get("a") == new
    assert await records(store) == []


async def test_a_refusal_without_doubt_costs_no_further_look(
    account: Account, database: str, double: Double
) -> None:
    store = await open_cosmos_store(replace(account, patience=Patience()), database)
    old = await store.jobs.create(make_job("a"), None, NOW)
    await store.jobs.replace(old, make_job("a", priority=2), None, NOW)
    double.requests.clear()
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.replace(old, make_job("a", priority=3), None, LATER)
    assert double.requests.counts()[Operation.READ] == 0
    await store.close()


@with_and_without_record
async def test_a_write_in_doubt_is_known_under_those_of_others(
    store: CosmosStore, double: Double, record: OutboxRecord | None
) -> None:
    """Seven others write the job before the outcome of the first write is looked for."""
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(Hang(applied=True), *WRITES, container="jobs")
    writing = asyncio.create_task(
        store.jobs.replace(created, make_job("a", priority=2), record, LATER)
    )
    await until_priority_is(2, store)
    for priority in range(3, 10):
        latest = await store.jobs.get("a")
        assert latest is not None
        await store.jobs.replace(latest, make_job("a", priority=priority), None, LATER)
    replaced = await writing
    assert replaced.value.priority == 2
    assert await records(store) == ([record] if record else [])
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.replace(replaced, make_job("a"), None, LATER)


async def test_a_write_in_doubt_is_known_by_its_record_when_the_job_is_gone(
    store: CosmosStore, double: Double
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(Hang(applied=True), *WRITES, container="jobs")
    writing = asyncio.create_task(
        store.jobs.replace(created, make_job("a", priority=2), RECORD, LATER)
    )
    latest = await until_priority_is(2, store)
    await store.jobs.delete(latest, None)
    assert (await writing).value.priority == 2
    assert await records(store) == [RECORD]


async def test_a_write_whose_outcome_cannot_be_found_out(
    store: CosmosStore, double: Double
) -> None:
    double.faults.add(Drop(applied=True), Operation.CREATE)
    double.faults.add(Drop(), times=10**6)
    with pytest.raises(StoreUnavailable):
        await store.jobs.create(make_job("a"), None, NOW)
    double.faults.clear()
    assert await store.jobs.get("a") is not None


async def test_a_write_that_was_applied_at_the_last_attempt(
    store: CosmosStore, double: Double
) -> None:
    double.faults.add(Drop(), *WRITES, container="jobs", times=3)
    double.faults.add(Drop(applied=True), *WRITES, container="jobs", times=1)
    created = await store.jobs.create(make_job("a"), RECORD, NOW)
    assert await store.jobs.get("a") == created
    assert await records(store) == [RECORD]


@with_and_without_record
async def test_a_write_that_the_sdk_sends_again_on_its_own(
    account: Account, database: str, double: Double, record: OutboxRecord | None
) -> None:
    """It waits half a second after a 503; the second request is refused because of the first."""
    store = await open_cosmos_store(replace(account, patience=Patience(request=2.0)), database)
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(
        Answer(HTTPStatus.SERVICE_UNAVAILABLE, applied=True), *WRITES, container="jobs"
    )
    replaced = await store.jobs.replace(created, make_job("a", priority=2), record, LATER)
    statuses = [entry.status for entry in double.requests if is_write_of_job(entry)]
    assert statuses[-2:] == [503, 412]
    assert await store.jobs.get("a") == replaced
    await store.close()


async def test_a_caller_that_gives_up_leaves_the_store_usable(
    store: CosmosStore, double: Double
) -> None:
    double.faults.add(Hang(), *WRITES, container="jobs")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await store.jobs.create(make_job("a"), RECORD, NOW)
    assert isinstance(await store.jobs.create(make_job("a"), RECORD, NOW), Stored)


# -- bars -----------------------------------------------------------------------------------------

OFFERED = make_job("a", offers=(make_offer(),))
either_of_two_requests = pytest.mark.parametrize("skip", [0, 1], ids=["first", "second"])


async def test_bars_cost_a_creation_nothing(store: CosmosStore, double: Double) -> None:
    await store.jobs.create(OFFERED, RECORD, NOW)
    sent = [entry.operation for entry in double.requests if entry.container == "jobs"]
    assert sent == [Operation.CREATE]


async def test_a_bar_lasts_for_a_day_from_when_it_was_last_asked_for(
    store: CosmosStore, double: Double
) -> None:
    await store.jobs.bar_offers("a", NOW)
    double.clock.forward(hours=23)
    await store.jobs.bar_offers("a", NOW)
    double.clock.forward(hours=23)
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.create(OFFERED, None, NOW)
    double.clock.forward(hours=2)
    await store.jobs.create(OFFERED, None, NOW)


async def test_a_job_in_the_place_of_a_bar_lasts(store: CosmosStore, double: Double) -> None:
    await store.jobs.bar_offers("a", NOW)
    created = await store.jobs.create(make_job("a"), RECORD, NOW)
    double.clock.forward(days=2)
    assert await store.jobs.get("a") == created
    assert await records(store) == [RECORD]


@in_doubt
@either_of_two_requests
@with_and_without_record
async def test_a_create_over_a_bar_in_doubt_happens_once(
    store: CosmosStore, double: Double, fault: Any, skip: int, record: OutboxRecord | None
) -> None:
    await store.jobs.bar_offers("a", NOW)
    double.faults.add(fault, *WRITES, container="jobs", skip=skip)
    created = await store.jobs.create(make_job("a"), record, NOW)
    assert await store.jobs.get("a") == created
    assert await records(store) == ([record] if record else [])


@in_doubt
@either_of_two_requests
async def test_a_create_with_barred_offers_in_doubt_does_not_happen(
    store: CosmosStore, double: Double, fault: Any, skip: int
) -> None:
    await store.jobs.bar_offers("a", NOW)
    double.faults.add(fault, *WRITES, container="jobs", skip=skip)
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.create(OFFERED, RECORD, NOW)
    assert await store.jobs.get("a") is None
    assert await records(store) == []


@in_doubt
@either_of_two_requests
async def test_a_bar_in_doubt(store: CosmosStore, double: Double, fault: Any, skip: int) -> None:
    for _ in range(2):
        double.faults.add(fault, *WRITES, container="jobs", skip=skip)
        await store.jobs.bar_offers("a", NOW)
    double.faults.clear()
    with pytest.raises(ConcurrencyConflict):
        await store.jobs.create(OFFERED, None, NOW)


@in_doubt
async def test_a_job_is_not_barred_also_in_doubt(
    store: CosmosStore, double: Double, fault: Any
) -> None:
    created = await store.jobs.create(make_job("a"), None, NOW)
    double.faults.add(fault, *WRITES, container="jobs")
    with pytest.raises(AlreadyExists):
        await store.jobs.bar_offers("a", NOW)
    assert await store.jobs.get("a") == created


# -- queries --------------------------------------------------------------------------------------


def test_exactly_what_the_queries_use_is_indexed() -> None:
    for container in CONTAINERS:
        served = [query for query in QUERIES if query.container is container]
        used = {path for query in served for path in (query.order_by, *query.filters)} - {None}
        assert used == set(container.indexed)


async def test_a_query_asks_each_range_at_once_and_for_no_plan(
    store: CosmosStore, double: Double
) -> None:
    await store.jobs.list(JobFilter(), 10)
    double.requests.clear()
    await store.jobs.list(JobFilter(), 10)
    assert double.requests.counts()[Operation.QUERY] == Options.ranges
    assert double.requests.counts()[Operation.PLAN] == 0


async def test_a_definition_list_stays_in_its_partition(store: CosmosStore, double: Double) -> None:
    await store.queues.list(10)
    asked = [entry.partition for entry in double.requests if entry.operation is Operation.QUERY]
    assert asked == ["queues"]
