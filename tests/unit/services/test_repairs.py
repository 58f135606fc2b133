"""The sweep of the outbox: several aggregates at once, the events of each in order."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import pytest

from shared.domain.events import JobClassified
from shared.domain.jobs import Job
from shared.domain.labels import Labels
from shared.domain.rules import Json, Rule, StaticRule
from shared.domain.statuses import JobStatus
from shared.ports import OutboxRecord
from shared.rules.engine import Engine
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import Vault
from shared.services import repairs, sweeps
from shared.services.outbox import Pending
from shared.services.repairs import repair
from shared.services.router import Router
from tests.factories import NOW, make_event, seconds
from tests.rig import LOOPBACK, SECRETS_KEY, Rig

PRIORITY = StaticRule(value=5)


class SlowRules(Engine):
    """Has no answer for a job with the label ``slow`` before it may."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.clock, RemoteRules(rig.clock, LOOPBACK, Vault([SECRETS_KEY])))
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def evaluate(self, rule: Rule, job_labels: Labels) -> Json:
        self.asked += 1
        if job_labels.get("slow"):
            await self.may_answer.wait()
        return await super().evaluate(rule, job_labels)


@pytest.fixture
async def rig() -> Rig:
    rig = await Rig().ready()
    rig.router = replace(rig.router, rules=SlowRules(rig))
    await rig.classification(prioritization_rule=PRIORITY, fallback_queue_id="queue")
    return rig


@pytest.fixture
def rules(rig: Rig) -> SlowRules:
    assert isinstance(rig.router.rules, SlowRules)
    return rig.router.rules


async def abandon_slow_job(rig: Rig, id: str) -> None:
    """Its request ends while it waits for the rule."""
    request = asyncio.create_task(
        rig.submit(id, classification_policy_id="classification", labels={"slow": True})
    )
    await turns_of_the_loop()
    request.cancel()
    await asyncio.wait({request})


async def turns_of_the_loop() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def test_slow_rules_keep_back_no_other_job(rig: Rig, rules: SlowRules) -> None:
    slow = [f"slow-{number}" for number in range(sweeps.AT_ONCE + 1)]
    for id in slow:
        await abandon_slow_job(rig, id)
    rig.events.down = True
    await rig.job("other")
    rig.events.down = False
    rig.clock.forward(seconds=11)

    sweep = asyncio.create_task(sweeps.publish_outbox(rig.router))
    await turns_of_the_loop()
    assert rig.events.names() == ["JobReceived", "JobQueued"]
    assert not sweep.done()

    rules.may_answer.set()
    await sweep
    assert len(rig.events.of(JobClassified)) == len(slow)
    assert [(await rig.read_job(id)).status for id in slow] == [JobStatus.QUEUED] * len(slow)
    assert rig.events.names("slow-0") == ["JobReceived", "JobClassified", "JobQueued"]


async def test_a_publisher_that_is_down_is_tried_once_for_all(rig: Rig) -> None:
    rig.events.down = True
    await rig.job("first")
    await rig.job("second")
    attempts = rig.events.attempts
    rig.clock.forward(seconds=11)
    await sweeps.publish_outbox(rig.router)
    assert rig.events.attempts == attempts + 1


async def test_a_sweep_that_is_cancelled_leaves_nothing_running(rig: Rig, rules: SlowRules) -> None:
    await abandon_slow_job(rig, "slow")
    rig.clock.forward(seconds=11)
    before = asyncio.all_tasks()
    sweep = asyncio.create_task(sweeps.publish_outbox(rig.router))
    await turns_of_the_loop()
    sweep.cancel()
    await asyncio.wait({sweep})
    assert rules.asked == 2
    assert asyncio.all_tasks() == before


# -- records that are being settled ---------------------------------------------------------------


@pytest.fixture
async def request_at_work(rig: Rig) -> AsyncIterator[asyncio.Task[Job]]:
    """It waits for the rule."""
    request = asyncio.create_task(
        rig.submit(classification_policy_id="classification", labels={"slow": True})
    )
    await turns_of_the_loop()
    yield request
    request.cancel()
    await asyncio.wait({request})


async def test_a_rule_is_not_asked_again_while_its_request_waits(
    rig: Rig, rules: SlowRules, request_at_work: asyncio.Task[Job]
) -> None:
    rig.clock.forward(seconds=59)
    await sweeps.publish_outbox(rig.router)
    assert rules.asked == 1
    rules.may_answer.set()
    await request_at_work
    assert rig.events.names() == ["JobReceived", "JobClassified", "JobQueued"]
    assert rig.router.settling == set()


async def test_many_requests_that_wait_do_not_hide_what_was_left(
    rig: Rig, rules: SlowRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 1)
    slow = [
        asyncio.create_task(
            rig.submit(id, classification_policy_id="classification", labels={"slow": True})
        )
        for id in ("slow-1", "slow-2")
    ]
    await turns_of_the_loop()
    rig.events.down = True
    await rig.job("left")
    rig.events.down = False
    rig.clock.forward(seconds=11)
    await sweeps.publish_outbox(rig.router)
    assert rig.events.names() == ["JobReceived", "JobQueued"]
    rules.may_answer.set()
    await asyncio.gather(*slow)


async def test_a_request_that_waits_for_too_long_is_not_relied_on(
    rig: Rig, rules: SlowRules, request_at_work: asyncio.Task[Job]
) -> None:
    rig.clock.forward(seconds=61)
    sweep = asyncio.create_task(sweeps.publish_outbox(rig.router))
    await turns_of_the_loop()
    assert rules.asked == 2
    rules.may_answer.set()
    await asyncio.gather(sweep, request_at_work)
    assert len(rig.events.of(JobClassified)) == 1


async def test_what_a_request_left_is_taken_up(rig: Rig, rules: SlowRules) -> None:
    await abandon_slow_job(rig, "slow")
    assert rig.router.settling == set()
    rules.may_answer.set()
    rig.clock.forward(seconds=11)
    await sweeps.publish_outbox(rig.router)
    assert rules.asked == 2
    assert (await rig.read_job("slow")).status is JobStatus.QUEUED


# -- in order -------------------------------------------------------------------------------------


def pending(rig: Rig, job_id: str, sequence: int, age: float) -> Pending:
    id = f"{job_id}-{sequence}"
    record = OutboxRecord(
        id=id,
        aggregate_id=job_id,
        created_at=NOW - seconds(age),
        events=(make_event(id, job_id, sequence),),
    )
    return Pending(rig.store.jobs, record)


def published_ids(rig: Rig) -> list[str]:
    return [record.id for record in rig.events.published]


async def test_what_is_new_of_a_job_waits_for_what_is_old(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that ``quick`` sets free gets an offer of ``slow``, which is not settled yet."""
    may_settle = asyncio.Event()
    new = pending(rig, "slow", 3, age=0)

    async def resettle(_router: Router, found: Iterable[Pending]) -> tuple[list[Pending], bool]:
        found = list(found)
        if found[0].record.aggregate_id == "quick":
            return [*found, new], True
        await may_settle.wait()
        return found, True

    monkeypatch.setattr(repairs, "resettle", resettle)
    old = [pending(rig, "slow", 2, 20), pending(rig, "quick", 1, 10), pending(rig, "slow", 1, 30)]
    repairing = asyncio.create_task(repair(rig.router, old, at_once=2))
    await turns_of_the_loop()
    assert published_ids(rig) == ["quick-1"]
    may_settle.set()
    assert await repairing
    assert [record.id for record in rig.events.published] == [
        "quick-1",
        "slow-1",
        "slow-2",
        "slow-3",
    ]
