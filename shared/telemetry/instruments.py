"""The instruments that the metrics are recorded with."""

from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter

from shared.telemetry import names
from shared.telemetry.names import Metric


class Instruments:
    def __init__(self, meter: Meter) -> None:
        self.queue_length: Final = meter.create_gauge(
            names.QUEUE_LENGTH.name, names.QUEUE_LENGTH.unit
        )
        self.longest_wait: Final = meter.create_gauge(
            names.LONGEST_WAIT.name, names.LONGEST_WAIT.unit
        )
        self.job_wait: Final = _histogram(meter, names.JOB_WAIT)
        self.offers: Final = _counter(meter, names.OFFERS)
        self.match_duration: Final = _histogram(meter, names.MATCH_DURATION)
        self.sweep_duration: Final = _histogram(meter, names.SWEEP_DURATION)
        self.sweep_lag: Final = _histogram(meter, names.SWEEP_LAG)
        self.outbox_age: Final = _histogram(meter, names.OUTBOX_AGE)
        self.events: Final = _counter(meter, names.EVENTS)
        self.request_units: Final = _histogram(meter, names.REQUEST_UNITS)


def _counter(meter: Meter, metric: Metric) -> Counter:
    return meter.create_counter(metric.name, metric.unit)


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name, metric.unit, explicit_bucket_boundaries_advisory=metric.buckets
    )
