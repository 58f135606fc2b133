"""The index of waiting jobs: whatever came and went, a worker finds what the plain scan finds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.workload_jr1 import QUEUES, jr1
from shared.domain.distribution import DistributionMode
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker
from shared.matching import ranked_jobs
from shared.matching.waiting_index import WaitingIndex
from tests.factories import make_job, make_selector, make_worker
from tests.oracles.plain_scan import PlainScan, in_order, scan
from tests.unit.matching.snapshots import LARGE, SnapshotBuilder, World

MODES = {"queue-1": DistributionMode()}


def ids(jobs: Sequence[Job]) -> list[str]:
    return [job.id for job in jobs]


def index_of(*jobs: Job) -> WaitingIndex:
    index = WaitingIndex()
    for job in jobs:
        index.add(job)
    return index


def best_first(index: WaitingIndex, worker: Worker) -> list[str]:
    return ids(list(index.best_first(worker, MODES)))


def scanned_best_first(
    jobs: Sequence[Job], worker: Worker, modes: Mapping[str, DistributionMode]
) -> list[str]:
    rules = PlainScan([worker], modes, {})
    offerable = [
        job
        for job in in_order([job for job in jobs if job.is_waiting and job.queue_id in modes])
        if len(job.offers) < rules.wanted(job, to_the_full=True) and rules.is_eligible(worker, job)
    ]
    below_wish = [job for job in offerable if len(job.offers) < rules.wanted(job, False)]
    return ids(below_wish + [job for job in offerable if job not in below_wish])


def check_random_history(random: Random, world: World, steps: int) -> None:
    """Jobs come, change and go at random; after every step a random worker looks for one."""
    builder = SnapshotBuilder(random, world)
    modes = builder.snapshot().modes
    index, waiting = WaitingIndex(), dict[str, Job]()
    for _ in range(steps):
        id = random.choice([*builder.job_ids, "unheard-of"])
        if random.randint(0, 2) == 0:
            waiting.pop(id, None)
            index.remove(id)
        else:
            waiting[id] = builder.job(id)
            index.add(waiting[id])
        worker = builder.worker(builder.some_worker())
        expected = scanned_best_first(list(waiting.values()), worker, modes)
        assert ids(list(index.best_first(worker, modes))) == expected
        best = index.best_for(worker, modes)
        first = scan(list(waiting.values()), [worker], modes, {})[:1]
        assert [(best.id, worker.id)] == first if best else not first
    assert len(index) == sum(job.is_waiting for job in waiting.values())


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False))
def test_finds_what_the_scan_finds(random: Random) -> None:
    check_random_history(random, World(), steps=12)


@pytest.mark.parametrize("seed", range(60))
def test_finds_what_the_scan_finds_in_seeded_histories(seed: int) -> None:
    check_random_history(Random(seed), World(), steps=40)


@pytest.mark.parametrize("seed", range(30))
def test_finds_what_the_scan_finds_across_blocks(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked_jobs, "BLOCK_SIZE", 4)
    monkeypatch.setattr(ranked_jobs, "FEW", 1)
    world = replace(LARGE, queues=("q1",), channels=("chat",))

    check_random_history(Random(seed), world, steps=80)


def test_finds_what_the_scan_finds_on_the_benchmarked_workload() -> None:
    workload = jr1(job_count=3000, worker_count=40)
    modes = {queue: DistributionMode() for queue in QUEUES}
    index = index_of(*workload.jobs)

    for worker in workload.workers:
        found = ids(list(index.best_first(worker, modes)))
        assert found == scanned_best_first(workload.jobs, worker, modes)


def test_many_matches_come_in_rank_order() -> None:
    jobs = [make_job(f"job-{n:03}", priority=n % 7) for n in range(100)]

    assert best_first(index_of(*jobs), make_worker()) == ids(in_order(jobs))


def test_a_label_of_many_values_is_not_remembered_for_all_of_them() -> None:
    wanted = [make_job(f"job-{n:02}", requested_worker_selectors=(id_is(n),)) for n in range(50)]
    index = index_of(*wanted)

    for n in range(50):
        assert best_first(index, make_worker(labels={"Id": n})) == [f"job-{n:02}"]


def id_is(number: int) -> WorkerSelector:
    return make_selector("Id", value=number)


def test_a_worker_without_room_finds_nothing() -> None:
    index = index_of(make_job())

    assert index.best_for(make_worker(capacity=0), MODES) is None
    assert index.best_for(make_worker(available_for_offers=False), MODES) is None
    assert index.best_for(make_worker(), {}) is None


def test_adding_a_known_job_replaces_it() -> None:
    index = index_of(make_job("a", priority=2), make_job("b", priority=1))
    index.add(make_job("b", priority=3))

    assert best_first(index, make_worker()) == ["b", "a"]
    assert len(index) == 2


def test_a_job_that_no_longer_waits_is_forgotten() -> None:
    index = index_of(make_job("a"))
    index.add(make_job("a", status=JobStatus.ASSIGNED))

    assert best_first(index, make_worker()) == []
    assert len(index) == 0


def test_removing_an_unknown_job_changes_nothing() -> None:
    index = index_of(make_job("a"))
    index.remove("b")
    index.remove("a")
    index.remove("a")

    assert len(index) == 0


def test_a_job_that_asks_for_two_values_of_one_label_suits_nobody() -> None:
    both = (make_selector("x", value=1), make_selector("x", value=2))
    index = index_of(make_job(requested_worker_selectors=both))

    assert index.best_for(make_worker(labels={"x": 1}), MODES) is None
    assert index.best_for(make_worker(labels={"x": 2}), MODES) is None


def test_an_unwanted_value_excludes() -> None:
    index = index_of(make_job(requested_worker_selectors=(unwanted("vip"),)))

    assert index.best_for(make_worker(labels={"segment": "vip"}), MODES) is None
    assert index.best_for(make_worker(labels={"segment": "new"}), MODES) is not None
    assert index.best_for(make_worker(), MODES) is not None


def test_what_was_found_for_a_label_stays_right_when_jobs_change() -> None:
    index = index_of(make_job("a", requested_worker_selectors=(unwanted("vip"),)))
    vip, new = make_worker(labels={"segment": "vip"}), make_worker(labels={"segment": "new"})
    assert (best_first(index, vip), best_first(index, new)) == ([], ["a"])

    index.add(make_job("a", requested_worker_selectors=(unwanted("new"),)))
    assert (best_first(index, vip), best_first(index, new)) == (["a"], [])
    index.remove("a")
    index.add(make_job("b"))
    assert (best_first(index, vip), best_first(index, new)) == (["b"], ["b"])


def unwanted(segment: str) -> WorkerSelector:
    return make_selector("segment", LabelOperator.NOT_EQUAL, segment)
