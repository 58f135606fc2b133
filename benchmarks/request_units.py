"""What a full life cycle costs in Azure Cosmos DB, in request units (RU).

    python -m benchmarks.request_units [--json]

A life cycle: submit a job (which is offered at once), accept, complete, close; the workers, queue
and policy are there already, and the job has two selectors and a label. The store runs on the wire
double of the tests, whose charges are a model of the published prices
(``tests/cosmos/charges.py``), with one partition key range, as a container has up to 50 GB and
10,000 RU/s. Every request waits until its outbox records are dealt with, as people take their time
between the requests. Not part of a life cycle, and printed apart: sweeps, reports, and what a
process pays for a segment of its outbox, once for all that it commits within some seconds.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
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
from shared.storage.cosmos.segments import USUAL_PACE
from tests.cosmos.double import Double, Options, running_double
from tests.cosmos.messages import Operation
from tests.cosmos.request_log import Entry

WORKERS = 10
LABELS: Labels = {"English": True, "Skill": 11}
SERVED = 10
"""Jobs, the one that is measured included."""

SEGMENT = f"segment of {USUAL_PACE.open:.0f} s"

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


UNSERVED = replace(
    DEFINITION,
    requested_worker_selectors=(
        WorkerSelector(key="English", operator=LabelOperator.EQUAL, value=False),
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
        """The result, and what it cost until the courier is done with its records."""
        self._requests.clear()
        result = await work
        await router.outbox.close()
        return result, _cost(entry for entry in self._requests if not _is_of_segment(entry))

    def of_segments(self) -> Cost:
        """All that segments cost since the last measurement began."""
        return _cost(entry for entry in self._requests if _is_of_segment(entry))


def _is_of_segment(entry: Entry) -> bool:
    """Whether it opens or ends one; who looks through the list of them is a sweep."""
    is_sweep = entry.operation is Operation.QUERY
    return str(entry.partition).startswith("outbox_segments") and not is_sweep


def _cost(entries: Iterable[Entry]) -> Cost:
    billed = list(entries)
    counts = Counter(entry.operation.value for entry in billed)
    return Cost(dict(counts), sum(entry.charge for entry in billed))


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
    await upsert_job(router, "waiting", lambda _: UNSERVED, ALWAYS)
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
        await asyncio.sleep(USUAL_PACE.open + 1)  # Until the outbox is quiet as well.
        apart = await quiet_sweeps(router, meter) | await reports(router, meter)
    return costs, apart | {SEGMENT: await cost_of_segment()}


async def cost_of_segment() -> Cost:
    """From its opening to its end."""
    async with running_router() as (router, meter):
        await set_up(router, 0, LABELS)
        await meter.measure(router, upsert_job(router, "job", lambda _: UNSERVED, ALWAYS))
        await router.store.close()
        return meter.of_segments()


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
    rest = BUDGET - quiet[SEGMENT].units / USUAL_PACE.open
    sys.stdout.write(f"{rest / whole.units:.1f} life cycles/s of a process for {BUDGET} RU/s\n")


if __name__ == "__main__":
    main()
