"""Commits: an aggregate's next value, its events and its follow-ups, in one atomic write.

A change begins with the version that this process wrote last, or that its caller has seen. That is
a guess, which the conditional write proves; what the rule refuses or leaves alone on a guess is
decided again on a fresh read.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.errors import NotFound, RouterError
from shared.domain.events import Event, RecordedEvent
from shared.domain.jobs import Job
from shared.domain.labels import identical
from shared.domain.transitions import Transition
from shared.domain.workers import Worker
from shared.ports import AggregateStore, IdGenerator, OutboxRecord, Stored
from shared.services.outbox import Pending
from shared.services.recent_versions import RecentVersions
from shared.services.router import Router, until_committed


@dataclass(frozen=True, slots=True)
class Commit[A]:
    """``stored``: the aggregate now (``None``: deleted). ``pending``: what is left to do for it."""

    stored: Stored[A] | None
    pending: tuple[Pending, ...] = ()


async def change_job(
    router: Router, job_id: str, rule: Callable[[Job], Transition[Job]]
) -> Commit[Job]:
    """Apply the rule to the job as it is now, however often others change it meanwhile.

    :raises NotFound: there is no such job. :raises TooMuchContention: lost too many races.
    """
    return await _change(router, _jobs(router), job_id, rule)


async def change_worker(
    router: Router,
    worker_id: str,
    rule: Callable[[Worker], Transition[Worker]],
    seen: Stored[Worker] | None = None,
) -> Commit[Worker]:
    """As :func:`change_job`, for a worker.

    ``seen``: the worker as it was a moment ago. Saves reading it, unless it has changed since.
    """
    return await _change(router, _workers(router), worker_id, rule, seen)


async def commit_job(
    router: Router, expected: Stored[Job] | None, transition: Transition[Job]
) -> Commit[Job]:
    """Write the transition over ``expected`` (``None``: the job is new), unless nothing changes.

    :raises ConcurrencyConflict, AlreadyExists: the race was lost; nothing was written.
    """
    return await _commit(router, _jobs(router), expected, transition)


async def commit_worker(
    router: Router, expected: Stored[Worker] | None, transition: Transition[Worker]
) -> Commit[Worker]:
    """As :func:`commit_job`, for a worker."""
    return await _commit(router, _workers(router), expected, transition)


@dataclass(frozen=True, slots=True)
class _Kind[A: (Job, Worker)]:
    name: str
    store: AggregateStore[A]
    recent: RecentVersions[A]


def _jobs(router: Router) -> _Kind[Job]:
    return _Kind("job", router.store.jobs, router.recent_jobs)


def _workers(router: Router) -> _Kind[Worker]:
    return _Kind("worker", router.store.workers, router.recent_workers)


async def _change[A: (Job, Worker)](
    router: Router,
    kind: _Kind[A],
    id: str,
    rule: Callable[[A], Transition[A]],
    seen: Stored[A] | None = None,
) -> Commit[A]:
    remembered = kind.recent.take(id)
    guess = seen or remembered

    async def attempt() -> Commit[A]:
        nonlocal guess
        guessed, guess = guess, None
        if guessed is not None:
            transition = _if_any_change(guessed.value, rule)
            if transition is not None:
                return await _commit(router, kind, guessed, transition)
        stored = await kind.store.get(id)
        if stored is None:
            raise NotFound(kind.name, id)
        return await _commit(router, kind, stored, rule(stored.value))

    return await until_committed(attempt)


def _if_any_change[A](guess: A, rule: Callable[[A], Transition[A]]) -> Transition[A] | None:
    """``None``: the rule refuses, or changes nothing, which no write would prove."""
    try:
        transition = rule(guess)
    except RouterError:
        return None
    return None if _changes_nothing(guess, transition) else transition


async def _commit[A: (Job, Worker)](
    router: Router,
    kind: _Kind[A],
    expected: Stored[A] | None,
    transition: Transition[A],
) -> Commit[A]:
    if expected is not None and _changes_nothing(expected.value, transition):
        return Commit(expected)
    before = expected.value if expected else transition.aggregate
    assert before is not None, "a new aggregate has a value"
    now = router.clock()
    record = _record(router.new_id, now, before, transition)
    after = transition.aggregate
    if after is not None:
        after = replace(after, sequence=before.sequence + len(transition.events))
    with router.telemetry.committing(before):
        stored = await _write(kind, expected, after, record, now)
        if record is None:
            return Commit(stored)
        router.telemetry.committed(before, record)
    return Commit(stored, (Pending(kind.store, record),))


def _changes_nothing[A](before: A, transition: Transition[A]) -> bool:
    silent = not transition.events and not transition.follow_ups
    return silent and identical(transition.aggregate, before)


def _record[A: (Job, Worker)](
    new_id: IdGenerator, now: datetime, before: A, transition: Transition[A]
) -> OutboxRecord | None:
    if not transition.events and not transition.follow_ups:
        return None
    return OutboxRecord(
        id=new_id(),
        aggregate_id=before.id,
        created_at=now,
        events=_recorded(new_id, now, before.sequence, transition.events),
        follow_ups=transition.follow_ups,
    )


def _recorded(
    new_id: IdGenerator, now: datetime, sequence: int, events: tuple[Event, ...]
) -> tuple[RecordedEvent, ...]:
    return tuple(
        RecordedEvent(id=new_id(), sequence=number, occurred_at=now, event=event)
        for number, event in enumerate(events, start=sequence + 1)
    )


async def _write[A: (Job, Worker)](
    kind: _Kind[A],
    expected: Stored[A] | None,
    after: A | None,
    record: OutboxRecord | None,
    now: datetime,
) -> Stored[A] | None:
    if expected is None:
        assert after is not None, "a new aggregate has a value"
        written = await kind.store.create(after, record, now)
    else:
        kind.recent.take(expected.value.id)
        if after is None:
            await kind.store.delete(expected, record)
            return None
        written = await kind.store.replace(expected, after, record, now)
    kind.recent.remember(written)
    return written
