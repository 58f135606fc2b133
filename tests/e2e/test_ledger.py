"""The ledger of the scale-out test complains: each lie about a small day at work is found."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.inbox import Event
from tests.e2e.journal import CHANGE, Effect, Entry, Outcome
from tests.e2e.ledger import Evidence, complaints_about
from tests.e2e.signed_client import JsonObject

MORNING = datetime(2026, 3, 1, 9, tzinfo=UTC)
OFFER_SECONDS = 60


class Diary:
    """Writes events down, one a second, with ids and numbers as the router gives them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._numbers: Counter[str] = Counter()

    def add(self, name: str, **data: object) -> None:
        about = f"job/{data['jobId']}" if "jobId" in data else f"worker/{data['workerId']}"
        self._numbers[about] += 1
        at = MORNING + timedelta(seconds=len(self.events))
        number = {"sequenceNumber": self._numbers[about]}
        self.events.append(Event(f"{about}#{self._numbers[about]}", name, at, data | number))

    def register(self, worker_id: str) -> None:
        self.add("WorkerRegistered", workerId=worker_id, labels={CHANGE: f"join-{worker_id}"})

    def submit(self, job_id: str) -> None:
        self.add("JobReceived", jobId=job_id)
        self.add("JobQueued", jobId=job_id)

    def offer(self, job_id: str, worker_id: str) -> None:
        expires_on = MORNING + timedelta(seconds=len(self.events) + OFFER_SECONDS)
        self.add("WorkerOfferIssued", **_offer(job_id, worker_id), expiresOn=expires_on.isoformat())

    def end_offer(self, name: str, job_id: str, worker_id: str) -> None:
        self.add(f"WorkerOffer{name}", **_offer(job_id, worker_id))

    def accept(self, job_id: str, worker_id: str) -> None:
        assignment = {"assignmentId": f"{job_id}-taken"}
        self.add("WorkerOfferAccepted", **_offer(job_id, worker_id), **assignment)

    def work(self, name: str, job_id: str, worker_id: str) -> None:
        self.add(name, jobId=job_id, workerId=worker_id, assignmentId=f"{job_id}-taken")


def _offer(job_id: str, worker_id: str) -> JsonObject:
    queue = {"queueId": "queue", "channelId": "chat"}
    return {"jobId": job_id, "workerId": worker_id, "offerId": f"{job_id}-{worker_id}", **queue}


def events_of_the_day() -> list[Event]:
    """Ann finishes one job and has another; Bob declines one and is offered the last."""
    diary = Diary()
    diary.register("ann")
    diary.register("bob")
    for job_id in ("finished", "assigned", "declined", "offered"):
        diary.submit(job_id)
    diary.offer("finished", "ann")
    diary.offer("finished", "bob")
    diary.accept("finished", "ann")
    diary.end_offer("Revoked", "finished", "bob")
    diary.work("JobCompleted", "finished", "ann")
    diary.work("JobClosed", "finished", "ann")
    diary.offer("assigned", "ann")
    diary.accept("assigned", "ann")
    diary.offer("declined", "bob")
    diary.end_offer("Declined", "declined", "bob")
    diary.offer("offered", "bob")
    return diary.events


def entry(action: str, *effects: tuple[str, str], **answer: str) -> Entry:
    return Entry(action, Outcome.DONE, tuple(Effect(*e) for e in effects), 200, answer)


def acceptance(job_id: str) -> Entry:
    answer = {"jobId": job_id, "workerId": "ann", "assignmentId": f"{job_id}-taken"}
    return entry("accept", ("WorkerOfferAccepted", f"{job_id}-ann"), **answer)


def entries_of_the_day() -> list[Entry]:
    jobs = ("finished", "assigned", "declined", "offered")
    return [
        *(entry("join", ("WorkerChanged", f"join-{worker}")) for worker in ("ann", "bob")),
        *(entry("submit", ("JobReceived", job), ("JobQueued", job)) for job in jobs),
        acceptance("finished"),
        acceptance("assigned"),
        entry("complete", ("JobCompleted", "finished-taken")),
        entry("close", ("JobClosed", "finished-taken")),
        entry("decline", ("WorkerOfferDeclined", "declined-bob")),
    ]


def job(job_id: str, status: str, **assignments: JsonObject) -> JsonObject:
    return {
        "id": job_id,
        "status": status,
        "queueId": "queue",
        "channelId": "chat",
        "assignments": assignments,
        "requestedWorkerSelectors": [],
    }


def worker(worker_id: str, offers: list[JsonObject], assigned: list[JsonObject]) -> JsonObject:
    return {
        "id": worker_id,
        "capacity": 1,
        "queues": ["queue"],
        "channels": [{"channelId": "chat", "capacityCostPerJob": 1}],
        "labels": {},
        "availableForOffers": True,
        "offers": offers,
        "assignedJobs": assigned,
        "loadRatio": 1,
    }


def honest() -> Evidence:
    offer = {"offerId": "offered-bob", "jobId": "offered", "capacityCost": 1}
    assigned = {"assignmentId": "assigned-taken", "jobId": "assigned", "capacityCost": 1}
    jobs = [
        job("finished", "closed", **{"finished-taken": {"closedAt": "then"}}),
        job("assigned", "assigned", **{"assigned-taken": {}}),
        job("declined", "queued"),
        job("offered", "queued"),
    ]
    workers = [worker("ann", [], [assigned]), worker("bob", [offer], [])]
    return Evidence(
        entries=entries_of_the_day(),
        events=events_of_the_day(),
        jobs={each["id"]: each for each in jobs},
        workers={each["id"]: each for each in workers},
        limits={"queue": 2},
    )


def test_an_honest_day_gives_no_complaint() -> None:
    assert complaints_about(honest()) == []


def test_events_may_come_twice_and_in_any_order() -> None:
    day = honest()
    assert complaints_about(replace(day, events=[*reversed(day.events), *day.events])) == []


def test_a_request_without_an_answer_may_have_been_done_or_not() -> None:
    unanswered = Entry("close", Outcome.PERHAPS, (Effect("JobClosed", "finished-taken"),))
    never_done = Entry("cancel", Outcome.PERHAPS, (Effect("JobCancelled", "offered"),))
    day = honest()
    entries = [e for e in day.entries if e.action != "close"]
    assert complaints_about(replace(day, entries=[*entries, unanswered, never_done])) == []


# -- lies -----------------------------------------------------------------------------------------

type Lie = Callable[[Evidence], Evidence]


def without_event(id: str) -> Lie:
    return lambda day: replace(day, events=[e for e in day.events if e.id != id])


def with_copy(original: str, change: Callable[[Event], Event]) -> Lie:
    """One more event: like that one, but changed."""

    def lie(day: Evidence) -> Evidence:
        copied = next(event for event in day.events if event.id == original)
        return replace(day, events=[*day.events, change(copied)])

    return lie


def with_later(name: str, **data: object) -> Lie:
    """An event that comes after all others of its job or worker."""

    def lie(day: Evidence) -> Evidence:
        about = f"job/{data['jobId']}" if "jobId" in data else f"worker/{data['workerId']}"
        number = sum(event.aggregate == about for event in day.events) + 1
        at = day.events[-1].at + timedelta(seconds=1)
        event = Event("lie", name, at, {**data, "sequenceNumber": number})
        return replace(day, events=[*day.events, event])

    return lie


def with_entry(entry: Entry) -> Lie:
    return lambda day: replace(day, entries=[*day.entries, entry])


def without_entry(action: str) -> Lie:
    return lambda day: replace(day, entries=[e for e in day.entries if e.action != action])


def with_job(job_id: str, **changes: object) -> Lie:
    return lambda day: replace(day, jobs={**day.jobs, job_id: {**day.jobs[job_id], **changes}})


def without_job(job_id: str) -> Lie:
    return lambda day: replace(day, jobs={k: v for k, v in day.jobs.items() if k != job_id})


def with_worker(worker_id: str, **changes: object) -> Lie:
    changed = {"id": worker_id, **changes}
    return lambda day: replace(
        day, workers={**day.workers, worker_id: {**day.workers[worker_id], **changed}}
    )


def all_of(*lies: Lie) -> Lie:
    def lie(day: Evidence) -> Evidence:
        for each in lies:
            day = each(day)
        return day

    return lie


CARL = {"workerId": "carl", "queueId": "queue", "channelId": "chat"}
OFFER_TO_CARL = {**CARL, "offerId": "new", "expiresOn": "2026-03-02T00:00:00+00:00"}
TWO_OFFERS = [{"offerId": n, "jobId": "offered", "capacityCost": 1} for n in ("offered-bob", "x")]


def offered_while_ann_was_busy(event: Event) -> Event:
    """As from a job of its own, before her first one was closed."""
    offer = {"jobId": "early", "workerId": "ann", "offerId": "early", "sequenceNumber": 1}
    return replace(event, id="early", at=MORNING + timedelta(seconds=12), data=event.data | offer)


LIES: Sequence[tuple[str, Lie, str]] = (
    ("an event was lost", without_event("job/finished#4"), "have the numbers"),
    ("the last event was lost", without_event("job/finished#8"), "told 0 times, not 1 to 1"),
    (
        "an event got a new id",
        with_copy("job/finished#8", lambda e: replace(e, id="new")),
        "have the numbers",
    ),
    (
        "an event changed",
        with_copy("job/finished#8", lambda e: replace(e, name="JobCompleted")),
        "different contents",
    ),
    ("an acceptance was acknowledged twice", with_entry(acceptance("finished")), "not 2 to 2"),
    (
        "an acceptance was acknowledged and forgotten",
        with_entry(acceptance("offered")),
        "left no trace",
    ),
    ("a job was lost", without_job("declined"), "there is no such job"),
    ("nobody asked for an event", without_entry("close"), "told 1 times, not 0 to 0"),
    (
        "a refused request was done",
        all_of(
            without_entry("close"),
            with_entry(Entry("close", Outcome.REFUSED, (Effect("JobClosed", "finished-taken"),))),
        ),
        "told 1 times, not 0 to 0",
    ),
    (
        "a job was assigned twice",
        with_later(
            "WorkerOfferAccepted", **_offer("assigned", "bob"), assignmentId="another-taken"
        ),
        "it is assigned",
    ),
    (
        "an offer was accepted after its time",
        with_later(
            "WorkerOfferAccepted", **_offer("declined", "bob"), assignmentId="declined-taken"
        ),
        "the offer is not open",
    ),
    (
        "an assigned job was offered",
        with_later("WorkerOfferIssued", jobId="assigned", **OFFER_TO_CARL),
        "it was assigned",
    ),
    (
        "a job had more offers than it may",
        lambda day: replace(day, limits={"queue": 1}),
        "as many offers as it may have",
    ),
    (
        "a worker held more than its capacity once",
        with_copy("job/declined#3", offered_while_ann_was_busy),
        "held 2 of 1 once",
    ),
    ("a worker holds more than its capacity", with_worker("bob", offers=TWO_OFFERS), "2 of 1"),
    ("a worker holds what nobody lists", with_worker("bob", offers=TWO_OFFERS), "is not open"),
    ("a worker holds nothing for its job", with_worker("ann", assignedJobs=[]), "no capacity for"),
    (
        "a worker left silently",
        with_worker("ann", availableForOffers=False),
        "its events say otherwise",
    ),
    (
        "a worker left by itself",
        all_of(
            with_later("WorkerDeregistered", workerId="ann"),
            with_worker("ann", availableForOffers=False),
        ),
        "told 1 times, not 0 to 0",
    ),
    (
        "a worker registered twice",
        with_later("WorkerRegistered", workerId="ann", labels={CHANGE: "join-ann"}),
        "it was registered",
    ),
    ("a job is not what was told", with_job("finished", status="completed"), "it is completed"),
    (
        "an assignment was lost",
        with_job("assigned", assignments={}),
        "its events say {'assigned-taken': False}, it has {}",
    ),
    (
        "somebody waits in vain",
        with_worker("ann", capacity=2, loadRatio=0.5),
        "job/declined waits, and worker/ann is available",
    ),
)


@pytest.mark.parametrize(
    ("lie", "complaint"), [pytest.param(lie, found, id=name) for name, lie, found in LIES]
)
def test_a_lie_is_found(lie: Lie, complaint: str) -> None:
    assert any(complaint in each for each in complaints_about(lie(honest())))


def test_a_worker_that_declined_is_not_waited_for() -> None:
    """Unless it registered anew since, or said when to ask again."""
    roomy = with_worker("bob", capacity=2, loadRatio=0.5)
    assert complaints_about(roomy(honest())) == []
    for_now = entry("decline for now", ("WorkerOfferDeclined", "declined-bob"))
    asked_again = all_of(roomy, without_entry("decline"), with_entry(for_now))
    assert complaints_about(asked_again(honest())) == [
        "job/declined waits, and worker/bob is available for it"
    ]
