"""Use cases of workers."""

from collections.abc import Callable, Iterable, Sequence

from shared.domain.errors import NotFound, unknown_reference
from shared.domain.queues import QueueDetails, describe
from shared.domain.workers import QueueDirectory, Worker, WorkerProfile
from shared.ports import Page, Stored, WorkerFilter
from shared.services.commits import Commit, change_worker, commit_worker
from shared.services.preconditions import Precondition
from shared.services.router import Router, until_committed
from shared.services.settlement import settle
from shared.services.upserts import Upserted

type DefineWorker = Callable[[WorkerProfile | None], WorkerProfile]


async def upsert_worker(
    router: Router, worker_id: str, define: DefineWorker, precondition: Precondition
) -> Upserted[Worker]:
    """Create a worker or change one: register, deregister, new queues, channels, labels.

    ``define`` makes the new profile of the current one (``None``: a new worker); it is called again
    when a race was lost.
    :raises PreconditionFailed, InvalidReference, TooMuchContention: nothing was changed.
    """
    created = False

    async def attempt() -> Commit[Worker]:
        nonlocal created
        stored = await router.store.workers.get(worker_id)
        created = stored is None
        precondition.check(stored)
        profile = define(stored.value.profile if stored else None)
        known = stored.value.profile.queues if stored else ()
        directory = await _directory(router, profile.queues, known)
        now = router.clock()
        if stored is None:
            return await commit_worker(
                router, None, Worker.create(worker_id, profile, directory, now)
            )
        return await commit_worker(router, stored, stored.value.update(profile, directory, now))

    commit = await until_committed(attempt)
    assert commit.stored is not None, "an upsert does not delete"
    await settle(router, commit.pending, worker=commit.stored)
    return Upserted(commit.stored, created)


async def get_worker(router: Router, worker_id: str) -> Stored[Worker]:
    """:raises NotFound: there is no such worker."""
    stored = await router.store.workers.get(worker_id)
    if stored is None:
        raise NotFound("worker", worker_id)
    return stored


async def list_workers(
    router: Router, filter: WorkerFilter, limit: int, continuation: str | None
) -> Page[Stored[Worker]]:
    """:raises InvalidContinuation: the token belongs to another list."""
    return await router.store.workers.list(filter, limit, continuation)


async def delete_worker(router: Router, worker_id: str) -> None:
    """Remove a worker; its open offers are revoked.

    :raises NotFound, Conflict: there is no such worker, or it has assigned jobs and workers that do
    are not to be deleted (``Behaviour.deletes_busy_workers``).
    """
    stored = await get_worker(router, worker_id)
    queues = stored.value.profile.queues
    directory = await _directory(router, queues, queues)
    even_if_busy = router.behaviour.deletes_busy_workers
    commit = await change_worker(
        router,
        worker_id,
        lambda worker: worker.delete(directory, even_if_busy=even_if_busy),
        seen=stored,
    )
    await settle(router, commit.pending)


async def deregister_idle_worker(router: Router, worker_id: str) -> None:
    """Deregister the worker if it has been idle too long; nothing if not, or if it is gone."""
    try:
        commit = await change_worker(
            router, worker_id, lambda worker: worker.deregister_if_idle(router.clock())
        )
    except NotFound:
        return
    await settle(router, commit.pending)


async def _directory(
    router: Router, queue_ids: Iterable[str], known: Sequence[str]
) -> QueueDirectory:
    """Describes the queues; one named anew must exist, one known may have been deleted since."""
    described: dict[str, QueueDetails] = {}
    for queue_id in queue_ids:
        queue = await router.definitions.queues.get(queue_id)
        if queue is None and queue_id not in known:
            raise unknown_reference("queues", "queue", queue_id)
        described[queue_id] = describe(queue) if queue else QueueDetails(id=queue_id)
    return lambda ids: tuple(described.get(id) or QueueDetails(id=id) for id in ids)
