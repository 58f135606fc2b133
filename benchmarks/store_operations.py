"""Store operations of one full life cycle, counted per request.

    python -m benchmarks.store_operations

A life cycle: submit a job (which is offered at once), accept, complete, close. Counted are the
calls of the store's ports, over the in-memory store; every store needs the same ones.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.one_job import Unheard, life_cycle, set_up
from shared.bootstrap import compose
from shared.domain.job_definition import JobDefinition
from shared.ports import Store
from shared.services.router import Router
from shared.storage.memory import MemoryStore

POINT_READS = frozenset({"get"})
WRITES = frozenset({"create", "replace", "delete", "remove_records"})


class CountedPart:
    """Forwards every method of a store's part and counts the calls."""

    def __init__(self, inner: object, name: str, calls: Counter[str]) -> None:
        self._inner = inner
        self._name = name
        self._calls = calls

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        method: Callable[..., Awaitable[Any]] = getattr(self._inner, operation)

        async def counted(*args: object, **kwargs: object) -> object:
            self._calls[f"{self._name}.{operation}"] += 1
            return await method(*args, **kwargs)

        return counted


class CountedStore:
    def __init__(self, inner: Store) -> None:
        self.calls: Counter[str] = Counter()
        self.jobs: Any = CountedPart(inner.jobs, "jobs", self.calls)
        self.workers: Any = CountedPart(inner.workers, "workers", self.calls)
        self.queues: Any = CountedPart(inner.queues, "queues", self.calls)
        self.distribution_policies: Any = CountedPart(
            inner.distribution_policies, "distribution_policies", self.calls
        )
        self.classification_policies: Any = CountedPart(
            inner.classification_policies, "classification_policies", self.calls
        )
        self.exception_policies: Any = CountedPart(
            inner.exception_policies, "exception_policies", self.calls
        )
        self.changed_conditions: Any = CountedPart(
            inner.changed_conditions, "changed_conditions", self.calls
        )

    async def close(self) -> None:
        return


async def counted_life_cycle(
    router: Router, calls: Counter[str], job_id: str
) -> dict[str, Counter[str]]:
    """The calls of each request."""
    counted: dict[str, Counter[str]] = {}

    async def count[T](name: str, request: Awaitable[T]) -> T:
        calls.clear()
        answer = await request
        await router.outbox.close()  # Until the courier has removed the request's records.
        counted[name] = Counter(calls)
        return answer

    definition = JobDefinition(channel_id="chat", queue_id="queue")
    await life_cycle(router, job_id, definition, count)
    return counted


async def measure() -> dict[str, Counter[str]]:
    store = CountedStore(MemoryStore())
    router = compose(store, Unheard())
    await set_up(router, 1, {})
    await counted_life_cycle(router, store.calls, "warm-up")
    return await counted_life_cycle(router, store.calls, "job")


def kind(call: str) -> str:
    operation = call.rpartition(".")[2]
    if operation in POINT_READS:
        return "point reads"
    return "writes" if operation in WRITES else "queries"


def main() -> None:
    counted = asyncio.run(measure())
    total: Counter[str] = Counter()
    for request, calls in counted.items():
        kinds: Counter[str] = Counter()
        for call, count in calls.items():
            kinds[kind(call)] += count
        total += kinds
        detail = ", ".join(f"{call} {count}" for call, count in calls.items())
        sys.stdout.write(f"{request:9} {dict(kinds)}  ({detail})\n")
    sys.stdout.write(f"life cycle {dict(total)}\n")


if __name__ == "__main__":
    main()
