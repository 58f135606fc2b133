"""Whether what clients were told, what events told and what the router holds are one story.

The invariants of docs/explanation/consistency.md, seen from outside. A check gives its complaints;
there are none if all is well.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from tests.e2e.history import Complaints, Held, JobHistory, WorkerHistory
from tests.e2e.inbox import Event
from tests.e2e.journal import CHANGE, LEAVING, WORKER_CHANGED, WORKER_LEFT, Effect, Entry, Outcome
from tests.e2e.signed_client import JsonObject

SUSPENDED = "waitingForActivation"


@dataclass(frozen=True)
class Evidence:
    """``events``: as they were delivered, so some perhaps more than once.

    ``jobs``, ``workers``: what the API shows at rest, by id.
    ``limits``: how many open offers a job may have, by queue id.
    """

    entries: Sequence[Entry]
    events: Sequence[Event]
    jobs: Mapping[str, JsonObject]
    workers: Mapping[str, JsonObject]
    limits: Mapping[str, int]

    @cached_property
    def told(self) -> Mapping[str, Sequence[Event]]:
        """Each aggregate's events, once each, in the order of their numbers."""
        told: defaultdict[str, list[Event]] = defaultdict(list)
        for event in {event.id: event for event in self.events}.values():
            told[event.aggregate].append(event)
        return {about: sorted(events, key=lambda e: e.sequence) for about, events in told.items()}

    @cached_property
    def histories(self) -> "Histories":
        return _replayed(self)


@dataclass
class Histories:
    """``complaints``: of the replays."""

    jobs: dict[str, JobHistory] = field(default_factory=dict)
    workers: dict[str, WorkerHistory] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def holdings(self) -> Iterator[Held]:
        return (held for job in self.jobs.values() for held in job.holdings.values())


def complaints_about(evidence: Evidence) -> list[str]:
    """Everything that is wrong at rest."""
    return [complaint for check in CHECKS for complaint in check(evidence)]


def _replayed(evidence: Evidence) -> Histories:
    histories = Histories()
    for about, events in evidence.told.items():
        kind, _, id = about.partition("/")
        if kind == "job":
            job = histories.jobs[id] = JobHistory(id, evidence.limits.__getitem__)
            histories.complaints += job.replay(events)
        else:
            worker = histories.workers[id] = WorkerHistory(id)
            histories.complaints += worker.replay(events)
    return histories


# -- events ---------------------------------------------------------------------------------------


def check_numbers(evidence: Evidence) -> Complaints:
    """Each aggregate's events are numbered from 1 without gaps; a number always has the same id."""
    for about, events in evidence.told.items():
        numbers = [event.sequence for event in events]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{about}: its events have the numbers {numbers}"


def check_repetitions(evidence: Evidence) -> Complaints:
    """An event that comes again is the same."""
    first: dict[str, Event] = {}
    for event in evidence.events:
        if first.setdefault(event.id, event) != event:
            yield f"{event.aggregate}: event {event.id} came with different contents"


def check_histories(evidence: Evidence) -> Complaints:
    yield from evidence.histories.complaints


# -- requests -------------------------------------------------------------------------------------


def check_effects(evidence: Evidence) -> Complaints:
    """What was acknowledged is told of exactly once, and nothing is that nobody asked for."""
    least, most = _asked_for(evidence.entries)
    expiries = Counter(
        Effect(WORKER_LEFT, event.data["workerId"])
        for events in evidence.told.values()
        for event in events
        if event.name == "WorkerOfferExpired"
    )
    told = Counter(effect for events in evidence.told.values() for effect in _effects_told(events))
    for effect in {*most, *told}:
        found, at_most = told[effect], most[effect] + expiries[effect]
        if not least[effect] <= found <= at_most:
            yield f"{effect}: told {found} times, not {least[effect]} to {at_most}"


def _asked_for(entries: Iterable[Entry]) -> tuple[Counter[Effect], Counter[Effect]]:
    """How often each effect must have come about at least, and at most."""
    least: Counter[Effect] = Counter()
    most: Counter[Effect] = Counter()
    for entry in entries:
        least.update(entry.effects if entry.outcome is Outcome.DONE else ())
        most.update(entry.effects if entry.outcome is not Outcome.REFUSED else ())
    return least, most


_ABOUT: Mapping[str, Callable[[JsonObject], str]] = {
    "JobReceived": lambda data: data["jobId"],
    "JobQueued": lambda data: data["jobId"],
    "JobCancelled": lambda data: data["jobId"],
    "JobCompleted": lambda data: data["assignmentId"],
    "JobClosed": lambda data: data["assignmentId"],
    "JobUnassigned": lambda data: data["assignmentId"],
    "WorkerOfferAccepted": lambda data: data["offerId"],
    "WorkerOfferDeclined": lambda data: data["offerId"],
}


def _effects_told(events: Iterable[Event]) -> Iterator[Effect]:
    """What clients asked for; other events are the router's own doing."""
    for event in events:
        match event.name:
            case "WorkerRegistered" | "WorkerUpdated":
                yield _change_told(event.data)
            case "WorkerDeregistered":
                yield Effect(WORKER_LEFT, event.data["workerId"])
            case name if name in _ABOUT:
                yield Effect(name, _ABOUT[name](event.data))


def _change_told(data: JsonObject) -> Effect:
    mark = data["labels"][CHANGE]
    if mark.startswith(LEAVING):
        return Effect(WORKER_LEFT, data["workerId"])
    return Effect(WORKER_CHANGED, mark)


def check_acceptances(evidence: Evidence) -> Complaints:
    """A worker that was told it has the job got the assignment that it was told."""
    assignments = {held.assignment_id: held for held in evidence.histories.holdings}
    for entry in evidence.entries:
        if entry.action == "accept" and entry.outcome is Outcome.DONE:
            held = assignments.get(entry.answer["assignmentId"])
            told = (entry.answer["jobId"], entry.answer["workerId"])
            if held is None or (held.job_id, held.worker_id) != told:
                yield f"job/{told[0]}: the acceptance {entry.answer} left no trace"


# -- capacity -------------------------------------------------------------------------------------


def check_capacity(workers: Iterable[JsonObject]) -> Complaints:
    """No worker holds more than it may; true at any time, not only at rest."""
    for worker in workers:
        held = [*worker["offers"], *worker["assignedJobs"]]
        consumed = sum(each["capacityCost"] for each in held)
        if consumed > worker["capacity"]:
            yield f"worker/{worker['id']}: holds {consumed} of {worker['capacity']}"
        if worker["loadRatio"] != consumed / worker["capacity"]:
            yield f"worker/{worker['id']}: its load ratio is not that of {held}"
        if len(worker["offers"]) > worker.get("maxConcurrentOffers", len(held)):
            yield f"worker/{worker['id']}: has {len(worker['offers'])} offers"


def check_capacity_at_rest(evidence: Evidence) -> Complaints:
    yield from check_capacity(evidence.workers.values())


def check_capacity_ever(evidence: Evidence) -> Complaints:
    """By the events of all jobs, no worker ever held more than it may.

    The times of two hosts compare because they are on one machine, and a job's events are within
    the time for which its worker holds capacity: an excess here was one there.
    """
    holdings: defaultdict[str, list[Held]] = defaultdict(list)
    for held in evidence.histories.holdings:
        holdings[held.worker_id].append(held)
    for worker in evidence.workers.values():
        yield from _check_holdings(worker, holdings[worker["id"]])


def _check_holdings(worker: JsonObject, holdings: Sequence[Held]) -> Complaints:
    cost = {each["channelId"]: each["capacityCostPerJob"] for each in worker["channels"]}
    consumed = _peak((h.issued_at, h.until, cost[h.channel_id]) for h in holdings)
    if consumed > worker["capacity"]:
        yield f"worker/{worker['id']}: held {consumed} of {worker['capacity']} once"
    for channel in worker["channels"]:
        of_channel = [h for h in holdings if h.channel_id == channel["channelId"]]
        jobs = _peak((h.issued_at, h.until, 1) for h in of_channel)
        if jobs > channel.get("maxNumberOfJobs", jobs):
            yield f"worker/{worker['id']}: held {jobs} jobs of {channel} once"
    offers = _peak((h.issued_at, h.accepted_at or h.until, 1) for h in holdings)
    if offers > worker.get("maxConcurrentOffers", offers):
        yield f"worker/{worker['id']}: had {offers} offers at a time once"


def _peak(spans: Iterable[tuple[datetime, datetime | None, int]]) -> int:
    """The highest sum at any time; what ends at a time makes room for what begins then."""
    changes: list[tuple[datetime, int]] = []
    for since, until, amount in spans:
        changes.append((since, amount))
        if until is not None:
            changes.append((until, -amount))
    peak = level = 0
    for _, change in sorted(changes):
        level += change
        peak = max(peak, level)
    return peak


# -- state ----------------------------------------------------------------------------------------


def check_jobs(evidence: Evidence) -> Complaints:
    """Every job is what its events say, and there is none without events."""
    for job_id in {*evidence.jobs, *evidence.histories.jobs}:
        job, history = evidence.jobs.get(job_id), evidence.histories.jobs.get(job_id)
        if job is None or history is None:
            missing = "there is no such job" if history else "it has no events"
            yield f"job/{job_id}: {missing}"
            continue
        if job["status"] != _status_told(history):
            yield f"job/{job_id}: it is {job['status']}, its events say {history.status}"
        shown = {id: "closedAt" in each for id, each in job["assignments"].items()}
        if shown != history.assignments:
            yield f"job/{job_id}: its events say {history.assignments}, it has {shown}"


def _status_told(history: JobHistory) -> str:
    return SUSPENDED if history.status == "unassigned" else history.status


def check_workers(evidence: Evidence) -> Complaints:
    """Every worker is what its events say, and there is none without events."""
    for worker_id in {*evidence.workers, *evidence.histories.workers}:
        worker = evidence.workers.get(worker_id)
        history = evidence.histories.workers.get(worker_id)
        if worker is None or history is None:
            missing = "there is no such worker" if history else "it has no events"
            yield f"worker/{worker_id}: {missing}"
        elif worker["availableForOffers"] != history.available:
            yield f"worker/{worker_id}: its events say otherwise: {history}"


def check_agreement(evidence: Evidence) -> Complaints:
    """Workers hold capacity for exactly the open offers and assignments of jobs."""
    held = {key for worker in evidence.workers.values() for key in _held_by(worker)}
    told = {
        (each.worker_id, each.job_id, each.assignment_id or each.offer_id)
        for each in evidence.histories.holdings
        if each.until is None
    }
    for worker_id, job_id, id in held - told:
        yield f"worker/{worker_id}: holds capacity for {id} of job/{job_id}, which is not open"
    for worker_id, job_id, id in told - held:
        yield f"worker/{worker_id}: holds no capacity for {id} of job/{job_id}, which is open"


def _held_by(worker: JsonObject) -> Iterator[tuple[str, str, str]]:
    for offer in worker["offers"]:
        yield worker["id"], offer["jobId"], offer["offerId"]
    for assigned in worker["assignedJobs"]:
        yield worker["id"], assigned["jobId"], assigned["assignmentId"]


def check_nobody_waits_in_vain(evidence: Evidence) -> Complaints:
    """No job could have one more offer of a worker that has room for it."""
    refused = _declined_for_good(evidence)
    with_room = [w for w in evidence.workers.values() if _may_get_offers(w)]
    for job_id, job in evidence.jobs.items():
        history = evidence.histories.jobs.get(job_id)
        if history is None or job["status"] != "queued":
            continue
        if len(history.offers) < evidence.limits[job["queueId"]]:
            out_of_question = refused[job_id] | {offer.worker_id for offer in history.offers}
            for worker in with_room:
                if worker["id"] not in out_of_question and _suits(worker, job, evidence):
                    yield f"job/{job_id} waits, and worker/{worker['id']} is available for it"


def _declined_for_good(evidence: Evidence) -> defaultdict[str, set[str]]:
    """Workers by job: those that declined without a time to retry, in their present registration.

    (The time of every other decline is over at rest.)
    """
    for_good = {e.effects[0].about for e in evidence.entries if e.action == "decline"}
    refused: defaultdict[str, set[str]] = defaultdict(set)
    for job in evidence.histories.jobs.values():
        for offer in job.declines:
            worker = evidence.histories.workers.get(offer.worker_id)
            present = worker is not None and worker.has_been_registered_since(offer.issued_at)
            if offer.offer_id in for_good and present:
                refused[job.id].add(offer.worker_id)
    return refused


def _may_get_offers(worker: JsonObject) -> bool:
    offers = len(worker["offers"])
    limit = worker.get("maxConcurrentOffers", offers + 1)
    return bool(worker["availableForOffers"]) and offers < limit


def _suits(worker: JsonObject, job: JsonObject, evidence: Evidence) -> bool:
    return (
        job["queueId"] in worker["queues"]
        and _has_room(worker, job["channelId"], evidence)
        and all(_accepts(selector, worker) for selector in job["requestedWorkerSelectors"])
    )


def _has_room(worker: JsonObject, channel_id: str, evidence: Evidence) -> bool:
    held = [*worker["offers"], *worker["assignedJobs"]]
    left = worker["capacity"] - sum(each["capacityCost"] for each in held)
    of_channel = sum(
        evidence.jobs.get(each["jobId"], {}).get("channelId") == channel_id for each in held
    )
    return any(
        channel["channelId"] == channel_id
        and channel["capacityCostPerJob"] <= left
        and of_channel < channel.get("maxNumberOfJobs", of_channel + 1)
        for channel in worker["channels"]
    )


def _accepts(selector: JsonObject, worker: JsonObject) -> bool:
    assert selector["labelOperator"] == "greaterThan", "the only one that is used"
    return bool(worker["labels"][selector["key"]] > selector["value"])


CHECKS: Sequence[Callable[[Evidence], Complaints]] = (
    check_numbers,
    check_repetitions,
    check_histories,
    check_effects,
    check_acceptances,
    check_capacity_at_rest,
    check_capacity_ever,
    check_jobs,
    check_workers,
    check_agreement,
    check_nobody_waits_in_vain,
)
