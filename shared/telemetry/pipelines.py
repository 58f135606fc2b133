"""Where telemetry goes: the SDK with the exporters that a setting asks for.

Importing this module and calling `start` takes some 150 ms, which only those wait for who want it.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind

from shared.telemetry.names import SCOPE
from shared.telemetry.open_telemetry import OpenTelemetry, Providers
from shared.telemetry.targets import TelemetryTarget

SELF_REPORTS: Final = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
)
"""Azure's exporter would tell its maker and the workspace of itself, and ask for settings."""


@dataclass(frozen=True, slots=True)
class Exporters:
    spans: SpanExporter
    metrics: MetricExporter
    logs: LogRecordExporter


def start(target: TelemetryTarget) -> OpenTelemetry:
    """Telemetry goes to ``target`` from now on.

    :raises ImportError: the package of its exporters is not installed.
    :raises ValueError: the exporters' own settings are wrong.
    """
    # In Azure the platform has a span for the request, and counts requests by it.
    kind = SpanKind.INTERNAL if target is TelemetryTarget.AZURE else SpanKind.SERVER
    return OpenTelemetry(providers(_EXPORTERS[target](), kind))


def providers(exporters: Exporters, request_kind: SpanKind) -> Providers:
    """Sends spans and logs every few seconds, metrics once a minute, in threads of their own."""
    resource = _resource()
    traces, logs = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(exporters.spans))
    logs.add_log_record_processor(BatchLogRecordProcessor(exporters.logs))
    metrics = MeterProvider([PeriodicExportingMetricReader(exporters.metrics)], resource)

    def shut_down() -> None:
        traces.shutdown()
        metrics.shutdown()
        logs.shutdown()

    return Providers(traces, metrics, logs, shut_down, request_kind)


def _resource() -> Resource:
    """Named by ``OTEL_SERVICE_NAME`` or the app's name in Azure, if there is one."""
    name = os.environ.get("OTEL_SERVICE_NAME") or os.environ.get("WEBSITE_SITE_NAME") or SCOPE
    return Resource.create({SERVICE_NAME: name})


def _console() -> Exporters:
    """One line of JSON each, on standard error."""
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    def line(recorded: Any) -> str:
        return f"{recorded.to_json(indent=None)}\n"

    return Exporters(
        ConsoleSpanExporter(out=sys.stderr, formatter=line),
        ConsoleMetricExporter(out=sys.stderr, formatter=line),
        ConsoleLogRecordExporter(out=sys.stderr, formatter=line),
    )


def _otlp() -> Exporters:
    """Configured by the ``OTEL_EXPORTER_OTLP_`` variables."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return Exporters(OTLPSpanExporter(), OTLPMetricExporter(), OTLPLogExporter())


def _azure() -> Exporters:
    """Configured by the ``APPLICATIONINSIGHTS_`` variables."""
    for variable in SELF_REPORTS:
        os.environ.setdefault(variable, "true")
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    # What cannot be sent is not kept: the disk does not outlive the instance.
    options = {"disable_offline_storage": True}
    return Exporters(
        AzureMonitorTraceExporter(**options),
        AzureMonitorMetricExporter(**options),
        AzureMonitorLogExporter(**options),
    )


_EXPORTERS: Final[dict[TelemetryTarget, Callable[[], Exporters]]] = {
    TelemetryTarget.CONSOLE: _console,
    TelemetryTarget.OTLP: _otlp,
    TelemetryTarget.AZURE: _azure,
}
