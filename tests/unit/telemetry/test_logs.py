"""Logs have the trace and the ids of what they are about."""

import logging

import pytest

from shared.ports import MatchSubject, Sweep
from shared.telemetry import names
from tests.rig import Rig
from tests.telemetry_rig import TelemetryRig

type Watched = tuple[Rig, TelemetryRig]

log = logging.getLogger("shared.services.example")


async def test_a_log_has_the_ids_around_it(watched: Watched) -> None:
    _, telemetry = watched
    told = telemetry.observability.telemetry
    with told.sweep_batch(Sweep.EXPIRE), told.matching(MatchSubject.JOB, "job"):
        log.warning("%s wait", 3, extra={"queue_id": "queue", "age_seconds": 1.5, "why": ["x"]})
    [(text, attributes, trace_id)] = telemetry.logs
    assert text == "3 wait"
    assert attributes == {
        names.SWEEP: "expire",
        names.JOB_ID: "job",
        names.QUEUE_ID: "queue",
        "age_seconds": 1.5,
        "why": "['x']",
    }
    assert trace_id == telemetry.spans[0].context.trace_id


async def test_a_log_outside_of_all_spans_has_its_own(watched: Watched) -> None:
    _, telemetry = watched
    log.error("alone")
    [(text, attributes, trace_id)] = telemetry.logs
    assert (text, attributes, trace_id) == ("alone", {}, 0)


async def test_an_error_has_its_traceback(watched: Watched) -> None:
    _, telemetry = watched
    try:
        raise LookupError("lost")
    except LookupError:
        log.exception("failed")
    [(_, attributes, _)] = telemetry.logs
    assert attributes["exception.type"] == "LookupError"
    assert "test_logs.py" in attributes["exception.stacktrace"]


async def test_what_services_log_is_sent(watched: Watched) -> None:
    rig, telemetry = watched
    rig.events.down = True
    await rig.job()
    assert [text for text, _, _ in telemetry.logs] == ["events wait in the outbox"]


@pytest.mark.parametrize("name", ["azure.core", "other"])
async def test_others_logs_are_not_sent(watched: Watched, name: str) -> None:
    _, telemetry = watched
    logging.getLogger(name).error("with a key in its headers")
    assert telemetry.logs == []


async def test_nothing_is_sent_after_the_end(watched: Watched) -> None:
    _, telemetry = watched
    await telemetry.observability.close()
    log.error("late")
    assert telemetry.logs == []
