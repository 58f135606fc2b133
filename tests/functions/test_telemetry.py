"""A request continues its caller's trace, and tells about what it was."""

import re

import pytest
from opentelemetry import context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from shared import bootstrap
from shared.services import jobs
from shared.telemetry import names
from tests.functions.api import JOB, Api
from tests.telemetry_rig import TelemetryRig, attributes_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
ROUTE = "/routing/jobs/{jobId}"


@pytest.fixture
def telemetry(api: Api, monkeypatch: pytest.MonkeyPatch) -> TelemetryRig:
    telemetry = TelemetryRig()
    telemetry.watch(api.rig)
    monkeypatch.setattr(bootstrap, "observability", lambda: telemetry.observability)
    return telemetry


def only(spans: list[ReadableSpan]) -> ReadableSpan:
    [span] = spans
    return span


async def test_the_callers_trace_goes_on(api: Api, telemetry: TelemetryRig) -> None:
    await api.ready()
    telemetry.clear()
    reply = await api.patch("/routing/jobs/job", JOB, traceparent=PARENT)
    assert reply.headers["trace-id"] == TRACE_ID
    request = only(telemetry.named(f"PATCH {ROUTE}"))
    assert f"{request.context.trace_id:032x}" == TRACE_ID
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == "b7ad6b7169203331"
    assert request.kind is SpanKind.SERVER
    assert attributes_of(request) == {
        "http.request.method": "PATCH",
        "http.route": ROUTE,
        names.STATUS_CODE: 201,
        names.JOB_ID: "job",
    }
    assert {span.context.trace_id for span in telemetry.spans} == {request.context.trace_id}
    assert {"commit job", "create jobs", "settle", "publish events"} <= {
        span.name for span in telemetry.spans
    }


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01"])
async def test_without_a_caller_a_trace_begins(
    api: Api, telemetry: TelemetryRig, header: str
) -> None:
    reply = await api.get("/routing/jobs/job", traceparent=header)
    request = only(telemetry.named(f"GET {ROUTE}"))
    assert request.parent is None
    assert reply.headers["trace-id"] == f"{request.context.trace_id:032x}"


async def test_the_platforms_span_comes_before_the_clients(
    api: Api, telemetry: TelemetryRig
) -> None:
    with telemetry.tracer.start_as_current_span("platform") as platform:
        await api.get("/routing/jobs/job", traceparent=PARENT)
    request = only(telemetry.named(f"GET {ROUTE}"))
    assert request.parent == platform.get_span_context()
    assert context.get_current() == {}


async def test_a_refusal_is_no_fault(api: Api, telemetry: TelemetryRig) -> None:
    reply = await api.get("/routing/jobs/job")
    request = only(telemetry.named(f"GET {ROUTE}"))
    assert attributes_of(request)[names.STATUS_CODE] == reply.status == 404
    assert request.status.status_code is StatusCode.UNSET


async def test_a_fault_is_one_and_its_log_has_the_trace(
    api: Api, telemetry: TelemetryRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "get_job", broken)
    reply = await api.get("/routing/jobs/job")
    request = only(telemetry.named(f"GET {ROUTE}"))
    assert attributes_of(request)[names.STATUS_CODE] == reply.status == 500
    assert request.status.status_code is StatusCode.ERROR
    [(text, attributes, trace_id)] = telemetry.logs
    assert text == "get_job failed"
    assert attributes[names.JOB_ID] == "job"
    assert attributes["trace_id"] == reply.headers["trace-id"] == f"{trace_id:032x}"


async def test_ids_of_strangers_are_not_recorded(api: Api, telemetry: TelemetryRig) -> None:
    reply = await api.send("GET", "/routing/jobs/anything", key=b"a key that is not the router's")
    assert reply.status == 401
    request = only(telemetry.named(f"GET {ROUTE}"))
    assert names.JOB_ID not in attributes_of(request)


async def test_every_id_of_a_path_has_its_attribute(api: Api) -> None:
    templates = [str(function.trigger.get("route", "")) for function in api.worker.functions]
    parameters = {name for template in templates for name in re.findall(r"\{(\w+)\}", template)}
    assert {"jobId", "offerId"} < parameters
    assert parameters <= set(names.PATH_PARAMETERS)


async def test_without_telemetry_the_trace_id_is_the_callers(api: Api) -> None:
    reply = await api.get("/routing/jobs/job", traceparent=PARENT)
    assert reply.headers["trace-id"] == TRACE_ID
