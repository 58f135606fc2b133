"""The production store."""

import asyncio
from contextlib import AsyncExitStack

from azure.cosmos.aio import CosmosClient

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.storage.cosmos.access import Container, Patience
from shared.storage.cosmos.client import Account, connected
from shared.storage.cosmos.containers import DEFINITIONS, JOBS, WORKERS, ContainerDefinition
from shared.storage.cosmos.definitions import CosmosDefinitionStore
from shared.storage.cosmos.jobs import CosmosJobStore
from shared.storage.cosmos.provisioning import check
from shared.storage.cosmos.segment_list import SegmentList
from shared.storage.cosmos.segments import USUAL_PACE, Pace
from shared.storage.cosmos.workers import CosmosWorkerStore
from shared.storage.documents import (
    CHANGED_CONDITIONS,
    CLASSIFICATION_POLICIES,
    DISTRIBUTION_POLICIES,
    EXCEPTION_POLICIES,
    QUEUES,
)
from shared.storage.documents import JOBS as JOB_DOCUMENTS
from shared.storage.documents import WORKERS as WORKER_DOCUMENTS


class CosmosStore:
    """Made by :func:`open_cosmos_store`. Any operation may raise ``StoreUnavailable``."""

    def __init__(
        self,
        client: CosmosClient,
        database: str,
        patience: Patience,
        opened: AsyncExitStack,
        pace: Pace = USUAL_PACE,
    ) -> None:
        proxy = client.get_database_client(database)

        def container(definition: ContainerDefinition) -> Container:
            return Container(proxy.get_container_client(definition.name), patience)

        definitions = container(DEFINITIONS)
        self._opened = opened
        self.jobs = CosmosJobStore(
            container(JOBS), JOB_DOCUMENTS, SegmentList(definitions, JOBS.name), pace
        )
        self.workers = CosmosWorkerStore(
            container(WORKERS), WORKER_DOCUMENTS, SegmentList(definitions, WORKERS.name), pace
        )
        self.queues = CosmosDefinitionStore[Queue](definitions, "queues", QUEUES)
        self.distribution_policies = CosmosDefinitionStore[DistributionPolicy](
            definitions, "distribution_policies", DISTRIBUTION_POLICIES
        )
        self.classification_policies = CosmosDefinitionStore[ClassificationPolicy](
            definitions, "classification_policies", CLASSIFICATION_POLICIES
        )
        self.exception_policies = CosmosDefinitionStore[ExceptionPolicy](
            definitions, "exception_policies", EXCEPTION_POLICIES
        )
        self.changed_conditions = CosmosDefinitionStore[ChangedConditions](
            definitions, "changed_conditions", CHANGED_CONDITIONS
        )

    async def close(self) -> None:
        async with self._opened:
            await asyncio.gather(self.jobs.close(), self.workers.close())


async def open_cosmos_store(account: Account, database: str) -> CosmosStore:
    """Connect, and refuse to start on a database that is not as it should be.

    :raises AccessDenied, ContainerMissing, WrongPartitionKey: with what to do about it.
    :raises StoreUnavailable: the account does not answer.
    """
    async with AsyncExitStack() as opened:
        client = await opened.enter_async_context(connected(account))
        await check(client, database)
        return CosmosStore(client, database, account.patience, opened.pop_all())
    raise AssertionError("the context passes errors on")
