"""Jobs that a classification policy routes, from their submission on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.classification import (
    Allocation,
    ConditionalAttachment,
    PassThroughAttachment,
    RuleAttachment,
    StaticAttachment,
    WeightedAttachment,
)
from shared.domain.errors import Conflict, InvalidReference, NotFound
from shared.domain.events import (
    JobClassificationFailed,
    JobClassified,
    JobQueued,
    JobWorkerSelectorsExpired,
)
from shared.domain.labels import LabelOperator, LabelValue
from shared.domain.matching_modes import QueueAndMatch, ScheduleAndSuspend, Suspend
from shared.domain.rules import DirectMapRule, ExpressionRule, Json, Rule, StaticRule
from shared.domain.selectors import QueueSelector, WorkerSelector
from shared.domain.statuses import JobStatus
from shared.services.jobs import reclassify_job, unassign_job
from tests.rig import Rig

EQUAL = LabelOperator.EQUAL
ESCALATED = ExpressionRule(expression="If(job.Escalated = true, 10, 5)")


def in_queue(value: LabelValue, key: str = "Id") -> QueueSelector:
    return QueueSelector(key=key, operator=EQUAL, value=value)


def demand(value: LabelValue, key: str = "skill", **members: Any) -> WorkerSelector:
    return WorkerSelector(key=key, operator=EQUAL, value=value, **members)


def always(selector: QueueSelector) -> StaticAttachment[QueueSelector]:
    return StaticAttachment(selector=selector)


@pytest.fixture
async def rig() -> Rig:
    rig = await Rig().ready()
    await rig.queue("sales", labels={"Region": "eu", "Product": "O365"})
    await rig.queue("support", labels={"Region": "eu", "Product": "Xbox"})
    return rig


async def classified_queue(rig: Rig, *attachments: Any, **job: Any) -> str | None:
    """Where a job of the policy with these attachments, and fallback ``queue``, goes."""
    await rig.classification(queue_selector_attachments=attachments, fallback_queue_id="queue")
    await rig.submit(classification_policy_id="classification", **job)
    return (await rig.read_job()).queue_id


async def attached(rig: Rig, *attachments: Any, **job: Any) -> Sequence[WorkerSelector]:
    await rig.classification(worker_selector_attachments=attachments)
    await rig.submit(classification_policy_id="classification", queue_id="queue", **job)
    selectors = (await rig.read_job()).attached_worker_selectors
    return [replace(selector, expires_at=None) for selector in selectors]


async def failure(rig: Rig) -> tuple[str, str | None]:
    """Code and target of the only error, of a job that failed to be classified."""
    assert (await rig.read_job()).status is JobStatus.CLASSIFICATION_FAILED
    (event,) = rig.events.of(JobClassificationFailed)
    (error,) = event.errors
    assert error.message
    return error.code, error.target


async def test_a_job_is_answered_as_pending_and_then_queued(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="sales", prioritization_rule=ESCALATED)
    answered = await rig.submit(
        classification_policy_id="classification", labels={"Escalated": True}
    )
    assert (answered.status, answered.queue_id) == (JobStatus.PENDING_CLASSIFICATION, None)
    job = await rig.read_job()
    assert (job.status, job.queue_id, job.priority) == (JobStatus.QUEUED, "sales", 10)
    assert rig.events.names("job") == ["JobReceived", "JobClassified", "JobQueued"]


async def test_the_event_tells_what_the_policy_chose(rig: Rig) -> None:
    await rig.classification(
        queue_selector_attachments=(always(in_queue("sales")),),
        prioritization_rule=StaticRule(value="7"),
        worker_selector_attachments=(StaticAttachment(selector=demand("fr")),),
    )
    await rig.submit(classification_policy_id="classification")
    (event,) = rig.events.of(JobClassified)
    assert (event.queue.id, event.queue_id, event.priority) == ("sales", "sales", 7)
    assert event.attached_worker_selectors == (demand("fr"),)
    assert rig.events.of(JobQueued)[0].attached_worker_selectors == (demand("fr"),)


async def test_the_event_leaves_out_what_the_policy_did_not_choose(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="sales")
    await rig.submit(classification_policy_id="classification", queue_id="queue", priority=3)
    (event,) = rig.events.of(JobClassified)
    assert (event.queue.id, event.queue_id, event.priority) == ("queue", None, None)


async def test_the_queue_that_the_application_names_stays(rig: Rig) -> None:
    await rig.classification(
        queue_selector_attachments=(always(in_queue("sales")),), prioritization_rule=ESCALATED
    )
    await rig.submit(classification_policy_id="classification", queue_id="queue")
    job = await rig.read_job()
    assert (job.queue_id, job.priority) == ("queue", 5)


@pytest.mark.parametrize(
    ("attachments", "expected"),
    [
        ([always(in_queue("sales"))], "sales"),
        ([always(in_queue("nowhere"))], "queue"),
        ([always(in_queue("eu", "Region"))], "sales"),
        ([always(in_queue("eu", "Region")), always(in_queue("Xbox", "Product"))], "support"),
        ([always(in_queue("us", "Region"))], "queue"),
        ([always(in_queue("sales")), always(in_queue("Xbox", "Product"))], "queue"),
        ([], "queue"),
        ([PassThroughAttachment(key="Product", operator=EQUAL)], "support"),
        ([PassThroughAttachment(key="Unknown", operator=EQUAL)], "queue"),
        ([RuleAttachment(rule=StaticRule(value="support"))], "support"),
        (
            [RuleAttachment(rule=ExpressionRule(expression='If(job.Vip, "sales", "support")'))],
            "sales",
        ),
        ([RuleAttachment(rule=StaticRule(value=[{"key": "Id", "labelOperator": "equal",
                                                "value": "support"}]))], "support"),
    ],
)  # fmt: skip
async def test_queue_selectors_find_the_queue_or_the_fallback_is_taken(
    rig: Rig, attachments: list[Any], expected: str
) -> None:
    found = await classified_queue(rig, *attachments, labels={"Product": "Xbox", "Vip": True})
    assert found == expected


@pytest.mark.parametrize(("product", "expected"), [("O365", "sales"), ("Word", "queue")])
async def test_conditional_queue_selectors(rig: Rig, product: str, expected: str) -> None:
    rule = ExpressionRule(expression='If(job.Product = "O365", true, false)')
    attachment = ConditionalAttachment(condition=rule, selectors=(in_queue("O365", "Product"),))
    assert await classified_queue(rig, attachment, labels={"Product": product}) == expected


async def test_direct_map_makes_selectors_of_all_labels(rig: Rig) -> None:
    labels = {"Region": "eu", "Product": "Xbox"}
    attachment = RuleAttachment(rule=DirectMapRule())
    assert await classified_queue(rig, attachment, labels=labels) == "support"


@pytest.mark.parametrize(
    ("draw", "expected"), [(0.0, "sales"), (0.29, "sales"), (0.31, "support"), (0.999, "support")]
)
async def test_weighted_allocation_draws_by_weight(rig: Rig, draw: float, expected: str) -> None:
    rig.router = replace(rig.router, draw=lambda: draw)
    attachment = WeightedAttachment(
        allocations=(
            Allocation(weight=0.3, selectors=(in_queue("sales"),)),
            Allocation(weight=0.7, selectors=(in_queue("support"),)),
        )
    )
    assert await classified_queue(rig, attachment) == expected


async def test_worker_selectors_are_attached(rig: Rig) -> None:
    found = await attached(
        rig,
        StaticAttachment(selector=demand("fr")),
        ConditionalAttachment(
            condition=StaticRule(value=True), selectors=(demand(1, "a"), demand(2, "b"))
        ),
        ConditionalAttachment(condition=StaticRule(value=False), selectors=(demand(3, "c"),)),
        PassThroughAttachment(
            key="level", operator=LabelOperator.GREATER_THAN, expires_after_seconds=30
        ),
        labels={"level": 4},
    )
    level = WorkerSelector(
        key="level", operator=LabelOperator.GREATER_THAN, value=4, expires_after_seconds=30
    )
    assert found == [demand("fr"), demand(1, "a"), demand(2, "b"), level]


async def test_attached_selectors_restrict_who_is_offered_the_job(rig: Rig) -> None:
    await rig.worker("clumsy")
    await rig.worker("skilled", labels={"skill": "fr"})
    await attached(rig, StaticAttachment(selector=demand("fr")))
    assert await rig.offers_of("clumsy") == []
    assert await rig.offers_of("skilled") == ["job"]


async def test_attached_selectors_expire_like_others(rig: Rig) -> None:
    await rig.worker("clumsy")
    await attached(rig, StaticAttachment(selector=demand("fr", expires_after_seconds=30)))
    rig.clock.forward(seconds=31)
    await rig.sweep()
    assert await rig.offers_of("clumsy") == ["job"]
    (event,) = rig.events.of(JobWorkerSelectorsExpired)
    assert [selector.key for selector in event.expired_attached_selectors] == ["skill"]


@pytest.mark.parametrize(
    ("rule", "priority"),
    [(StaticRule(value=-100), -100), (StaticRule(value=2.0), 2), (StaticRule(value="12"), 12)],
)
async def test_priorities(rig: Rig, rule: Rule, priority: int) -> None:
    await rig.classification(fallback_queue_id="queue", prioritization_rule=rule)
    await rig.submit(classification_policy_id="classification")
    assert (await rig.read_job()).priority == priority


@pytest.mark.parametrize("value", [101, -101, 1.5, "high", True, None, [1], {}])
async def test_what_is_no_priority_fails_the_classification(rig: Rig, value: Json) -> None:
    await rig.unchecked_classification(
        fallback_queue_id="queue", prioritization_rule=StaticRule(value=value)
    )
    await rig.submit(classification_policy_id="classification")
    assert await failure(rig) == ("RuleFailed", "prioritizationRule")
    assert rig.events.names("job") == ["JobReceived", "JobClassificationFailed"]


@pytest.mark.parametrize(
    "value",
    [1, True, [1], [{"key": "a"}], [{"key": "a", "labelOperator": "like", "value": 1}],
     [{"key": 1, "labelOperator": "equal", "value": 1}], {"a": [1]}, {"a": None},
     {"key": "a", "labelOperator": "equal", "value": 1, "expiresAfterSeconds": 0}],
)  # fmt: skip
async def test_what_are_no_selectors_fail_the_classification(rig: Rig, value: Json) -> None:
    rule = RuleAttachment(rule=StaticRule(value=value))
    await rig.unchecked_classification(worker_selector_attachments=(rule,))
    await rig.submit(classification_policy_id="classification", queue_id="queue")
    assert await failure(rig) == ("RuleFailed", "workerSelectorAttachments[0].rule")


async def test_what_is_no_condition_fails_the_classification(rig: Rig) -> None:
    condition = ConditionalAttachment[QueueSelector](
        condition=StaticRule(value=1), selectors=(in_queue("sales"),)
    )
    await rig.unchecked_classification(queue_selector_attachments=(condition,))
    await rig.submit(classification_policy_id="classification")
    assert await failure(rig) == ("RuleFailed", "queueSelectorAttachments[0].condition")


async def test_a_job_without_any_queue_fails_the_classification(rig: Rig) -> None:
    await rig.classification(queue_selector_attachments=(always(in_queue("nowhere")),))
    await rig.submit(classification_policy_id="classification")
    assert await failure(rig) == ("NoQueueFound", "queueSelectorAttachments")


async def test_a_failed_job_is_classified_again_when_asked(rig: Rig) -> None:
    await rig.classification(queue_selector_attachments=(always(in_queue("new")),))
    await rig.submit(classification_policy_id="classification")
    await rig.queue("new")
    await reclassify_job(rig.router, "job")
    assert (await rig.read_job()).queue_id == "new"


async def test_a_failed_job_is_not_touched_by_what_changes_nothing_for_its_policy(
    rig: Rig,
) -> None:
    await rig.classification()
    await rig.submit(classification_policy_id="classification")
    await rig.patch_job(tags={"seen": True})
    assert len(rig.events.of(JobClassificationFailed)) == 1


async def test_a_failed_job_gets_in_once_it_is_told_a_queue(rig: Rig) -> None:
    await rig.classification()
    await rig.submit(classification_policy_id="classification")
    await rig.patch_job(queue_id="sales")
    job = await rig.read_job()
    assert (job.status, job.queue_id) == (JobStatus.QUEUED, "sales")


async def test_a_failed_job_without_its_policy_goes_to_its_queue(rig: Rig) -> None:
    await rig.unchecked_classification(prioritization_rule=StaticRule(value="high"))
    await rig.submit(classification_policy_id="classification", queue_id="queue")
    await rig.patch_job(classification_policy_id=None)
    assert (await rig.read_job()).status is JobStatus.QUEUED


async def test_new_labels_have_the_job_classified_again(rig: Rig) -> None:
    await rig.worker()
    rule = ExpressionRule(expression='If(job.Escalated = true, "sales", "queue")')
    await classified_queue(rig, RuleAttachment(rule=rule))
    assert await rig.offers_of() == ["job"]
    await rig.patch_job(labels={"Escalated": True})
    assert (await rig.read_job()).queue_id == "sales"
    assert await rig.offers_of() == []
    assert rig.events.names("job")[-3:] == ["OfferRevoked", "JobClassified", "JobQueued"]


async def test_the_same_labels_do_not(rig: Rig) -> None:
    await classified_queue(rig, labels={"a": 1})
    await rig.patch_job(labels={"a": 1}, tags={"b": 2})
    assert len(rig.events.of(JobClassified)) == 1


async def test_new_labels_mean_nothing_to_a_job_without_policy(rig: Rig) -> None:
    await rig.submit(queue_id="queue")
    await rig.patch_job(labels={"Escalated": True})
    assert rig.events.names("job") == ["JobReceived", "JobQueued"]


async def test_another_policy_classifies_the_job_again(rig: Rig) -> None:
    await classified_queue(rig)
    await rig.classification("other", fallback_queue_id="support")
    await rig.patch_job(classification_policy_id="other")
    assert (await rig.read_job()).queue_id == "support"


async def test_a_queue_written_back_is_still_the_policy_s_choice(rig: Rig) -> None:
    await classified_queue(rig, PassThroughAttachment(key="Product", operator=EQUAL))
    await rig.patch_job(queue_id="queue", tags={"seen": True})
    await rig.patch_job(labels={"Product": "Xbox"})
    assert (await rig.read_job()).queue_id == "support"


async def test_a_queue_named_later_stays(rig: Rig) -> None:
    await classified_queue(rig, PassThroughAttachment(key="Product", operator=EQUAL))
    await rig.patch_job(queue_id="sales")
    await rig.patch_job(labels={"Product": "Xbox"})
    assert (await rig.read_job()).queue_id == "sales"


async def test_a_queue_taken_away_is_found_anew(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="sales")
    await rig.submit(classification_policy_id="classification", queue_id="queue")
    await rig.patch_job(queue_id=None)
    assert (await rig.read_job()).queue_id == "sales"


async def test_without_its_policy_a_job_loses_what_it_attached(rig: Rig) -> None:
    await rig.worker()
    await attached(rig, StaticAttachment(selector=demand("fr")))
    await rig.patch_job(classification_policy_id=None)
    assert (await rig.read_job()).attached_worker_selectors == ()
    assert await rig.offers_of() == ["job"]
    assert len(rig.events.of(JobQueued)) == 1


async def test_a_suspended_job_is_classified_when_it_is_to_be_matched(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="sales")
    answered = await rig.submit(classification_policy_id="classification", matching_mode=Suspend())
    assert answered.status is JobStatus.CREATED
    assert (await rig.read_job()).status is JobStatus.WAITING_FOR_ACTIVATION
    await rig.patch_job(matching_mode=QueueAndMatch())
    assert (await rig.read_job()).queue_id == "sales"


async def test_a_scheduled_job_is_classified_when_it_is_to_be_matched(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="sales")
    rig_time = rig.clock()
    later = ScheduleAndSuspend(schedule_at=rig_time.replace(hour=1))
    await rig.submit(classification_policy_id="classification", matching_mode=later)
    await reclassify_job(rig.router, "job")
    assert (await rig.read_job()).status is JobStatus.SCHEDULED
    rig.clock.forward(hours=2)
    await rig.sweep()
    assert (await rig.read_job()).status is JobStatus.WAITING_FOR_ACTIVATION
    await rig.patch_job(matching_mode=QueueAndMatch())
    assert (await rig.read_job()).queue_id == "sales"


async def test_labels_changed_while_assigned_count_once_the_job_is_unassigned(rig: Rig) -> None:
    await rig.worker()
    await classified_queue(rig, PassThroughAttachment(key="Product", operator=EQUAL))
    accepted = await rig.accept()
    await rig.patch_job(labels={"Product": "Xbox"})
    assert (await rig.read_job()).status is JobStatus.ASSIGNED
    await unassign_job(rig.router, "job", accepted.assignment_id, False)
    job = await rig.read_job()
    assert (job.status, job.queue_id) == (JobStatus.QUEUED, "support")


async def test_an_assigned_job_cannot_be_reclassified(rig: Rig) -> None:
    await rig.worker()
    await classified_queue(rig)
    await rig.accept()
    with pytest.raises(Conflict):
        await reclassify_job(rig.router, "job")
    with pytest.raises(Conflict):
        await rig.patch_job(classification_policy_id=None)


async def test_a_job_without_policy_cannot_be_reclassified(rig: Rig) -> None:
    await rig.submit(queue_id="queue")
    with pytest.raises(Conflict):
        await reclassify_job(rig.router, "job")
    with pytest.raises(NotFound):
        await reclassify_job(rig.router, "nobody")


async def test_references_of_a_job_must_exist(rig: Rig) -> None:
    for members in ({"queue_id": "x"}, {"classification_policy_id": "x"}):
        with pytest.raises(InvalidReference):
            await rig.submit(**members)
    assert await rig.store.jobs.get("job") is None
