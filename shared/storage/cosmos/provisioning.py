"""Making the database and its containers, and checking that they are as they should be."""

import asyncio
from contextlib import suppress

from azure.cosmos import PartitionKey
from azure.cosmos.aio import ContainerProxy, CosmosClient, DatabaseProxy
from azure.cosmos.exceptions import CosmosResourceExistsError, CosmosResourceNotFoundError

from shared.ports import StoreError
from shared.storage.cosmos.client import Account, connected
from shared.storage.cosmos.containers import (
    CONTAINERS,
    DEFAULT_TIME_TO_LIVE,
    ContainerDefinition,
)
from shared.storage.cosmos.errors import ContainerMissing, translated_errors


class WrongPartitionKey(StoreError):
    """A container of this name exists, but was not made for a router."""


async def provision_cosmos_store(account: Account, database: str) -> None:
    """Create what is missing; for tests, emulators and trials. What exists is left as it is.

    Needs the account's key: rights to data do not include the right to create containers.
    :raises StoreError: it cannot be created.
    """
    async with connected(account) as client:
        with translated_errors():
            with suppress(CosmosResourceExistsError):  # Another process is doing the same.
                await client.create_database_if_not_exists(database)
            made = client.get_database_client(database)
            await asyncio.gather(*(_create(made, definition) for definition in CONTAINERS))


async def check(client: CosmosClient, database: str) -> None:
    """Refuse a database that a router cannot work with.

    :raises AccessDenied, ContainerMissing, WrongPartitionKey: with what to do about it.
    """
    proxy = client.get_database_client(database)
    with translated_errors():
        for definition in CONTAINERS:
            container = proxy.get_container_client(definition.name)
            await _check_container(container, definition, database)


async def _create(database: DatabaseProxy, definition: ContainerDefinition) -> None:
    with suppress(CosmosResourceExistsError):
        await database.create_container_if_not_exists(
            definition.name,
            PartitionKey(path=definition.partition_key_path),
            indexing_policy=dict(definition.indexing_policy),
            default_ttl=DEFAULT_TIME_TO_LIVE,
        )


async def _check_container(
    container: ContainerProxy, definition: ContainerDefinition, database: str
) -> None:
    try:
        properties = await container.read()
    except CosmosResourceNotFoundError as error:
        raise ContainerMissing(
            f"Cosmos DB has no container '{definition.name}' in a database '{database}': deploy"
            " the router's infrastructure, or correct the name of the database."
        ) from error
    paths = properties["partitionKey"]["paths"]
    if paths != [definition.partition_key_path]:
        raise WrongPartitionKey(
            f"The container '{definition.name}' of the Cosmos DB database '{database}' is"
            f" partitioned by {', '.join(paths)} instead of {definition.partition_key_path}:"
            " it was not made for this router. Use another database."
        )
    await _require_data_access(container)


async def _require_data_access(container: ContainerProxy) -> None:
    """Who may read a container's properties may lack the right to its items."""
    try:
        await container.read_item("none", "none")
    except CosmosResourceNotFoundError:
        return
