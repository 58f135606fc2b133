"""What a full life cycle costs in Azure Cosmos DB, in request units (RU).

    python -m benchmarks.request_units [--json]

A life cycle: submit a job (which is offered at once), accept, complete, close; the workers, queue
and policy are there already, and the job has two selectors and a label. The store runs on the wire
double of the tests, whose charges are a model of the published prices
(``tests/cosmos/charges.py``), with one partition key range, as a container has up to 50 GB and
10,000 RU/s. Every request waits until its outbox records are removed, as people take their time
between the requests. Sweeps and reports are not part of a life cycle; what they cost is printed
apart.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from benchmarks.one_job import ALWAYS, Unheard, life_cycle, set_up
from shared.bootstrap import compose
from shared.domain.job_definition import JobDefinition
from shared.domain.labels import LabelOperator, Labels
from shared.domain.selectors import WorkerSelector
from shared.services import sweeps
from shared.services.jobs import upsert_job
from shared.services.router import Router
from shared.services.statistics import get_job_position, get_queue_statistics
from shared.storage.cosmos import Account, open_cosmos_store, provision_cosmos_store
from tests.cosmos.double import Double, Options, running_double

WORKERS = 10
LABELS: Labels = {"English": True, "Skill": 11}
SERVED = 10
"""Jobs, the one that is measured included."""

BUDGET = 1_000
"""RU per second, of which the rate is told."""

DEFINITION = JobDefinition(
    channel_id="chat",
    queue_id="queue",
    labels={"name": "John"},
    requested_worker_selectors=(
        WorkerSelector(key="English", operator=LabelOperator.EQUAL, value=True),
        WorkerSelector(key="Skill", operator=LabelOperator.GREATER_THAN, value=10),
    ),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests of the database by kind, and what they are charged."""

    requests: dict[str, int]
    units: float


class Meter:
    def __init__(self, double: Double) -> None:
        self._requests = double.requests

    async def measure[T](self, router: Router, work: Awaitable[T]) -> tuple[T, Cost]:
        """The result, and what it cost until the courier has removed its records."""
        self._requests.clear()
        result = await work
        await router.outbox.close()
        entries = list(self._requests)
        counts = Counter(entry.operation.value for entry in entries)
        return result, Cost(dict(counts), sum(entry.charge for entry in entries))


@asynccontextmanager
async def running_router() -> AsyncIterator[tuple[Router, Meter]]:
    async with running_double(Options(ranges=1, strict_indexing=True)) as double:
        account = Account(endpoint=double.endpoint, credential=double.key)
        await provision_cosmos_store(account, "router")
        store = await open_cosmos_store(account, "router")
        try:
            yield compose(store, Unheard()), Meter(double)
        finally:
            await store.close()


async def measured_life_cycle(router: Router, meter: Meter, job_id: str) -> dict[str, Cost]:
    """The cost of each request."""
    costs: dict[str, Cost] = {}

    async def watch[T](name: str, request: Awaitable[T]) -> T:
        answer, costs[name] = await meter.measure(router, request)
        return answer

    await life_cycle(router, job_id, DEFINITION, watch)
    return costs


async def quiet_sweeps(router: Router, meter: Meter) -> dict[str, Cost]:
    """One run of each sweep that finds nothing to do."""
    costs = {}
    for sweep in (
        sweeps.match,
        sweeps.expire,
        sweeps.deregister_idle_workers,
        sweeps.tell_changed_conditions,
        sweeps.publish_outbox,
    ):
        _, costs[f"sweep {sweep.__name__}"] = await meter.measure(router, sweep(router))
    return costs


async def reports(router: Router, meter: Meter) -> dict[str, Cost]:
    """Of a queue in which jobs of one priority wait; its past is read for the first report only."""
    unfit = WorkerSelector(key="English", operator=LabelOperator.EQUAL, value=False)
    waiting = replace(DEFINITION, requested_worker_selectors=(unfit,))
    await upsert_job(router, "waiting", lambda _: waiting, ALWAYS)
    await router.outbox.close()
    costs = {}
    for name, report in (
        (f"position, {SERVED} jobs served", get_job_position(router, "waiting")),
        ("position within 30 s", get_job_position(router, "waiting")),
        ("statistics within 30 s", get_queue_statistics(router, "queue")),
    ):
        _, costs[name] = await meter.measure(router, report)
    return costs


async def measure() -> tuple[dict[str, Cost], dict[str, Cost]]:
    async with running_router() as (router, meter):
        await set_up(router, WORKERS, LABELS)
        for number in range(SERVED - 1):
            await measured_life_cycle(router, meter, f"earlier-{number}")
        costs = await measured_life_cycle(router, meter, "job")
        return costs, await quiet_sweeps(router, meter) | await reports(router, meter)


def total(costs: dict[str, Cost]) -> Cost:
    requests: Counter[str] = Counter()
    for cost in costs.values():
        requests.update(cost.requests)
    return Cost(dict(requests), sum(cost.units for cost in costs.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    life, quiet = asyncio.run(measure())
    whole = total(life)
    if as_json:
        figures = {name: cost.units for name, cost in (life | quiet).items()}
        sys.stdout.write(json.dumps({"life cycle": whole.units, **figures}) + "\n")
        return
    for name, cost in (life | {"life cycle": whole} | quiet).items():
        sys.stdout.write(f"{name:32} {cost.units:6.1f} RU  {cost.requests}\n")
    sys.stdout.write(f"{BUDGET / whole.units:.1f} life cycles/s for {BUDGET} RU/s\n")


if __name__ == "__main__":
    main()
