"""Scenarios on Azure Cosmos DB, as played by the wire double, and what can be told about a run."""

import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from azure.cosmos.aio import CosmosClient

from shared.domain.events import RecordedEvent
from shared.services.upserts import Upserted
from shared.storage.cosmos import Account, CosmosStore, Patience, provision_cosmos_store
from shared.storage.cosmos.client import connected
from shared.storage.cosmos.containers import CONTAINERS
from tests.cosmos.double import Double, Options, running_double
from tests.invariants.checks import aggregate_of
from tests.invariants.scenarios import Request, Scenario, play, set_up
from tests.rig import Rig

DATABASE = "router"
GENERATED_ID = re.compile(r"\bid-\d+\b")
DIFFERS_EVERY_TIME = {"write", "_rid", "_self", "_etag", "_ts", "_attachments"}
KEPT_FOR_NOBODY = {"outbox", "segments"}
"""Records stay until their item is written again, or expire; who seeks them is asked apart."""

SEGMENTS = "outbox_segments."


@dataclass(frozen=True, slots=True)
class Outcome:
    """Items as stored, with how often each was written; answers and events in words.

    The ids that the router generated are numbered by their first appearance, so that two outcomes
    are equal if they differ in nothing else.
    """

    items: Sequence[str]
    events: Sequence[str]
    answers: Sequence[str]


class Laboratory:
    """A database for one run after the other; each finds it empty."""

    def __init__(self, double: Double, client: CosmosClient, patience: Patience) -> None:
        self.double = double
        self.store = CosmosStore(client, DATABASE, patience, AsyncExitStack())
        self._database = client.get_database_client(DATABASE)
        self._undisturbed: dict[Scenario, Outcome] = {}

    async def prepared(self, scenario: Scenario) -> Rig:
        """A router with all that the scenario finds, and no requests logged yet."""
        rig = Rig(self.store)
        await set_up(scenario, rig)
        self.double.requests.clear()
        return rig

    async def undisturbed(self, scenario: Scenario) -> Outcome:
        if scenario not in self._undisturbed:
            rig = await self.prepared(scenario)
            self._undisturbed[scenario] = await self.outcome(scenario, rig)
        return self._undisturbed[scenario]

    async def outcome(self, scenario: Scenario, rig: Rig) -> Outcome:
        """What the scenario led to with its last answer. The database is emptied."""
        answers: list[str] = []

        async def send(request: Request) -> None:
            answers.append(_answer(await request()))

        await play(scenario, rig, send)
        return _outcome(await self.take_all(), rig.events.published, answers)

    async def take_all(self) -> list[str]:
        """Everything that is stored, which is removed by this."""
        self.double.faults.clear()
        await self.store.close()  # Which opens again when it is used.
        taken: list[str] = []
        for definition in CONTAINERS:
            container = self._database.get_container_client(definition.name)
            items = [item async for item in container.query_items("SELECT * FROM c")]
            for item in items:
                await container.delete_item(item["id"], item[definition.partition_key])
                if not _is_of_outbox(item):
                    taken.append(f"{definition.name}: {_comparable(item)}")
        return taken


@asynccontextmanager
async def laboratory(patience: Patience) -> AsyncIterator[Laboratory]:
    # To ask for other regions after an error takes the SDK half a second.
    async with running_double(Options(ranges=1)) as double:
        account = Account(endpoint=double.endpoint, credential=double.key, discover_regions=False)
        await provision_cosmos_store(account, DATABASE)
        async with connected(account) as client:
            yield Laboratory(double, client, patience)


def each_once(published: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    """By aggregate and number; what was published again must be the same again."""
    by_id: dict[str, RecordedEvent] = {}
    for record in published:
        assert by_id.setdefault(record.id, record) == record
    return sorted(by_id.values(), key=lambda record: (aggregate_of(record), record.sequence))


def _is_of_outbox(item: dict[str, object]) -> bool:
    kind = str(item["kind"])
    return kind == "outbox" or kind.startswith(SEGMENTS)


def _comparable(item: dict[str, object]) -> str:
    ignored = DIFFERS_EVERY_TIME | KEPT_FOR_NOBODY
    kept = {name: value for name, value in item.items() if name not in ignored}
    if isinstance(writes := kept.get("writes"), list):
        kept["writes"] = len(writes)
    return json.dumps(kept, sort_keys=True)


def _answer(result: object) -> str:
    if isinstance(result, Upserted):
        return f"{'created' if result.created else 'changed'} {result.stored.value}"
    return repr(result)


def _outcome(
    items: Iterable[str], published: Iterable[RecordedEvent], answers: Iterable[str]
) -> Outcome:
    numbers: dict[str, str] = {}

    def renumbered(texts: Iterable[str]) -> list[str]:
        return [
            GENERATED_ID.sub(lambda id: numbers.setdefault(id[0], f"id#{len(numbers)}"), text)
            for text in texts
        ]

    in_order = sorted(items, key=lambda text: GENERATED_ID.sub("id", text))
    events = [repr(record) for record in each_once(published)]
    return Outcome(renumbered(in_order), renumbered(events), renumbered(answers))
