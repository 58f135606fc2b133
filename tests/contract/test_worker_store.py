"""What ``WorkerStore`` promises: due and idle workers, lists, availability and who came last."""

import itertools
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.labels import LabelOperator, Labels, LabelValue
from shared.domain.selectors import SelectorStatus, WorkerSelector, all_accept
from shared.domain.statuses import WorkerState
from shared.domain.workers import Worker
from shared.ports import Page, Store, Stored, WorkerFilter, WorkerOrder, WorkerQuery, WorkerStore
from tests.contract.stores import all_pages
from tests.factories import (
    NOW,
    make_channel,
    make_reservation,
    make_selector,
    make_worker,
    seconds,
)
from tests.strategies import LABEL_KEYS, LABEL_VALUES


@pytest.fixture
def workers(store: Store) -> WorkerStore:
    return store.workers


async def add(workers: WorkerStore, *new: Worker) -> None:
    for worker in new:
        await workers.create(worker, None, NOW)


def ids(stored: Iterable[Stored[Worker]]) -> list[str]:
    return [worker.value.id for worker in stored]


async def available(workers: WorkerStore, query: WorkerQuery, limit: int = 100) -> list[str]:
    return ids(await all_pages(partial(workers.available, query, limit)))


# -- due and idle ---------------------------------------------------------------------------------


def checked_in(id: str, after: float, **members: Any) -> Worker:
    return make_worker(
        id, reservations=(make_reservation(check_at=NOW + seconds(after), **members),)
    )


async def test_due_workers_come_earliest_first(workers: WorkerStore) -> None:
    await add(workers, checked_in("a", 30), checked_in("b", 10), checked_in("c", 20))
    assert ids(await workers.due(NOW + seconds(25), 10)) == ["b", "c"]
    assert ids(await workers.due(NOW + seconds(30), 2)) == ["b", "c"]
    assert await workers.due(NOW + seconds(9.999999), 10) == []


async def test_a_worker_without_offers_is_never_due(workers: WorkerStore) -> None:
    await add(workers, make_worker("a"), checked_in("b", 10, assignment_id="accepted"))
    assert await workers.due(NOW + seconds(10**6), 10) == []


async def test_idle_workers_come_earliest_first(workers: WorkerStore) -> None:
    await add(
        workers,
        make_worker("a", available_since=NOW),
        make_worker("b", available_since=NOW - seconds(5)),
        make_worker("c", available_since=NOW + seconds(5)),
        make_worker("away", available_for_offers=False),
        make_worker("busy", reservations=(make_reservation(),)),
    )
    assert ids(await workers.idle(NOW, 10)) == ["b", "a"]
    assert ids(await workers.idle(NOW, 1)) == ["b"]
    assert await workers.idle(NOW - seconds(6), 10) == []


async def test_a_worker_that_got_work_is_no_longer_idle(workers: WorkerStore) -> None:
    created = await workers.create(make_worker("a"), None, NOW)
    replaced = await workers.replace(
        created, make_worker("a", reservations=(make_reservation(),)), None, NOW
    )
    assert await workers.idle(NOW, 10) == []
    await workers.delete(replaced, None)
    assert await workers.due(NOW + seconds(15), 10) == []


# -- list -----------------------------------------------------------------------------------------

CHAT = make_channel("chat", cost=1)
VOICE = make_channel("voice", cost=2)
HELD = make_reservation()
ACTIVE, DRAINING, INACTIVE = WorkerState.ACTIVE, WorkerState.DRAINING, WorkerState.INACTIVE

LISTED = (
    make_worker("a", queues=("q1", "q2"), channels=(CHAT, VOICE), capacity=2),
    make_worker("b", queues=("q1",), channels=(CHAT, VOICE), capacity=2, reservations=(HELD,)),
    make_worker("c", queues=("q2",), channels=(VOICE,), capacity=1),
    make_worker("d", queues=("q1",), channels=(CHAT,), available_for_offers=False),
    make_worker("e", queues=(), channels=(), capacity=5),
    make_worker("f", channels=(CHAT,), reservations=(HELD,), available_for_offers=False),
    make_worker("g", channels=(make_channel("chat", at_most=0),), capacity=5),
)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, "abcdefg"),
        ({"state": ACTIVE}, "abceg"),
        ({"state": INACTIVE}, "d"),
        ({"state": DRAINING}, "f"),
        ({"queue_id": "q1"}, "abd"),
        ({"queue_id": "unknown"}, ""),
        ({"channel_id": "chat"}, "abdfg"),
        ({"channel_id": "voice"}, "abc"),
        ({"channel_id": ""}, ""),
        ({"has_capacity": True}, "abd"),
        ({"has_capacity": True, "channel_id": "chat"}, "abd"),
        ({"has_capacity": True, "channel_id": "voice"}, "a"),
        ({"has_capacity": True, "channel_id": "unknown"}, ""),
        ({"state": ACTIVE, "queue_id": "q2", "channel_id": "chat"}, "a"),
        ({"state": INACTIVE, "queue_id": "q2"}, ""),
        ({"state": ACTIVE, "queue_id": "q1", "channel_id": "chat", "has_capacity": True}, "ab"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_conditions_are_anded(
    workers: WorkerStore, conditions: dict[str, Any], expected: str, limit: int
) -> None:
    await add(workers, *LISTED)
    filter = WorkerFilter(**conditions)
    assert "".join(ids(await all_pages(partial(workers.list, filter, limit)))) == expected
    assert await workers.count(filter) == len(expected)


async def test_a_list_follows_what_is_stored(workers: WorkerStore) -> None:
    created = await workers.create(make_worker("a", queues=("q1",)), None, NOW)
    replaced = await workers.replace(created, make_worker("a", queues=("q2",)), None, NOW)
    assert (await workers.list(WorkerFilter(queue_id="q1"), 10)).items == []
    assert (await workers.list(WorkerFilter(queue_id="q2"), 10)).items == [replaced]
    await workers.delete(replaced, None)
    assert await workers.list(WorkerFilter(), 10) == Page([])


async def test_what_exists_throughout_appears_once(workers: WorkerStore) -> None:
    await add(workers, *(make_worker(id) for id in "acegi"))
    page = await workers.list(WorkerFilter(), 2)
    assert ids(page.items) == ["a", "c"]
    await add(workers, make_worker("b"), make_worker("d"))
    await workers.delete(page.items[0], None)
    await workers.replace(page.items[1], make_worker("c", available_for_offers=False), None, NOW)
    rest = await all_pages(
        lambda token: workers.list(WorkerFilter(), 2, token or page.continuation)
    )
    assert ids(rest) == ["d", "e", "g", "i"]


# -- available ------------------------------------------------------------------------------------

QUERY = WorkerQuery(queue_id="queue-1", channel_id="chat")
BY_ID = WorkerQuery(queue_id="queue-1", channel_id="chat", order=WorkerOrder.ID)


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_the_longest_idle_worker_comes_first(workers: WorkerStore, limit: int) -> None:
    half, third = {"capacity": 2}, {"capacity": 3}
    await add(
        workers,
        make_worker("half", reservations=(HELD,), available_since=NOW - seconds(60), **half),
        make_worker("third", reservations=(HELD,), available_since=NOW - seconds(60), **third),
        make_worker("b", available_since=NOW),
        make_worker("a", available_since=NOW),
        make_worker("later", available_since=NOW + seconds(0.000001)),
        make_worker("earlier", available_since=NOW - seconds(1)),
    )
    expected = ["earlier", "a", "b", "later", "third", "half"]
    assert await available(workers, QUERY, limit) == expected


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_workers_by_id(workers: WorkerStore, limit: int) -> None:
    await add(workers, *(make_worker(id) for id in ("c", "a", "b", "B")))
    assert await available(workers, BY_ID, limit) == ["B", "a", "b", "c"]


@pytest.mark.parametrize(("after", "expected"), [("", "abc"), ("a", "bc"), ("aa", "bc"), ("c", "")])
async def test_workers_after_an_id(workers: WorkerStore, after: str, expected: str) -> None:
    await add(workers, *(make_worker(id) for id in "cab"))
    query = WorkerQuery(queue_id="queue-1", channel_id="chat", order=WorkerOrder.ID, after_id=after)
    assert "".join(await available(workers, query, limit=1)) == expected


@pytest.mark.parametrize(
    "members",
    [
        {"available_for_offers": False},
        {"queues": ("queue-2",)},
        {"queues": ()},
        {"channels": ()},
        {"channels": (make_channel("voice"),)},
        {"capacity": 0},
        {"channels": (make_channel("chat", cost=2),)},
        {"channels": (make_channel("chat", at_most=0),)},
        {"reservations": (HELD,)},
        {"capacity": 9, "reservations": (HELD,), "max_concurrent_offers": 1},
        {"capacity": 9, "reservations": (HELD,), "channels": (make_channel("chat", at_most=1),)},
    ],
)
async def test_a_worker_that_is_not_available(
    workers: WorkerStore, members: dict[str, Any]
) -> None:
    await add(workers, make_worker("a", **members))
    assert await available(workers, QUERY) == []


async def test_availability_follows_what_is_stored(workers: WorkerStore) -> None:
    free, busy = make_worker("a"), make_worker("a", reservations=(HELD,))
    stored = await workers.create(free, None, NOW)
    stored = await workers.replace(stored, busy, None, NOW)
    assert await available(workers, QUERY) == []
    stored = await workers.replace(stored, free, None, NOW)
    assert (await workers.available(QUERY, 10)).items == [stored]
    await workers.delete(stored, None)
    assert await available(workers, QUERY) == []


async def test_a_query_for_any_channel(workers: WorkerStore) -> None:
    await add(
        workers,
        make_worker("chat", channels=(CHAT,)),
        make_worker("both", channels=(CHAT, VOICE), capacity=2),
        make_worker("none", channels=()),
        make_worker("full", channels=(VOICE,), capacity=1),
        make_worker("elsewhere", channels=(CHAT,), queues=("queue-2",)),
    )
    for order in WorkerOrder:
        query = WorkerQuery(queue_id="queue-1", order=order)
        assert await available(workers, query, limit=1) == ["both", "chat"]


async def test_a_queue_or_channel_named_twice_counts_once(workers: WorkerStore) -> None:
    await add(workers, make_worker("a", queues=("queue-1", "queue-1"), channels=(CHAT, CHAT)))
    assert await available(workers, QUERY) == ["a"]
    assert await available(workers, WorkerQuery(queue_id="queue-1")) == ["a"]
    assert ids((await workers.list(WorkerFilter(channel_id="chat"), 10)).items) == ["a"]


# -- selectors ------------------------------------------------------------------------------------


async def test_expired_selectors_restrict_nothing(workers: WorkerStore) -> None:
    expired = make_selector("Skill", status=SelectorStatus.EXPIRED)
    query = WorkerQuery(queue_id="queue-1", channel_id="chat", selectors=(expired,))
    await add(workers, make_worker("a"))
    assert await available(workers, query) == ["a"]


async def test_workers_whose_labels_pass_are_among_the_available(workers: WorkerStore) -> None:
    english, french = {"English": True, "Skill": 11}, {"English": False, "Skill": 11}
    await add(workers, make_worker("a", labels=english), make_worker("b", labels=french))
    selectors = (
        make_selector("English", LabelOperator.EQUAL, True),
        make_selector("Skill", LabelOperator.GREATER_THAN, 10),
    )
    query = WorkerQuery(queue_id="queue-1", channel_id="chat", selectors=selectors)
    assert "a" in await available(workers, query)


KEYS = st.sampled_from(["Skill", "", 'a "b". $[0]']) | LABEL_KEYS
SELECTORS = st.builds(
    WorkerSelector,
    key=KEYS,
    operator=st.sampled_from(LabelOperator),
    value=LABEL_VALUES,
    status=st.sampled_from(SelectorStatus),
)
LABELS = st.dictionaries(KEYS, LABEL_VALUES, max_size=4)
FRESH_QUEUES = itertools.count()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    many_labels=st.lists(LABELS, min_size=1, max_size=5),
    selectors=st.lists(SELECTORS, max_size=2).map(tuple),
)
async def test_no_eligible_worker_is_missed(
    workers: WorkerStore, many_labels: list[Labels], selectors: tuple[WorkerSelector, ...]
) -> None:
    queue_id = f"fresh-{next(FRESH_QUEUES)}"
    eligible = set()
    for number, labels in enumerate(many_labels):
        worker = make_worker(f"{queue_id}-{number}", queues=(queue_id,), labels=labels)
        await workers.create(worker, None, NOW)
        if all_accept(selectors, labels):
            eligible.add(worker.id)
    query = WorkerQuery(queue_id=queue_id, channel_id="chat", selectors=selectors)
    assert eligible <= set(await available(workers, query))


VALUES: tuple[LabelValue, ...] = (
    *("", "1", "true", "True", "é", True, False, 0, -0.0, 1, 1.0, 10, 10.5, -1e300, 5e-324),
    *(2**53 - 1, 2**53, 2.0**53, 2**53 + 1, -(2**53) - 1, 2**64, 10**400, 10**400 + 1),
)


async def test_no_eligible_worker_is_missed_where_values_are_nearly_equal(
    workers: WorkerStore,
) -> None:
    for number, value in enumerate(VALUES):
        await workers.create(make_worker(f"{number:02}", labels={"Skill": value}), None, NOW)
    await workers.create(make_worker("without"), None, NOW)
    for operator, value in itertools.product(LabelOperator, VALUES):
        selector = make_selector("Skill", operator, value)
        query = WorkerQuery(queue_id="queue-1", channel_id="chat", selectors=(selector,))
        eligible = {
            f"{n:02}" for n, label in enumerate(VALUES) if selector.accepts({"Skill": label})
        }
        if selector.accepts({}):
            eligible.add("without")
        assert eligible <= set(await available(workers, query)), selector


# -- last offered ---------------------------------------------------------------------------------


async def test_nobody_was_offered_a_job_yet(workers: WorkerStore) -> None:
    await add(workers, make_worker("a"))
    assert await workers.last_offered("queue-1") is None


async def test_who_was_offered_a_job_last(workers: WorkerStore) -> None:
    def offered(id: str, after: float, **members: Any) -> Worker:
        return make_worker(id, last_offered_at=NOW + seconds(after), **members)

    await add(workers, offered("a", 2), offered("b", 1), offered("c", 3, queues=("queue-2",)))
    assert await workers.last_offered("queue-1") == "a"
    await add(workers, offered("aa", 2))
    assert await workers.last_offered("queue-1") == "aa"
    gone = await workers.create(offered("away", 9, available_for_offers=False), None, NOW)
    assert await workers.last_offered("queue-1") == "away"
    await workers.delete(gone, None)
    assert await workers.last_offered("queue-1") == "aa"
    assert await workers.last_offered("queue-2") == "c"
