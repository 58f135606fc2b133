"""A write whose answer is lost may have been applied, or not. Every use case finds out which.

Every scenario runs over a real client of Azure Cosmos DB, against the wire double.

- One write after the other is applied and its connection lost. What is then stored, published and
  answered is what it is in an undisturbed run, and at once: nothing is left to the sweeps.
- Every other request that writes fails, all in one run, in one of many ways: the same.
- From one of the writes on nothing is answered any more, so that nobody can find out. The client
  repeats what failed, and the sweeps do what was left to do: then it is the same.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import count, cycle

import pytest
import pytest_asyncio

from shared.domain.errors import RouterError
from shared.domain.events import Event
from shared.ports import StoreUnavailable
from shared.services import sweeps
from shared.storage.cosmos import Patience, access
from tests.cosmos.faults import Answer, Drop, Effect, Fault, Hang
from tests.cosmos.messages import Operation
from tests.cosmos.request_log import Entry
from tests.invariants.checks import aggregate_of, check_at_rest
from tests.invariants.laboratory import Laboratory, each_once, laboratory
from tests.invariants.scenarios import (
    SCENARIOS,
    Request,
    Scenario,
    define_and_remove,
    life_cycle,
    play,
)
from tests.rig import Rig

WRITES = (Operation.CREATE, Operation.REPLACE, Operation.DELETE, Operation.BATCH)
OF_ITEMS = (*WRITES, Operation.READ, Operation.QUERY)
MANY = 100
"""More requests that write than a scenario sends."""

STRIDE = 3
"""Scenarios have much in common: one begins with the first of its writes, the next with the second,
and so on."""

ENDED = {"OfferRevoked": "offer ended", "OfferExpired": "offer ended"}
"""Of an offer whose worker leaves when it expires, both are true; the first sweep decides."""

IN_DOUBT: Sequence[Effect] = (
    Drop(),
    Answer(HTTPStatus.REQUEST_TIMEOUT, applied=True),
    Answer(HTTPStatus.SERVICE_UNAVAILABLE, applied=True),
)
SILENT = (
    Answer(HTTPStatus.SERVICE_UNAVAILABLE, applied=True),
    Answer(HTTPStatus.SERVICE_UNAVAILABLE),
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Laboratory]:
    async with laboratory(Patience()) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def lab(running: Laboratory) -> AsyncIterator[Laboratory]:
    yield running
    await running.take_all()


@pytest_asyncio.fixture(loop_scope="module")
async def impatient_lab() -> AsyncIterator[Laboratory]:
    async with laboratory(Patience(request=0.1)) as lab:
        yield lab


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The double recovers at once: nobody needs to wait before another attempt."""
    monkeypatch.setattr(access, "_FIRST_PAUSE", 0.001)


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps race with themselves; without, all runs are alike."""
    monkeypatch.setattr(sweeps, "AT_ONCE", 1)


# -- the outcome can be found out -----------------------------------------------------------------


@every_scenario
async def test_the_answer_to_one_write_is_lost(lab: Laboratory, scenario: Scenario) -> None:
    expected = await lab.undisturbed(scenario)
    for number in count():
        rig = await lab.prepared(scenario)
        fault = lab.double.faults.add(Drop(applied=True), *WRITES, skip=number)
        assert await lab.outcome(scenario, rig) == expected, f"write {number}"
        if not fault.struck:
            break
    assert number > 3


@pytest.mark.parametrize("effect", IN_DOUBT, ids=str)
@every_scenario
async def test_every_other_request_that_writes_fails(
    lab: Laboratory, scenario: Scenario, effect: Effect
) -> None:
    await check_with_failing_writes(lab, scenario, effect)


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("scenario", [life_cycle, define_and_remove], ids=lambda s: s.__name__)
async def test_every_other_request_that_writes_is_not_answered_in_time(
    impatient_lab: Laboratory, scenario: Scenario, applied: bool
) -> None:
    await check_with_failing_writes(impatient_lab, scenario, Hang(applied))


async def check_with_failing_writes(lab: Laboratory, scenario: Scenario, effect: Effect) -> None:
    expected = await lab.undisturbed(scenario)
    rig = await lab.prepared(scenario)
    # A request that is struck by one of them does not count for those behind it.
    faults = [lab.double.faults.add(effect, *WRITES, skip=number) for number in range(MANY)]
    assert await lab.outcome(scenario, rig) == expected
    assert 3 < sum(fault.struck for fault in faults) < MANY


# -- the outcome cannot be found out --------------------------------------------------------------


@every_scenario
async def test_the_database_falls_silent_with_a_write(lab: Laboratory, scenario: Scenario) -> None:
    rig = await lab.prepared(scenario)
    await play(scenario, rig, sent_once)
    writes = writes_among(lab.double.requests)
    expected = await happened(lab, rig)
    sample = writes[SCENARIOS.index(scenario) % STRIDE :: STRIDE]
    for number, silent in zip(sample, cycle(SILENT), strict=False):
        rig = await lab.prepared(scenario)
        silence = lab.double.faults.add(silent, *OF_ITEMS, skip=number, times=10**6)
        await play(scenario, rig, Persistent(lab, rig, silence).send)
        assert silence.struck
        assert await happened(lab, rig) == expected, f"request {number}"


def writes_among(requests: Iterable[Entry]) -> list[int]:
    """Their numbers among the requests for items: the client asks for other things only once."""
    operations = [request.operation for request in requests if request.operation in OF_ITEMS]
    return [number for number, operation in enumerate(operations) if operation in WRITES]


async def sent_once(request: Request) -> None:
    await request()


class Persistent:
    """A client that repeats what failed when the database answers again, before any sweep runs."""

    def __init__(self, lab: Laboratory, rig: Rig, silence: Fault) -> None:
        self._lab = lab
        self._rig = rig
        self._silence = silence
        self._is_over = False

    async def send(self, request: Request) -> None:
        try:
            await request()
        except StoreUnavailable:
            self._lab.double.faults.clear()
            with suppress(RouterError):  # It may have been done already.
                await request()
        if self._silence.struck and not self._is_over:
            self._lab.double.faults.clear()
            self._is_over = True
            await sweep_later(self._rig)


async def happened(lab: Laboratory, rig: Rig) -> tuple[Mapping[str, Sequence[str]], int]:
    """To each job and worker, and how many items that left, when the sweeps have nothing to do."""
    await sweep_later(rig)
    await check_at_rest(lab.store, rig.events.published)
    events = defaultdict[str, list[str]](list)
    for record in each_once(rig.events.published):
        events[aggregate_of(record)].append(_name(record.event))
    return events, len(await lab.take_all())


def _name(event: Event) -> str:
    name = type(event).__name__
    return ENDED.get(name, name)


async def sweep_later(rig: Rig) -> None:
    """When reservations have to be confirmed, and the outbox is nobody's any more."""
    rig.clock.forward(seconds=16)
    await rig.sweep()
