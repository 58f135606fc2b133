"""Faults as clients see them, and what was carried out all the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos.aio import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from tests.cosmos.double import Double
from tests.cosmos.faults import Answer, Delay, Drop, Effect, Hang
from tests.cosmos.messages import Operation
from tests.unit.cosmos_double.clients import CONTAINER, DATABASE, async_client

BRIEFLY = 0.2
# The client tries some failures again even if it is told not to.
ALWAYS = 100
ITEM = {"id": "job", "jobId": "j"}


@pytest.fixture
async def container(double: Double) -> AsyncIterator[Any]:
    """Of a client that neither tries again nor waits long."""
    async with (
        async_client(double) as preparing,
        CosmosClient(double.endpoint, double.key, retry_total=0, read_timeout=BRIEFLY) as client,
    ):
        assert preparing.container.id == CONTAINER
        yield client.get_database_client(DATABASE).get_container_client(CONTAINER)


async def exists(container: Any, partition: str = "j") -> bool:
    try:
        await container.read_item("job", partition)
    except CosmosResourceNotFoundError:
        return False
    return True


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize(
    "effect",
    [
        partial(Answer, HTTPStatus.SERVICE_UNAVAILABLE),
        partial(Answer, HTTPStatus.REQUEST_TIMEOUT),
        Drop,
        Hang,
    ],
    ids=["unavailable", "timeout", "drop", "hang"],
)
async def test_a_write_fails_before_or_after_it_is_applied(
    double: Double, container: Any, effect: Callable[..., Effect], applied: bool
) -> None:
    fault = double.faults.add(effect(applied=applied), Operation.CREATE, times=ALWAYS)
    with pytest.raises(AzureError):
        await container.create_item(ITEM)
    assert fault.struck > 0
    assert await exists(container) is applied


@pytest.mark.parametrize("applied", [False, True])
async def test_a_batch_loses_its_connection(double: Double, container: Any, applied: bool) -> None:
    double.faults.add(Drop(applied=applied), Operation.BATCH, container=CONTAINER)
    with pytest.raises(AzureError):
        await container.execute_item_batch([("create", (ITEM,))], partition_key="j")
    assert await exists(container) is applied


@pytest.mark.parametrize("status", [HTTPStatus.PRECONDITION_FAILED, 449, HTTPStatus.GONE])
async def test_any_status_can_be_answered(double: Double, container: Any, status: int) -> None:
    double.faults.add(Answer(status), Operation.CREATE)
    with pytest.raises(CosmosHttpResponseError) as error:
        await container.create_item(ITEM)
    assert error.value.status_code == status
    assert not await exists(container)


async def test_throttling_says_when_to_come_back(double: Double, container: Any) -> None:
    double.faults.add(
        Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=0.002), Operation.CREATE, times=ALWAYS
    )
    with pytest.raises(CosmosHttpResponseError) as error:
        await container.create_item(ITEM)
    assert error.value.status_code == 429
    assert error.value.headers["x-ms-retry-after-ms"] == "2"


async def test_a_client_with_patience_gets_over_throttling(double: Double) -> None:
    async with async_client(double) as client:
        fault = double.faults.add(
            Answer(HTTPStatus.TOO_MANY_REQUESTS, retry_after=0.001), Operation.CREATE, times=2
        )
        await client.create("j")
    assert fault.struck == 2


async def test_a_slow_answer_is_an_answer(double: Double, container: Any) -> None:
    await container.create_item(ITEM)
    double.faults.add(Delay(BRIEFLY / 4), Operation.READ)
    started = asyncio.get_running_loop().time()
    assert await exists(container)
    assert asyncio.get_running_loop().time() - started >= BRIEFLY / 4


async def test_a_slow_write_is_carried_out_after_the_client_gave_up(
    double: Double, container: Any
) -> None:
    double.faults.add(Delay(3 * BRIEFLY), Operation.CREATE)
    with pytest.raises(AzureError):
        await container.create_item(ITEM)
    assert not await exists(container)
    await asyncio.sleep(3 * BRIEFLY)
    assert await exists(container)


async def test_faults_strike_what_they_are_meant_for(double: Double, container: Any) -> None:
    error = Answer(HTTPStatus.CONFLICT)
    fault = double.faults.add(error, Operation.CREATE, partition="struck", skip=1, times=2)
    outcomes = [
        await _status(container.create_item({"id": str(index), "jobId": partition}))
        for index, partition in enumerate(["struck", "other", "struck", "struck", "struck"])
    ]
    assert outcomes == [201, 201, 409, 409, 201]
    assert fault.struck == 2


async def test_cleared_faults_strike_nothing(double: Double, container: Any) -> None:
    fault = double.faults.add(Drop(), times=100)
    double.faults.clear()
    await container.create_item(ITEM)
    assert fault.struck == 0


async def test_the_log_tells_what_was_done_and_what_was_answered(
    double: Double, container: Any
) -> None:
    double.requests.clear()
    double.faults.add(Drop(applied=True), Operation.CREATE)
    with pytest.raises(AzureError):
        await container.create_item(ITEM)
    entry = next(each for each in double.requests if each.operation is Operation.CREATE)
    assert (entry.container, entry.partition, entry.status) == (CONTAINER, "j", None)
    assert entry.charge > 0


async def _status(write: Awaitable[Any]) -> int | None:
    try:
        await write
    except CosmosHttpResponseError as error:
        return error.status_code
    return 201
