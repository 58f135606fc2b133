"""Names of what is recorded. docs/reference/telemetry.md says what they mean."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SCOPE: Final = "jobrouter"

JOB_ID: Final = "jobrouter.job.id"
WORKER_ID: Final = "jobrouter.worker.id"
QUEUE_ID: Final = "jobrouter.queue.id"
OFFER_ID: Final = "jobrouter.offer.id"
ASSIGNMENT_ID: Final = "jobrouter.assignment.id"
POLICY_ID: Final = "jobrouter.policy.id"
EVENT_TYPES: Final = "jobrouter.event.types"
OFFER_OUTCOME: Final = "jobrouter.offer.outcome"
MATCH_SUBJECT: Final = "jobrouter.match.subject"
SWEEP: Final = "jobrouter.sweep.name"
PUBLISH_OUTCOME: Final = "jobrouter.publish.outcome"
CONTAINER: Final = "jobrouter.store.container"
STATUS_CODE: Final = "http.response.status_code"
ERROR_TYPE: Final = "error.type"

PATH_PARAMETERS: Final = {
    "jobId": JOB_ID,
    "workerId": WORKER_ID,
    "queueId": QUEUE_ID,
    "offerId": OFFER_ID,
    "assignmentId": ASSIGNMENT_ID,
    "distributionPolicyId": POLICY_ID,
    "classificationPolicyId": POLICY_ID,
    "exceptionPolicyId": POLICY_ID,
}

LOG_EXTRAS: Final = {"job_id": JOB_ID, "worker_id": WORKER_ID, "queue_id": QUEUE_ID}
"""What logs call the same ids."""


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """``unit``: as UCUM has it. ``buckets``: upper bounds, of a histogram."""

    name: str
    kind: Kind
    unit: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LATE: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
_WAITS: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)
_UNITS: Final = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 25.0, 50.0, 100.0, 250.0)

QUEUE_LENGTH: Final = Metric("jobrouter.queue.length", Kind.GAUGE, "{job}", (QUEUE_ID,))
LONGEST_WAIT: Final = Metric("jobrouter.queue.longest_wait", Kind.GAUGE, "s", (QUEUE_ID,))
JOB_WAIT: Final = Metric("jobrouter.job.wait", Kind.HISTOGRAM, "s", (QUEUE_ID,), _WAITS)
OFFERS: Final = Metric("jobrouter.offers", Kind.COUNTER, "{offer}", (OFFER_OUTCOME, QUEUE_ID))
MATCH_DURATION: Final = Metric(
    "jobrouter.match.duration", Kind.HISTOGRAM, "s", (MATCH_SUBJECT,), _QUICK
)
SWEEP_DURATION: Final = Metric("jobrouter.sweep.duration", Kind.HISTOGRAM, "s", (SWEEP,), _QUICK)
SWEEP_LAG: Final = Metric("jobrouter.sweep.lag", Kind.HISTOGRAM, "s", (SWEEP,), _LATE)
OUTBOX_AGE: Final = Metric("jobrouter.outbox.age", Kind.HISTOGRAM, "s", (), _LATE)
EVENTS: Final = Metric("jobrouter.events", Kind.COUNTER, "{event}", (PUBLISH_OUTCOME,))
REQUEST_UNITS: Final = Metric(
    "jobrouter.store.request_units", Kind.HISTOGRAM, "{RU}", (CONTAINER, STATUS_CODE), _UNITS
)

METRICS: Final = (
    QUEUE_LENGTH,
    LONGEST_WAIT,
    JOB_WAIT,
    OFFERS,
    MATCH_DURATION,
    SWEEP_DURATION,
    SWEEP_LAG,
    OUTBOX_AGE,
    EVENTS,
    REQUEST_UNITS,
)
