"""The match sweep over a storage queue: what the timer puts out, and what each message does."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.fan_out import CONNECTION, MESSAGE_LIFETIME, STORAGE_QUEUE
from infra.local.queues import QueueOptions
from infra.local.worker import Binding, InvocationError, QueueMessage
from shared.ports import StoreUnavailable
from shared.services import sweeps
from shared.settings import SettingsError, fans_out
from shared.telemetry.names import SWEEP_DURATION, SWEEP_LAG
from tests.functions.api import Api
from tests.local.host_rig import ROOT, loaded
from tests.telemetry_rig import TelemetryRig

SETTING = "JOBROUTER_MATCH_FAN_OUT"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fan_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "true")


class FanOut:
    """The app with the fan-out on. ``sent`` are the messages on its queue."""

    def __init__(self, api: Api) -> None:
        self.rig = api.rig
        self.sent: list[str] = []
        self._worker = api.worker
        self._worker.send_messages_by(self._send)

    async def _send(self, binding: Binding, messages: Sequence[str]) -> None:
        assert binding["queueName"] == STORAGE_QUEUE
        self.sent += messages

    async def missed_match(self, queue: str) -> None:
        """A job and a worker in a new queue whom nobody matched."""
        await self.rig.queue(queue)
        await self.rig.job(f"job-of-{queue}", queue=queue)
        await self.rig.worker(f"worker-of-{queue}", queues=())
        stored = await self.rig.store.workers.get(f"worker-of-{queue}")
        assert stored is not None
        moved = replace(stored.value, profile=replace(stored.value.profile, queues=(queue,)))
        await self.rig.store.workers.replace(stored, moved, None, self.rig.clock())

    async def tick(self) -> set[str]:
        """Run the timer; the queues it names."""
        self.sent.clear()
        await self._worker.invoke_timer(self._worker.function("match"))
        named = [json.loads(message)["queue_id"] for message in self.sent]
        assert len(named) == len(set(named))
        return set(named)

    async def deliver(self, body: str) -> None:
        message = QueueMessage("id", body, 1, "receipt", LONG_AGO, LONG_AGO, LONG_AGO)
        await self._worker.invoke_queue(self._worker.function("match_queue"), message)

    async def offered(self, queue: str) -> bool:
        return await self.rig.offers_of(f"worker-of-{queue}") == [f"job-of-{queue}"]


@pytest.fixture
async def app(api: Api) -> FanOut:
    await api.rig.policy()
    return FanOut(api)


async def test_the_fan_out_adds_one_function_and_keeps_the_name_of_the_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with loaded(ROOT) as worker:
        on = {f.name: f for f in worker.functions}
    monkeypatch.delenv(SETTING)
    async with loaded(ROOT) as worker:
        off = {f.name: f for f in worker.functions}
    assert set(on) - set(off) == {"match_queue"}
    assert on["match"].trigger == off["match"].trigger
    assert not any(function.queue_bindings for function in off.values())


@pytest.mark.parametrize("value", ["", "false", "FALSE", "yes"])
async def test_nothing_but_true_turns_it_on(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(SETTING, value)
    async with loaded(ROOT) as worker:
        assert not any(function.queue_bindings for function in worker.functions)


@pytest.mark.parametrize("value", ["yes", "1", "on"])
def test_what_is_neither_true_nor_false_is_refused_with_the_other_settings(value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{SETTING} must be true or false"):
        fans_out({SETTING: value})


async def test_both_ends_are_bound_to_the_same_queue() -> None:
    async with loaded(ROOT) as worker:
        bound = [
            b for name in ("match", "match_queue") for b in worker.function(name).queue_bindings
        ]
    assert [b["type"] for b in bound] == ["queue", "queueTrigger"]
    assert {(b["queueName"], b["connection"]) for b in bound} == {(STORAGE_QUEUE, CONNECTION)}


async def test_the_timer_names_the_queues_that_promise_an_offer(app: FanOut) -> None:
    for queue in ("one", "two"):
        await app.missed_match(queue)
    await app.rig.queue("nobody-there")
    await app.rig.job("waiting", queue="nobody-there")
    await app.rig.queue("nothing-to-do")
    await app.rig.worker("idle", queues=("nothing-to-do",))
    assert await app.tick() == {"one", "two"}
    assert not await app.offered("one"), "the timer leaves the planning to others"


async def test_more_queues_than_a_page_are_all_named(app: FanOut) -> None:
    queues = {f"queue-{number}" for number in range(sweeps.BATCH + 1)}
    for queue in queues:
        await app.missed_match(queue)
    assert await app.tick() == queues


async def test_a_message_has_its_queue_planned_and_no_other(app: FanOut) -> None:
    await app.missed_match("one")
    await app.missed_match("two")
    await app.tick()
    await app.deliver(next(message for message in app.sent if '"one"' in message))
    assert await app.offered("one")
    assert not await app.offered("two")
    assert await app.tick() == {"two"}


async def test_a_message_delivered_twice_does_no_more_than_once(app: FanOut) -> None:
    await app.missed_match("one")
    await app.tick()
    (message,) = app.sent
    await app.deliver(message)
    await app.deliver(message)
    assert await app.offered("one")
    assert app.rig.events.names().count("OfferIssued") == 1


async def test_the_age_of_a_message_is_its_lag(app: FanOut) -> None:
    telemetry = TelemetryRig()
    telemetry.watch(app.rig)
    await app.missed_match("queue")
    await app.tick()
    app.rig.clock.forward(seconds=7)
    await app.deliver(app.sent[0])
    name = {"jobrouter_sweep_name": "match_queue"}
    assert telemetry.point(SWEEP_LAG, **name).greatest == 7
    assert telemetry.point(SWEEP_DURATION, **name).count == 1
    await telemetry.observability.close()


async def test_a_message_of_a_sweep_long_past_is_dropped(
    app: FanOut, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await app.missed_match("one")
    await app.tick()
    (message,) = app.sent
    app.rig.clock.now += MESSAGE_LIFETIME
    await app.deliver(message)
    assert not await app.offered("one")
    assert "it is old" in caplog.text
    app.rig.clock.now -= timedelta(milliseconds=1)
    await app.deliver(message)
    assert await app.offered("one")


async def test_a_message_for_a_queue_that_is_gone_is_ignored(
    app: FanOut, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent_at = app.rig.clock().isoformat()
    await app.deliver(json.dumps({"queue_id": "gone", "sent_at": sent_at}))
    assert "a queue to be matched is gone" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "one",
        "[]",
        "null",
        '{"queue_id": "one"}',
        '{"queue_id": 1, "sent_at": "2026-01-01T00:00:00Z"}',
        '{"queue_id": "one", "sent_at": "2026-01-01T00:00:00"}',
        '{"queue_id": "one", "sent_at": "now"}',
    ],
)
async def test_a_message_of_somebody_else_is_dropped(
    app: FanOut, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    await app.missed_match("one")
    await app.deliver(body)
    assert "none of ours" in caplog.text
    assert not await app.offered("one")


async def test_what_the_store_cannot_do_now_is_left_to_the_next_sweep(
    app: FanOut, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StoreUnavailable("throttled")

    await app.missed_match("one")
    await app.tick()
    (message,) = app.sent
    with monkeypatch.context() as patch:
        patch.setattr(app.rig.store.jobs, "waiting", refuse)
        await app.deliver(message)
    assert "left to the next sweep" in caplog.text
    assert await app.tick() == {"one"}


async def test_without_anybody_to_send_them_the_timer_fails(api: Api) -> None:
    with pytest.raises(InvocationError, match="Nothing takes messages for the queue"):
        await api.worker.invoke_timer(api.worker.function("match"))


def test_a_failed_message_comes_back_when_it_is_old_and_never_as_poison() -> None:
    options = QueueOptions.from_host_json(ROOT / "host.json")
    assert options.visibility_timeout >= MESSAGE_LIFETIME
    assert options.max_dequeue_count > 2


def test_an_idle_instance_looks_often_enough_to_find_messages_young() -> None:
    options = QueueOptions.from_host_json(ROOT / "host.json")
    assert options.max_polling_interval * 5 <= MESSAGE_LIFETIME
