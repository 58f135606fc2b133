"""Two routers on one store and one storage queue: who finds a queue to match and who plans it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

from shared.storage.sqlite import open_sqlite_store
from tests.e2e.conftest import RunningRouter, start
from tests.e2e.webhook import Webhook
from tests.rig import Rig

STORAGE_QUEUE = "jobrouter-match"
QUEUES = [f"queue-{number}" for number in range(20)]
JOBS_A_QUEUE = 10
JOBS = {f"job-{number}-of-{queue}" for queue in QUEUES for number in range(JOBS_A_QUEUE)}

running = contextmanager(start)


@asynccontextmanager
async def direct_access(database: Path) -> AsyncIterator[Rig]:
    """The store without a router before it, to leave undone what a router would do."""
    store = await open_sqlite_store(database)
    try:
        rig = Rig(store)
        rig.clock.now = datetime.now(UTC)
        yield rig
    finally:
        await store.close()


async def submit(rig: Rig) -> None:
    """Waiting jobs in every queue, and for each queue a worker that is not there yet."""
    await rig.policy()
    for queue in QUEUES:
        await rig.queue(queue)
        await rig.worker(worker_of(queue), queues=(), capacity=JOBS_A_QUEUE)
        for number in range(JOBS_A_QUEUE):
            await rig.job(f"job-{number}-of-{queue}", queue=queue)


async def lose_matches(rig: Rig) -> None:
    """Put each worker into its queue as a router would that then crashes."""
    for queue in QUEUES:
        stored = await rig.store.workers.get(worker_of(queue))
        assert stored is not None
        moved = replace(stored.value, profile=replace(stored.value.profile, queues=(queue,)))
        await rig.store.workers.replace(stored, moved, None, rig.clock())


def worker_of(queue: str) -> str:
    return f"worker-of-{queue}"


def jobs_offered(router: RunningRouter) -> set[str]:
    with router.client() as client:
        found = [client.get_worker(worker_of(queue)).offers or [] for queue in QUEUES]
    return {offer.job_id for offers in found for offer in offers}


def jobs_offered_by(router: RunningRouter) -> set[str]:
    """By the events that it has published."""
    events = router.webhook.events
    issued = [e for e in events if e["eventType"].endswith("RouterWorkerOfferIssued")]
    return {event["data"]["jobId"] for event in issued}


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.1)
    pytest.fail("It did not come true within half a minute")


def put_nonsense(storage: QueueServiceClient) -> None:
    sent_at = datetime.now(UTC).isoformat()
    queue = storage.get_queue_client(STORAGE_QUEUE)
    queue.create_queue()
    for body in ("nonsense", "{}", json.dumps({"queue_id": "unknown", "sent_at": sent_at})):
        queue.send_message(base64.b64encode(body.encode()).decode())


def is_drained(storage: QueueServiceClient) -> bool:
    properties = storage.get_queue_client(STORAGE_QUEUE).get_queue_properties()
    return properties.approximate_message_count == 0


@contextmanager
def two_routers(folder: Path, database: Path, storage: str) -> Iterator[list[RunningRouter]]:
    """Each with a topic of its own, so that it shows which of them made an offer."""
    environment = {
        "JOBROUTER_STORE": f"sqlite:{database}",
        "JOBROUTER_MATCH_FAN_OUT": "true",
        "JOBROUTER_MATCH_SCHEDULE": "* * * * * *",
        "JOBROUTER_QUEUES": storage,
    }
    with (
        Webhook() as one,
        Webhook() as other,
        running(folder / "one", one, **environment) as first,
        running(folder / "other", other, **environment) as second,
    ):
        yield [first, second]


async def test_routers_share_the_match_sweep(tmp_path: Path, storage: str) -> None:
    database = tmp_path / "router.db"
    async with direct_access(database) as rig:
        await submit(rig)
        with (
            two_routers(tmp_path, database, storage) as routers,
            QueueServiceClient.from_connection_string(storage) as account,
        ):
            put_nonsense(account)
            await lose_matches(rig)
            await until(lambda: set.union(*map(jobs_offered_by, routers)) == JOBS)
            assert all(jobs_offered_by(router) for router in routers), "one did everything"
            assert jobs_offered(routers[0]) == jobs_offered(routers[1]) == JOBS
            await until(lambda: is_drained(account))
            with pytest.raises(ResourceNotFoundError):
                account.get_queue_client(f"{STORAGE_QUEUE}-poison").get_queue_properties()
