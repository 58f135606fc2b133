"""Every method of the official SDK's ``JobRouterClient`` about workers and offers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.communication.jobrouter.models import (
    DeclineJobOfferOptions,
    RouterChannel,
    RouterWorker,
    RouterWorkerSelector,
    RouterWorkerState,
)
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from tests.e2e.conftest import RunningRouter
from tests.e2e.sdk_clients import (
    KINDS,
    PREVIEW,
    Sdk,
    all_of,
    eventually,
    first_page,
    open_sdk,
    pages_of,
)
from tests.e2e.sdk_setup import (
    CHAT,
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
)


def voice(cost: int = 1, at_most: int | None = None) -> RouterChannel:
    return RouterChannel(channel_id="voice", capacity_cost_per_job=cost, max_number_of_jobs=at_most)


async def state_becomes(sdk: Sdk, worker_id: str, state: RouterWorkerState) -> RouterWorker:
    return await eventually(
        lambda: sdk.client.get_worker(worker_id), lambda worker: worker.state == state
    )


# -- workers as resources ----------------------------------------------------------------------


async def test_a_worker_from_its_upsert_to_its_end(sdk: Sdk) -> None:
    queue_id, id, answered = await add_queue(sdk), sdk.id("worker"), Answered()
    worker = RouterWorker(queues=[queue_id], capacity=1, channels=[CHAT])

    created = await sdk.client.upsert_worker(id, worker, raw_response_hook=answered)
    assert (answered.status, created.id) == (201, id)
    assert created.state == RouterWorkerState.INACTIVE
    assert (created.offers, created.assigned_jobs, created.load_ratio) == ([], [], 0)
    assert (created.tags, created.labels) == ({}, {"Id": id})

    keywords: dict[str, Any] = {"available_for_offers": True}
    registered = await sdk.client.upsert_worker(id, **keywords, raw_response_hook=answered)
    assert (answered.status, registered.state) == (200, RouterWorkerState.ACTIVE)
    assert registered.available_for_offers is True
    assert registered.etag != created.etag
    assert await sdk.client.get_worker(id) == registered
    assert await all_of(sdk.client.list_workers(queue_id=queue_id)) == [registered]

    await sdk.client.delete_worker(id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.get_worker(id)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.delete_worker(id)


async def test_a_worker_keeps_what_it_is_given(sdk: Sdk) -> None:
    first, second = await add_queue(sdk, "first"), await add_queue(sdk, "second")
    labels = {"text": "a", "number": 1.5, "flag": False}
    channels = [RouterChannel(channel_id="chat", capacity_cost_per_job=2), voice(5, 1)]
    id = await add_worker(
        sdk, first, second, capacity=10, channels=channels, labels=labels, tags={"tag": 1}
    )
    worker = await sdk.client.get_worker(id)
    assert (worker.queues, worker.capacity) == ([first, second], 10)
    assert (worker.labels, worker.tags) == ({**labels, "Id": id}, {"tag": 1})
    assert [channel.as_dict() for channel in worker.channels or []] == [
        {"channelId": "chat", "capacityCostPerJob": 2},
        {"channelId": "voice", "capacityCostPerJob": 5, "maxNumberOfJobs": 1},
    ]
    change = RouterWorker(queues=[second], labels={"text": None, "number": 2}, tags={"other": 2})
    changed = await sdk.client.upsert_worker(id, change)
    assert changed.queues == [second], "lists are replaced whole"
    assert changed.labels == {"number": 2, "flag": False, "Id": id}
    assert changed.tags == {"tag": 1, "other": 2}
    bare = await sdk.client.upsert_worker(id, {"tags": None, "labels": None, "channels": []})
    assert (bare.tags, bare.labels, bare.channels) == ({}, {"Id": id}, [])


async def test_a_worker_needs_queues_that_exist(sdk: Sdk) -> None:
    worker = RouterWorker(queues=[sdk.id("nowhere")], capacity=1)
    with pytest.raises(HttpResponseError, match="does not exist") as refused:
        await sdk.client.upsert_worker(sdk.id("worker"), worker)
    assert problems(refused.value) == (400, ["QueueNotFound"])


async def test_conditions_on_a_worker(sdk: Sdk) -> None:
    id, answered = sdk.id("worker"), Answered()
    new = RouterWorker(capacity=1)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.upsert_worker(id, new, match_condition=MatchConditions.IfPresent)
    first = await sdk.client.upsert_worker(id, new, match_condition=MatchConditions.IfMissing)
    with pytest.raises(ResourceExistsError):
        await sdk.client.upsert_worker(id, new, match_condition=MatchConditions.IfMissing)
    second = await sdk.client.upsert_worker(
        id,
        RouterWorker(capacity=2),
        etag=first.etag,
        match_condition=MatchConditions.IfNotModified,
        raw_response_hook=answered,
    )
    with pytest.raises(ResourceModifiedError):
        await sdk.client.upsert_worker(
            id,
            RouterWorker(capacity=3),
            etag=first.etag,
            match_condition=MatchConditions.IfNotModified,
        )
    before = answered.last_modified - timedelta(seconds=1)
    with pytest.raises(HttpResponseError) as refused:
        await sdk.client.upsert_worker(id, RouterWorker(capacity=3), if_unmodified_since=before)
    assert refused.value.status_code == 412
    assert await sdk.client.get_worker(id) == second
    changed = await sdk.client.upsert_worker(
        id, RouterWorker(capacity=4), if_unmodified_since=answered.last_modified
    )
    assert changed.capacity == 4


async def test_a_worker_is_deregistered(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id, capacity=2)
    job_id = await add_job(sdk, "accepted", queue_id=queue_id)
    assignment_id = await accept(sdk, id, job_id)
    await offer_of(sdk, id, await add_job(sdk, "offered", queue_id=queue_id))
    draining = await sdk.client.upsert_worker(id, RouterWorker(available_for_offers=False))
    assert draining.state == RouterWorkerState.DRAINING
    assert await offered_jobs(sdk, id) == set()
    await finish(sdk, job_id, assignment_id)
    await state_becomes(sdk, id, RouterWorkerState.INACTIVE)


async def test_a_worker_with_jobs_cannot_be_deleted(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    assignment_id = await accept(sdk, id, job_id)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.delete_worker(id)
    assert broken_rule(refused.value) == (409, "WorkerHasAssignedJobs")
    await finish(sdk, job_id, assignment_id)
    await sdk.client.delete_worker(id)


async def test_a_worker_with_offers_can_be_deleted(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    await offer_of(sdk, id, job_id)
    await sdk.client.delete_worker(id)
    other = await add_worker(sdk, queue_id, what="other")
    await offer_of(sdk, other, job_id)


# -- lists -------------------------------------------------------------------------------------


async def ids_of(sdk: Sdk, **filters: Any) -> set[str]:
    return {worker.id for worker in await all_of(sdk.client.list_workers(**filters))}


async def test_get_workers_by_state(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    active = await add_worker(sdk, queue_id, what="active")
    await occupy(sdk, active, queue_id)
    draining = await add_worker(sdk, queue_id, what="draining")
    await occupy(sdk, draining, queue_id)
    inactive = await add_worker(sdk, queue_id, what="inactive", available_for_offers=False)
    await sdk.client.upsert_worker(draining, RouterWorker(available_for_offers=False))
    of = {"queue_id": queue_id}
    assert await ids_of(sdk, state="active", **of) == {active}
    assert await ids_of(sdk, state=RouterWorkerState.DRAINING, **of) == {draining}
    assert await ids_of(sdk, state="inactive", **of) == {inactive}
    assert await ids_of(sdk, state="all", **of) == {active, draining, inactive}
    assert await ids_of(sdk, **of) == {active, draining, inactive}


async def occupy(sdk: Sdk, worker_id: str, queue_id: str) -> None:
    """Keep the worker busy with a job."""
    await accept(sdk, worker_id, await add_job(sdk, f"of-{worker_id}", queue_id=queue_id))


async def test_get_workers_by_queue_and_channel(sdk: Sdk) -> None:
    first, second = await add_queue(sdk, "first"), await add_queue(sdk, "second")
    chatting = await add_worker(sdk, first, what="chatting")
    calling = await add_worker(sdk, first, second, what="calling", channels=[voice()])
    assert await ids_of(sdk, queue_id=first) == {chatting, calling}
    assert await ids_of(sdk, queue_id=second) == {calling}
    assert await ids_of(sdk, queue_id=first, channel_id="chat") == {chatting}
    assert await ids_of(sdk, queue_id=second, channel_id="chat") == set()


async def test_get_workers_by_capacity(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    full = await add_worker(sdk, queue_id, what="full")
    await occupy(sdk, full, queue_id)
    free = await add_worker(sdk, queue_id, what="free")
    half = await add_worker(sdk, queue_id, what="half", capacity=2, channels=[CHAT, voice(3)])
    of = {"queue_id": queue_id}
    assert await ids_of(sdk, has_capacity=True, **of) == {free, half}
    assert await ids_of(sdk, has_capacity=True, channel_id="chat", **of) == {free, half}
    assert await ids_of(sdk, has_capacity=True, channel_id="voice", **of) == set()
    assert await ids_of(sdk, has_capacity=False, **of) == {full, free, half}


async def test_workers_come_in_pages_that_can_be_continued(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    ids = [await add_worker(sdk, queue_id, what=f"worker-{number}") for number in range(5)]

    def listing() -> Any:
        return sdk.client.list_workers(queue_id=queue_id, state="active", results_per_page=2)

    pages = await pages_of(listing())
    assert [[worker.id for worker in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    first, token = await first_page(listing())
    assert [worker.id for worker in first] == ids[:2]
    assert await pages_of(listing(), token) == pages[1:]


# -- offers ------------------------------------------------------------------------------------


async def test_only_the_first_answer_to_an_offer_counts(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk, offers_at_once=2)
    quick = await add_worker(sdk, queue_id, what="quick")
    slow = await add_worker(sdk, queue_id, what="slow")
    job_id = await add_job(sdk, queue_id=queue_id)
    offer, late = await offer_of(sdk, quick, job_id), await offer_of(sdk, slow, job_id)
    assert offer.offer_id != late.offer_id
    accepted = await sdk.client.accept_job_offer(quick, offer.offer_id)
    assert (accepted.job_id, accepted.worker_id) == (job_id, quick)
    with pytest.raises(ResourceExistsError) as refused:
        await sdk.client.accept_job_offer(quick, offer.offer_id)
    assert broken_rule(refused.value) == (409, "OfferAlreadyAccepted")
    with pytest.raises(HttpResponseError) as too_late:
        await sdk.client.accept_job_offer(slow, late.offer_id)
    assert too_late.value.status_code in {404, 409}
    await eventually(lambda: offered_jobs(sdk, slow), lambda jobs: not jobs)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.decline_job_offer(slow, late.offer_id)
    assert list((await sdk.client.get_job(job_id)).assignments or {}) == [accepted.assignment_id]


async def test_an_offer_that_there_is_not(sdk: Sdk) -> None:
    id = await add_worker(sdk, await add_queue(sdk))
    unknown = "0d3c8f0e-3c3f-4d0a-8f43-6a8f9e1b7c55"
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.accept_job_offer(id, unknown)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.decline_job_offer(id, unknown)


async def test_a_declined_job_is_not_offered_again_in_this_registration(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id)
    declined = await add_job(sdk, "declined", queue_id=queue_id, priority=9)
    offer = await offer_of(sdk, id, declined)
    await sdk.client.decline_job_offer(id, offer.offer_id)
    other = await add_job(sdk, "other", queue_id=queue_id)
    await finish(sdk, other, await accept(sdk, id, other))
    assert await offered_jobs(sdk, id) == set(), "of two jobs, the declined one waits alone"

    await sdk.client.upsert_worker(id, RouterWorker(available_for_offers=False))
    await sdk.client.upsert_worker(id, RouterWorker(available_for_offers=True))
    again = await offer_of(sdk, id, declined)
    assert again.offer_id != offer.offer_id


@pytest.mark.parametrize("delay", [None, timedelta(milliseconds=500)], ids=["at once", "later"])
async def test_a_declined_job_is_offered_again_when_asked_for(
    sdk: Sdk, delay: timedelta | None
) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    first = await offer_of(sdk, id, job_id)
    retry_at = datetime.now(UTC) + delay if delay else datetime.min
    options = DeclineJobOfferOptions(retry_offer_at=retry_at)
    await sdk.client.decline_job_offer(id, first.offer_id, options)
    second = await offer_of(sdk, id, job_id)
    assert second.offer_id != first.offer_id
    assert second.offered_at is not None
    assert delay is None or second.offered_at >= retry_at
    await finish(sdk, job_id, await accept(sdk, id, job_id))


async def test_an_offer_expires_and_its_worker_is_deregistered(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk, seconds=1)
    id = await add_worker(sdk, queue_id)
    job_id = await add_job(sdk, queue_id=queue_id)
    offer = await offer_of(sdk, id, job_id)
    assert offer.offered_at is not None
    assert offer.expires_at == offer.offered_at + timedelta(seconds=1)
    gone = await state_becomes(sdk, id, RouterWorkerState.INACTIVE)
    assert (gone.offers, gone.available_for_offers) == ([], False)
    with pytest.raises(ResourceNotFoundError):
        await sdk.client.accept_job_offer(id, offer.offer_id)
    await sdk.client.upsert_worker(id, RouterWorker(available_for_offers=True))
    assert (await offer_of(sdk, id, job_id)).offer_id != offer.offer_id


async def test_a_selector_that_expires_lets_others_take_the_job(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id, labels={"Skill": 1})
    preferred = RouterWorkerSelector(
        key="Skill", label_operator="greaterThan", value=5, expires_after_seconds=0.5
    )
    job_id = await add_job(sdk, queue_id=queue_id, requested_worker_selectors=[preferred])
    await offer_of(sdk, id, job_id)
    job = await sdk.client.get_job(job_id)
    assert [selector.status for selector in job.requested_worker_selectors or []] == ["expired"]


async def test_a_preferred_worker(sdk: Sdk) -> None:
    """An expedited job goes first while its preferred worker is waited for, whatever others ask."""
    queue_id = await add_queue(sdk)
    preferred = RouterWorkerSelector(
        key="Id",
        label_operator="equal",
        value=sdk.id("preferred"),
        expires_after_seconds=60,
        expedite=True,
    )
    urgent = await add_job(sdk, "urgent", queue_id=queue_id, priority=100)
    job_id = await add_job(sdk, queue_id=queue_id, requested_worker_selectors=[preferred])
    id = await add_worker(sdk, queue_id, what="preferred")
    await offer_of(sdk, id, job_id)
    other = await add_worker(sdk, queue_id, what="other")
    await offer_of(sdk, other, urgent)


async def test_one_call_or_five_chats(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    channels = [RouterChannel(channel_id="chat", capacity_cost_per_job=20), voice(100)]
    id = await add_worker(sdk, queue_id, capacity=100, channels=channels)
    chats = [await add_job(sdk, f"chat-{number}", queue_id=queue_id) for number in range(6)]
    call = await add_job(sdk, "call", queue_id=queue_id, channel_id="voice")
    await eventually(lambda: offered_jobs(sdk, id), lambda jobs: jobs == set(chats[:5]))
    assert (await sdk.client.get_worker(id)).load_ratio == 1
    for chat in chats:
        await finish(sdk, chat, await accept(sdk, id, chat))
    await eventually(lambda: offered_jobs(sdk, id), lambda jobs: jobs == {call})


async def test_no_more_jobs_of_a_channel_than_allowed(sdk: Sdk) -> None:
    queue_id = await add_queue(sdk)
    id = await add_worker(sdk, queue_id, capacity=10, channels=[CHAT, voice(1, at_most=1)])
    first, second = [
        await add_job(sdk, f"call-{number}", queue_id=queue_id, channel_id="voice")
        for number in range(2)
    ]
    chat = await add_job(sdk, "chat", queue_id=queue_id)
    await eventually(lambda: offered_jobs(sdk, id), lambda jobs: jobs == {first, chat})
    await finish(sdk, first, await accept(sdk, id, first))
    await offer_of(sdk, id, second)


# -- 2024-01-18-preview ------------------------------------------------------------------------


@pytest.fixture(params=KINDS)
async def preview(request: pytest.FixtureRequest, sdk_router: RunningRouter) -> AsyncIterator[Sdk]:
    async with open_sdk(request.param, sdk_router, api_version=PREVIEW) as sdk:
        yield sdk


async def test_limit_concurrent_offers_to_worker(preview: Sdk) -> None:
    queue_id = await add_queue(preview)
    id = await add_worker(preview, queue_id, capacity=10)
    # The SDK of that version has a model for it; this one sends what it is given.
    limited = await preview.client.upsert_worker(id, {"maxConcurrentOffers": 1})
    assert limited["maxConcurrentOffers"] == 1
    first = await add_job(preview, "first", queue_id=queue_id)
    second = await add_job(preview, "second", queue_id=queue_id)
    await offer_of(preview, id, first)
    assert await offered_jobs(preview, id) == {first}
    await accept(preview, id, first)
    await offer_of(preview, id, second)
    assert await offered_jobs(preview, id) == {second}


async def test_a_client_of_another_version_keeps_the_limit(sdk: Sdk, preview: Sdk) -> None:
    id = await add_worker(preview, await add_queue(preview))
    await preview.client.upsert_worker(id, {"maxConcurrentOffers": 3})
    changed = await sdk.client.upsert_worker(id, RouterWorker(capacity=7))
    assert "maxConcurrentOffers" not in changed
    kept = await preview.client.get_worker(id)
    assert (kept["maxConcurrentOffers"], kept.capacity) == (3, 7)
