"""The Cosmos DB database of a test run: on the wire double, or on the account that is given.

``COSMOS_ENDPOINT`` names a real account or emulator, ``COSMOS_KEY`` its key. A database is created
for the run and removed after it. Without a key, Entra ID is asked; it cannot create databases, so
``COSMOS_DATABASE`` names one that was deployed for tests: its name begins with ``PREFIX``, and
nothing in it is kept.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from secrets import token_hex
from urllib.parse import urlsplit

from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.identity.aio import DefaultAzureCredential

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.ports import DefinitionStore, JobStore, WorkerStore
from shared.storage.cosmos import (
    Account,
    CosmosStore,
    Patience,
    provision_cosmos_store,
)
from shared.storage.cosmos.client import connected
from shared.storage.cosmos.containers import CONTAINERS, ContainerDefinition
from tests.cosmos.double import Double, Options, double_in_thread

PREFIX = "jobrouter-test-"


@dataclass(frozen=True, slots=True)
class CosmosDatabase:
    """``new_account``: each client closes the credential that it was given, so each gets its own.

    ``double``: what plays the account, unless that is a real one.
    """

    name: str
    new_account: Callable[[], Account]
    double: Double | None = None


class DisposableStore:
    """A store whose end removes what was stored, so that the next test finds nothing."""

    def __init__(self, client: CosmosClient, database: str, opened: AsyncExitStack) -> None:
        self._store = store = CosmosStore(client, database, Patience(), AsyncExitStack())
        self._database = client.get_database_client(database)
        self._opened = opened
        self.jobs: JobStore = store.jobs
        self.workers: WorkerStore = store.workers
        self.queues: DefinitionStore[Queue] = store.queues
        self.distribution_policies: DefinitionStore[DistributionPolicy] = (
            store.distribution_policies
        )
        self.classification_policies: DefinitionStore[ClassificationPolicy] = (
            store.classification_policies
        )
        self.exception_policies: DefinitionStore[ExceptionPolicy] = store.exception_policies
        self.changed_conditions: DefinitionStore[ChangedConditions] = store.changed_conditions

    async def close(self) -> None:
        async with self._opened:
            await self._store.close()
            for definition in CONTAINERS:
                container = self._database.get_container_client(definition.name)
                await _empty(container, definition)


async def open_disposable(database: CosmosDatabase) -> DisposableStore:
    async with AsyncExitStack() as opened:
        client = await opened.enter_async_context(connected(database.new_account()))
        return DisposableStore(client, database.name, opened.pop_all())
    raise AssertionError("the context passes errors on")


async def cosmos_database() -> CosmosDatabase:
    """The one of this test run, made when it is first asked for."""
    if not _made_once.cache_info().currsize:
        await asyncio.to_thread(_made_once)  # It runs loops of its own.
    return _made_once()


def remove_cosmos_database() -> None:
    _open_until_the_end.close()
    _made_once.cache_clear()


_open_until_the_end = ExitStack()


@cache
def _made_once() -> CosmosDatabase:
    return _open_until_the_end.enter_context(_database(os.environ))


@contextmanager
def _database(environment: Mapping[str, str]) -> Iterator[CosmosDatabase]:
    if "COSMOS_ENDPOINT" not in environment:
        with double_in_thread(Options(ranges=2, strict_indexing=True)) as double:
            account = Account(endpoint=double.endpoint, credential=double.key)
            with _created(lambda: account, double) as database:
                yield database
    elif key := environment.get("COSMOS_KEY"):
        account = _real_account(environment["COSMOS_ENDPOINT"], key)
        with _created(lambda: account) as database:
            yield database
    else:
        yield _deployed(environment["COSMOS_ENDPOINT"], environment["COSMOS_DATABASE"])


@contextmanager
def _created(
    new_account: Callable[[], Account], double: Double | None = None
) -> Iterator[CosmosDatabase]:
    name = f"{PREFIX}{token_hex(4)}"
    asyncio.run(provision_cosmos_store(new_account(), name))
    try:
        yield CosmosDatabase(name, new_account, double)
    finally:
        asyncio.run(_delete(new_account(), name))


def _deployed(endpoint: str, name: str) -> CosmosDatabase:
    assert name.startswith(PREFIX), f"The name of a database for tests begins with '{PREFIX}'."
    return CosmosDatabase(name, lambda: _real_account(endpoint, DefaultAzureCredential()))


def _real_account(endpoint: str, credential: str | DefaultAzureCredential) -> Account:
    is_emulator = urlsplit(endpoint).hostname in {"localhost", "127.0.0.1"}
    return Account(endpoint=endpoint, credential=credential, discover_regions=not is_emulator)


async def _delete(account: Account, name: str) -> None:
    async with connected(account) as client:
        await client.delete_database(name)


async def _empty(container: ContainerProxy, definition: ContainerDefinition) -> None:
    items = [item async for item in container.query_items("SELECT * FROM c")]
    for item in items:
        await container.delete_item(item["id"], item[definition.partition_key])
