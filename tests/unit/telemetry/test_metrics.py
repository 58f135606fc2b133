"""Measurements are what happened."""

import pytest

from shared.domain.labels import LabelOperator
from shared.domain.limits import IDLE_WORKER_LIFETIME
from shared.domain.selectors import WorkerSelector
from shared.services import sweeps
from shared.services.offers import decline_offer
from shared.telemetry import names
from tests.rig import Rig
from tests.telemetry_rig import TelemetryRig

SPEAKS_LATIN = WorkerSelector(key="latin", operator=LabelOperator.EQUAL, value=True)

type Watched = tuple[Rig, TelemetryRig]


def outcomes(telemetry: TelemetryRig) -> dict[str, float]:
    """How often each came of an offer in the queue ``queue``."""
    found = {dict(a)[names.OFFER_OUTCOME]: p for a, p in telemetry.measured(names.OFFERS).items()}
    assert all(dict(a)[names.QUEUE_ID] == "queue" for a in telemetry.measured(names.OFFERS))
    return {outcome: point.total for outcome, point in found.items()}


async def test_offers_are_counted_by_outcome(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    await rig.job("declined")
    await decline_offer(rig.router, "worker", await rig.offer_id(job_id="declined"), None)
    await rig.job("expired")
    rig.clock.forward(seconds=61)
    await sweeps.expire(rig.router)
    await rig.set_available("worker", True)
    # It may have again what it declined before it was deregistered.
    await rig.accept(job_id="declined")
    assert outcomes(telemetry) == {"issued": 3, "declined": 1, "expired": 1, "accepted": 1}


async def test_offers_are_revoked_when_another_worker_accepts(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.policy(max_concurrent_offers=2)
    await rig.worker("w1")
    await rig.worker("w2")
    await rig.job()
    await rig.accept("w1")
    assert outcomes(telemetry) == {"issued": 2, "accepted": 1, "revoked": 1}


async def test_what_is_published_twice_is_counted_once(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    rig.events.down = True
    await rig.job()
    rig.clock.forward(seconds=20)
    await sweeps.publish_outbox(rig.router)
    rig.events.down = False
    await sweeps.publish_outbox(rig.router)
    assert outcomes(telemetry) == {"issued": 1}
    events = telemetry.measured(names.EVENTS)
    found = {dict(attributes)[names.PUBLISH_OUTCOME]: p.total for attributes, p in events.items()}
    # 1 of the worker; 3 of the job, tried by the request and by the first sweep.
    assert found == {"published": 4, "failed": 6}


async def test_the_wait_ends_with_acceptance(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.job()
    rig.clock.forward(seconds=90)
    await rig.worker()
    rig.clock.forward(seconds=10)
    await rig.accept()
    wait = telemetry.point(names.JOB_WAIT)
    assert (wait.count, wait.total) == (1, 100)
    assert telemetry.measured(names.JOB_WAIT).keys() == {frozenset({(names.QUEUE_ID, "queue")})}


async def test_matching_is_timed_by_subject(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    await rig.job()
    await rig.job("waits")
    await rig.worker("second", available=False)
    await rig.set_available("second", True)
    subjects = {
        dict(attributes)[names.MATCH_SUBJECT]: point.count
        for attributes, point in telemetry.measured(names.MATCH_DURATION).items()
    }
    assert subjects["job"] == 3, "one that found nobody is matched again after its creation"
    assert subjects["worker"] >= 2
    assert "queue" not in subjects
    await rig.job("demanding", selectors=(SPEAKS_LATIN,))
    await rig.worker("third")
    await sweeps.match(rig.router)
    assert telemetry.point(names.MATCH_DURATION, jobrouter_match_subject="queue").count == 1


async def test_every_sweep_is_timed(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.sweep()
    await sweeps.queues_to_match(rig.router)
    await sweeps.observe_queues(rig.router)
    runs = {
        dict(attributes)[names.SWEEP]: point
        for attributes, point in telemetry.measured(names.SWEEP_DURATION).items()
    }
    assert {name: point.count for name, point in runs.items()} == {
        "publish_outbox": 1,
        "expire": 1,
        "deregister_idle_workers": 1,
        "tell_changed_conditions": 1,
        "match": 2,
        "observe_queues": 1,
    }
    assert all(0 < point.greatest < 5 for point in runs.values())


async def test_a_sweep_that_comes_late_says_how_late(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    await rig.job()
    await sweeps.expire(rig.router)
    assert telemetry.point(names.SWEEP_LAG).greatest == 0
    rig.clock.forward(seconds=72)
    await sweeps.expire(rig.router)
    assert telemetry.point(names.SWEEP_LAG, jobrouter_sweep_name="expire").greatest == 12


async def test_idle_workers_have_a_lag_too(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.worker()
    rig.clock.now += IDLE_WORKER_LIFETIME
    rig.clock.forward(seconds=30)
    await sweeps.deregister_idle_workers(rig.router)
    assert telemetry.point(names.SWEEP_LAG).greatest == 30


async def test_the_outbox_has_the_age_of_its_oldest_record(watched: Watched) -> None:
    rig, telemetry = watched
    await sweeps.publish_outbox(rig.router)
    assert telemetry.point(names.OUTBOX_AGE).greatest == 0
    rig.events.down = True
    await rig.job("old")
    rig.clock.forward(seconds=20)
    await rig.job("new")
    rig.clock.forward(seconds=15)
    await sweeps.publish_outbox(rig.router)
    assert telemetry.point(names.OUTBOX_AGE).greatest == 35


async def test_queues_are_looked_at(watched: Watched) -> None:
    rig, telemetry = watched
    await rig.queue("empty")
    await rig.job("first", priority=1)
    rig.clock.forward(seconds=40)
    await rig.job("second", priority=2)
    rig.clock.forward(seconds=2)
    await sweeps.observe_queues(rig.router)
    seen = {"jobrouter_queue_id": "queue"}
    assert telemetry.point(names.QUEUE_LENGTH, **seen).total == 2
    assert telemetry.point(names.LONGEST_WAIT, **seen).total == 42
    assert telemetry.point(names.QUEUE_LENGTH, jobrouter_queue_id="empty").total == 0
    assert telemetry.point(names.LONGEST_WAIT, jobrouter_queue_id="empty").total == 0


@pytest.mark.parametrize("status", [200, 429])
async def test_charges_are_recorded(watched: Watched, status: int) -> None:
    _, telemetry = watched
    telemetry.observability.on_charge("jobs", status, 2.5)
    telemetry.observability.on_charge("jobs", status, 1.5)
    point = telemetry.point(names.REQUEST_UNITS, jobrouter_store_container="jobs")
    assert (point.count, point.total, point.greatest) == (2, 4.0, 2.5)
    [attributes] = telemetry.measured(names.REQUEST_UNITS)
    assert dict(attributes)[names.STATUS_CODE] == status
