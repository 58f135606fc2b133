"""What Cosmos DB charges is told, request by request."""

from collections import defaultdict

import pytest

from shared.storage.cosmos import Account, open_cosmos_store, provision_cosmos_store
from tests.cosmos.double import Options, running_double
from tests.factories import NOW, make_job, make_queue, make_record


async def test_every_charge_is_told_with_its_container() -> None:
    told: dict[str, list[tuple[int, float]]] = defaultdict(list)
    async with running_double(Options(ranges=2)) as double:
        account = Account(
            endpoint=double.endpoint,
            credential=double.key,
            on_charge=lambda container, status, units: told[container].append((status, units)),
        )
        await provision_cosmos_store(account, "router")
        store = await open_cosmos_store(account, "router")
        told.clear()
        double.requests.clear()
        stored = await store.jobs.create(make_job(), make_record(), NOW)
        await store.jobs.replace(stored, stored.value, None, NOW)
        await store.jobs.get("missing")
        await store.jobs.waiting(["queue"], None, 10)
        await store.queues.create(make_queue("queue"), NOW)
        await store.close()
        charged = double.requests.charge
    everything = [each for charges in told.values() for each in charges]
    assert charged > 0
    in_hundredths = pytest.approx(charged, abs=0.01 * len(everything))
    assert sum(units for _, units in everything) == in_hundredths
    assert told.keys() == {"jobs", "definitions"}
    assert {status for status, _ in everything} >= {200, 201, 404}


async def test_nobody_need_listen() -> None:
    async with running_double(Options()) as double:
        account = Account(endpoint=double.endpoint, credential=double.key)
        await provision_cosmos_store(account, "router")
        store = await open_cosmos_store(account, "router")
        assert (await store.jobs.create(make_job("job"), None, NOW)).value.id == "job"
        await store.close()
