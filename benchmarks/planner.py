"""The matching core on workload JR-1: the planner, and the index of waiting jobs.

    python -m benchmarks.planner [--json]

Planner: all jobs against all workers, as a sweep does; counted are jobs, offered or not, per second
of one call of ``plan``, which builds its index, sorts the jobs and plans every offer. Only part of
the jobs gets an offer, for then the workers are full. Measured against two scans, which give the
same offers: the plain one of the tests, on every tenth job since it is slow, and one tuned for
speed, on all jobs. All take turns in one process; the best of all turns counts.

Freed worker: all workers are free, and each asks for the best of 100,000 waiting jobs; "at work"
means that the job found is removed and added again each time. The scan goes through a sorted list
and stops at the first job that fits. All searches are repeated; "best" counts each with its best
time, without what else the machine did meanwhile.

The workloads are kept out of the garbage collector's sight, as they are not part of the question.
"""

import argparse
import gc
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from benchmarks.tuned_scan import TunedScan, first_accepted
from benchmarks.workload_jr1 import QUEUES, Workload, jr1
from shared.domain.distribution import DistributionMode, DistributionModeKind
from shared.domain.workers import Worker
from shared.matching.planner import Match, plan
from shared.matching.ranking import in_rank_order
from shared.matching.waiting_index import WaitingIndex
from tests.oracles.plain_scan import scan

TURNS = 7
ROUNDS = 5
WAITING_JOBS = 100_000
FREED_WORKERS = 3_000
SCANNING_WORKERS = 300

type Modes = dict[str, DistributionMode]
type Offers = list[tuple[str, str]]
type Result = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Contender:
    """``run`` plans ``jobs`` jobs."""

    name: str
    jobs: int
    run: Callable[[], object]


def modes_of(kind: DistributionModeKind) -> Modes:
    return {queue_id: DistributionMode(kind=kind) for queue_id in QUEUES}


def matched(workload: Workload, modes: Modes) -> list[Match]:
    return plan(workload.jobs, workload.workers, modes, {})


def planned(workload: Workload, modes: Modes) -> Offers:
    return [(match.job.id, match.worker.id) for match in matched(workload, modes)]


def tuned(workload: Workload, kind: DistributionModeKind) -> Offers:
    return list(TunedScan(workload.workers, kind).offers(workload.jobs))


def scanned(workload: Workload, modes: Modes) -> Offers:
    return scan(workload.jobs, workload.workers, modes, {})


# -- planner ----------------------------------------------------------------------------------


def compare_planners(workload: Workload, kind: DistributionModeKind) -> Result:
    """The planner and both scans on one workload."""
    modes, thinned = modes_of(kind), Workload(workload.workers, workload.jobs[::10])
    check_same_offers(workload, thinned, kind)
    contenders = [
        Contender("planner", len(workload.jobs), partial(matched, workload, modes)),
        Contender("tuned_scan", len(workload.jobs), partial(tuned, workload, kind)),
        Contender("plain_scan", len(thinned.jobs), partial(scanned, thinned, modes)),
    ]
    rates = best_rates(contenders)
    return {
        "benchmark": "planner",
        "mode": kind.value,
        "jobs": len(workload.jobs),
        "workers": len(workload.workers),
        "offers": len(matched(workload, modes)),
        **{f"{name}_jobs_per_s": round(rate) for name, rate in rates.items()},
        "times_plain_scan": round(rates["planner"] / rates["plain_scan"], 1),
        "times_tuned_scan": round(rates["planner"] / rates["tuned_scan"], 1),
    }


def check_same_offers(workload: Workload, thinned: Workload, kind: DistributionModeKind) -> None:
    """:raises RuntimeError: speed is nothing to compare, for the offers differ."""
    modes = modes_of(kind)
    same = planned(workload, modes) == tuned(workload, kind)
    if not same or planned(thinned, modes) != scanned(thinned, modes):
        raise RuntimeError(f"The offers of planner and scans differ in mode {kind}.")


def measure_planner(workload: Workload, kind: DistributionModeKind) -> Result:
    """The planner alone, where scans take minutes."""
    modes = modes_of(kind)
    rates = best_rates(
        [Contender("planner", len(workload.jobs), partial(matched, workload, modes))]
    )
    return {
        "benchmark": "planner",
        "mode": kind.value,
        "jobs": len(workload.jobs),
        "workers": len(workload.workers),
        "offers": len(matched(workload, modes)),
        "planner_jobs_per_s": round(rates["planner"]),
        "planner_peak_mib": peak_mib(partial(matched, workload, modes)),
    }


def best_rates(contenders: Sequence[Contender]) -> dict[str, float]:
    """Jobs per second of each, in its best turn."""
    best = {contender.name: 0.0 for contender in contenders}
    for _ in range(TURNS):
        for contender in contenders:
            rate = contender.jobs / seconds(contender.run)
            best[contender.name] = max(best[contender.name], rate)
    return best


# -- freed worker -----------------------------------------------------------------------------


def measure_freed_workers() -> Iterable[Result]:
    workload = set_aside(jr1(WAITING_JOBS, FREED_WORKERS))
    modes = modes_of(DistributionModeKind.LONGEST_IDLE)
    index = index_of(workload)
    ranked = list(in_rank_order(workload.jobs))

    def find(worker: Worker) -> float:
        return seconds(lambda: index.best_for(worker, modes))

    def find_and_change(worker: Worker) -> float:
        latency = find(worker)
        job = index.best_for(worker, modes)
        if job is not None:
            index.remove(job.id)
            index.add(job)
        return latency

    def look_through(worker: Worker) -> float:
        return seconds(lambda: first_accepted(ranked, worker))

    yield latencies("at rest", find, workload.workers)
    yield latencies("at work", find_and_change, workload.workers)
    yield latencies("scan", look_through, workload.workers[:SCANNING_WORKERS])


def measure_waiting_index() -> Result:
    workload = jr1(WAITING_JOBS, 1)
    adding = seconds(lambda: index_of(workload))
    tracemalloc.start()
    index = index_of(workload)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "benchmark": "waiting index",
        "jobs": len(index),
        "add_us": round(adding / len(index) * 1e6, 1),
        "index_mib": round(size / 2**20, 1),
    }


def index_of(workload: Workload) -> WaitingIndex:
    index = WaitingIndex()
    for job in workload.jobs:
        index.add(job)
    return index


def latencies(how: str, search: Callable[[Worker], float], workers: Sequence[Worker]) -> Result:
    """Of several rounds of searches by all workers, after one that does not count."""
    rounds = [[search(worker) for worker in workers] for _ in range(ROUNDS + 1)][1:]
    single = sorted(latency for latencies in rounds for latency in latencies)
    best = sorted(map(min, zip(*rounds, strict=True)))
    return {
        "benchmark": "freed worker",
        "how": how,
        "waiting_jobs": WAITING_JOBS,
        "searches": len(single),
        "p50_us": percentile(single, 50),
        "p99_us": percentile(single, 99),
        "best_p99_us": percentile(best, 99),
    }


def percentile(latencies: Sequence[float], percent: int) -> float:
    """In microseconds, of sorted seconds."""
    return round(latencies[len(latencies) * percent // 100] * 1e6, 1)


# -- measuring --------------------------------------------------------------------------------


def seconds(run: Callable[[], object]) -> float:
    begin = perf_counter()
    run()
    return perf_counter() - begin


def set_aside(workload: Workload) -> Workload:
    gc.collect()
    gc.freeze()
    return workload


def peak_mib(run: Callable[[], object]) -> float:
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(peak / 2**20, 1)


def measure() -> Iterable[Result]:
    small = set_aside(jr1(10_000, 1_000))
    for kind in DistributionModeKind:
        yield compare_planners(small, kind)
    large = set_aside(jr1(100_000, 5_000))
    for kind in DistributionModeKind:
        yield measure_planner(large, kind)
    yield from measure_freed_workers()
    yield measure_waiting_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    for result in measure():
        line = json.dumps(result) if as_json else "  ".join(f"{k}={v}" for k, v in result.items())
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
