"""The containers, and the queries they serve: plain data, which infrastructure code mirrors.

Nothing but what a query needs is indexed, for every indexed path makes every write dearer. All
containers have ``DEFAULT_TIME_TO_LIVE``: items stay until they are deleted, because the end of a
job or worker publishes an event, so it is a commit. Only the bars of jobs that do not exist (see
``bars``), and outbox records that are items of their own, have a time to live.

Members named ``…Key`` are texts that sort like what they stand for (see ``keys``), so that every
order is that of one member, and a page continues after a value of it. Each query that sorts also
has a range condition on the member it sorts by: items without it, as records have no ``listKey``,
are no results.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_TIME_TO_LIVE = -1
"""On, but items do not expire unless they say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDefinition:
    """``partition_key``: a member. ``indexed``: paths of scalars, as indexing policies have it."""

    name: str
    partition_key: str
    indexed: tuple[str, ...]

    @property
    def partition_key_path(self) -> str:
        return f"/{self.partition_key}"

    @property
    def indexing_policy(self) -> Mapping[str, Any]:
        return {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": path} for path in self.indexed],
            "excludedPaths": [{"path": "/*"}, {"path": '/"_etag"/?'}],
        }


JOBS = ContainerDefinition(
    name="jobs",
    partition_key="jobId",
    indexed=(
        "/assignedKey/?",
        "/channelId/?",
        "/classificationPolicyId/?",
        "/dueKey/?",
        "/listKey/?",
        "/queueId/?",
        "/scheduledKey/?",
        "/segments/[]/?",
        "/status/?",
        "/waitingKey/?",
    ),
)
WORKERS = ContainerDefinition(
    name="workers",
    partition_key="workerId",
    indexed=(
        "/channels/[]/?",
        "/dueKey/?",
        "/hasCapacity/?",
        "/idleKey/?",
        "/idleSinceKey/?",
        "/labelTokens/[]/?",
        "/lastOfferedKey/?",
        "/listKey/?",
        "/numbers/[]/key/?",
        "/numbers/[]/number/?",
        "/openChannels/[]/?",
        "/places/[]/?",
        "/queues/[]/?",
        "/segments/[]/?",
        "/state/?",
    ),
)
DEFINITIONS = ContainerDefinition(name="definitions", partition_key="kind", indexed=("/name/?",))

CONTAINERS = (JOBS, WORKERS, DEFINITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedQuery:
    """``order_by`` and ``filters``: indexed paths; a query may use only some of its filters.

    Without ``order_by`` it gives a count, or items ``in_any_order``.
    """

    name: str
    container: ContainerDefinition
    order_by: str | None = None
    filters: tuple[str, ...] = ()
    in_any_order: bool = False
    cross_partition: bool = True


_PLACE_AND_LABELS = (
    "/places/[]/?",
    "/labelTokens/[]/?",
    "/numbers/[]/key/?",
    "/numbers/[]/number/?",
)

QUERIES = (
    ServedQuery(name="JobStore.due", container=JOBS, order_by="/dueKey/?"),
    ServedQuery(
        name="JobStore.outbox (of a process that died)",
        container=JOBS,
        filters=("/segments/[]/?",),
        in_any_order=True,
    ),
    ServedQuery(
        name="JobStore.outbox (of one job)",
        container=JOBS,
        filters=("/segments/[]/?",),
        in_any_order=True,
        cross_partition=False,
    ),
    ServedQuery(
        name="JobStore.list",
        container=JOBS,
        order_by="/listKey/?",
        filters=(
            "/status/?",
            "/queueId/?",
            "/channelId/?",
            "/classificationPolicyId/?",
            "/scheduledKey/?",
        ),
    ),
    ServedQuery(
        name="JobStore.waiting",
        container=JOBS,
        order_by="/waitingKey/?",
        filters=("/queueId/?", "/channelId/?"),
    ),
    ServedQuery(
        name="JobStore.count_waiting", container=JOBS, filters=("/queueId/?", "/waitingKey/?")
    ),
    ServedQuery(
        name="JobStore.count_in_service", container=JOBS, filters=("/queueId/?", "/status/?")
    ),
    ServedQuery(
        name="JobStore.waiting_by_priority (best)",
        container=JOBS,
        order_by="/waitingKey/?",
        filters=("/queueId/?",),
    ),
    ServedQuery(
        name="JobStore.waiting_by_priority (count)",
        container=JOBS,
        filters=("/queueId/?", "/waitingKey/?"),
    ),
    ServedQuery(
        name="JobStore.assigned_last",
        container=JOBS,
        order_by="/assignedKey/?",
        filters=("/queueId/?",),
    ),
    ServedQuery(name="WorkerStore.due", container=WORKERS, order_by="/dueKey/?"),
    ServedQuery(
        name="WorkerStore.outbox (of a process that died)",
        container=WORKERS,
        filters=("/segments/[]/?",),
        in_any_order=True,
    ),
    ServedQuery(
        name="WorkerStore.outbox (of one worker)",
        container=WORKERS,
        filters=("/segments/[]/?",),
        in_any_order=True,
        cross_partition=False,
    ),
    ServedQuery(
        name="WorkerStore.list",
        container=WORKERS,
        order_by="/listKey/?",
        filters=(
            "/state/?",
            "/queues/[]/?",
            "/channels/[]/?",
            "/openChannels/[]/?",
            "/hasCapacity/?",
        ),
    ),
    ServedQuery(
        name="WorkerStore.count",
        container=WORKERS,
        filters=(
            "/listKey/?",
            "/state/?",
            "/queues/[]/?",
            "/channels/[]/?",
            "/openChannels/[]/?",
            "/hasCapacity/?",
        ),
    ),
    ServedQuery(
        name="WorkerStore.available (longest idle)",
        container=WORKERS,
        order_by="/idleKey/?",
        filters=_PLACE_AND_LABELS,
    ),
    ServedQuery(
        name="WorkerStore.available (by id)",
        container=WORKERS,
        order_by="/listKey/?",
        filters=_PLACE_AND_LABELS,
    ),
    ServedQuery(
        name="WorkerStore.last_offered",
        container=WORKERS,
        order_by="/lastOfferedKey/?",
        filters=("/queues/[]/?",),
    ),
    ServedQuery(name="WorkerStore.idle", container=WORKERS, order_by="/idleSinceKey/?"),
    ServedQuery(
        name="DefinitionStore.list, JobStore.outbox, WorkerStore.outbox (the list of segments)",
        container=DEFINITIONS,
        order_by="/name/?",
        cross_partition=False,
    ),
)
