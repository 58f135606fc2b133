"""Where telemetry may go."""

from enum import StrEnum


class TelemetryTarget(StrEnum):
    """Where traces, metrics and logs go, besides what is logged anyway."""

    NONE = "none"
    CONSOLE = "console"
    OTLP = "otlp"
    AZURE = "azure"
