"""Every event of the catalogue at its documented moment, in its order for each job and worker.

What the official SDK does is followed by what a subscribed webhook is told: exactly the events
named, with the next numbers, and none of them from before the step that they belong to.
"""

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.communication.jobrouter.models import (
    CancelExceptionAction,
    CancelJobOptions,
    CloseJobOptions,
    DeclineJobOfferOptions,
    ExceptionPolicy,
    ExceptionRule,
    ManualReclassifyExceptionAction,
    PassThroughQueueSelectorAttachment,
    QueueAndMatchMode,
    QueueLengthExceptionTrigger,
    ReclassifyExceptionAction,
    RouterJob,
    RouterWorker,
    RouterWorkerSelector,
    ScheduleAndSuspendMode,
    StaticRouterRule,
    SuspendMode,
    UnassignJobOptions,
    WaitTimeExceptionTrigger,
)

from shared.eventgrid.catalogue import CATALOGUE
from tests.e2e.conftest import RunningRouter
from tests.e2e.inbox import Event, read_event
from tests.e2e.sdk_clients import Sdk, eventually
from tests.e2e.sdk_setup import (
    accept,
    add_classification_policy,
    add_job,
    add_queue,
    add_worker,
    offer_of,
)
from tests.e2e.webhook import Webhook

SOON = timedelta(milliseconds=500)


@dataclass
class Subscriber:
    """Follows what the webhook is told of each job and worker, step by step."""

    webhook: Webhook
    _known: Counter[str] = field(default_factory=Counter)
    _at: dict[str, datetime] = field(default_factory=dict)

    async def hears_of_job(self, job_id: str, *names: str) -> list[Event]:
        """The job's next events: exactly these, and none from before the last call."""
        return await self._hears(f"job/{job_id}", names)

    async def hears_of_worker(self, worker_id: str, *names: str) -> list[Event]:
        """The same of a worker. What happens to its offers is told of their jobs."""
        return await self._hears(f"worker/{worker_id}", names)

    async def _hears(self, aggregate: str, names: tuple[str, ...]) -> list[Event]:
        known = self._known[aggregate]

        async def listen() -> list[Event]:
            return self._events_of(aggregate)

        events = await eventually(listen, lambda events: len(events) >= known + len(names))
        new = events[known:]
        assert tuple(event.name for event in new) == names
        assert [event.sequence for event in events] == [*range(1, len(events) + 1)]
        assert all(event.at >= self._at.get(aggregate, event.at) for event in new)
        self._known[aggregate], self._at[aggregate] = len(events), datetime.now(UTC)
        return new

    def _events_of(self, aggregate: str) -> list[Event]:
        """In the order of their numbers, each once, however often and late they are delivered."""
        told: Iterable[Event] = map(read_event, list(self.webhook.events))
        events = {event.sequence: event for event in told if event.aggregate == aggregate}
        return [events[sequence] for sequence in sorted(events)]


@pytest.fixture
def subscriber(sdk_router: RunningRouter) -> Subscriber:
    return Subscriber(sdk_router.webhook)


# -- the life of a job -------------------------------------------------------------------------


async def test_a_job_is_served(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    await subscriber.hears_of_worker(worker_id, "WorkerRegistered")
    job_id = await add_job(sdk, queue_id=queue_id)
    received, queued, issued = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "WorkerOfferIssued"
    )
    assert received.data["jobStatus"] == "Queued"
    assert queued.data["queueId"] == issued.data["queueId"] == queue_id

    assignment_id = await accept(sdk, worker_id, job_id)
    (accepted,) = await subscriber.hears_of_job(job_id, "WorkerOfferAccepted")
    assert (accepted.data["offerId"], accepted.data["assignmentId"]) == (
        issued.data["offerId"],
        assignment_id,
    )
    await sdk.client.complete_job(job_id, assignment_id)
    (completed,) = await subscriber.hears_of_job(job_id, "JobCompleted")
    assert (completed.data["assignmentId"], completed.data["workerId"]) == (
        assignment_id,
        worker_id,
    )
    await sdk.client.close_job(job_id, assignment_id, CloseJobOptions(disposition_code="sold"))
    (closed,) = await subscriber.hears_of_job(job_id, "JobClosed")
    assert (closed.data["dispositionCode"], closed.data["workerId"]) == ("sold", worker_id)
    await sdk.client.delete_job(job_id)
    await subscriber.hears_of_job(job_id, "JobDeleted")


async def test_a_job_closes_later(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    assignment_id = await accept(sdk, worker_id, job_id)
    await sdk.client.complete_job(job_id, assignment_id)
    at = datetime.now(UTC) + SOON
    await sdk.client.close_job(job_id, assignment_id, CloseJobOptions(close_at=at))
    *_, closed = await subscriber.hears_of_job(
        job_id,
        "JobReceived",
        "JobQueued",
        "WorkerOfferIssued",
        "WorkerOfferAccepted",
        "JobCompleted",
        "JobClosed",
    )
    assert closed.at >= at


async def test_a_job_is_cancelled(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    await subscriber.hears_of_job(job_id, "JobReceived", "JobQueued", "WorkerOfferIssued")
    await sdk.client.cancel_job(job_id, CancelJobOptions(note="gone", disposition_code="off"))
    _, cancelled = await subscriber.hears_of_job(job_id, "WorkerOfferRevoked", "JobCancelled")
    assert (cancelled.data["note"], cancelled.data["dispositionCode"]) == ("gone", "off")
    assert cancelled.data["queueId"] == queue_id


async def test_a_job_is_taken_back(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    assignment_id = await accept(sdk, worker_id, job_id)
    await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "WorkerOfferIssued", "WorkerOfferAccepted"
    )
    await sdk.client.unassign_job(job_id, assignment_id)
    unassigned, _, _ = await subscriber.hears_of_job(
        job_id, "JobUnassigned", "JobQueued", "WorkerOfferIssued"
    )
    assert (unassigned.data["assignmentId"], unassigned.data["workerId"]) == (
        assignment_id,
        worker_id,
    )

    again = await accept(sdk, worker_id, job_id)
    await subscriber.hears_of_job(job_id, "WorkerOfferAccepted")
    await sdk.client.unassign_job(job_id, again, UnassignJobOptions(suspend_matching=True))
    await subscriber.hears_of_job(job_id, "JobUnassigned")
    await sdk.client.upsert_job(job_id, RouterJob(matching_mode=QueueAndMatchMode()))
    await subscriber.hears_of_job(job_id, "JobQueued", "WorkerOfferIssued")


async def test_a_job_moves_to_another_queue(sdk: Sdk, subscriber: Subscriber) -> None:
    first, second = await add_queue(sdk, "first"), await add_queue(sdk, "second")
    await add_worker(sdk, first)
    job_id = await add_job(sdk, queue_id=first)
    await subscriber.hears_of_job(job_id, "JobReceived", "JobQueued", "WorkerOfferIssued")
    await sdk.client.upsert_job(job_id, RouterJob(queue_id=second))
    revoked, queued = await subscriber.hears_of_job(job_id, "WorkerOfferRevoked", "JobQueued")
    assert (revoked.data["queueId"], queued.data["queueId"]) == (first, second)


async def test_a_scheduled_job(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    await add_worker(sdk, queue_id)
    at = datetime.now(UTC) + SOON
    mode = ScheduleAndSuspendMode(schedule_at=at)
    job_id = await add_job(sdk, queue_id=queue_id, matching_mode=mode)
    received, waiting = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobWaitingForActivation"
    )
    assert received.data["jobStatus"] == "PendingSchedule"
    assert received.data["unavailableForMatching"] is True
    assert waiting.at >= at
    assert waiting.data["unavailableForMatching"] is True
    await sdk.client.upsert_job(job_id, RouterJob(matching_mode=QueueAndMatchMode()))
    await subscriber.hears_of_job(job_id, "JobQueued", "WorkerOfferIssued")


async def test_a_job_that_cannot_be_scheduled(sdk: Sdk, subscriber: Subscriber) -> None:
    """It would have ended before its time."""
    at = datetime.now(UTC) + timedelta(days=91)
    mode = ScheduleAndSuspendMode(schedule_at=at)
    job_id = await add_job(sdk, queue_id=await add_queue(sdk), matching_mode=mode)
    received, failed = await subscriber.hears_of_job(job_id, "JobReceived", "JobSchedulingFailed")
    assert received.data["jobStatus"] == "PendingSchedule"
    assert failed.data["failureReason"]
    assert datetime.fromisoformat(failed.data["scheduledOn"]) == at
    assert (await sdk.client.get_job(job_id)).status == "scheduleFailed"


async def test_a_suspended_job(sdk: Sdk, subscriber: Subscriber) -> None:
    job_id = await add_job(sdk, queue_id=await add_queue(sdk), matching_mode=SuspendMode())
    (received,) = await subscriber.hears_of_job(job_id, "JobReceived")
    assert received.data["jobStatus"] == "WaitingForActivation"
    await sdk.client.upsert_job(job_id, RouterJob(matching_mode=QueueAndMatchMode()))
    await subscriber.hears_of_job(job_id, "JobQueued")


async def test_selectors_of_a_job_expire(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    await add_worker(sdk, queue_id)
    selector = RouterWorkerSelector(
        key="Skill", label_operator="equal", value=1, expires_after_seconds=SOON.total_seconds()
    )
    job_id = await add_job(sdk, queue_id=queue_id, requested_worker_selectors=[selector])
    _, queued, expired, _ = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "JobWorkerSelectorsExpired", "WorkerOfferIssued"
    )
    assert expired.at >= queued.at + SOON
    assert [gone["key"] for gone in expired.data["requestedWorkerSelectorsExpired"]] == ["Skill"]
    assert expired.data["attachedWorkerSelectorsExpired"] == []


# -- offers ------------------------------------------------------------------------------------


async def test_one_of_two_workers_accepts(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk, offers_at_once=2)
    first = await add_worker(sdk, queue_id, what="first")
    second = await add_worker(sdk, queue_id, what="second")
    job_id = await add_job(sdk, queue_id=queue_id)
    await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "WorkerOfferIssued", "WorkerOfferIssued"
    )
    await accept(sdk, second, job_id)
    accepted, revoked = await subscriber.hears_of_job(
        job_id, "WorkerOfferAccepted", "WorkerOfferRevoked"
    )
    assert (accepted.data["workerId"], revoked.data["workerId"]) == (second, first)


async def test_an_offer_is_declined(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    await subscriber.hears_of_job(job_id, "JobReceived", "JobQueued", "WorkerOfferIssued")
    offer = await offer_of(sdk, worker_id, job_id)
    options = DeclineJobOfferOptions(retry_offer_at=datetime.min)
    await sdk.client.decline_job_offer(worker_id, offer.offer_id, options)
    declined, issued = await subscriber.hears_of_job(
        job_id, "WorkerOfferDeclined", "WorkerOfferIssued"
    )
    assert declined.data["offerId"] == offer.offer_id != issued.data["offerId"]
    await sdk.client.decline_job_offer(worker_id, issued.data["offerId"])
    await subscriber.hears_of_job(job_id, "WorkerOfferDeclined")


async def test_an_offer_expires(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk, seconds=SOON.total_seconds())
    worker_id = await add_worker(sdk, queue_id)
    await subscriber.hears_of_worker(worker_id, "WorkerRegistered")
    job_id = await add_job(sdk, queue_id=queue_id)
    *_, issued, expired = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "WorkerOfferIssued", "WorkerOfferExpired"
    )
    assert expired.at >= issued.at + SOON
    assert expired.data["offerId"] == issued.data["offerId"]
    await subscriber.hears_of_worker(worker_id, "WorkerDeregistered")
    await sdk.client.upsert_worker(worker_id, RouterWorker(available_for_offers=True))
    await subscriber.hears_of_worker(worker_id, "WorkerRegistered")
    await subscriber.hears_of_job(job_id, "WorkerOfferIssued")


# -- workers -----------------------------------------------------------------------------------


async def test_a_worker_comes_changes_and_goes(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id, capacity=5)
    (registered,) = await subscriber.hears_of_worker(worker_id, "WorkerRegistered")
    assert registered.data["totalCapacity"] == 5
    assert [queue["id"] for queue in registered.data["queueAssignments"]] == [queue_id]
    change = RouterWorker(capacity=6, labels={"Skill": 1})
    await sdk.client.upsert_worker(worker_id, change)
    (updated,) = await subscriber.hears_of_worker(worker_id, "WorkerUpdated")
    assert set(updated.data["updatedWorkerProperties"]) == {"TotalCapacity", "Labels"}

    job_id = await add_job(sdk, queue_id=queue_id)
    await subscriber.hears_of_job(job_id, "JobReceived", "JobQueued", "WorkerOfferIssued")
    await sdk.client.upsert_worker(worker_id, RouterWorker(available_for_offers=False))
    await subscriber.hears_of_job(job_id, "WorkerOfferRevoked")
    await subscriber.hears_of_worker(worker_id, "WorkerDeregistered")
    await sdk.client.delete_worker(worker_id)
    (deleted,) = await subscriber.hears_of_worker(worker_id, "WorkerDeleted")
    assert deleted.data["totalCapacity"] == 6


# -- classification ----------------------------------------------------------------------------


async def test_a_job_is_classified(sdk: Sdk, subscriber: Subscriber) -> None:
    queue_id = await add_queue(sdk)
    await add_worker(sdk, queue_id)
    policy_id = await add_classification_policy(
        sdk, fallback_queue_id=queue_id, prioritization_rule=StaticRouterRule(value=4)
    )
    job_id = await add_job(sdk, classification_policy_id=policy_id)
    received, classified, queued, _ = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobClassified", "JobQueued", "WorkerOfferIssued"
    )
    assert received.data["jobStatus"] == "PendingClassification"
    assert received.data["classificationPolicyId"] == policy_id
    assert classified.data["queueDetails"]["id"] == queued.data["queueId"] == queue_id
    assert classified.data["classificationPolicyId"] == policy_id
    assert classified.data["priority"] == queued.data["priority"] == 4

    await sdk.client.reclassify_job(job_id)
    await subscriber.hears_of_job(
        job_id, "WorkerOfferRevoked", "JobClassified", "JobQueued", "WorkerOfferIssued"
    )
    await sdk.client.upsert_job(job_id, RouterJob(labels={"Any": "label"}))
    await subscriber.hears_of_job(
        job_id, "WorkerOfferRevoked", "JobClassified", "JobQueued", "WorkerOfferIssued"
    )


async def test_a_job_cannot_be_classified(sdk: Sdk, subscriber: Subscriber) -> None:
    own = sdk.id("Region")
    queue_id = await add_queue(sdk, labels={own: "north"})
    attachment = PassThroughQueueSelectorAttachment(key=own, label_operator="equal")
    policy_id = await add_classification_policy(sdk, queue_selector_attachments=[attachment])
    job_id = await add_job(sdk, classification_policy_id=policy_id, labels={own: "south"})
    _, failed = await subscriber.hears_of_job(job_id, "JobReceived", "JobClassificationFailed")
    assert failed.data["classificationPolicyId"] == policy_id
    assert [error["code"] for error in failed.data["errors"]] == ["NoQueueFound"]
    await sdk.client.upsert_job(job_id, RouterJob(labels={own: "north"}))
    _, queued = await subscriber.hears_of_job(job_id, "JobClassified", "JobQueued")
    assert queued.data["queueId"] == queue_id


# -- exceptions --------------------------------------------------------------------------------


async def add_exceptions(sdk: Sdk, trigger: Any, *actions: Any) -> str:
    """A policy of one rule. Gives its id."""
    rule = ExceptionRule(id="rule", trigger=trigger, actions=[*actions])
    policy = ExceptionPolicy(exception_rules=[rule])
    await sdk.administration.upsert_exception_policy(sdk.id("exceptions"), policy)
    return sdk.id("exceptions")


LATE = WaitTimeExceptionTrigger(threshold_seconds=SOON.total_seconds())


async def test_a_queue_is_full(sdk: Sdk, subscriber: Subscriber) -> None:
    policy_id = await add_exceptions(
        sdk,
        QueueLengthExceptionTrigger(threshold=1),
        CancelExceptionAction(note="full", disposition_code="Busy"),
    )
    queue_id = await add_queue(sdk, exception_policy_id=policy_id)
    first = await add_job(sdk, "first", queue_id=queue_id)
    await subscriber.hears_of_job(first, "JobReceived", "JobQueued")
    second = await add_job(sdk, "second", queue_id=queue_id)
    _, triggered, cancelled = await subscriber.hears_of_job(
        second, "JobReceived", "JobExceptionTriggered", "JobCancelled"
    )
    assert triggered.data["exceptionRuleId"] == "rule"
    assert (cancelled.data["note"], cancelled.data["dispositionCode"]) == ("full", "Busy")


async def test_a_job_waits_too_long_and_is_reclassified_by_hand(
    sdk: Sdk, subscriber: Subscriber
) -> None:
    second = await add_queue(sdk, "second")
    policy_id = await add_exceptions(
        sdk, LATE, ManualReclassifyExceptionAction(queue_id=second, priority=9)
    )
    first = await add_queue(sdk, "first", exception_policy_id=policy_id)
    job_id = await add_job(sdk, queue_id=first)
    _, queued, triggered, moved = await subscriber.hears_of_job(
        job_id, "JobReceived", "JobQueued", "JobExceptionTriggered", "JobQueued"
    )
    assert triggered.at >= queued.at + SOON
    assert (moved.data["queueId"], moved.data["priority"]) == (second, 9)


async def test_a_job_waits_too_long_and_is_reclassified(sdk: Sdk, subscriber: Subscriber) -> None:
    own = sdk.id("Region")
    for region in ("north", "south"):
        await add_queue(sdk, region, labels={own: region})
    attachment = PassThroughQueueSelectorAttachment(key=own, label_operator="equal")
    classification = await add_classification_policy(sdk, queue_selector_attachments=[attachment])
    exceptions = await add_exceptions(
        sdk, LATE, ReclassifyExceptionAction(labels_to_upsert={own: "south"})
    )
    await sdk.administration.upsert_queue(sdk.id("north"), {"exceptionPolicyId": exceptions})
    job_id = await add_job(sdk, classification_policy_id=classification, labels={own: "north"})
    _, _, queued, triggered, _, moved = await subscriber.hears_of_job(
        job_id,
        "JobReceived",
        "JobClassified",
        "JobQueued",
        "JobExceptionTriggered",
        "JobClassified",
        "JobQueued",
    )
    assert queued.data["queueId"] == sdk.id("north")
    assert triggered.at >= queued.at + SOON
    assert triggered.data["ruleKey"]
    assert moved.data["queueId"] == sdk.id("south")
    assert moved.data["labels"] == {own: "south"}


# -- nothing is forgotten ----------------------------------------------------------------------


def test_every_event_of_the_catalogue_is_heard() -> None:
    source = ast.parse(Path(__file__).read_text())
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
    heard = {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("hears_of_")
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }
    assert heard == {kind.name.removeprefix("Router") for kind in CATALOGUE.values()}
    assert len(heard) == 22
