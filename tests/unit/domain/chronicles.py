"""The order in which events may be announced: what a subscriber may rely on."""

from collections.abc import Iterable, Mapping

from shared.domain import events as e
from shared.domain.events import Event

OFFER_ENDS = (e.OfferAccepted, e.OfferDeclined, e.OfferRevoked, e.OfferExpired)

ROUTED = (e.JobClassified, e.JobClassificationFailed, e.JobQueued)
"""The job is on its way into a queue, or out of one, so nobody may hold an offer of it."""

WAITING: Mapping[type[object], str] = {
    e.JobClassified: "waiting",
    e.JobClassificationFailed: "waiting",
    e.JobExceptionTriggered: "waiting",
    e.JobSchedulingFailed: "waiting",
    e.JobQueued: "waiting",
    e.JobWaitingForActivation: "waiting",
    e.JobWorkerSelectorsExpired: "waiting",
    e.OfferIssued: "waiting",
    e.OfferDeclined: "waiting",
    e.OfferRevoked: "waiting",
    e.OfferExpired: "waiting",
    e.OfferAccepted: "assigned",
    e.JobCancelled: "ended",
}
FOLLOWING: Mapping[str, Mapping[type[object], str]] = {
    "new": {e.JobReceived: "waiting"},
    "waiting": WAITING,
    "assigned": {
        e.OfferRevoked: "assigned",
        e.JobUnassigned: "waiting",
        e.JobCompleted: "completed",
        e.JobCancelled: "ended",
    },
    "completed": {e.JobClosed: "ended", e.JobCancelled: "ended"},
    "ended": {e.JobDeleted: "deleted"},
    "deleted": {},
}
"""What may be announced of a job at each stage, and the stage after it.

A suspended or scheduled job counts as waiting: suspending it is not announced.
"""


class JobChronicle:
    """What was announced of one job, including its offers."""

    def __init__(self) -> None:
        self._stage = "new"
        self._open_offers: set[str] = set()
        self._offers_seen: set[str] = set()
        self._assignment: tuple[str, str] | None = None

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        allowed = FOLLOWING[self._stage]
        assert type(event) in allowed, f"{event} of a job that is {self._stage}"
        self._stage = allowed[type(event)]
        self._follow_offer(event)
        self._follow_assignment(event)
        if self._stage in ("ended", "deleted") or isinstance(event, ROUTED):
            assert not self._open_offers, f"offers stay open after {event}"

    def _follow_offer(self, event: Event) -> None:
        if isinstance(event, e.OfferIssued):
            assert event.offer_id not in self._offers_seen, f"issued twice: {event}"
            self._offers_seen.add(event.offer_id)
            self._open_offers.add(event.offer_id)
        if isinstance(event, OFFER_ENDS):
            assert event.offer_id in self._open_offers, f"ended, but is not open: {event}"
            self._open_offers.remove(event.offer_id)

    def _follow_assignment(self, event: Event) -> None:
        if isinstance(event, e.OfferAccepted):
            self._assignment = (event.assignment_id, event.worker_id)
        if isinstance(event, e.JobCompleted | e.JobClosed | e.JobUnassigned):
            assert self._assignment == (event.assignment_id, event.worker_id), event


class WorkerChronicle:
    """What was announced of one worker."""

    def __init__(self) -> None:
        self._registered = False
        self._deleted = False

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        assert not self._deleted, f"{event} of a deleted worker"
        match event:
            case e.WorkerRegistered():
                assert not self._registered, "registered twice"
                self._registered = True
            case e.WorkerDeregistered():
                assert self._registered, "deregistered, but was not registered"
                self._registered = False
            case e.WorkerUpdated():
                assert event.available_for_offers is self._registered
                assert event.updated_properties, "updated, but nothing changed"
            case e.WorkerDeleted():
                assert not self._registered, "deleted while registered"
                self._deleted = True
            case _:
                raise AssertionError(f"{event} is not about a worker")
