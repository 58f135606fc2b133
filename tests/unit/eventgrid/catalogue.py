"""The hosted service's event catalogue, as far as the router publishes it.

Taken from the Event Grid documentation of Job Router events and from the SDKs' event types; where
those disagree, both names are listed. Subjects are written for the events of `samples`.
"""

from dataclasses import dataclass

from shared.domain import events as e

_JOB = "jobId channelReference channelId queueId labels tags"
_OFFER = "workerId jobId channelReference channelId queueId offerId"
_OFFERED = f"{_OFFER} jobPriority jobLabels jobTags workerLabels workerTags"
_WORKER = "workerId totalCapacity queueAssignments labels channelConfigurations tags"
_SELECTORS = "requestedWorkerSelectors attachedWorkerSelectors"
_EXPIRED_SELECTORS = (
    "requestedWorkerSelectorsExpired attachedWorkerSelectorsExpired "
    "expiredRequestedWorkerSelectors expiredAttachedWorkerSelectors"
)

SELECTOR_FIELDS = frozenset(
    {"key", "labelOperator", "value", "state"}
    | {"ttlSeconds", "ttl", "expireTime", "expirationTime"}
)
QUEUE_FIELDS = frozenset({"id", "name", "labels"})
CHANNEL_FIELDS = frozenset({"channelId", "capacityCostPerJob", "maxNumberOfJobs"})


@dataclass(frozen=True)
class Entry:
    name: str
    subject: str
    fields: frozenset[str]


def _entry(name: str, subject: str, *fields: str) -> Entry:
    return Entry(name, subject, frozenset(" ".join(fields).split()))


CATALOGUE: dict[type[object], Entry] = {
    e.JobReceived: _entry(
        "RouterJobReceived",
        "job/job-1/channel/voice",
        _JOB,
        "jobStatus classificationPolicyId priority requestedWorkerSelectors scheduledOn",
        "unavailableForMatching",
    ),
    e.JobClassified: _entry(
        "RouterJobClassified",
        "job/job-1/channel/voice/queue/queue-1",
        _JOB,
        "queueDetails queueInfo classificationPolicyId priority attachedWorkerSelectors",
    ),
    e.JobClassificationFailed: _entry(
        "RouterJobClassificationFailed",
        "job/job-1/channel/voice/classificationpolicy/policy-1",
        _JOB,
        "classificationPolicyId errors",
    ),
    e.JobQueued: _entry(
        "RouterJobQueued",
        "job/job-1/channel/voice/queue/queue-1",
        _JOB,
        _SELECTORS,
        "priority",
    ),
    e.JobExceptionTriggered: _entry(
        "RouterJobExceptionTriggered",
        "job/job-1/channel/voice/exceptionrule/too long",
        _JOB,
        "ruleKey exceptionRuleId",
    ),
    e.JobWorkerSelectorsExpired: _entry(
        "RouterJobWorkerSelectorsExpired",
        "job/job-1/channel/voice/queue/queue-1",
        _JOB,
        _EXPIRED_SELECTORS,
    ),
    e.JobCompleted: _entry(
        "RouterJobCompleted",
        "job/job-1/channel/voice/assignment/assignment-1",
        _JOB,
        "assignmentId workerId",
    ),
    e.JobClosed: _entry(
        "RouterJobClosed",
        "job/job-1/channel/voice/assignment/assignment-1",
        _JOB,
        "assignmentId workerId dispositionCode",
    ),
    e.JobCancelled: _entry(
        "RouterJobCancelled",
        "job/job-1/channel/voice/disposition/Customer hung up",
        _JOB,
        "note dispositionCode",
    ),
    e.JobUnassigned: _entry(
        "RouterJobUnassigned",
        "job/job-1/channel/voice/assignment/assignment-1",
        _JOB,
        "assignmentId workerId",
    ),
    e.JobWaitingForActivation: _entry(
        "RouterJobWaitingForActivation",
        "job/job-1/channel/voice",
        _JOB,
        _SELECTORS,
        _EXPIRED_SELECTORS,
        "scheduledOn unavailableForMatching priority",
    ),
    e.JobSchedulingFailed: _entry(
        "RouterJobSchedulingFailed",
        "job/job-1/channel/voice",
        _JOB,
        _SELECTORS,
        _EXPIRED_SELECTORS,
        "scheduledOn priority failureReason",
    ),
    e.JobDeleted: _entry("RouterJobDeleted", "job/job-1/channel/voice", _JOB),
    e.OfferIssued: _entry(
        "RouterWorkerOfferIssued",
        "worker/worker-1/job/job-1",
        _OFFERED,
        "offeredOn offerTimeUtc expiresOn expiryTimeUtc",
    ),
    e.OfferAccepted: _entry(
        "RouterWorkerOfferAccepted",
        "worker/worker-1/job/job-1",
        _OFFERED,
        "assignmentId",
    ),
    e.OfferDeclined: _entry("RouterWorkerOfferDeclined", "worker/worker-1/job/job-1", _OFFER),
    e.OfferRevoked: _entry("RouterWorkerOfferRevoked", "worker/worker-1/job/job-1", _OFFER),
    e.OfferExpired: _entry("RouterWorkerOfferExpired", "worker/worker-1/job/job-1", _OFFER),
    e.WorkerRegistered: _entry("RouterWorkerRegistered", "worker/worker-1", _WORKER),
    e.WorkerUpdated: _entry(
        "RouterWorkerUpdated",
        "worker/worker-1",
        _WORKER,
        "availableForOffers updatedWorkerProperties",
    ),
    e.WorkerDeregistered: _entry("RouterWorkerDeregistered", "worker/worker-1", "workerId"),
    e.WorkerDeleted: _entry(
        "RouterWorkerDeleted",
        "worker/worker-1",
        _WORKER,
        "jobId channelReference channelId",
    ),
}
