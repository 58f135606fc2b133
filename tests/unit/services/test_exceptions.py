"""Exception policies: what happens when a queue is long or a wait is."""

import pytest

from shared.domain.errors import InvalidReference
from shared.domain.events import (
    JobCancelled,
    JobClassificationFailed,
    JobExceptionTriggered,
    JobQueued,
)
from shared.domain.exception_policies import (
    CancelAction,
    ExceptionAction,
    ExceptionRule,
    ManualReclassifyAction,
    QueueLengthTrigger,
    ReclassifyAction,
    WaitTimeTrigger,
)
from shared.domain.jobs import Job
from shared.domain.labels import LabelOperator
from shared.domain.matching_modes import QueueAndMatch, Suspend
from shared.domain.rules import StaticRule
from shared.domain.selectors import WorkerSelector
from shared.domain.statuses import JobStatus
from shared.services.jobs import unassign_job
from tests.rig import Rig

CANCEL = CancelAction(id="cancel", note="too much", disposition_code="Full")
TO_SECOND = ManualReclassifyAction(id="move", queue_id="second", priority=9)
FRENCH = WorkerSelector(key="skill", operator=LabelOperator.EQUAL, value="french")


def when_long(threshold: int, *actions: ExceptionAction, id: str = "long") -> ExceptionRule:
    return ExceptionRule(id=id, trigger=QueueLengthTrigger(threshold=threshold), actions=actions)


def when_late(seconds: float, *actions: ExceptionAction, id: str = "late") -> ExceptionRule:
    return ExceptionRule(id=id, trigger=WaitTimeTrigger(threshold_seconds=seconds), actions=actions)


@pytest.fixture
async def rig() -> Rig:
    rig = await Rig().ready()
    await rig.queue("second")
    return rig


async def with_rules(rig: Rig, *rules: ExceptionRule) -> None:
    """Of the queue ``queue``."""
    await rig.exceptions(*rules)
    await rig.queue(exceptions="exceptions")
    await spread(rig)


async def spread(rig: Rig) -> None:
    rig.clock.forward(seconds=5)
    await rig.sweep()


async def wait(rig: Rig, **duration: float) -> None:
    rig.clock.forward(**duration)
    await rig.sweep()


async def status(rig: Rig, id: str = "job") -> JobStatus:
    return (await rig.read_job(id)).status


async def where(rig: Rig, id: str = "job") -> tuple[JobStatus, str | None]:
    job = await rig.read_job(id)
    return job.status, job.queue_id


# -- queue length -----------------------------------------------------------------------------


async def test_a_job_too_many_is_cancelled_before_it_joins(rig: Rig) -> None:
    await with_rules(rig, when_long(2, CANCEL))
    for id in ("one", "two", "three"):
        await rig.job(id)
    assert [await status(rig, id) for id in ("one", "two", "three")] == [
        JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.CANCELLED
    ]  # fmt: skip
    assert rig.events.names("three") == ["JobReceived", "JobExceptionTriggered", "JobCancelled"]
    (triggered,) = rig.events.of(JobExceptionTriggered)
    assert (triggered.exception_policy_id, triggered.exception_rule_id) == ("exceptions", "long")
    (cancelled,) = rig.events.of(JobCancelled)
    assert (cancelled.note, cancelled.disposition_code) == ("too much", "Full")


async def test_only_waiting_jobs_count(rig: Rig) -> None:
    await with_rules(rig, when_long(1, CANCEL))
    await rig.worker()
    await rig.job("one")
    await rig.accept(job_id="one")
    await rig.job("two")
    assert await status(rig, "two") is JobStatus.QUEUED


async def test_a_threshold_of_none_holds_for_every_job(rig: Rig) -> None:
    await with_rules(rig, when_long(0, TO_SECOND))
    await rig.job()
    assert await where(rig) == (JobStatus.QUEUED, "second")
    assert rig.events.names("job") == ["JobReceived", "JobExceptionTriggered", "JobQueued"]


async def test_a_job_is_sent_on_only_once_so_that_queues_cannot_play_ping_pong(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="queue")
    back = ReclassifyAction(id="back", classification_policy_id="classification")
    await with_rules(rig, when_long(0, TO_SECOND))
    await rig.exceptions(when_long(0, back), id="other")
    await rig.queue("second", exceptions="other")
    await rig.job()
    assert await where(rig) == (JobStatus.QUEUED, "queue")
    assert len(rig.events.of(JobExceptionTriggered)) == 2


async def test_a_full_queue_sends_jobs_to_be_classified(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="second", prioritization_rule=StaticRule(value=8))
    reclassify = ReclassifyAction(
        id="r", classification_policy_id="classification", labels_to_upsert={"overflow": True}
    )
    await with_rules(rig, when_long(0, reclassify))
    await rig.job(labels={"a": 1})
    job = await rig.read_job()
    assert (job.queue_id, job.priority) == ("second", 8)
    assert job.definition.labels == {"a": 1, "overflow": True}
    assert rig.events.names("job") == [
        "JobReceived", "JobExceptionTriggered", "JobClassified", "JobQueued"
    ]  # fmt: skip


async def test_a_classification_that_leads_to_a_full_queue_again_ends(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="queue")
    await with_rules(rig, when_long(0, ReclassifyAction(id="r")))
    await rig.submit(classification_policy_id="classification")
    assert await where(rig) == (JobStatus.QUEUED, "queue")
    assert len(rig.events.of(JobExceptionTriggered)) == 1


async def test_reclassify_without_any_policy_sets_labels_alone(rig: Rig) -> None:
    action = ReclassifyAction(id="r", labels_to_upsert={"overflow": True})
    await with_rules(rig, when_long(0, action))
    await rig.job()
    assert await where(rig) == (JobStatus.QUEUED, "queue")
    assert (await rig.read_job()).definition.labels == {"overflow": True}


async def test_an_unassigned_job_gets_back_however_long_its_queue_is(rig: Rig) -> None:
    await with_rules(rig, when_long(1, CANCEL))
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    await rig.job("next")
    await unassign_job(rig.router, "job", accepted.assignment_id, False)
    assert await status(rig) is JobStatus.QUEUED


async def test_an_activated_job_meets_the_queue_as_it_is(rig: Rig) -> None:
    await with_rules(rig, when_long(1, CANCEL))
    await rig.submit(queue_id="queue", matching_mode=Suspend())
    await rig.job("first")
    await rig.patch_job(matching_mode=QueueAndMatch())
    assert await status(rig) is JobStatus.CANCELLED


async def test_a_queue_is_counted_only_for_a_job_that_is_to_join(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_rules(rig, when_long(5, CANCEL))
    counted: list[str] = []
    count_waiting = rig.store.jobs.count_waiting

    async def counting(queue_id: str, ahead_of: Job | None = None) -> int:
        counted.append(queue_id)
        return await count_waiting(queue_id, ahead_of)

    monkeypatch.setattr(rig.store.jobs, "count_waiting", counting)
    await rig.job()
    assert counted == ["queue"]
    await rig.patch_job(tags={"urgent": True}, labels={"customer": "gold"}, priority=7)
    assert counted == ["queue"]
    await rig.patch_job(queue_id="second")
    await rig.patch_job(queue_id="queue")
    assert counted == ["queue", "queue"]


async def test_rules_and_actions_go_by_their_order_and_end_with_a_cancellation(rig: Rig) -> None:
    urgent = ManualReclassifyAction(id="urgent", priority=50)
    await with_rules(
        rig, when_long(0, urgent, CANCEL, id="first"), when_long(0, TO_SECOND, id="second")
    )
    await rig.job()
    job = await rig.read_job()
    assert (job.status, job.priority, job.queue_id) == (JobStatus.CANCELLED, 50, "queue")
    assert [event.exception_rule_id for event in rig.events.of(JobExceptionTriggered)] == ["first"]


# -- loops ------------------------------------------------------------------------------------


def on_to(queue_id: str) -> ExceptionRule:
    return when_long(5, ManualReclassifyAction(id="on", queue_id=queue_id))


async def test_full_queues_must_not_send_jobs_round_in_a_circle(rig: Rig) -> None:
    for id in ("third", "queue"):
        await rig.queue(id)
    await rig.exceptions(on_to("second"), id="first to second")
    await rig.exceptions(on_to("third"), id="second to third")
    await rig.queue("queue", exceptions="first to second")
    await rig.queue("second", exceptions="second to third")
    await rig.exceptions(on_to("queue"), id="back")
    with pytest.raises(InvalidReference) as refused:
        await rig.queue("third", exceptions="back")
    assert (refused.value.code, refused.value.target) == (
        "ExceptionPolicyLoop", "exceptionPolicyId"
    )  # fmt: skip
    with pytest.raises(InvalidReference) as refused:
        await rig.exceptions(when_late(1), on_to("third"), on_to("queue"), id="second to third")
    assert refused.value.target == "exceptionRules[2].actions[0].queueId"
    with pytest.raises(InvalidReference):
        await rig.queue("queue", exceptions="back")


async def test_what_may_lead_back_is_let_in(rig: Rig) -> None:
    to_queue = ManualReclassifyAction(id="back", queue_id="queue")
    await rig.exceptions(on_to("second"), id="on")
    await rig.queue("queue", exceptions="on")
    for rule in (
        when_late(1, to_queue),
        when_long(1, ReclassifyAction(id="r")),
        when_long(1, CANCEL, to_queue),
        when_long(1, ManualReclassifyAction(id="m", priority=5)),
    ):
        await rig.exceptions(rule, id="back")
        await rig.queue("second", exceptions="back")


# -- waiting ----------------------------------------------------------------------------------


async def test_a_job_that_waits_too_long_is_moved(rig: Rig) -> None:
    await with_rules(rig, when_late(60, TO_SECOND))
    await rig.job()
    await wait(rig, seconds=59)
    assert await where(rig) == (JobStatus.QUEUED, "queue")
    await wait(rig, seconds=1)
    job = await rig.read_job()
    assert (job.status, job.queue_id, job.priority) == (JobStatus.QUEUED, "second", 9)
    assert rig.events.names("job") == [
        "JobReceived", "JobQueued", "JobExceptionTriggered", "JobQueued"
    ]  # fmt: skip


async def test_escalation_by_the_job_s_own_policy(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="queue", prioritization_rule=StaticRule(value=5))
    escalate = ReclassifyAction(id="e", labels_to_upsert={"Escalated": True})
    await with_rules(rig, when_late(300, escalate))
    await rig.submit(classification_policy_id="classification")
    await wait(rig, seconds=300)
    assert rig.events.names("job") == [
        "JobReceived", "JobClassified", "JobQueued",
        "JobExceptionTriggered", "JobClassified", "JobQueued",
    ]  # fmt: skip


async def test_each_rule_fires_once_in_one_stay(rig: Rig) -> None:
    await with_rules(rig, when_late(10, id="first"), when_late(20, id="second"))
    await rig.job()
    for _ in range(5):
        await wait(rig, seconds=10)
    fired = [event.exception_rule_id for event in rig.events.of(JobExceptionTriggered)]
    assert fired == ["first", "second"]
    assert len(rig.events.of(JobQueued)) == 1


async def test_a_new_queue_has_its_own_clock(rig: Rig) -> None:
    await with_rules(rig, when_late(60, CANCEL))
    await rig.queue("second", exceptions="exceptions")
    await rig.job()
    await wait(rig, seconds=50)
    await rig.patch_job(queue_id="second")
    await wait(rig, seconds=50)
    assert await status(rig) is JobStatus.QUEUED
    await wait(rig, seconds=10)
    assert await status(rig) is JobStatus.CANCELLED


async def test_to_be_classified_into_the_same_queue_does_not_set_its_clock_back(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="queue")
    await with_rules(rig, when_late(60, CANCEL))
    await rig.submit(classification_policy_id="classification")
    await wait(rig, seconds=50)
    await rig.patch_job(labels={"a": 1})
    await wait(rig, seconds=10)
    assert await status(rig) is JobStatus.CANCELLED


async def test_time_with_a_worker_is_no_waiting(rig: Rig) -> None:
    await with_rules(rig, when_late(30, CANCEL))
    await rig.worker()
    await rig.job()
    accepted = await rig.accept()
    await wait(rig, minutes=5)
    await rig.worker(available=False)
    await unassign_job(rig.router, "job", accepted.assignment_id, False)
    await wait(rig, seconds=29)
    assert await status(rig) is JobStatus.QUEUED
    await wait(rig, seconds=1)
    assert await status(rig) is JobStatus.CANCELLED


async def test_suspended_time_is_no_waiting(rig: Rig) -> None:
    await with_rules(rig, when_late(30, CANCEL))
    await rig.job()
    await wait(rig, seconds=20)
    await rig.patch_job(matching_mode=Suspend())
    await wait(rig, minutes=5)
    await rig.patch_job(matching_mode=QueueAndMatch())
    await wait(rig, seconds=29)
    assert await status(rig) is JobStatus.QUEUED
    await wait(rig, seconds=1)
    assert await status(rig) is JobStatus.CANCELLED


async def test_an_offer_is_revoked_when_its_job_is_moved(rig: Rig) -> None:
    await with_rules(rig, when_late(30, TO_SECOND))
    await rig.worker()
    await rig.job()
    assert await rig.offers_of() == ["job"]
    await wait(rig, seconds=30)
    assert await rig.offers_of() == []
    assert "OfferRevoked" in rig.events.names("job")


async def test_selectors_set_by_hand_are_attached(rig: Rig) -> None:
    action = ManualReclassifyAction(id="m", worker_selectors=(FRENCH,))
    await with_rules(rig, when_late(30, action))
    await rig.job()
    await wait(rig, seconds=30)
    await rig.worker()
    assert await rig.offers_of() == []
    await rig.worker("french", labels={"skill": "french"})
    assert await rig.offers_of("french") == ["job"]


async def test_selectors_set_by_hand_stay_when_the_job_is_changed(rig: Rig) -> None:
    action = ManualReclassifyAction(id="m", worker_selectors=(FRENCH,))
    await with_rules(rig, when_late(30, action))
    await rig.job()
    await wait(rig, seconds=30)
    await rig.patch_job(tags={"seen": True})
    (attached,) = (await rig.read_job()).attached_worker_selectors
    assert attached.key == FRENCH.key


async def test_what_is_set_by_hand_is_not_classified_away(rig: Rig) -> None:
    await rig.classification(fallback_queue_id="queue")
    await with_rules(rig, when_late(30, TO_SECOND))
    await rig.submit(classification_policy_id="classification")
    await wait(rig, seconds=30)
    assert await where(rig) == (JobStatus.QUEUED, "second")


async def test_a_failing_classification_leaves_the_job_failed(rig: Rig) -> None:
    await rig.unchecked_classification(prioritization_rule=StaticRule(value="x"))
    action = ReclassifyAction(id="r", classification_policy_id="classification")
    await with_rules(rig, when_late(30, action))
    await rig.job()
    await wait(rig, seconds=30)
    assert await status(rig) is JobStatus.CLASSIFICATION_FAILED
    assert len(rig.events.of(JobClassificationFailed)) == 1


# -- changes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sooner", [True, False])
async def test_waiting_jobs_learn_of_other_rules(rig: Rig, sooner: bool) -> None:
    await with_rules(rig, when_late(60, CANCEL))
    await rig.job()
    await rig.exceptions(when_late(30 if sooner else 90, CANCEL))
    await spread(rig)
    await wait(rig, seconds=25)
    assert await status(rig) is (JobStatus.CANCELLED if sooner else JobStatus.QUEUED)
    await wait(rig, seconds=60)
    assert await status(rig) is JobStatus.CANCELLED


async def test_waiting_jobs_learn_of_a_first_policy_and_of_its_end(rig: Rig) -> None:
    for id in ("one", "two"):
        await rig.job(id)
    await with_rules(rig, when_late(60, CANCEL))
    await rig.queue("queue", exceptions=None)
    await spread(rig)
    await wait(rig, minutes=5)
    assert await status(rig, "one") is JobStatus.QUEUED
    await with_rules(rig, when_late(60, CANCEL))
    await rig.sweep()
    assert [await status(rig, id) for id in ("one", "two")] == [JobStatus.CANCELLED] * 2


async def test_a_change_is_told_until_all_jobs_know(rig: Rig) -> None:
    await with_rules(rig, when_late(60, CANCEL))
    assert (await rig.store.changed_conditions.list(10)).items == []
    await rig.exceptions(when_late(30, CANCEL))
    assert [c.value.id for c in (await rig.store.changed_conditions.list(10)).items] == ["queue"]
    await rig.sweep()
    assert len((await rig.store.changed_conditions.list(10)).items) == 1, "not settled yet"
    await spread(rig)
    assert (await rig.store.changed_conditions.list(10)).items == []
