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
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from shared.bootstrap import compose
from shared.domain.channels import Channel
from shared.domain.distribution import DistributionPolicy
from shared.domain.events import RecordedEvent
from shared.domain.job_definition import JobDefinition
from shared.domain.labels import LabelOperator
from shared.domain.queues import Queue
from shared.domain.selectors import WorkerSelector
from shared.domain.workers import WorkerProfile
from shared.services import sweeps
from shared.services.distribution_policies import upsert_distribution_policy
from shared.services.jobs import close_job, complete_job, upsert_job
from shared.services.offers import accept_offer
from shared.services.preconditions import Precondition
from shared.services.queues import upsert_queue
from shared.services.router import Router
from shared.services.statistics import get_job_position, get_queue_statistics
from shared.services.workers import upsert_worker
from shared.storage.cosmos import Account, open_cosmos_store, provision_cosmos_store
from tests.cosmos.double import Double, Options, running_double

ALWAYS = Precondition()
WORKERS = 10
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


class Unheard:
    """Publishes to nobody."""

    async def publish(self, _events: Sequence[RecordedEvent]) -> None:
        return

    async def close(self) -> None:
        return


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


async def set_up(router: Router) -> None:
    policy = DistributionPolicy(id="policy")
    await upsert_distribution_policy(router, "policy", lambda _: policy, ALWAYS)
    queue = Queue(id="queue", distribution_policy_id="policy")
    await upsert_queue(router, "queue", lambda _: queue, ALWAYS)
    profile = WorkerProfile(
        capacity=1,
        queues=("queue",),
        channels=(Channel(channel_id="chat", capacity_cost_per_job=1),),
        labels={"English": True, "Skill": 11},
        available_for_offers=True,
    )
    for number in range(WORKERS):
        await upsert_worker(router, f"worker-{number}", lambda _: profile, ALWAYS)


async def life_cycle(router: Router, meter: Meter, job_id: str) -> dict[str, Cost]:
    """The cost of each request."""
    costs: dict[str, Cost] = {}
    submission = upsert_job(router, job_id, lambda _: DEFINITION, ALWAYS)
    _, costs["submit"] = await meter.measure(router, submission)
    worker_id, offer_id = await offer_of(router, job_id)
    accepted, costs["accept"] = await meter.measure(
        router, accept_offer(router, worker_id, offer_id)
    )
    assignment_id = accepted.assignment_id
    _, costs["complete"] = await meter.measure(
        router, complete_job(router, job_id, assignment_id, None)
    )
    _, costs["close"] = await meter.measure(
        router, close_job(router, job_id, assignment_id, None, None, None)
    )
    return costs


async def offer_of(router: Router, job_id: str) -> tuple[str, str]:
    stored = await router.store.jobs.get(job_id)
    assert stored is not None
    (offer,) = stored.value.offers
    return offer.worker_id, offer.offer_id


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
        await set_up(router)
        for number in range(SERVED - 1):
            await life_cycle(router, meter, f"earlier-{number}")
        costs = await life_cycle(router, meter, "job")
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
