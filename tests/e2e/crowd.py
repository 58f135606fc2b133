"""Many clients at once; each request goes to any host, and the journal keeps what came of it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import aiohttp

from tests.e2e.fleet import Fleet
from tests.e2e.inbox import Event
from tests.e2e.journal import (
    CHANGE,
    LEAVING,
    WORKER_CHANGED,
    WORKER_LEFT,
    Effect,
    Entry,
    Journal,
    Outcome,
)
from tests.e2e.plan import Answer, Plan, Submission, Work, skill
from tests.e2e.signed_client import JsonObject, Reply

OK = 200
CUSTOMERS = 64
"""How many clients submit jobs, each one after the other."""

PATIENCE_SECONDS = 1.5
"""How long a customer waits for somebody to take up the job before submitting the next one."""

CHANGE_SECONDS = 0.2
"""How often some worker changes."""

ABSENCE_SECONDS = 0.5
RETRY_SECONDS = 1.0
"""After no answer, and after an offer that was declined for now."""


@asynccontextmanager
async def meanwhile(what: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do it until the body has ended; should it fail, that is told then."""
    task = asyncio.create_task(what)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True, slots=True)
class Clients:
    """Sends each request to a host chosen at random, once, and keeps the outcome."""

    fleet: Fleet
    journal: Journal
    dice: Random

    async def request(
        self, action: str, method: str, path: str, document: object = None, *effects: Effect
    ) -> Entry:
        reply = await self._send(method, path, document)
        return self.journal.record(action, effects, reply)

    async def submit(self, submission: Submission) -> Entry:
        job_id = submission.job_id
        reply = await self._send("PATCH", f"/routing/jobs/{job_id}", submission.job)
        effects = (Effect("JobReceived", job_id), Effect("JobQueued", job_id))
        existed = reply is not None and reply.status == OK
        return self.journal.record("submit", () if existed else effects, reply)

    async def _send(self, method: str, path: str, document: object) -> Reply | None:
        host = self.dice.choice([*self.fleet.alive.values()])
        try:
            return await host.client.send(method, path, document)
        except (aiohttp.ClientError, TimeoutError):
            return None


@dataclass
class Crowd:
    """Customers submit jobs; workers answer their offers and do the work, as planned.

    ``on_event`` must be told of every event. It starts what follows, until ``rest``.
    ``midway``: half of the jobs have been submitted.
    """

    clients: Clients
    plan: Plan
    midway: asyncio.Event = field(default_factory=asyncio.Event)
    _offers: Counter[str] = field(default_factory=Counter)
    _accepted: Counter[str] = field(default_factory=Counter)
    _taken_up: defaultdict[str, asyncio.Event] = field(
        default_factory=lambda: defaultdict(asyncio.Event)
    )
    _changes: Iterator[int] = field(default_factory=count)
    _started: list[asyncio.Task[None]] = field(default_factory=list)
    _resting: bool = False

    # -- the whole ------------------------------------------------------------------------------

    async def register(self) -> None:
        async with asyncio.TaskGroup() as group:
            for worker_id, worker in self.plan.workers.items():
                group.create_task(self._change_worker("join", worker_id, worker))

    async def submit_all(self) -> None:
        """Submit every job, while workers come and go."""
        waiting = self._submissions()
        async with meanwhile(self._change_workers()), asyncio.TaskGroup() as group:
            for _ in range(CUSTOMERS):
                group.create_task(self._be_customer(waiting))

    def _submissions(self) -> Iterator[Submission]:
        for number, submission in enumerate(self.plan.submissions):
            if 2 * number >= len(self.plan.submissions):
                self.midway.set()
            yield submission

    async def rest(self) -> None:
        """Start nothing more, and finish what is under way."""
        self._resting = True
        await asyncio.gather(*self._started)

    def on_event(self, event: Event) -> None:
        if self._resting:
            return
        match event.name:
            case "WorkerOfferIssued":
                self._start(self._answer(event.data))
            case "WorkerDeregistered":
                self._start(self._come_back(event.data["workerId"]))

    def _start(self, what: Coroutine[None, None, None]) -> None:
        self._started.append(asyncio.create_task(what))

    # -- customers ------------------------------------------------------------------------------

    async def _be_customer(self, waiting: Iterator[Submission]) -> None:
        for submission in waiting:
            times = 2 if submission.twice else 1
            await asyncio.gather(*(self._submit(submission) for _ in range(times)))
            await self._wait_until_taken_up(submission.job_id)

    async def _submit(self, submission: Submission) -> None:
        """Asks again as long as there is no answer; it is not done twice."""
        entry = await self.clients.submit(submission)
        if entry.outcome is Outcome.PERHAPS:
            await asyncio.sleep(RETRY_SECONDS)
            await self._submit(submission)

    async def _wait_until_taken_up(self, job_id: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._taken_up[job_id].wait()
        except TimeoutError:
            return

    # -- workers --------------------------------------------------------------------------------

    async def _change_workers(self) -> None:
        while True:
            # Not awaited: this loop is cut off in the end, and no request must be missing in the
            # journal.
            self._start(self._change_any_worker())
            await asyncio.sleep(CHANGE_SECONDS)

    async def _change_any_worker(self) -> None:
        dice = self.clients.dice
        worker_id = dice.choice([*self.plan.workers])
        if dice.random() < 0.3:
            await self._leave(worker_id)
        else:
            await self._change_worker("train", worker_id, {"labels": {"Skill": skill(dice)}})

    async def _come_back(self, worker_id: str) -> None:
        await asyncio.sleep(self.clients.dice.uniform(0, ABSENCE_SECONDS))
        await self.join(worker_id)

    async def join(self, worker_id: str) -> None:
        await self._change_worker("join", worker_id, {"availableForOffers": True})

    async def _leave(self, worker_id: str) -> None:
        effect = Effect(WORKER_LEFT, worker_id)
        await self._change_worker(LEAVING, worker_id, {"availableForOffers": False}, effect)

    async def _change_worker(
        self, action: str, worker_id: str, change: JsonObject, effect: Effect | None = None
    ) -> None:
        mark = f"{action}-{next(self._changes)}"
        document = {**change, "labels": {**change.get("labels", {}), CHANGE: mark}}
        effect = effect or Effect(WORKER_CHANGED, mark)
        path = f"/routing/workers/{worker_id}"
        await self.clients.request(action, "PATCH", path, document, effect)

    # -- offers ---------------------------------------------------------------------------------

    async def _answer(self, offer: JsonObject) -> None:
        job_id = offer["jobId"]
        self._offers[job_id] += 1
        try:
            await self._give(self.plan.answer(job_id, self._offers[job_id]), offer)
        finally:
            self._taken_up[job_id].set()

    async def _give(self, answer: Answer, offer: JsonObject) -> None:
        job_id, worker_id = offer["jobId"], offer["workerId"]
        match answer:
            case Answer.ACCEPT:
                await self._accept(offer)
            case Answer.ACCEPT_AND_ACCEPT:
                await asyncio.gather(self._accept(offer), self._accept(offer))
            case Answer.ACCEPT_AND_CANCEL:
                await asyncio.gather(self._accept(offer), self.cancel(job_id))
            case Answer.ACCEPT_AND_LEAVE:
                await asyncio.gather(self._accept(offer), self._leave(worker_id))
            case Answer.DECLINE:
                await self._decline(offer, {})
            case Answer.DECLINE_FOR_NOW:
                retry_at = datetime.now(UTC) + timedelta(seconds=RETRY_SECONDS)
                await self._decline(offer, {"retryOfferAt": retry_at.isoformat()})
            case Answer.CANCEL:
                await self.cancel(job_id)
            case Answer.IGNORE:
                return

    async def _accept(self, offer: JsonObject) -> None:
        effect = Effect("WorkerOfferAccepted", offer["offerId"])
        entry = await self.clients.request("accept", "POST", _path(offer, "accept"), None, effect)
        if entry.outcome is Outcome.DONE:
            await self._work(entry.answer["jobId"], entry.answer["assignmentId"])

    async def _decline(self, offer: JsonObject, options: JsonObject) -> None:
        action = "decline for now" if options else "decline"
        effect = Effect("WorkerOfferDeclined", offer["offerId"])
        await self.clients.request(action, "POST", _path(offer, "decline"), options, effect)

    # -- jobs -----------------------------------------------------------------------------------

    async def _work(self, job_id: str, assignment_id: str) -> None:
        self._accepted[job_id] += 1
        match self.plan.work(job_id, self._accepted[job_id]):
            case Work.FINISH:
                await self._complete(job_id, assignment_id)
                await self._close(job_id, assignment_id)
            case Work.STOP_AT_COMPLETED:
                await self._complete(job_id, assignment_id)
            case Work.UNASSIGN:
                await self._unassign(job_id, assignment_id)
            case Work.UNASSIGN_AND_SUSPEND:
                await self._suspend_and_resume(job_id, assignment_id)
            case Work.COMPLETE_AND_UNASSIGN:
                await asyncio.gather(
                    self._complete(job_id, assignment_id), self._unassign(job_id, assignment_id)
                )
            case Work.CANCEL:
                await self.cancel(job_id)
            case Work.STOP_AT_ASSIGNED:
                return

    async def _complete(self, job_id: str, assignment_id: str) -> None:
        await self._end("complete", "JobCompleted", job_id, assignment_id)

    async def _close(self, job_id: str, assignment_id: str) -> None:
        await self._end("close", "JobClosed", job_id, assignment_id)

    async def _end(self, action: str, event: str, job_id: str, assignment_id: str) -> None:
        path = f"/routing/jobs/{job_id}/assignments/{assignment_id}:{action}"
        await self.clients.request(action, "POST", path, None, Effect(event, assignment_id))

    async def _unassign(self, job_id: str, assignment_id: str) -> None:
        await self._take_back(job_id, assignment_id, False, Effect("JobQueued", job_id))

    async def _suspend_and_resume(self, job_id: str, assignment_id: str) -> None:
        suspended = await self._take_back(job_id, assignment_id, True)
        if suspended.outcome is Outcome.DONE:
            change = {"matchingMode": {"kind": "queueAndMatch"}}
            effect = Effect("JobQueued", job_id)
            await self.clients.request("resume", "PATCH", f"/routing/jobs/{job_id}", change, effect)

    async def _take_back(
        self, job_id: str, assignment_id: str, suspend: bool, *further: Effect
    ) -> Entry:
        path = f"/routing/jobs/{job_id}/assignments/{assignment_id}:unassign"
        effects = (Effect("JobUnassigned", assignment_id), *further)
        options = {"suspendMatching": suspend}
        return await self.clients.request("unassign", "POST", path, options, *effects)

    async def cancel(self, job_id: str) -> None:
        path = f"/routing/jobs/{job_id}:cancel"
        await self.clients.request("cancel", "POST", path, {}, Effect("JobCancelled", job_id))


def _path(offer: JsonObject, answer: str) -> str:
    return f"/routing/workers/{offer['workerId']}/offers/{offer['offerId']}:{answer}"
