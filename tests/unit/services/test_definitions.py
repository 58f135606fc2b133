"""Queues and distribution policies: references hold on write and on delete."""

from dataclasses import replace

import pytest

from shared.domain.distribution import DistributionPolicy
from shared.domain.errors import Conflict, InvalidReference, NotFound
from shared.domain.queues import Queue
from shared.ports import JobFilter, WorkerFilter
from shared.services.distribution_policies import (
    delete_distribution_policy,
    get_distribution_policy,
    list_distribution_policies,
    upsert_distribution_policy,
)
from shared.services.jobs import cancel_job, list_jobs
from shared.services.preconditions import Precondition, PreconditionFailed
from shared.services.queues import delete_queue, get_queue, list_queues, upsert_queue
from shared.services.workers import delete_worker, get_worker, list_workers
from tests.rig import NONE, Rig


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def test_a_queue_needs_an_existing_policy(rig: Rig) -> None:
    with pytest.raises(InvalidReference, match="distribution policy 'none'"):
        await rig.queue("other", policy="none")
    with pytest.raises(NotFound):
        await get_queue(rig.router, "other")


async def test_a_job_needs_an_existing_queue(rig: Rig) -> None:
    with pytest.raises(InvalidReference, match="queue 'none'") as caught:
        await rig.job(queue="none")
    assert (caught.value.code, caught.value.target) == ("QueueNotFound", "queueId")


async def test_a_worker_needs_existing_queues(rig: Rig) -> None:
    with pytest.raises(InvalidReference):
        await rig.worker(queues=("queue", "none"))


async def test_a_worker_of_a_deleted_queue_can_still_change(rig: Rig) -> None:
    await rig.worker()
    await delete_queue(rig.router, "queue")
    rig.clock.forward(seconds=5)
    await rig.set_available("worker", False)
    await delete_worker(rig.router, "worker")
    with pytest.raises(NotFound):
        await get_worker(rig.router, "worker")


async def test_a_queue_with_unfinished_jobs_stays(rig: Rig) -> None:
    await rig.job()
    with pytest.raises(InvalidReference):
        await delete_queue(rig.router, "queue")
    await cancel_job(rig.router, "job", None, None)
    await delete_queue(rig.router, "queue")
    with pytest.raises(NotFound):
        await delete_queue(rig.router, "queue")


async def test_a_policy_in_use_stays(rig: Rig) -> None:
    with pytest.raises(InvalidReference):
        await delete_distribution_policy(rig.router, "policy")
    await delete_queue(rig.router, "queue")
    await delete_distribution_policy(rig.router, "policy")
    with pytest.raises(NotFound):
        await get_distribution_policy(rig.router, "policy")


async def test_a_busy_worker_stays(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    with pytest.raises(Conflict):
        await delete_worker(rig.router, "worker")
    await rig.finish(accepted)
    await delete_worker(rig.router, "worker")
    assert rig.events.names("worker")[-2:] == ["WorkerDeregistered", "WorkerDeleted"]


async def test_changes_are_seen_at_once_by_the_instance_that_made_them(rig: Rig) -> None:
    await rig.worker("a")
    await rig.worker("b")
    await rig.job("one")
    await rig.policy(max_concurrent_offers=2)
    await rig.sweep()
    assert len((await rig.read_job("one")).offers) == 2


async def test_definitions_are_listed_in_pages(rig: Rig) -> None:
    for number in range(5):
        await rig.policy(f"policy-{number}")
        await rig.queue(f"queue-{number}")
    first = await list_queues(rig.router, 4, None)
    rest = await list_queues(rig.router, 4, first.continuation)
    assert [s.value.id for s in [*first.items, *rest.items]] == [
        "queue",
        *(f"queue-{n}" for n in range(5)),
    ]
    policies = await list_distribution_policies(rig.router, 100, None)
    assert len(policies.items) == 6


async def test_jobs_and_workers_are_listed(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    assert [s.value.id for s in (await list_jobs(rig.router, JobFilter(), 9, None)).items] == [
        "job"
    ]
    workers = await list_workers(rig.router, WorkerFilter(), 9, None)
    assert [s.value.id for s in workers.items] == ["worker"]


async def test_conditions_hold_for_definitions(rig: Rig) -> None:
    stored = await get_queue(rig.router, "queue")

    def rename(queue: Queue | None) -> Queue:
        assert queue is not None
        return replace(queue, name="renamed")

    changed = await upsert_queue(rig.router, "queue", rename, Precondition(if_match=stored.etag))
    assert (changed.created, changed.stored.value.name) == (False, "renamed")
    with pytest.raises(PreconditionFailed):
        await upsert_queue(rig.router, "queue", rename, Precondition(if_match=stored.etag))
    policy = DistributionPolicy(id="policy")
    with pytest.raises(PreconditionFailed):
        await upsert_distribution_policy(
            rig.router, "policy", lambda _: policy, Precondition(if_none_match="*")
        )
    with pytest.raises(PreconditionFailed):
        await upsert_distribution_policy(
            rig.router,
            "missing",
            lambda _: policy,
            Precondition(if_unmodified_since=rig.clock.now),
        )
    assert (await upsert_queue(rig.router, "queue", rename, NONE)).created is False


async def test_unmodified_since_compares_whole_seconds(rig: Rig) -> None:
    rig.clock.forward(seconds=10, milliseconds=300)
    await rig.queue()
    policy = DistributionPolicy(id="policy")
    since = rig.clock.now
    later = Precondition(if_unmodified_since=since.replace(microsecond=0))
    await upsert_distribution_policy(rig.router, "policy", lambda _: policy, later)
    early = Precondition(if_unmodified_since=since.replace(second=since.second - 1))
    with pytest.raises(PreconditionFailed):
        await upsert_distribution_policy(rig.router, "policy", lambda _: policy, early)
