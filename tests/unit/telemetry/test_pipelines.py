"""Each target receives spans, metrics and logs."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind

from shared import bootstrap
from shared.ports import MatchSubject
from shared.telemetry import pipelines
from shared.telemetry.open_telemetry import Providers
from shared.telemetry.pipelines import SELF_REPORTS, start
from shared.telemetry.targets import TelemetryTarget
from tests.unit.telemetry.receiver import Received, receiver

KEY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def received() -> Iterator[Received]:
    with receiver() as running:
        yield running


async def record_and_send(target: TelemetryTarget) -> None:
    observability = await asyncio.to_thread(start, target)
    with observability.telemetry.matching(MatchSubject.JOB, "job-1"):
        logging.getLogger("shared").warning("something happened")
    await observability.close()


async def test_the_console_gets_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    await record_and_send(TelemetryTarget.CONSOLE)
    out, err = capsys.readouterr()
    assert out == ""
    span, metric, log = (
        next(line for line in err.splitlines() if line.startswith(start))
        for start in (
            '{"name": "match job"',
            '{"resource_metrics"',
            '{"body": "something happened"',
        )
    )
    assert '"jobrouter.job.id": "job-1"' in span
    assert '"jobrouter.match.duration"' in metric
    assert '"jobrouter.job.id": "job-1"' in log


async def test_a_collector_gets_all_three(
    monkeypatch: pytest.MonkeyPatch, received: Received
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "my-router")
    await record_and_send(TelemetryTarget.OTLP)
    assert sorted(received.bodies) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert b"job-1" in received.bodies["/v1/traces"]
    assert b"jobrouter.match.duration" in received.bodies["/v1/metrics"]
    assert b"something happened" in received.bodies["/v1/logs"]
    assert all(b"my-router" in body for body in received.bodies.values())


async def test_application_insights_gets_all_three(
    monkeypatch: pytest.MonkeyPatch, received: Received
) -> None:
    for variable in SELF_REPORTS:
        monkeypatch.setenv(variable, "true")
    connection = f"InstrumentationKey={KEY};IngestionEndpoint={received.url}/"
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", connection)
    monkeypatch.setenv("WEBSITE_SITE_NAME", "func-router")
    await record_and_send(TelemetryTarget.AZURE)
    [(path, body)] = received.bodies.items()
    assert path.endswith("/track")
    for text in (b"RemoteDependencyData", b"MetricData", b"MessageData", b"func-router", b"job-1"):
        assert text in body


@pytest.mark.parametrize(
    ("target", "kind"),
    [(TelemetryTarget.AZURE, SpanKind.INTERNAL), (TelemetryTarget.CONSOLE, SpanKind.SERVER)],
)
async def test_only_azure_has_spans_of_requests_itself(
    monkeypatch: pytest.MonkeyPatch, target: TelemetryTarget, kind: SpanKind
) -> None:
    kinds: list[SpanKind] = []
    sending = pipelines.providers

    def noted(exporters: pipelines.Exporters, request_kind: SpanKind) -> Providers:
        kinds.append(request_kind)
        return sending(exporters, request_kind)

    monkeypatch.setattr(pipelines, "providers", noted)
    monkeypatch.setitem(pipelines._EXPORTERS, target, pipelines._console)
    await start(target).close()
    assert kinds == [kind]


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Of an app that nothing is cached of, before and after."""
    monkeypatch.setenv("JOBROUTER_STORE", f"sqlite:{tmp_path / 'router.db'}")
    monkeypatch.setenv("JOBROUTER_ACCESS_KEY", b64encode(b"k" * 32).decode())
    monkeypatch.setenv("JOBROUTER_EVENTGRID_ENDPOINT", "http://127.0.0.1:9/api/events")
    monkeypatch.setenv("JOBROUTER_EVENTGRID_KEY", "key")
    monkeypatch.setenv("JOBROUTER_TELEMETRY", "console")
    for cached in (bootstrap.settings, bootstrap.observability):
        cached.cache_clear()
    yield
    for cached in (bootstrap.settings, bootstrap.observability):
        cached.cache_clear()


@pytest.mark.usefixtures("_environment")
async def test_the_app_is_composed_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    observability = bootstrap.observability()
    router = await bootstrap.router()
    assert router.telemetry is observability.telemetry
    assert router.telemetry.is_on
    with router.telemetry.settling():
        assert await router.store.jobs.get("job-1") is None
    await bootstrap.close()
    assert '{"name": "get jobs"' in capsys.readouterr().err
    assert bootstrap.observability() is not observability, "closed with the router"
    await bootstrap.observability().close()
