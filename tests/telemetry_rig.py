"""Telemetry that stays in memory, for tests to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.storage.memory import MemoryStore
from shared.telemetry.names import Metric
from shared.telemetry.open_telemetry import OpenTelemetry, Providers
from tests.rig import PromptOutbox, Rig


@dataclass(frozen=True, slots=True)
class Point:
    """``values``: what was measured; ``total``: their sum, or the last one of a gauge."""

    count: int
    total: float
    greatest: float


class TelemetryRig:
    """``tracer``: for spans of tests around those of the router."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self._reader = InMemoryMetricReader()
        traces, logs = TracerProvider(), LoggerProvider()
        traces.add_span_processor(SimpleSpanProcessor(self._spans))
        logs.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        metrics = MeterProvider([self._reader])

        def shut_down() -> None:
            for provider in (traces, logs, metrics):
                provider.shutdown()

        self.tracer = traces.get_tracer("test")
        self.observability = OpenTelemetry(Providers(traces, metrics, logs, shut_down))

    def watch(self, rig: Rig) -> None:
        """Compose the rig's router anew, as `shared.bootstrap` does."""
        rig.store = self.observability.store(rig.store)
        publisher = self.observability.publisher(rig.events)
        rig.router = replace(
            rig.router,
            store=rig.store,
            outbox=PromptOutbox(publisher, rig.clock),
            telemetry=self.observability.telemetry,
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """In the order in which they ended."""
        return self._spans.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    @property
    def logs(self) -> list[tuple[str, dict[str, Any], int | None]]:
        """Text, attributes and trace of each log."""
        records = [each.log_record for each in self._logs.get_finished_logs()]
        return [(str(r.body), dict(r.attributes or {}), r.trace_id) for r in records]

    def measured(self, metric: Metric) -> dict[frozenset[tuple[str, Any]], Point]:
        """By their attributes."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            frozenset((point.attributes or {}).items()): _point(point)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric.name
            for point in found.data.data_points
        }

    def point(self, metric: Metric, **attributes: Any) -> Point:
        """``attributes``: with ``_`` for ``.``; the point must be the only one that has them."""
        wanted = {(name.replace("_", "."), value) for name, value in attributes.items()}
        [point] = [p for found, p in self.measured(metric).items() if wanted <= _dotted(found)]
        return point

    def clear(self) -> None:
        self._spans.clear()


def watched_rig() -> tuple[Rig, TelemetryRig]:
    rig, telemetry = Rig(MemoryStore()), TelemetryRig()
    telemetry.watch(rig)
    return rig, telemetry


def attributes_of(span: ReadableSpan) -> Mapping[str, Any]:
    return span.attributes or {}


def _dotted(attributes: frozenset[tuple[str, Any]]) -> set[tuple[str, Any]]:
    return {(name.replace("_", "."), value) for name, value in attributes}


def _point(point: Any) -> Point:
    if isinstance(point, HistogramDataPoint):
        return Point(point.count, point.sum, point.max)
    return Point(1, point.value, point.value)
