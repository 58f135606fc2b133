"""Both clients of the official library behind one face, and containers for them to use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient

from tests.cosmos.double import Double

DATABASE, CONTAINER = "router", "jobs"
ONE_PAGE = 1000


class Calls(Protocol):
    """How to call a client: ``cross`` are the options to query across partitions."""

    cross: Mapping[str, Any]

    async def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any: ...

    async def all(self, function: Callable[..., Any], *args: Any, **options: Any) -> list[Any]: ...

    async def page(self, pages: Any) -> list[Any]:
        """The items of the next page."""
        ...


class BlockingCalls:
    cross: Mapping[str, Any] = {"enable_cross_partition_query": True}

    async def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return await asyncio.to_thread(function, *args, **options)

    async def all(
        self, function: Callable[..., Iterable[Any]], *args: Any, **options: Any
    ) -> list[Any]:
        return await asyncio.to_thread(lambda: list(function(*args, **options)))

    async def page(self, pages: Any) -> list[Any]:
        return await asyncio.to_thread(lambda: list(next(pages)))


class AsyncCalls:
    # This client always allows it.
    cross: Mapping[str, Any] = {}

    async def call(
        self, function: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> Any:
        return await function(*args, **options)

    async def all(
        self, function: Callable[..., AsyncIterator[Any]], *args: Any, **options: Any
    ) -> list[Any]:
        return [each async for each in function(*args, **options)]

    async def page(self, pages: Any) -> list[Any]:
        return [each async for each in await anext(pages)]


@dataclass(frozen=True)
class Client:
    """A client, and the database and container that were created through it."""

    calls: Calls
    account: Any
    database: Any
    container: Any

    async def create(self, partition: str, id: str = "job", **members: Any) -> Any:
        return await self.calls.call(
            self.container.create_item, {"id": id, "jobId": partition, **members}
        )

    async def read(self, partition: str, id: str = "job") -> Any:
        return await self.calls.call(self.container.read_item, id, partition)

    async def query(
        self, text: str, partition: str | None = None, /, **parameters: Any
    ) -> list[Any]:
        """Across all partitions without one; parameters without their ``@``."""
        scope = self.calls.cross if partition is None else {"partition_key": partition}
        given = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
        return await self.calls.all(
            self.container.query_items, text, parameters=given, max_item_count=ONE_PAGE, **scope
        )


@asynccontextmanager
async def blocking_client(double: Double) -> AsyncIterator[Client]:
    calls = BlockingCalls()
    client = await asyncio.to_thread(CosmosClient, double.endpoint, double.key)
    with client:
        yield await _with_container(calls, client)


@asynccontextmanager
async def async_client(double: Double) -> AsyncIterator[Client]:
    async with AsyncCosmosClient(double.endpoint, double.key) as client:
        yield await _with_container(AsyncCalls(), client)


async def _with_container(calls: Calls, client: Any) -> Client:
    database = await calls.call(client.create_database_if_not_exists, DATABASE)
    key = PartitionKey("/jobId")
    container = await calls.call(
        database.create_container_if_not_exists, CONTAINER, key, default_ttl=-1
    )
    return Client(calls, client, database, container)
