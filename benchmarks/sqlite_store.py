"""The embedded store alone: rates of writes, latencies of queries on a full store.

    python -m benchmarks.sqlite_store [--waiting 100000] [--workers 5000]

Writes are printed per second for one and for several concurrent callers, with and without waiting
for the disk. A write is the creation of a job with its outbox record, or a conditional replacement.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.domain.channels import Channel
from shared.domain.events import JobDeleted, RecordedEvent
from shared.domain.job_definition import JobDefinition
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.domain.workers import Worker, WorkerProfile
from shared.ports import OutboxRecord, WorkerOrder, WorkerQuery
from shared.storage.sqlite import SqliteStore, Synchronous, open_sqlite_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUEUES = ("queue-1", "queue-2")
CHANNELS = ("chat", "voice")
WRITE_SECONDS = 2.0
CONCURRENT_CALLERS = (1, 8)
REPETITIONS = 300
FILLING_TASKS = 128

type Call = Callable[[int], Awaitable[object]]


def job(number: int) -> Job:
    return Job(
        id=f"job-{number:07}",
        definition=JobDefinition(
            channel_id=CHANNELS[number % 2],
            queue_id=QUEUES[number // 2 % 2],
            priority=number % 10,
            labels={"Customer": f"customer-{number}"},
        ),
        status=JobStatus.QUEUED,
        created_at=NOW,
        enqueued_at=NOW + timedelta(milliseconds=number * 7919 % 1_000_000),
    )


def worker(number: int) -> Worker:
    return Worker(
        id=f"worker-{number:05}",
        profile=WorkerProfile(
            capacity=2,
            queues=QUEUES,
            channels=tuple(Channel(channel_id=id, capacity_cost_per_job=1) for id in CHANNELS),
            labels={"Skill": number, "English": True, "French": False, "Vendor": "Acme"},
            available_for_offers=True,
        ),
        registration=1,
        available_since=NOW + timedelta(seconds=number * 7919 % 100_000),
    )


def record(id: str, aggregate_id: str) -> OutboxRecord:
    event = JobDeleted(
        job_id=aggregate_id,
        channel_id="chat",
        channel_reference=None,
        queue_id="queue-1",
        labels={},
        tags={},
    )
    recorded = RecordedEvent(id=f"{id}-1", sequence=1, occurred_at=NOW, event=event)
    return OutboxRecord(id=id, aggregate_id=aggregate_id, created_at=NOW, events=(recorded,))


# -- writes ---------------------------------------------------------------------------------------


async def writes_per_second(folder: Path, synchronous: Synchronous, callers: int) -> float:
    path = folder / f"{synchronous}-{callers}.db"
    store = await open_sqlite_store(path, synchronous=synchronous)
    end = time.perf_counter() + WRITE_SECONDS
    counts = await asyncio.gather(*(write_until(store, end, n) for n in range(callers)))
    await store.close()
    return sum(counts) / WRITE_SECONDS


async def write_until(store: SqliteStore, end: float, caller: int) -> int:
    """How many writes one caller got done, creating and replacing in turn."""
    count = 0
    while time.perf_counter() < end:
        new = job(caller * 1_000_000 + count)
        created = await store.jobs.create(new, record("created", new.id), NOW)
        await store.jobs.replace(created, new, record("replaced", new.id), NOW)
        count += 2
    return count


async def print_writes(folder: Path) -> None:
    for synchronous in Synchronous:
        for callers in CONCURRENT_CALLERS:
            rate = await writes_per_second(folder, synchronous, callers)
            report(f"writes, synchronous {synchronous}, {callers} callers", f"{rate:8.0f} /s")


# -- queries --------------------------------------------------------------------------------------


async def fill(store: SqliteStore, waiting: int, workers: int) -> None:
    jobs = (store.jobs.create(job(number), None, NOW) for number in range(waiting))
    await in_parallel(jobs)
    await in_parallel(store.workers.create(worker(n), None, NOW) for n in range(workers))


async def in_parallel(calls: Iterable[Awaitable[object]]) -> None:
    remaining = iter(calls)

    async def work() -> None:
        for call in remaining:
            await call

    await asyncio.gather(*(work() for _ in range(FILLING_TASKS)))


def queries(store: SqliteStore, waiting: int, workers: int) -> dict[str, Call]:
    def skilled(number: int) -> WorkerQuery:
        selector = WorkerSelector(
            key="Skill", operator=LabelOperator.EQUAL, value=number * 7919 % workers
        )
        return WorkerQuery(queue_id="queue-1", channel_id="chat", selectors=(selector,))

    idle = WorkerQuery(queue_id="queue-1", channel_id="chat")
    by_id = WorkerQuery(queue_id="queue-1", channel_id="chat", order=WorkerOrder.ID)
    return {
        "get a job": lambda n: store.jobs.get(f"job-{n * 7919 % waiting:07}"),
        "get a worker": lambda n: store.workers.get(f"worker-{n * 7919 % workers:05}"),
        "waiting, 1 queue, first of any channel": lambda _: store.jobs.waiting(
            ["queue-1"], None, 1
        ),
        "waiting, 2 queues, 2 channels, first 20": lambda _: store.jobs.waiting(
            QUEUES, CHANNELS, 20
        ),
        "available, longest idle 20": lambda _: store.workers.available(idle, 20),
        "available, by id, first 20": lambda _: store.workers.available(by_id, 20),
        "available, the 1 worker with a label": lambda n: store.workers.available(skilled(n), 20),
        "last offered": lambda _: store.workers.last_offered("queue-1"),
        "due, none": lambda _: store.jobs.due(NOW, 100),
    }


async def latencies(call: Call) -> Sequence[float]:
    """Milliseconds, ascending."""
    measured = []
    for number in range(REPETITIONS):
        start = time.perf_counter()
        await call(number)
        measured.append((time.perf_counter() - start) * 1000)
    return sorted(measured)


async def print_queries(folder: Path, waiting: int, workers: int) -> None:
    store = await open_sqlite_store(folder / "full.db", synchronous=Synchronous.NORMAL)
    start = time.perf_counter()
    await fill(store, waiting, workers)
    rate = (waiting + workers) / (time.perf_counter() - start)
    report(f"{waiting} jobs, {workers} workers created", f"{rate:8.0f} /s")
    for name, call in queries(store, waiting, workers).items():
        measured = await latencies(call)
        p99 = measured[int(len(measured) * 0.99)]
        report(name, f"p50 {statistics.median(measured):6.2f} ms   p99 {p99:6.2f} ms")
    await store.close()


def report(name: str, figures: str) -> None:
    sys.stdout.write(f"{name:<44}{figures}\n")
    sys.stdout.flush()


async def measure(waiting: int, workers: int) -> None:
    with TemporaryDirectory() as folder:
        await print_writes(Path(folder))
        await print_queries(Path(folder), waiting, workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=5_000)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.waiting, arguments.workers))


if __name__ == "__main__":
    main()
