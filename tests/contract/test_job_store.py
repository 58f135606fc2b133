"""What ``JobStore`` promises: due jobs, lists and the waiting jobs of queues."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from random import Random
from typing import Any

import pytest

from shared.domain.jobs import Assignment, Job
from shared.domain.selectors import SelectorStatus
from shared.domain.statuses import JobStatus
from shared.domain.waiting import WaitingGroup
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    JobFilter,
    JobStore,
    Page,
    Store,
    Stored,
)
from tests.contract.stores import all_pages
from tests.factories import NOW, make_job, make_offer, make_record, make_selector, seconds

EXPEDITE = make_selector("Vip", expedite=True)


@pytest.fixture
def jobs(store: Store) -> JobStore:
    return store.jobs


async def add(jobs: JobStore, *new: Job) -> None:
    for job in new:
        await jobs.create(job, None, NOW)


def ids(stored: Iterable[Stored[Job]]) -> list[str]:
    return [job.value.id for job in stored]


# -- due ------------------------------------------------------------------------------------------


def due_in(id: str, after: float) -> Job:
    return make_job(id, offers=(make_offer(expires_at=NOW + seconds(after)),))


async def test_due_jobs_come_earliest_first(jobs: JobStore) -> None:
    await add(jobs, due_in("a", 30), due_in("b", 10), due_in("c", 20), due_in("d", 40))
    assert ids(await jobs.due(NOW + seconds(30), 10)) == ["b", "c", "a"]
    assert ids(await jobs.due(NOW + seconds(30), 2)) == ["b", "c"]


async def test_a_job_is_due_at_its_time_and_not_before(jobs: JobStore) -> None:
    await add(jobs, due_in("a", 10))
    assert await jobs.due(NOW + seconds(9.999999), 10) == []
    (due,) = await jobs.due(NOW + seconds(10), 10)
    assert due == await jobs.get("a")


async def test_a_replaced_job_is_due_at_its_new_time(jobs: JobStore) -> None:
    created = await jobs.create(due_in("a", 10), None, NOW)
    await jobs.replace(created, due_in("a", 20), None, NOW)
    assert await jobs.due(NOW + seconds(10), 10) == []
    assert ids(await jobs.due(NOW + seconds(20), 10)) == ["a"]


async def test_a_deleted_job_is_not_due(jobs: JobStore) -> None:
    created = await jobs.create(due_in("a", 10), None, NOW)
    await jobs.delete(created, None)
    assert await jobs.due(NOW + seconds(20), 10) == []


# -- barred offers --------------------------------------------------------------------------------

OFFERED = make_job("a", offers=(make_offer(),))
RECORD = make_record("r", aggregate_id="a")


async def test_a_job_is_created_with_offers(jobs: JobStore) -> None:
    assert await jobs.create(OFFERED, RECORD, NOW) == await jobs.get("a")


async def test_while_offers_are_barred_no_job_is_created_with_one(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    for _ in range(2):
        with pytest.raises(ConcurrencyConflict):
            await jobs.create(OFFERED, RECORD, NOW)
        assert await jobs.get("a") is None
    assert await jobs.outbox(NOW + seconds(60), 10) == []


async def test_barred_again_is_barred(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    await jobs.bar_offers("a", NOW + seconds(60))
    with pytest.raises(ConcurrencyConflict):
        await jobs.create(OFFERED, None, NOW)


async def test_a_job_without_offers_is_created_over_a_bar(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    created = await jobs.create(make_job("a"), RECORD, NOW + seconds(1))
    assert (created.value, created.modified_at) == (make_job("a"), NOW + seconds(1))
    assert await jobs.get("a") == created
    assert list(await jobs.outbox(NOW + seconds(60), 10)) == [RECORD]
    offered = await jobs.replace(created, OFFERED, None, NOW)
    assert await jobs.get("a") == offered


async def test_the_creation_of_the_job_ends_the_bar(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    created = await jobs.create(make_job("a"), None, NOW)
    with pytest.raises(AlreadyExists):
        await jobs.create(OFFERED, None, NOW)
    await jobs.delete(created, None)
    await jobs.create(OFFERED, None, NOW)


async def test_offers_of_a_job_that_exists_are_not_barred(jobs: JobStore) -> None:
    created = await jobs.create(make_job("a"), None, NOW)
    with pytest.raises(AlreadyExists):
        await jobs.bar_offers("a", NOW)
    assert await jobs.get("a") == created
    await jobs.replace(created, OFFERED, None, NOW)


async def test_a_bar_concerns_one_id(jobs: JobStore) -> None:
    await jobs.bar_offers("b", NOW)
    await jobs.create(OFFERED, None, NOW)


async def test_one_of_a_bar_and_a_creation_wins(jobs: JobStore) -> None:
    outcomes = await asyncio.gather(
        *(jobs.create(OFFERED, None, NOW), jobs.bar_offers("a", NOW)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    stored = await jobs.get("a")
    expected = ConcurrencyConflict if stored is None else AlreadyExists
    assert [type(each) for each in refused] == [expected]


async def test_one_of_many_creators_over_a_bar_wins(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    attempts = [jobs.create(make_job("a"), None, NOW) for _ in range(8)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert winners == [await jobs.get("a")]
    losers = {type(outcome) for outcome in outcomes if outcome not in winners}
    assert losers <= {AlreadyExists, ConcurrencyConflict}


async def test_what_is_barred_is_no_job(jobs: JobStore) -> None:
    await jobs.bar_offers("a", NOW)
    ever = NOW + timedelta(days=10_000)
    assert await jobs.due(ever, 10) == []
    assert await jobs.outbox(ever, 10) == []
    assert (await jobs.list(JobFilter(), 10)).items == []
    assert (await jobs.waiting(["q"], None, 10)).items == []
    assert (await jobs.count_waiting("q"), await jobs.count_in_service("q")) == (0, 0)
    assert await jobs.waiting_by_priority("q") == []
    assert await jobs.assigned_last("q", 10) == []


# -- list -----------------------------------------------------------------------------------------

SCHEDULE = NOW + timedelta(hours=1)
UNCLASSIFIED = JobStatus.CLASSIFICATION_FAILED
LISTED = (
    make_job("a", status=JobStatus.QUEUED, queue_id="q1", channel_id="chat"),
    make_job("b", status=JobStatus.QUEUED, queue_id="q1", channel_id="voice"),
    make_job("c", status=JobStatus.QUEUED, queue_id="q2", channel_id="chat"),
    make_job("d", status=JobStatus.SCHEDULED, queue_id="q1", scheduled_at=SCHEDULE),
    make_job("e", status=JobStatus.SCHEDULED, queue_id="q2", scheduled_at=SCHEDULE + seconds(1)),
    make_job("f", status=JobStatus.WAITING_FOR_ACTIVATION, scheduled_at=SCHEDULE - seconds(1)),
    make_job("g", status=JobStatus.CANCELLED, queue_id="q1"),
    make_job("h", status=JobStatus.QUEUED, queue_id="q3", classification_policy_id="p1"),
    make_job("i", status=JobStatus.CLOSED, queue_id="q3", classification_policy_id="p1"),
    make_job("j", status=UNCLASSIFIED, queue_id=None, classification_policy_id="p2"),
)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, "abcdefghij"),
        ({"statuses": {JobStatus.QUEUED}}, "abch"),
        ({"statuses": {JobStatus.QUEUED, JobStatus.CANCELLED}}, "abcgh"),
        ({"statuses": set()}, ""),
        ({"statuses": {JobStatus.CLOSED}}, "i"),
        ({"queue_id": "q1"}, "abdg"),
        ({"queue_id": ""}, ""),
        ({"channel_id": "voice"}, "b"),
        ({"queue_id": "q1", "channel_id": "chat"}, "adg"),
        ({"queue_id": "q1", "channel_id": "chat", "statuses": {JobStatus.QUEUED}}, "a"),
        ({"classification_policy_id": "p1"}, "hi"),
        ({"classification_policy_id": "p2"}, "j"),
        ({"classification_policy_id": ""}, ""),
        ({"classification_policy_id": "p1", "queue_id": "q1"}, ""),
        ({"classification_policy_id": "p1", "statuses": {JobStatus.QUEUED}}, "h"),
        ({"classification_policy_id": "p2", "statuses": {UNCLASSIFIED, JobStatus.QUEUED}}, "j"),
        ({"scheduled_after": SCHEDULE}, "de"),
        ({"scheduled_before": SCHEDULE}, "df"),
        ({"scheduled_after": SCHEDULE, "scheduled_before": SCHEDULE}, "d"),
        ({"scheduled_after": SCHEDULE, "queue_id": "q2"}, "e"),
        ({"scheduled_after": SCHEDULE + seconds(2)}, ""),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_conditions_are_anded(
    jobs: JobStore, conditions: dict[str, Any], expected: str, limit: int
) -> None:
    await add(jobs, *LISTED)
    if "statuses" in conditions:
        conditions = conditions | {"statuses": frozenset(conditions["statuses"])}
    listed = await all_pages(partial(jobs.list, JobFilter(**conditions), limit))
    assert "".join(ids(listed)) == expected


async def test_a_list_is_ordered_by_id_and_holds_what_is_stored(jobs: JobStore) -> None:
    await add(jobs, *(make_job(id) for id in ("b", "é", "B", "a", "a1", "a-1", "10", "9")))
    listed = await jobs.list(JobFilter(), 100)
    assert ids(listed.items) == sorted(ids(listed.items))
    assert [await jobs.get(job.value.id) for job in listed.items] == list(listed.items)


async def test_a_page_holds_no_more_than_asked_for(jobs: JobStore) -> None:
    await add(jobs, *LISTED)
    first = await jobs.list(JobFilter(), 3)
    assert ids(first.items) == ["a", "b", "c"]
    second = await jobs.list(JobFilter(), 3, first.continuation)
    assert ids(second.items) == ["d", "e", "f"]


async def test_an_empty_store_lists_nothing(jobs: JobStore) -> None:
    assert await jobs.list(JobFilter(), 10) == Page([])


async def test_what_exists_throughout_appears_once(jobs: JobStore) -> None:
    for number in range(10, 20):
        await jobs.create(make_job(f"j{number}"), None, NOW)
    seen: list[str] = []
    page = await jobs.list(JobFilter(), 3)
    while True:
        seen += ids(page.items)
        await _disturb(jobs, seen)
        if page.continuation is None:
            break
        page = await jobs.list(JobFilter(), 3, page.continuation)
    lasting = [f"j{number}" for number in range(10, 20)]
    assert [id for id in seen if id in lasting] == lasting


async def _disturb(jobs: JobStore, seen: Sequence[str]) -> None:
    """Change the last job seen, put others before and behind it, and remove those again."""
    last = await jobs.get(seen[-1])
    assert last is not None
    await jobs.replace(last, make_job(last.value.id, status=JobStatus.CLOSED), None, NOW)
    for passing in (f"{seen[0]}-", f"{seen[-1]}-"):
        known = await jobs.get(passing)
        if known:
            await jobs.delete(known, None)
        else:
            await jobs.create(make_job(passing), None, NOW)


async def test_a_page_continues_after_a_job_that_was_deleted(jobs: JobStore) -> None:
    await add(jobs, make_job("a"), make_job("b"), make_job("c"))
    page = await jobs.list(JobFilter(), 2)
    await jobs.delete(page.items[1], None)
    assert ids((await jobs.list(JobFilter(), 2, page.continuation)).items) == ["c"]


# -- waiting --------------------------------------------------------------------------------------


def queued(id: str, after: float = 0, **members: Any) -> Job:
    return make_job(id, enqueued_at=NOW + seconds(after), **members)


async def waiting(
    jobs: JobStore, queues: Sequence[str], channels: Sequence[str] | None = None, limit: int = 100
) -> list[str]:
    return ids(await all_pages(partial(jobs.waiting, queues, channels, limit)))


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_waiting_jobs_come_best_first(jobs: JobStore, limit: int) -> None:
    await add(
        jobs,
        queued("oldest", -60),
        queued("b", 0),
        queued("a", 0),
        queued("low", -60, priority=-100),
        queued("high", 1, priority=100),
        queued("expedited", 2, requested_worker_selectors=(EXPEDITE,)),
        queued("both", 3, priority=100, requested_worker_selectors=(EXPEDITE,)),
    )
    expected = ["both", "expedited", "high", "oldest", "a", "b", "low"]
    assert await waiting(jobs, ["queue-1"], limit=limit) == expected


async def test_an_expired_selector_no_longer_expedites(jobs: JobStore) -> None:
    expired = make_selector("Vip", expedite=True, status=SelectorStatus.EXPIRED)
    await add(jobs, queued("a", 1, requested_worker_selectors=(expired,)), queued("b", 0))
    assert await waiting(jobs, ["queue-1"]) == ["b", "a"]


async def test_only_waiting_jobs_wait(jobs: JobStore) -> None:
    for status in JobStatus:
        await jobs.create(make_job(status, status=status), None, NOW)
    assert await waiting(jobs, ["queue-1"]) == [JobStatus.QUEUED]


async def test_a_job_with_open_offers_waits(jobs: JobStore) -> None:
    await add(jobs, make_job("a", offers=(make_offer(),)))
    assert await waiting(jobs, ["queue-1"]) == ["a"]


PLACED = (
    queued("a", 1, queue_id="q1", channel_id="chat"),
    queued("b", 2, queue_id="q2", channel_id="chat"),
    queued("c", 3, queue_id="q1", channel_id="voice"),
    queued("d", 4, queue_id="q2", channel_id="voice"),
    queued("e", 5, queue_id="q3", channel_id="chat"),
)


@pytest.mark.parametrize(
    ("queues", "channels", "expected"),
    [
        (["q1"], None, "ac"),
        (["q1", "q2"], None, "abcd"),
        (["q2", "q1", "q2"], None, "abcd"),
        (["q1", "q2", "q3"], ["chat"], "abe"),
        (["q1", "q2"], ["chat", "voice", "chat"], "abcd"),
        (["q1", "unknown"], ["voice", "unknown"], "c"),
        ([], None, ""),
        ([], ["chat"], ""),
        (["q1"], [], ""),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_waiting_in_any_of_the_queues_for_any_of_the_channels(
    jobs: JobStore, queues: list[str], channels: list[str] | None, expected: str, limit: int
) -> None:
    await add(jobs, *PLACED)
    assert "".join(await waiting(jobs, queues, channels, limit)) == expected


async def test_the_order_follows_what_is_stored(jobs: JobStore) -> None:
    await add(jobs, queued("a", 0), queued("b", 1))
    stored = await jobs.get("b")
    assert stored is not None
    stored = await jobs.replace(stored, queued("b", 1, priority=5), None, NOW)
    assert await waiting(jobs, ["queue-1"]) == ["b", "a"]
    stored = await jobs.replace(stored, queued("b", 1, status=JobStatus.ASSIGNED), None, NOW)
    assert await waiting(jobs, ["queue-1"]) == ["a"]
    await jobs.delete(stored, None)
    assert await waiting(jobs, ["queue-1"]) == ["a"]


async def test_many_queues_and_channels_are_merged(jobs: JobStore) -> None:
    queues = [f"q{number}" for number in range(60)]
    channels = [f"c{number}" for number in range(12)]
    await add(
        jobs,
        *(
            queued(f"j{n:02}", n, queue_id=queues[-n % 60], channel_id=channels[n % 12])
            for n in range(40)
        ),
    )
    expected = [f"j{n:02}" for n in range(40)]
    assert await waiting(jobs, queues, channels, limit=7) == expected
    assert await waiting(jobs, queues, None, limit=7) == expected


async def test_a_job_without_a_queue_waits_in_none(jobs: JobStore) -> None:
    unclassified = make_job("a", status=UNCLASSIFIED, queue_id=None)
    created = await jobs.create(unclassified, None, NOW)
    assert await jobs.get("a") == created
    assert await waiting(jobs, ["", "queue-1"]) == []
    assert await jobs.count_waiting("") == 0
    stored = await jobs.replace(created, queued("a"), None, NOW)
    assert await waiting(jobs, ["queue-1"]) == ["a"]
    await jobs.replace(stored, unclassified, None, NOW)
    assert await waiting(jobs, ["queue-1"]) == []


# -- counting -------------------------------------------------------------------------------------

TIMES = (NOW, NOW, NOW + timedelta(microseconds=1), NOW + seconds(7))


def backlog(seed: int, size: int = 24) -> list[Job]:
    """Jobs of two queues, of every status, of few priorities and times so that they collide."""
    draw = Random(seed)
    return [
        queued(
            f"j{number:02}",
            queue_id=draw.choice(["q1", "q2"]),
            status=draw.choice([*[JobStatus.QUEUED] * 9, *JobStatus]),
            priority=draw.choice([-100, -1, 0, 1, 1, 2, 100]),
            requested_worker_selectors=draw.choice([(), (), (EXPEDITE,)]),
        )
        for number in draw.sample(range(size), size)
    ]


def _order(job: Job) -> tuple[bool, int, datetime, str]:
    assert job.enqueued_at is not None
    return (not job.is_expedited, -job.priority, job.enqueued_at, job.id)


@pytest.mark.parametrize("seed", range(3))
async def test_waiting_jobs_are_counted_in_the_order_in_which_they_wait(
    jobs: JobStore, seed: int
) -> None:
    draw = Random(seed)
    all_jobs = [replace(job, enqueued_at=draw.choice(TIMES)) for job in backlog(seed)]
    await add(jobs, *all_jobs)
    for queue_id in ("q1", "q2"):
        in_order = sorted(
            (job for job in all_jobs if job.is_waiting and job.queue_id == queue_id), key=_order
        )
        assert await jobs.count_waiting(queue_id) == len(in_order)
        assert await waiting(jobs, [queue_id]) == [job.id for job in in_order]
        ahead = [await jobs.count_waiting(queue_id, job) for job in in_order]
        assert ahead == list(range(len(in_order)))
        expected = [
            WaitingGroup(
                expedited=expedited,
                priority=priority,
                count=len(group),
                oldest=min(job.enqueued_at or NOW for job in group),
            )
            for (expedited, priority), group in (
                (kind, list(members))
                for kind, members in groupby(
                    in_order, key=lambda job: (job.is_expedited, job.priority)
                )
            )
        ]
        assert await jobs.waiting_by_priority(queue_id) == expected


async def test_an_unknown_queue_is_empty(jobs: JobStore) -> None:
    await add(jobs, queued("a"))
    assert await jobs.count_waiting("unknown") == 0
    assert await jobs.count_in_service("unknown") == 0
    assert await jobs.waiting_by_priority("unknown") == []
    assert await jobs.assigned_last("unknown", 10) == []


async def test_counts_follow_what_is_stored(jobs: JobStore) -> None:
    stored = await jobs.create(queued("a"), None, NOW)
    assert (await jobs.count_waiting("queue-1"), await jobs.count_in_service("queue-1")) == (1, 0)
    stored = await jobs.replace(stored, queued("a", status=JobStatus.ASSIGNED), None, NOW)
    assert (await jobs.count_waiting("queue-1"), await jobs.count_in_service("queue-1")) == (0, 1)
    stored = await jobs.replace(stored, queued("a", status=JobStatus.COMPLETED), None, NOW)
    assert (await jobs.count_waiting("queue-1"), await jobs.count_in_service("queue-1")) == (0, 1)
    await jobs.delete(stored, None)
    assert (await jobs.count_waiting("queue-1"), await jobs.count_in_service("queue-1")) == (0, 0)


@pytest.mark.parametrize("status", JobStatus)
async def test_jobs_that_hold_a_worker_are_in_service(jobs: JobStore, status: JobStatus) -> None:
    job = queued("a", status=status, assignments=(assigned(0),))
    await add(jobs, job)
    assert await jobs.count_in_service("queue-1") == int(job.open_assignment is not None)


# -- assigned last --------------------------------------------------------------------------------


def assigned(after: float) -> Assignment:
    return Assignment(
        assignment_id="assignment",
        worker_id="worker-1",
        offer_id="offer-1",
        assigned_at=NOW + seconds(after),
    )


async def test_jobs_assigned_last_come_first_whatever_became_of_them(jobs: JobStore) -> None:
    await add(
        jobs,
        queued("running", status=JobStatus.ASSIGNED, assignments=(assigned(10),)),
        queued("closed", status=JobStatus.CLOSED, assignments=(assigned(30),)),
        queued("cancelled", status=JobStatus.CANCELLED, assignments=(assigned(20),)),
        queued("again", status=JobStatus.ASSIGNED, assignments=(assigned(5), assigned(15))),
        queued("b", status=JobStatus.COMPLETED, assignments=(assigned(1),)),
        queued("a", status=JobStatus.COMPLETED, assignments=(assigned(1),)),
        queued("never"),
        queued("elsewhere", queue_id="q2", assignments=(assigned(40),)),
    )
    found = await jobs.assigned_last("queue-1", 10)
    assert ids(found) == ["closed", "cancelled", "again", "running", "b", "a"]
    assert [await jobs.get(job.value.id) for job in found] == list(found)
    assert ids(await jobs.assigned_last("queue-1", 2)) == ["closed", "cancelled"]


async def test_an_assignment_that_was_taken_back_does_not_count(jobs: JobStore) -> None:
    stored = await jobs.create(
        queued("a", status=JobStatus.ASSIGNED, assignments=(assigned(1),)), None, NOW
    )
    stored = await jobs.replace(stored, queued("a"), None, NOW)
    assert await jobs.assigned_last("queue-1", 10) == []
    moved = queued("a", status=JobStatus.ASSIGNED, assignments=(assigned(2),), queue_id="q2")
    stored = await jobs.replace(stored, moved, None, NOW)
    assert ids(await jobs.assigned_last("q2", 10)) == ["a"]
    await jobs.delete(stored, None)
    assert await jobs.assigned_last("q2", 10) == []
