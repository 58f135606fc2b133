"""The production store: Azure Cosmos DB for NoSQL, shared by any number of processes."""

from shared.storage.cosmos.access import Patience
from shared.storage.cosmos.client import Account
from shared.storage.cosmos.errors import AccessDenied, ContainerMissing
from shared.storage.cosmos.provisioning import WrongPartitionKey, provision_cosmos_store
from shared.storage.cosmos.store import CosmosStore, open_cosmos_store

__all__ = [
    "AccessDenied",
    "Account",
    "ContainerMissing",
    "CosmosStore",
    "Patience",
    "WrongPartitionKey",
    "open_cosmos_store",
    "provision_cosmos_store",
]
