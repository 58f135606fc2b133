"""Traces, metrics and logs for operators, in OpenTelemetry's terms.

While telemetry is off, nothing is imported that imports OpenTelemetry.
"""
