"""Pages are read one after the other, and what they show changes in between."""

from shared.domain.channels import Channel
from shared.domain.workers import Worker
from shared.ports import Page, Stored, WorkerQuery
from shared.services import sweeps
from shared.services.candidates import FIRST_JOB_PAGE, FIRST_WORKER_PAGE
from tests.factories import make_job
from tests.rig import Rig

CHAT = Channel(channel_id="chat", capacity_cost_per_job=1)
VOICE = Channel(channel_id="voice", capacity_cost_per_job=1)
ONE_CHAT = Channel(channel_id="chat", capacity_cost_per_job=1, max_number_of_jobs=1)


async def test_a_worker_whose_channel_fills_up_finds_the_job_of_another_behind_the_page() -> None:
    rig = await Rig().ready()
    elsewhere = Rig(rig.store)  # Another process, so that the backlog's hints do not help.
    for number in range(FIRST_JOB_PAGE + 1):
        await elsewhere.job(f"chat-{number:02}", priority=2)
    await elsewhere.job("call", channel="voice")

    await rig.worker(capacity=2, channels=(ONE_CHAT, VOICE))

    assert await rig.offers_of() == ["chat-00", "call"]


async def test_a_worker_that_gets_an_offer_between_two_pages_does_not_end_the_sweep() -> None:
    rig = await Rig().ready()
    await rig.worker("first", capacity=2, channels=(CHAT,))
    rig.clock.forward(seconds=1)
    for number in range(FIRST_WORKER_PAGE):
        await rig.worker(f"next-{number}")
    await rig.worker("other", channels=(VOICE,))
    for number in range(30):
        await leave_waiting(rig, f"job-{number:02}")
    read_page = rig.store.workers.available
    limits: list[int] = []

    async def read_and_be_overtaken(
        query: WorkerQuery, limit: int, continuation: str | None = None
    ) -> Page[Stored[Worker]]:
        page = await read_page(query, limit, continuation)
        limits.append(limit)
        if limit == FIRST_WORKER_PAGE and limits.count(limit) == 1:
            await Rig(rig.store).job("urgent", priority=2)
            assert await rig.offers_of("first") == ["urgent"]
        return page

    rig.store.workers.available = read_and_be_overtaken  # type: ignore[method-assign]
    await sweeps.match(rig.router)

    assert max(limits) > FIRST_WORKER_PAGE
    assert len(await rig.offers_of("first")) == 2


async def leave_waiting(rig: Rig, job_id: str) -> None:
    """As a process does that dies before it matches."""
    now = rig.clock()
    job = make_job(job_id, queue_id="queue", created_at=now, enqueued_at=now)
    await rig.store.jobs.create(job, None, now)
