"""What events tell: the life of each job and worker, replayed in the order of its numbers.

A replay complains about every event that could not have followed those before it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.e2e.inbox import Event

ENDED = frozenset({"closed", "cancelled"})

type Complaints = Iterator[str]


@dataclass(slots=True)
class Held:
    """Capacity that a job took of a worker, as far as the job's events tell.

    The worker held it a little longer at both ends: its reservation is there before the offer, and
    goes after it. ``until``: when the offer ended unaccepted, or its assignment ended.
    """

    job_id: str
    worker_id: str
    offer_id: str
    channel_id: str
    issued_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    assignment_id: str = ""
    until: datetime | None = None

    @property
    def is_open_offer(self) -> bool:
        return self.accepted_at is None and self.until is None

    @property
    def is_open_assignment(self) -> bool:
        return self.accepted_at is not None and self.until is None


@dataclass
class JobHistory:
    """``limit``: how many open offers a job of a queue may have.

    ``holdings``: all there ever were, by offer id. ``declines``: the offers that were declined.
    ``assignments``: those that it shows, and whether each was closed.
    """

    id: str
    limit: Callable[[str], int]
    status: str = "unknown"
    holdings: dict[str, Held] = field(default_factory=dict)
    declines: list[Held] = field(default_factory=list)
    assignments: dict[str, bool] = field(default_factory=dict)

    @property
    def offers(self) -> list[Held]:
        return [held for held in self.holdings.values() if held.is_open_offer]

    @property
    def assignment(self) -> Held | None:
        held = self.holdings.values()
        return next((each for each in held if each.is_open_assignment), None)

    def replay(self, events: Iterable[Event]) -> Complaints:
        for event in events:
            for complaint in self._follow(event):
                yield f"job/{self.id}, event {event.sequence}, {event.name}: {complaint}"

    def _follow(self, event: Event) -> Complaints:
        match event.name:
            case "JobReceived":
                yield from self._becomes("created", "unknown")
            case "JobQueued":
                yield from self._becomes("queued", "created", "unassigned")
            case "JobCancelled":
                yield from self._cancel(event)
            case "WorkerOfferIssued":
                yield from self._issue(event)
            case _ if "assignmentId" in event.data:
                yield from self._follow_assignment(event)
            case _ if "offerId" in event.data:
                yield from self._end_offer(event)
            case _:
                yield "nothing here causes such an event"

    def _follow_assignment(self, event: Event) -> Complaints:
        match event.name:
            case "WorkerOfferAccepted":
                yield from self._accept(event)
            case "JobCompleted":
                yield from self._is_of_assignment(event)
                yield from self._becomes("completed", "assigned")
            case "JobClosed":
                yield from self._is_of_assignment(event)
                yield from self._becomes("closed", "completed")
                self.assignments[event.data["assignmentId"]] = True
                self._release(event)
            case "JobUnassigned":
                yield from self._is_of_assignment(event)
                yield from self._becomes("unassigned", "assigned")
                self.assignments.pop(event.data["assignmentId"], None)
                self._release(event)

    def _cancel(self, event: Event) -> Complaints:
        if self.status in ENDED:
            yield f"it was {self.status}"
        if self.offers:
            yield "its offers are open"
        self._release(event)
        self.status = "cancelled"

    def _issue(self, event: Event) -> Complaints:
        yield from self._becomes("queued", "queued")
        held = _held(event)
        if len(self.offers) >= self.limit(event.data["queueId"]):
            yield "it has as many offers as it may have"
        if any(other.worker_id == held.worker_id for other in self.offers):
            yield "the worker has an offer of it"
        if held.offer_id in self.holdings:
            yield "an offer of this id was made before"
        self.holdings[held.offer_id] = held

    def _accept(self, event: Event) -> Complaints:
        if self.assignment is not None:
            yield "it is assigned"
        yield from self._becomes("assigned", "queued")
        offer = self._open_offer(event)
        if offer is None:
            yield "the offer is not open"
            return
        if event.at >= offer.expires_at:
            yield "the offer's time was over"
        offer.accepted_at, offer.assignment_id = event.at, event.data["assignmentId"]
        self.assignments[offer.assignment_id] = False

    def _end_offer(self, event: Event) -> Complaints:
        """Revoked, also when the job was just assigned to another worker, declined or expired."""
        offer = self._open_offer(event)
        if offer is None:
            yield "the offer is not open"
            return
        if event.name == "WorkerOfferExpired" and event.at < offer.expires_at:
            yield "the offer's time was not over"
        if event.name == "WorkerOfferDeclined":
            self.declines.append(offer)
        offer.until = event.at

    def _becomes(self, status: str, *before: str) -> Complaints:
        if self.status not in before:
            yield f"it was {self.status}"
        self.status = status

    def _is_of_assignment(self, event: Event) -> Complaints:
        held = self.assignment
        told = (event.data["assignmentId"], event.data["workerId"])
        if held is None or (held.assignment_id, held.worker_id) != told:
            yield "no such assignment is open"

    def _open_offer(self, event: Event) -> Held | None:
        held = self.holdings.get(event.data["offerId"])
        known = held is not None and held.worker_id == event.data["workerId"]
        return held if held and known and held.is_open_offer else None

    def _release(self, event: Event) -> None:
        held = self.assignment
        if held is not None:
            held.until = event.at


def _held(event: Event) -> Held:
    data = event.data
    return Held(
        job_id=data["jobId"],
        worker_id=data["workerId"],
        offer_id=data["offerId"],
        channel_id=data["channelId"],
        issued_at=event.at,
        expires_at=datetime.fromisoformat(data["expiresOn"]),
    )


@dataclass
class WorkerHistory:
    """``registered_at``: the beginning of its present or latest registration."""

    id: str
    available: bool = False
    registered_at: datetime | None = None

    def has_been_registered_since(self, moment: datetime) -> bool:
        return self.registered_at is not None and self.registered_at <= moment

    def replay(self, events: Iterable[Event]) -> Complaints:
        for event in events:
            for complaint in self._follow(event):
                yield f"worker/{self.id}, event {event.sequence}, {event.name}: {complaint}"

    def _follow(self, event: Event) -> Complaints:
        match event.name:
            case "WorkerRegistered":
                yield from self._becomes(True, before=False)
                self.registered_at = event.at
            case "WorkerDeregistered":
                yield from self._becomes(False, before=True)
            case "WorkerUpdated":
                available = event.data["availableForOffers"]
                yield from self._becomes(available, before=available)
            case _:
                yield "nothing here causes such an event"

    def _becomes(self, available: bool, *, before: bool) -> Complaints:
        if self.available is not before:
            yield f"it was {'' if self.available else 'not '}registered"
        self.available = available
