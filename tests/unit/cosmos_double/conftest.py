from collections.abc import AsyncIterator

import pytest

from tests.cosmos.double import Double, running_double
from tests.unit.cosmos_double.clients import Client, async_client, blocking_client


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    async with running_double() as running:
        yield running


@pytest.fixture(params=[blocking_client, async_client])
async def client(double: Double, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with request.param(double) as client:
        yield client
