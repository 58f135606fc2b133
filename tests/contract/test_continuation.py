"""Continuation tokens: only the query that made one takes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain.labels import LabelOperator
from shared.domain.statuses import JobStatus, WorkerState
from shared.ports import (
    InvalidContinuation,
    JobFilter,
    Page,
    Store,
    WorkerFilter,
    WorkerOrder,
    WorkerQuery,
)
from tests.factories import (
    NOW,
    make_classification_policy,
    make_distribution_policy,
    make_exception_policy,
    make_job,
    make_queue,
    make_selector,
    make_worker,
    seconds,
)

IDS = ("a", "b", "c")

type Fetch = Callable[[Store, str | None], Awaitable[Page[Any]]]


def jobs(**conditions: Any) -> Fetch:
    return lambda store, token: store.jobs.list(JobFilter(**conditions), 1, token)


def waiting(queues: list[str], channels: list[str] | None) -> Fetch:
    return lambda store, token: store.jobs.waiting(queues, channels, 1, token)


def workers(**conditions: Any) -> Fetch:
    return lambda store, token: store.workers.list(WorkerFilter(**conditions), 1, token)


def available(**conditions: Any) -> Fetch:
    query = WorkerQuery(**({"queue_id": "queue-1"} | conditions))
    return lambda store, token: store.workers.available(query, 1, token)


def skill(operator: LabelOperator, value: Any, **members: Any) -> dict[str, Any]:
    return {"selectors": (make_selector("Skill", operator, value, **members),)}


QUERIES: list[Fetch] = [
    jobs(),
    jobs(statuses=frozenset({JobStatus.QUEUED})),
    jobs(statuses=frozenset({JobStatus.QUEUED, JobStatus.CLOSED})),
    jobs(queue_id="queue-1"),
    jobs(channel_id="chat"),
    jobs(scheduled_before=NOW),
    jobs(scheduled_before=NOW + seconds(1)),
    jobs(scheduled_after=NOW),
    waiting(["queue-1"], None),
    waiting(["queue-1"], ["chat"]),
    waiting(["queue-1", "queue-2"], None),
    workers(),
    workers(state=WorkerState.ACTIVE),
    workers(queue_id="queue-1"),
    workers(channel_id="chat"),
    workers(has_capacity=True),
    available(),
    available(channel_id="chat"),
    available(order=WorkerOrder.ID),
    available(order=WorkerOrder.ID, after_id="A"),
    available(**skill(LabelOperator.EQUAL, 1)),
    available(**skill(LabelOperator.EQUAL, True)),
    available(**skill(LabelOperator.GREATER_THAN, 0)),
    lambda store, token: store.queues.list(1, token),
    lambda store, token: store.distribution_policies.list(1, token),
    lambda store, token: store.classification_policies.list(1, token),
    lambda store, token: store.exception_policies.list(1, token),
]


@dataclass(frozen=True)
class Filled:
    """A store in which every query has more than one page, and their first tokens."""

    store: Store
    tokens: list[str]


@pytest.fixture
async def filled(store: Store) -> Filled:
    for id in IDS:
        await store.jobs.create(make_job(id, scheduled_at=NOW), None, NOW)
        await store.workers.create(make_worker(id, labels={"Skill": 1}), None, NOW)
        await store.queues.create(make_queue(id), NOW)
        await store.distribution_policies.create(make_distribution_policy(id), NOW)
        await store.classification_policies.create(make_classification_policy(id), NOW)
        await store.exception_policies.create(make_exception_policy(id), NOW)
    tokens = [(await fetch(store, None)).continuation for fetch in QUERIES]
    return Filled(store, [token for token in tokens if token])


async def test_only_the_query_that_made_it_takes_a_token(filled: Filled) -> None:
    made = len(filled.tokens)
    assert made >= len(QUERIES) - 1  # No worker has the boolean label: that page has no other.
    for token in filled.tokens:
        takers = 0
        for fetch in QUERIES:
            try:
                page = await fetch(filled.store, token)
            except InvalidContinuation:
                continue
            takers += 1
            assert [item.value.id for item in page.items] == ["b"]
        assert takers == 1


async def test_a_token_can_be_used_again(filled: Filled) -> None:
    fetch = QUERIES[0]
    first, second = [await fetch(filled.store, filled.tokens[0]) for _ in range(2)]
    assert first == second


async def test_the_order_of_queues_and_channels_does_not_matter(filled: Filled) -> None:
    page = await filled.store.jobs.waiting(["queue-1", "q"], ["chat", "c"], 1)
    again = await filled.store.jobs.waiting(["q", "queue-1"], ["c", "chat"], 1, page.continuation)
    assert [job.value.id for job in again.items] == ["b"]


async def test_a_damaged_token_is_refused(filled: Filled) -> None:
    token = filled.tokens[0]
    damaged = [
        token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token))
    ]
    for wrong in [*damaged, token[:-1], token[1:], token + "A", token + "=", f" {token}"]:
        with pytest.raises(InvalidContinuation):
            await filled.store.jobs.list(JobFilter(), 1, wrong)


@pytest.mark.parametrize(
    "token",
    ["", "a", "====", "é", "bnVsbA", "W10", "e30", "WzFd", "WyJhIl0", "W1tdXQ", "W1tb" * 5000, "?"],
)
async def test_no_token_at_all_is_refused(filled: Filled, token: str) -> None:
    for fetch in QUERIES:
        with pytest.raises(InvalidContinuation):
            await fetch(filled.store, token)
