"""Which worker is offered a job, through the store and the offer protocol."""

import pytest

from shared.domain.channels import Channel
from shared.domain.distribution import DistributionModeKind
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.services.candidates import JOB_PAGE
from shared.services.jobs import cancel_job, delete_job
from shared.services.matching import JOB_PAGES
from tests.rig import Rig

CHAT = (Channel(channel_id="chat", capacity_cost_per_job=1),)


async def test_longest_idle_goes_by_load_then_by_idle_time() -> None:
    rig = await Rig().ready()
    for name in ("first", "second"):
        await rig.worker(name, capacity=2, channels=CHAT)
        rig.clock.forward(seconds=1)
    for name in ("one", "two", "three"):
        await rig.job(name)
        rig.clock.forward(seconds=1)
    assert await rig.offers_of("first") == ["one", "three"]
    assert await rig.offers_of("second") == ["two"]


async def test_round_robin_goes_by_id_after_the_last_one_offered() -> None:
    rig = await Rig().ready(kind=DistributionModeKind.ROUND_ROBIN)
    for name in ("a", "b", "c"):
        await rig.worker(name, capacity=5, channels=CHAT)
    for number in range(4):
        rig.clock.forward(seconds=1)
        await rig.job(f"job-{number}")
    assert await rig.offers_of("a") == ["job-0", "job-3"]
    assert await rig.offers_of("b") == ["job-1"]
    assert await rig.offers_of("c") == ["job-2"]


async def test_best_worker_goes_by_score() -> None:
    rig = await Rig().ready(kind=DistributionModeKind.BEST_WORKER)
    await rig.worker("half", labels={"language": "english"})
    await rig.worker("full", labels={"language": "english", "department": "sales"})
    await rig.job(labels={"language": "english", "department": "sales"})
    assert await rig.offers_of("full") == ["job"]


async def test_fan_out_stops_at_the_maximum() -> None:
    rig = await Rig().ready(max_concurrent_offers=2)
    for name in ("a", "b", "c"):
        await rig.worker(name)
    await rig.job()
    assert len((await rig.read_job()).offers) == 2


async def test_a_worker_limits_its_open_offers() -> None:
    rig = await Rig().ready()
    await rig.worker(capacity=10, channels=CHAT, most_offers=1)
    await rig.job("one")
    await rig.job("two")
    assert await rig.offers_of() == ["one"]
    await rig.accept(job_id="one")
    await rig.sweep()
    assert await rig.offers_of() == ["two"]


async def test_a_channel_limits_its_jobs() -> None:
    rig = await Rig().ready()
    one = (Channel(channel_id="chat", capacity_cost_per_job=1, max_number_of_jobs=1),)
    await rig.worker(capacity=10, channels=one)
    await rig.job("one")
    await rig.job("two")
    assert await rig.offers_of() == ["one"]
    await cancel_job(rig.router, "one", None, None)
    assert await rig.offers_of() == ["two"]


async def test_more_workers_than_fit_on_a_page_are_all_considered() -> None:
    rig = await Rig().ready(kind=DistributionModeKind.BEST_WORKER)
    for number in range(130):
        await rig.worker(f"worker-{number:03}", labels={"rank": number})
    await rig.job(labels={"rank": 129})
    assert await rig.offers_of("worker-129") == ["job"]


async def test_a_freed_worker_looks_past_the_jobs_it_cannot_take() -> None:
    rig = await Rig().ready()
    for number in range(150):
        await rig.job(f"call-{number}", channel="voice", priority=5)
    await rig.job("chat", priority=1)
    await rig.worker()
    assert await rig.offers_of() == ["chat"]


async def test_a_freed_worker_finds_its_job_behind_a_long_backlog() -> None:
    rig = await Rig().ready()
    experts_only = WorkerSelector(key="skill", operator=LabelOperator.GREATER_THAN, value=10)
    for number in range(JOB_PAGE * JOB_PAGES + 50):
        await rig.job(f"expert-{number:04}", priority=5, selectors=(experts_only,))
    await rig.job("simple", priority=1)
    await rig.worker(labels={"skill": 1})
    assert await rig.offers_of() == ["simple"]


async def test_what_others_did_to_the_backlog_is_checked() -> None:
    rig = await Rig().ready()
    other = Rig(rig.store)
    experts_only = WorkerSelector(key="skill", operator=LabelOperator.GREATER_THAN, value=10)
    for number in range(JOB_PAGE * JOB_PAGES + 50):
        await rig.job(f"expert-{number:04}", priority=5, selectors=(experts_only,))
    for name in ("cancelled", "deleted", "there"):
        await rig.job(name, priority=1)
    await cancel_job(other.router, "cancelled", None, None)
    await cancel_job(other.router, "deleted", None, None)
    await delete_job(other.router, "deleted")
    await rig.worker(labels={"skill": 1})
    assert await rig.offers_of() == ["there"]


@pytest.mark.parametrize("kind", DistributionModeKind)
async def test_the_sweep_repairs_a_missed_match(kind: DistributionModeKind) -> None:
    rig = await Rig().ready(kind=kind)
    await rig.worker("a")
    await rig.worker("b")
    await rig.queue("other")
    await rig.job("one", queue="other")
    await rig.job("two", queue="other")
    for name in ("a", "b"):
        await _move_silently(rig, name, "other")
    await rig.sweep()
    assert await rig.offers_of("a") + await rig.offers_of("b") != []
    assert len(await rig.offers_of("a")) == len(await rig.offers_of("b")) == 1


async def _move_silently(rig: Rig, worker_id: str, queue: str) -> None:
    """Change a worker behind the router's back, as a crash between commit and matching would."""
    from dataclasses import replace

    stored = await rig.store.workers.get(worker_id)
    assert stored is not None
    profile = replace(stored.value.profile, queues=(queue,))
    await rig.store.workers.replace(
        stored, replace(stored.value, profile=profile), None, rig.clock.now
    )
