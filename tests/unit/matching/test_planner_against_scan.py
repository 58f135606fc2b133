"""The planner gives exactly the offers of the plain scan, in the same order, on any snapshot."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.workload_jr1 import QUEUES, jr1
from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.matching.planner import plan
from tests.oracles.plain_scan import scan
from tests.unit.matching.snapshots import LARGE, Snapshot, World, snapshot


def planned(given: Snapshot) -> list[tuple[str, str]]:
    matches = plan(given.jobs, given.workers, given.modes, given.last_offered)
    return [(match.job.id, match.worker.id) for match in matches]


def scanned(given: Snapshot) -> list[tuple[str, str]]:
    return scan(given.jobs, given.workers, given.modes, given.last_offered)


@settings(max_examples=200, deadline=None)
@given(st.builds(snapshot, st.randoms(use_true_random=False)))
def test_same_offers(small: Snapshot) -> None:
    assert planned(small) == scanned(small)


@pytest.mark.parametrize("seed", range(1000))
def test_same_offers_in_seeded_snapshots(seed: int) -> None:
    small = snapshot(Random(seed))

    assert planned(small) == scanned(small)


@pytest.mark.parametrize("seed", range(12))
def test_same_offers_in_large_snapshots(seed: int) -> None:
    large = snapshot(Random(seed), LARGE)

    assert planned(large) == scanned(large)


@pytest.mark.parametrize("kind", DistributionModeKind)
def test_same_offers_among_uneven_loads_and_scores(kind: DistributionModeKind) -> None:
    """More load ratios, and more scores, than workers eligible for most jobs."""
    world = World(200, 100, ("q1",), ("chat",), ("a", "b"), tuple(range(300)), 300, 500)
    crowd = snapshot(Random(7), world)
    crowd = replace(crowd, modes={"q1": DistributionMode(kind=kind, max_concurrent_offers=3)})

    assert planned(crowd) == scanned(crowd)


@pytest.mark.parametrize("seed", range(100))
def test_same_offers_for_one_job_and_for_one_worker(seed: int) -> None:
    whole = snapshot(Random(seed), replace(LARGE, workers=15, jobs=15))

    for job in whole.jobs:
        alone = replace(whole, jobs=[job])
        assert planned(alone) == scanned(alone)
    for worker in whole.workers:
        alone = replace(whole, workers=[worker])
        assert planned(alone) == scanned(alone)


@pytest.mark.parametrize("kind", DistributionModeKind)
def test_same_offers_on_the_benchmarked_workload(kind: DistributionModeKind) -> None:
    workload = jr1(job_count=400, worker_count=60)
    modes = {queue: DistributionMode(kind=kind) for queue in QUEUES}
    given = Snapshot(workload.jobs, workload.workers, modes, {})

    assert planned(given) == scanned(given)
