"""Every method of the official SDK's ``JobRouterClient`` about jobs, synchronous and not.

The scenarios are those that the hosted service's own SDKs are tested with.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.jobrouter.models import (
    CancelJobOptions,
    CloseJobOptions,
    CompleteJobOptions,
    QueueAndMatchMode,
    RouterJob,
    RouterJobNote,
    RouterJobStatus,
    RouterWorkerSelector,
    ScheduleAndSuspendMode,
    SuspendMode,
    UnassignJobOptions,
)
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import HttpRequest

from tests.e2e.sdk_clients import Sdk, all_of, eventually, first_page, pages_of
from tests.e2e.sdk_setup import (
    Answered,
    accept,
    add_job,
    add_queue,
    add_worker,
    broken_rule,
    finish,
    offer_of,
    offered_jobs,
    problems,
    reach,
)

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


# -- jobs as resources -------------------------------------------------------------------------


async def test_a_job_from_its_upsert_to_its_end(sdk: Sdk) -> None:
    queue_id, id, answered = await add_queue(sdk), sdk.id("job"), Answered()
    job = RouterJob(channel_id="chat", queue_id=queue_id)

    created = await sdk.client.upsert_job(id, job, raw_response_hook=answered)
    assert (answered.status, created.id) == (201, id)
    assert created.status == RouterJobStatus.CREATED
    queued = await reach(sdk, id, RouterJobStatus.QUEUED)
    assert queued.enqueued_at is not None
    assert abs(now() - queued.enqueued_at) < timedelta(minutes=1)
    assert (queued.priority, queued.labels, queued.tags, queued.notes) == (1, {}, {}, [])

    keywords: dict[str, Any] = {"channel_reference": "call-7", "priority": 5}
    changed = await sdk.client.upsert_job(id, **keywords, raw_response_hook=answered)
    assert (answered.status, changed.channel_reference, changed.priority) == (200, "call-7", 5)
    assert changed.etag != queued.etag
    assert await all_of(sdk.client.list_jobs(queue_id=queue_id)) == [changed]

    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.delete_job(id)
    assert broken_rule(refused.value) == (409, "JobIsActive")
    await sdk.client.cancel_job(id)
    await sdk.client.delete_job(id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.get_job(id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.delete_job(id)


async def test_a_job_keeps_what_it_is_given(sdk: Sdk) -> None:
    labels = {"text": "a", "number": 1.5, "flag": False}
    selector = RouterWorkerSelector(
        key="Level", label_operator="lessThanOrEqual", value=3, expires_after_seconds=90
    )
    id = await add_job(
        sdk,
        queue_id=await add_queue(sdk),
        channel_reference="reference",
        priority=-100,
        labels=labels,
        tags={"tag": True},
        requested_worker_selectors=[selector],
        matching_mode=QueueAndMatchMode(),
    )
    job = await sdk.client.get_job(id)
    assert (job.channel_id, job.channel_reference, job.priority) == ("chat", "reference", -100)
    assert (job.labels, job.tags) == (labels, {"tag": True})
    assert isinstance(job.matching_mode, QueueAndMatchMode)
    assert job.requested_worker_selectors is not None
    (kept,) = job.requested_worker_selectors
    assert selector.as_dict().items() <= kept.as_dict().items()
    assert (kept.status, kept.expedite) == ("active", False)
    assert job.enqueued_at is not None
    assert kept.expires_at == job.enqueued_at + timedelta(seconds=90)
    assert (job.assignments, job.attached_worker_selectors) == ({}, [])


async def test_update_job_with_notes(sdk: Sdk) -> None:
    id = await add_job(sdk, queue_id=await add_queue(sdk))
    earlier = RouterJobNote(message="earlier", added_at=now() - timedelta(hours=1))
    noted = await sdk.client.upsert_job(
        id, RouterJob(notes=[RouterJobNote(message="now"), earlier])
    )
    assert noted.notes is not None
    assert [note.message for note in noted.notes] == ["earlier", "now"], "by their time"
    assert noted.notes[0].added_at == earlier.added_at
    assert noted.notes[1].added_at is not None
    assert abs(now() - noted.notes[1].added_at) < timedelta(minutes=1)
    replaced = await sdk.client.upsert_job(id, RouterJob(notes=[earlier]))
    assert [note.message for note in replaced.notes or []] == ["earlier"]


async def test_create_job_and_remove_property(sdk: Sdk) -> None:
    id = await add_job(
        sdk,
        queue_id=await add_queue(sdk),
        channel_reference="reference",
        disposition_code="code",
        priority=9,
        labels={"a": 1, "b": 2},
        tags={"c": 3},
    )
    kept = await sdk.client.upsert_job(id, RouterJob(channel_reference=None))
    assert kept.channel_reference == "reference", "the SDK leaves out a member that is None"
    removed = await sdk.client.upsert_job(
        id,
        {
            "channelReference": None,
            "dispositionCode": None,
            "priority": None,
            "labels": {"a": None, "d": 4},
            "tags": None,
        },
    )
    assert "channelReference" not in removed
    assert "dispositionCode" not in removed
    assert (removed.priority, removed.labels, removed.tags) == (1, {"b": 2, "d": 4}, {})


async def test_a_job_needs_a_queue_or_a_policy(sdk: Sdk) -> None:
    await add_queue(sdk)
    wrong = {
        "QueueNotFound": RouterJob(channel_id="chat", queue_id=sdk.id("nowhere")),
        "ClassificationPolicyNotFound": RouterJob(
            channel_id="chat", classification_policy_id=sdk.id("nowhere")
        ),
        "Required": RouterJob(channel_id="chat"),
    }
    for code, job in wrong.items():
        with pytest.raises(HttpResponseError, match=code) as refused:
            await sdk.client.upsert_job(sdk.id("job"), job)
        assert problems(refused.value) == (400, [code])
    with pytest.raises(HttpResponseError) as refused:
        await sdk.client.upsert_job(sdk.id("job"), RouterJob(queue_id=sdk.id("queue")))
    assert problems(refused.value) == (400, ["Required"])


async def test_conditions_on_a_job(sdk: Sdk) -> None:
    queue_id, id = await add_queue(sdk), sdk.id("job")
    new = RouterJob(channel_id="chat", queue_id=queue_id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.upsert_job(id, new, match_condition=MatchConditions.IfPresent)
    await sdk.client.upsert_job(id, new, match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceExistsError):
        await sdk.client.upsert_job(id, new, match_condition=MatchConditions.IfMissing)
    seen = await reach(sdk, id, RouterJobStatus.QUEUED)
    await sdk.client.upsert_job(id, RouterJob(priority=2))
    with pytest.raises(ResourceModifiedError):
        await sdk.client.upsert_job(
            id,
            RouterJob(priority=3),
            etag=seen.etag,
            match_condition=MatchConditions.IfNotModified,
        )
    yesterday = now() - timedelta(days=1)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.client.upsert_job(id, RouterJob(priority=3), if_unmodified_since=yesterday)
    assert refused.value.status_code == 412
    assert (await sdk.client.get_job(id)).priority == 2
    soon = now() + timedelta(minutes=1)
    changed = await sdk.client.upsert_job(id, RouterJob(priority=4), if_unmodified_since=soon)
    assert changed.priority == 4


# -- lists -------------------------------------------------------------------------------------


async def ids_of(sdk: Sdk, **filters: Any) -> set[str]:
    return {job.id for job in await all_of(sdk.client.list_jobs(**filters))}


async def test_get_jobs_by_status(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    jobs = {status: await a_job_that_is(sdk, queue_id, status) for status in LISTED}
    for status, id in jobs.items():
        assert await ids_of(sdk, queue_id=queue_id, status=status) == {id}
    ended = {jobs[RouterJobStatus.CLOSED], jobs[RouterJobStatus.CANCELLED]}
    assert await ids_of(sdk, queue_id=queue_id, status="active") == set(jobs.values()) - ended
    assert await ids_of(sdk, queue_id=queue_id, status="all") == set(jobs.values())
    assert await ids_of(sdk, queue_id=queue_id) == set(jobs.values())


LISTED = (
    RouterJobStatus.ASSIGNED,
    RouterJobStatus.COMPLETED,
    RouterJobStatus.CLOSED,
    RouterJobStatus.QUEUED,
    RouterJobStatus.CANCELLED,
    RouterJobStatus.SCHEDULED,
    RouterJobStatus.WAITING_FOR_ACTIVATION,
)
"""The queued job comes after those that take a worker, so that nobody is left for it."""


async def a_job_that_is(sdk: Sdk, queue_id: str, status: RouterJobStatus) -> str:
    tomorrow = ScheduleAndSuspendMode(schedule_at=now() + timedelta(days=1))
    modes = {
        RouterJobStatus.SCHEDULED: tomorrow,
        RouterJobStatus.WAITING_FOR_ACTIVATION: SuspendMode(),
    }
    id = await add_job(sdk, status, queue_id=queue_id, matching_mode=modes.get(status))
    if status == RouterJobStatus.CANCELLED:
        await sdk.client.cancel_job(id)
    if status in LISTED[:3]:
        worker_id = await add_worker(sdk, queue_id, what=f"worker-{status}")
        assignment_id = await accept(sdk, worker_id, id)
        if status != RouterJobStatus.ASSIGNED:
            await sdk.client.complete_job(id, assignment_id)
        if status == RouterJobStatus.CLOSED:
            await sdk.client.close_job(id, assignment_id)
            await sdk.client.delete_worker(worker_id)
    await reach(sdk, id, status)
    return id


async def test_get_jobs_by_queue_and_channel(sdk: Sdk) -> None:
    first, second = await add_queue(sdk, "first"), await add_queue(sdk, "second")
    chat = await add_job(sdk, "chat", queue_id=first)
    call = await add_job(sdk, "call", queue_id=first, channel_id="voice")
    other = await add_job(sdk, "other", queue_id=second)
    assert await ids_of(sdk, queue_id=first) == {chat, call}
    assert await ids_of(sdk, queue_id=first, channel_id="voice") == {call}
    assert await ids_of(sdk, queue_id=second, channel_id="voice") == set()
    assert {chat, other} <= await ids_of(sdk, channel_id="chat", status="queued")


async def test_get_jobs_with_scheduling_filters(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    day = (now() + timedelta(days=1)).replace(microsecond=0)
    days = [day, day + timedelta(days=1), day + timedelta(days=2)]
    ids = [
        await add_job(
            sdk,
            f"job-{number}",
            queue_id=queue_id,
            matching_mode=ScheduleAndSuspendMode(schedule_at=at),
        )
        for number, at in enumerate(days)
    ]
    await add_job(sdk, "never", queue_id=queue_id)
    first, second, third = ids
    of = {"queue_id": queue_id}
    assert await ids_of(sdk, scheduled_before=days[1], **of) == {first, second}
    assert await ids_of(sdk, scheduled_after=days[1], **of) == {second, third}
    assert await ids_of(sdk, scheduled_after=days[1], scheduled_before=days[1], **of) == {second}
    later = days[1] + timedelta(seconds=1)
    assert await ids_of(sdk, scheduled_after=later, **of) == {third}
    assert await ids_of(sdk, scheduled_after=later.isoformat(), **of) == {third}
    assert await ids_of(sdk, scheduled_before=day.isoformat(), status="scheduled", **of) == {first}


async def test_jobs_come_in_pages_that_can_be_continued(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    ids = [await add_job(sdk, f"job-{number}", queue_id=queue_id) for number in range(5)]

    def listing() -> Any:
        return sdk.client.list_jobs(queue_id=queue_id, status="queued", results_per_page=2)

    pages = await pages_of(listing())
    assert [[job.id for job in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    first, token = await first_page(listing())
    assert [job.id for job in first] == ids[:2]
    assert await pages_of(listing(), token) == pages[1:]


async def test_requests_of_ones_own(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    for number in range(2):
        await add_job(sdk, f"job-{number}", queue_id=queue_id)
    url = f"/routing/jobs?queueId={queue_id}&maxpagesize=1&api-version=2023-11-01"
    response = await sdk.client.send_request(HttpRequest("GET", url))
    assert response.status_code == 200
    page = response.json()
    assert [job["id"] for job in page["value"]] == [sdk.id("job-0")]
    assert page["nextLink"].startswith("/routing/jobs?"), "relative, as from the hosted service"
    assert "api-version" not in page["nextLink"]
    assert "ETag" not in response.headers


# -- matching modes ----------------------------------------------------------------------------


async def test_simple_scheduling_scenario(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    at = now() + timedelta(milliseconds=500)
    created = await sdk.client.upsert_job(
        sdk.id("job"),
        RouterJob(
            channel_id="chat",
            queue_id=queue_id,
            matching_mode=ScheduleAndSuspendMode(schedule_at=at),
        ),
    )
    assert created.status == RouterJobStatus.PENDING_SCHEDULE
    waiting = await reach(sdk, created.id, RouterJobStatus.WAITING_FOR_ACTIVATION)
    assert waiting.scheduled_at is not None
    assert at <= waiting.scheduled_at < at + timedelta(seconds=5)
    assert waiting.enqueued_at is None
    assert await offered_jobs(sdk, worker_id) == set()

    activated = RouterJob(matching_mode=QueueAndMatchMode(), priority=100)
    await sdk.client.upsert_job(created.id, activated)
    await offer_of(sdk, worker_id, created.id)
    queued = await sdk.client.get_job(created.id)
    assert (queued.status, queued.priority) == (RouterJobStatus.QUEUED, 100)
    assert isinstance(queued.matching_mode, QueueAndMatchMode)


async def test_create_job_with_schedule_and_suspend_mode(sdk: Sdk) -> None:
    at = (now() + timedelta(days=1)).replace(microsecond=0)
    id = await add_job(
        sdk,
        queue_id=await add_queue(sdk),
        matching_mode=ScheduleAndSuspendMode(schedule_at=at),
    )
    job = await reach(sdk, id, RouterJobStatus.SCHEDULED)
    assert isinstance(job.matching_mode, ScheduleAndSuspendMode)
    assert job.matching_mode.schedule_at == at
    later = ScheduleAndSuspendMode(schedule_at=at + timedelta(days=1))
    moved = await sdk.client.upsert_job(id, RouterJob(matching_mode=later))
    assert isinstance(moved.matching_mode, ScheduleAndSuspendMode)
    assert moved.matching_mode.schedule_at == at + timedelta(days=1)


async def test_create_job_with_suspend_mode(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    id = await add_job(sdk, queue_id=queue_id, matching_mode=SuspendMode())
    suspended = await reach(sdk, id, RouterJobStatus.WAITING_FOR_ACTIVATION)
    assert isinstance(suspended.matching_mode, SuspendMode)
    assert await offered_jobs(sdk, worker_id) == set()
    await sdk.client.upsert_job(id, RouterJob(matching_mode=QueueAndMatchMode()))
    await offer_of(sdk, worker_id, id)
    await sdk.client.upsert_job(id, RouterJob(matching_mode=SuspendMode()))
    await reach(sdk, id, RouterJobStatus.WAITING_FOR_ACTIVATION)
    assert await offered_jobs(sdk, worker_id) == set()


# -- assignment --------------------------------------------------------------------------------


async def test_assignment_scenario(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    id = await add_job(sdk, queue_id=queue_id)
    offer = await offer_of(sdk, worker_id, id)
    assert offer.capacity_cost == 1
    assert offer.offered_at is not None
    assert offer.expires_at == offer.offered_at + timedelta(seconds=60)
    assignment_id = await accept(sdk, worker_id, id)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.decline_job_offer(worker_id, offer.offer_id)
    assert broken_rule(refused.value) == (409, "OfferAlreadyAccepted")

    worker = await sdk.client.get_worker(worker_id)
    assert (worker.load_ratio, worker.offers) == (1, [])
    assert [(a.assignment_id, a.job_id, a.capacity_cost) for a in worker.assigned_jobs or []] == [
        (assignment_id, id, 1)
    ]
    await sdk.client.complete_job(id, assignment_id, CompleteJobOptions(note="helped"))
    assert (await sdk.client.get_job(id)).status == RouterJobStatus.COMPLETED
    await sdk.client.close_job(id, assignment_id, CloseJobOptions(note="wrapped up"))

    closed = await sdk.client.get_job(id)
    assert (closed.status, closed.disposition_code) == (RouterJobStatus.CLOSED, "Closed")
    assert [note.message for note in closed.notes or []] == ["helped", "wrapped up"]
    assert closed.assignments is not None
    assignment = closed.assignments[assignment_id]
    assert assignment.worker_id == worker_id
    assert assignment.completed_at is not None
    assert assignment.closed_at is not None
    assert assignment.assigned_at <= assignment.completed_at <= assignment.closed_at


async def an_assigned_job(sdk: Sdk) -> tuple[str, str, str]:
    """The ids of a job, of its worker and of its assignment."""
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    id = await add_job(sdk, queue_id=queue_id)
    return id, worker_id, await accept(sdk, worker_id, id)


async def test_the_steps_of_an_assignment_follow_each_other(sdk: Sdk) -> None:
    id, _, assignment_id = await an_assigned_job(sdk)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.close_job(id, assignment_id)
    assert broken_rule(refused.value) == (409, "JobNotCompleted")
    await sdk.client.complete_job(id, assignment_id)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.complete_job(id, assignment_id)
    assert broken_rule(refused.value) == (409, "JobNotAssigned")
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.close_job(id, "no-such-assignment")
    await sdk.client.close_job(id, assignment_id)
    with pytest.raises(ResourceExistsError):
        await sdk.client.cancel_job(id)


async def test_close_at_a_time_to_come(sdk: Sdk) -> None:
    id, worker_id, assignment_id = await an_assigned_job(sdk)
    await sdk.client.complete_job(id, assignment_id)
    at = now() + timedelta(milliseconds=500)
    options = CloseJobOptions(close_at=at, disposition_code="later")
    await sdk.client.close_job(id, assignment_id, options)
    closed = await reach(sdk, id, RouterJobStatus.CLOSED)
    assert closed.disposition_code == "later"
    assert closed.assignments is not None
    closed_at = closed.assignments[assignment_id].closed_at
    assert closed_at is not None
    assert at <= closed_at < at + timedelta(seconds=5)
    freed = await eventually(
        lambda: sdk.client.get_worker(worker_id), lambda worker: worker.load_ratio == 0
    )
    assert freed.assigned_jobs == []


async def test_close_at_a_time_in_the_past(sdk: Sdk) -> None:
    id, _, assignment_id = await an_assigned_job(sdk)
    await sdk.client.complete_job(id, assignment_id)
    await sdk.client.close_job(id, assignment_id, CloseJobOptions(close_at=LONG_AGO))
    assert (await sdk.client.get_job(id)).status == RouterJobStatus.CLOSED


async def test_unassign_a_job(sdk: Sdk) -> None:
    id, worker_id, assignment_id = await an_assigned_job(sdk)
    before = await sdk.client.get_job(id)
    for count in (1, 2, 3):
        result = await sdk.client.unassign_job(id, assignment_id)
        assert (result.job_id, result.unassignment_count) == (id, count)
        again = await offer_of(sdk, worker_id, id)
        queued = await sdk.client.get_job(id)
        assert (queued.status, queued.assignments) == (RouterJobStatus.QUEUED, {})
        assert queued.enqueued_at == before.enqueued_at
        assignment_id = (await sdk.client.accept_job_offer(worker_id, again.offer_id)).assignment_id
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.unassign_job(id, assignment_id)
    assert broken_rule(refused.value) == (409, "UnassignmentLimitReached")
    assert list((await sdk.client.get_job(id)).assignments or {}) == [assignment_id]


async def test_unassign_a_job_and_suspend_it(sdk: Sdk) -> None:
    id, worker_id, assignment_id = await an_assigned_job(sdk)
    options = UnassignJobOptions(suspend_matching=True)
    result = await sdk.client.unassign_job(id, assignment_id, options)
    assert result.unassignment_count == 1
    job = await reach(sdk, id, RouterJobStatus.WAITING_FOR_ACTIVATION)
    assert isinstance(job.matching_mode, SuspendMode)
    freed = await eventually(
        lambda: sdk.client.get_worker(worker_id), lambda worker: worker.assigned_jobs == []
    )
    assert freed.offers == []
    await sdk.client.upsert_job(id, RouterJob(matching_mode=QueueAndMatchMode()))
    await finish(sdk, id, await accept(sdk, worker_id, id))
    assert (await sdk.client.get_job(id)).status == RouterJobStatus.CLOSED


# -- cancellation ------------------------------------------------------------------------------


async def test_cancellation_scenario(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    worker_id = await add_worker(sdk, queue_id)
    id = await add_job(sdk, queue_id=queue_id)
    await offer_of(sdk, worker_id, id)
    options = CancelJobOptions(note="gone", disposition_code="Hung up")
    await sdk.client.cancel_job(id, options)
    cancelled = await sdk.client.get_job(id)
    assert (cancelled.status, cancelled.disposition_code) == ("cancelled", "Hung up")
    assert [note.message for note in cancelled.notes or []] == ["gone"]
    assert await offered_jobs(sdk, worker_id) == set()
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.cancel_job(id)
    assert broken_rule(refused.value) == (409, "JobAlreadyEnded")


async def test_cancel_without_options(sdk: Sdk) -> None:
    id = await add_job(sdk, queue_id=await add_queue(sdk))
    await sdk.client.cancel_job(id)
    cancelled = await sdk.client.get_job(id)
    assert (cancelled.status, cancelled.disposition_code) == ("cancelled", "Cancelled")
    assert cancelled.notes == []
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.cancel_job(sdk.id("nowhere"))


async def test_cancel_an_assigned_job(sdk: Sdk) -> None:
    id, worker_id, _ = await an_assigned_job(sdk)
    await sdk.client.cancel_job(id)
    assert (await sdk.client.get_job(id)).status == RouterJobStatus.CANCELLED
    freed = await sdk.client.get_worker(worker_id)
    assert (freed.assigned_jobs, freed.load_ratio) == ([], 0)


# -- queues as jobs see them -------------------------------------------------------------------


async def test_the_position_of_a_job(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    priorities = {"low": 1, "high": 9, "middle": 5}
    for name, priority in priorities.items():
        await add_job(sdk, name, queue_id=queue_id, priority=priority)
    for position, name in enumerate(("high", "middle", "low"), start=1):
        found = await sdk.client.get_queue_position(sdk.id(name))
        assert (found.job_id, found.position) == (sdk.id(name), position)
        assert (found.queue_id, found.queue_length) == (queue_id, 3)
        assert found.estimated_wait_time_minutes >= 0
    suspended = await add_job(sdk, "off", queue_id=queue_id, matching_mode=SuspendMode())
    for id in (suspended, sdk.id("nowhere")):
        with pytest.raises(ResourceNotFoundError):
            await sdk.client.get_queue_position(id)


async def test_the_statistics_of_a_queue(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    empty = await sdk.client.get_queue_statistics(queue_id)
    assert (empty.queue_id, empty.length) == (queue_id, 0)
    assert (empty.estimated_wait_time_minutes, empty.longest_job_wait_time_minutes) == ({}, None)
    for number in range(3):
        await add_job(sdk, f"job-{number}", queue_id=queue_id, priority=number // 2)
    await add_job(sdk, "suspended", queue_id=queue_id, matching_mode=SuspendMode())
    statistics = await eventually(
        lambda: sdk.client.get_queue_statistics(queue_id), lambda found: found.length == 3
    )
    assert set(statistics.estimated_wait_time_minutes or {}) == {"0", "1"}
    assert statistics.longest_job_wait_time_minutes is not None
    assert 0 <= statistics.longest_job_wait_time_minutes < 1
    for id in (sdk.id(f"job-{number}") for number in range(3)):
        await sdk.client.cancel_job(id)
    assert (await sdk.client.get_queue_statistics(queue_id)).length == 0
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.get_queue_statistics(sdk.id("nowhere"))
