"""A request begins with what its process wrote last; nothing is decided on what is outdated."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import Conflict, NotFound, RouterError
from shared.domain.events import OfferAccepted, OfferDeclined
from shared.domain.jobs import Job
from shared.domain.statuses import JobStatus
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import JobFilter, Stored, StoreUnavailable, WorkerFilter
from shared.services import offers
from shared.services.commits import change_job, change_worker
from shared.services.jobs import (
    cancel_job,
    close_job,
    complete_job,
    delete_job,
    reclassify_job,
    unassign_job,
)
from shared.services.offers import accept_offer, decline_offer
from shared.services.recent_versions import MOST_VERSIONS, RecentVersions
from shared.services.workers import delete_worker
from shared.storage.memory import MemoryStore
from tests.factories import NOW, make_job
from tests.gates import GatedStore
from tests.rig import CountingIds, Rig, build_router

GENERATED_ID = re.compile(r"\b[ab]-\d+\b")


class Operations:
    """Counts them by name; the answer to the next one that is to be lost, is."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.lost: str | None = None

    async def before(self, operation: str) -> None:
        self.counted[operation] += 1

    async def after(self, operation: str) -> None:
        if operation == self.lost:
            self.lost = None
            raise StoreUnavailable("no answer")


class Instances:
    """Two processes on one store, at one time, with one publisher."""

    def __init__(self, most: int = MOST_VERSIONS) -> None:
        """``most``: versions that they remember."""
        self.store = MemoryStore()
        self.of_a = Operations()
        self.a = Rig(GatedStore(self.store, self.of_a))
        self.b = Rig(self.store)
        self.b.clock, self.b.events = self.a.clock, self.a.events
        for rig, name in ((self.a, "a"), (self.b, "b")):
            router = build_router(rig.store, rig.events, rig.clock, CountingIds(name))
            rig.router = replace(
                router, recent_jobs=RecentVersions(most), recent_workers=RecentVersions(most)
            )

    async def ready(self) -> "Instances":
        await self.a.ready()
        self.of_a.counted.clear()
        return self

    def reads_of_a(self) -> int:
        return sum(n for name, n in self.of_a.counted.items() if name.endswith("s.get"))


@pytest.fixture
async def both() -> Instances:
    return await Instances().ready()


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "LISTING_PAUSE_SECONDS", 0)


# -- what is remembered ---------------------------------------------------------------------------


def version(id: str, etag: str = "1") -> Stored[Job]:
    return Stored(make_job(id), etag, NOW)


def test_the_one_written_longest_ago_is_forgotten_first() -> None:
    recent = RecentVersions[Job](most=2)
    for written in (version("a"), version("b"), version("a", "2"), version("c")):
        recent.remember(written)
    assert len(recent) == 2
    assert recent.take("b") is None
    assert recent.take("a") == version("a", "2")


def test_one_that_was_taken_is_forgotten() -> None:
    recent = RecentVersions[Job]()
    recent.remember(version("a"))
    assert recent.take("a") is not None
    assert recent.take("a") is None


async def test_what_was_deleted_is_forgotten(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    await cancel_job(both.a.router, "job", None, None)
    await delete_job(both.a.router, "job")
    await delete_worker(both.a.router, "worker")
    assert len(both.a.router.recent_jobs) == len(both.a.router.recent_workers) == 0


# -- what it saves --------------------------------------------------------------------------------


async def test_a_process_does_not_read_what_it_wrote_last(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    offer_id = await both.b.offer_id()
    both.of_a.counted.clear()
    accepted = await accept_offer(both.a.router, "worker", offer_id)
    assert both.reads_of_a() == 1, "the worker, whose labels the event tells"
    await both.a.finish(accepted)
    assert both.reads_of_a() == 1


async def test_a_declined_offer_is_found_without_reading(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    offer_id = await both.b.offer_id()
    both.of_a.counted.clear()
    await decline_offer(both.a.router, "worker", offer_id, None)
    assert both.reads_of_a() == 0
    assert len(both.a.events.of(OfferDeclined)) == 1


# -- what another process changed -----------------------------------------------------------------


async def test_a_change_is_made_to_the_job_as_it_is_now(both: Instances) -> None:
    await both.a.job()
    await both.b.patch_job(priority=7)
    await cancel_job(both.a.router, "job", "note", None)
    job = await both.b.read_job()
    assert job.status is JobStatus.CANCELLED
    assert job.definition.priority == 7


async def test_what_is_no_error_any_more_is_not_reported(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    accepted = await both.b.accept()
    await complete_job(both.a.router, "job", accepted.assignment_id, None)
    assert (await both.b.read_job()).status is JobStatus.COMPLETED


async def test_what_has_become_an_error_is_reported(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    accepted = await both.a.accept()
    await unassign_job(both.b.router, "job", accepted.assignment_id, suspend_matching=True)
    with pytest.raises(NotFound):
        await complete_job(both.a.router, "job", accepted.assignment_id, None)


async def test_a_job_that_another_process_deleted_is_not_found(both: Instances) -> None:
    await both.a.job()
    await cancel_job(both.b.router, "job", None, None)
    await delete_job(both.b.router, "job")
    with pytest.raises(NotFound):
        await cancel_job(both.a.router, "job", None, None)


async def test_that_nothing_is_to_be_done_is_decided_anew(both: Instances) -> None:
    def cancel_if_urgent(job: Job) -> Transition[Job]:
        return job.cancel(None, None, NOW) if job.definition.priority == 7 else Transition(job)

    await both.a.job()
    await both.b.patch_job(priority=7)
    commit = await change_job(both.a.router, "job", cancel_if_urgent)
    assert commit.stored is not None
    assert commit.stored.value.status is JobStatus.CANCELLED


async def test_what_is_refused_on_a_version_that_was_seen_is_decided_anew(both: Instances) -> None:
    def retire(worker: Worker) -> Transition[Worker]:
        if worker.profile.labels != {"retires": True}:
            raise Conflict("NotYet", "The worker stays.")
        return Transition(worker.deregister().aggregate)

    await both.a.worker()
    seen = await both.store.workers.get("worker")
    await both.b.worker(labels={"retires": True})
    await change_worker(both.a.router, "worker", retire, seen=seen)
    assert not (await both.b.read_worker()).profile.available_for_offers


async def test_a_version_over_which_a_write_failed_is_forgotten(both: Instances) -> None:
    await both.a.job()
    both.of_a.lost = "jobs.replace"
    with pytest.raises(StoreUnavailable):
        await both.a.patch_job(priority=7)
    assert len(both.a.router.recent_jobs) == 0


async def test_an_acceptance_tells_labels_that_another_process_changed(both: Instances) -> None:
    await both.a.worker(labels={"skill": "french"})
    await both.a.job()
    await both.b.worker(labels={"skill": "german"})
    await accept_offer(both.a.router, "worker", await both.b.offer_id())
    (accepted,) = both.a.events.of(OfferAccepted)
    assert accepted.worker_labels == {"skill": "german"}


async def test_an_offer_that_another_process_made_again_can_be_declined(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    both.a.clock.forward(seconds=61)
    await both.b.sweep()
    await both.b.set_available("worker", True)
    await decline_offer(both.a.router, "worker", await both.b.offer_id(), None)
    assert len(both.a.events.of(OfferDeclined)) == 1


async def test_an_offer_that_was_accepted_elsewhere_cannot_be_declined(both: Instances) -> None:
    await both.a.worker()
    await both.a.job()
    accepted_id = await both.b.offer_id()
    await both.b.accept()
    with pytest.raises(Conflict) as refusal:
        await decline_offer(both.a.router, "worker", accepted_id, None)
    assert refusal.value.code == "OfferAlreadyAccepted"


# -- it makes no difference -----------------------------------------------------------------------

WORKER_IDS, JOB_IDS = ("worker-1", "worker-2"), ("job-1", "job-2")

NEXT = {
    JobStatus.ASSIGNED: "complete",
    JobStatus.COMPLETED: "close",
    JobStatus.CLOSED: "delete",
    JobStatus.CANCELLED: "delete",
}
"""By status of a job, what an application does with it."""

type Step = tuple[bool, str, str, str]
"""Which process, what it does, and with which worker and job."""

STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(
            ("serve",) * 9
            + ("accept", "decline", "complete", "close", "unassign", "relabel", "reclassify")
            + ("cancel", "delete", "employ", "leave", "dismiss", "wait")
        ),
        st.sampled_from(WORKER_IDS),
        st.sampled_from(JOB_IDS),
    ),
    min_size=15,
    max_size=40,
)


class Application:
    """Does one step after the other, by either process, and notes what it is answered."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._last_offers: dict[str, str] = {}
        self.answers: list[str] = []

    async def take(self, step: Step) -> None:
        is_first, action, worker_id, job_id = step
        rig = self._instances.a if is_first else self._instances.b
        try:
            self.answers.append(f"{action} {await self._request(rig, action, worker_id, job_id)}")
        except RouterError as refused:
            self.answers.append(f"{action} {refused!r}")

    async def _request(self, rig: Rig, action: str, worker_id: str, job_id: str) -> object:
        if action == "serve":
            action, worker_id = await self._next_of(job_id, worker_id)
        router, assignment_id = rig.router, await self._assignment_id(job_id)
        offer_id = await self._offer_id(worker_id)
        requests: dict[str, Callable[[], Awaitable[object]]] = {
            "submit": lambda: rig.job(job_id),
            "relabel": lambda: rig.patch_job(job_id, labels={"by": worker_id}),
            "accept": lambda: accept_offer(router, worker_id, offer_id),
            "decline": lambda: decline_offer(router, worker_id, offer_id, None),
            "complete": lambda: complete_job(router, job_id, assignment_id, None),
            "close": lambda: close_job(router, job_id, assignment_id, None, None, None),
            "unassign": lambda: unassign_job(router, job_id, assignment_id, False),
            "cancel": lambda: cancel_job(router, job_id, None, None),
            "reclassify": lambda: reclassify_job(router, job_id),
            "delete": lambda: delete_job(router, job_id),
            "employ": lambda: rig.worker(worker_id, capacity=2, labels={"for": job_id}),
            "leave": lambda: rig.worker(worker_id, available=False),
            "dismiss": lambda: delete_worker(router, worker_id),
            "wait": lambda: self._wait(rig),
        }
        return await requests[action]()

    async def _next_of(self, job_id: str, worker_id: str) -> tuple[str, str]:
        """What the job needs to be served in the end."""
        stored = await self._instances.store.jobs.get(job_id)
        if stored is None:
            return "submit", worker_id
        for offer in stored.value.offers:
            return "accept", offer.worker_id
        return NEXT.get(stored.value.status, "employ"), worker_id

    async def _wait(self, rig: Rig) -> None:
        rig.clock.forward(seconds=25)
        await rig.sweep()

    async def _offer_id(self, worker_id: str) -> str:
        """An open one, or else one that was open when it was looked for last."""
        stored = await self._instances.store.workers.get(worker_id)
        for held in stored.value.open_offers if stored else ():
            self._last_offers[worker_id] = held.offer_id
        return self._last_offers.get(worker_id, "none")

    async def _assignment_id(self, job_id: str) -> str:
        stored = await self._instances.store.jobs.get(job_id)
        assignments = stored.value.assignments if stored else ()
        return assignments[-1].assignment_id if assignments else "none"


async def outcome(steps: Sequence[Step], most: int) -> Sequence[str]:
    """Answers, events and what is stored in the end, with generated ids by first appearance."""
    instances = await Instances(most).ready()
    await instances.a.worker(WORKER_IDS[0])
    await instances.b.worker(WORKER_IDS[1])
    application = Application(instances)
    for step in steps:
        await application.take(step)
    store = instances.store
    jobs = (await store.jobs.list(JobFilter(), 100)).items
    workers = (await store.workers.list(WorkerFilter(), 100)).items
    told = [
        *application.answers,
        *map(repr, instances.a.events.published),
        *(repr((stored.value, stored.modified_at)) for stored in (*jobs, *workers)),
    ]
    return list(_renumbered(told))


def _renumbered(texts: Sequence[str]) -> Iterator[str]:
    numbers: dict[str, str] = {}
    for text in texts:
        yield GENERATED_ID.sub(lambda id: numbers.setdefault(id[0], f"id#{len(numbers)}"), text)


@settings(max_examples=60)
@given(steps=STEPS, most=st.sampled_from((1, 2, 1_000)))
async def test_any_requests_have_the_outcome_that_they_have_without(
    steps: Sequence[Step], most: int
) -> None:
    assert await outcome(steps, most) == await outcome(steps, most=0)
