"""What ``AggregateStore`` promises, for jobs and workers alike: conditional writes, the outbox."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.domain.follow_ups import ReleaseReservation
from shared.ports import (
    AggregateStore,
    AlreadyExists,
    ConcurrencyConflict,
    OutboxRecord,
    Store,
    Stored,
)
from tests.factories import NOW, make_job, make_record, make_worker, seconds

LATER = NOW + seconds(5)
EVER = NOW + seconds(10**6)

type Aggregates = AggregateStore[Any]


@dataclass(frozen=True)
class Kind:
    """``first`` and ``second`` are two versions of one aggregate; ``other`` is another one."""

    first: Any
    second: Any
    other: Any
    store_of: Callable[[Store], Aggregates]


KINDS = {
    "jobs": Kind(
        first=make_job("a", priority=1),
        second=make_job("a", priority=2),
        other=make_job("b"),
        store_of=lambda store: store.jobs,
    ),
    "workers": Kind(
        first=make_worker("a", capacity=1),
        second=make_worker("a", capacity=2),
        other=make_worker("b"),
        store_of=lambda store: store.workers,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def aggregates(kind: Kind, store: Store) -> Aggregates:
    return kind.store_of(store)


def record(id: str, **members: Any) -> OutboxRecord:
    return make_record(id, aggregate_id="a", **members)


async def outbox(aggregates: Aggregates) -> list[OutboxRecord]:
    return list(await aggregates.outbox(EVER, 100))


# -- reading --------------------------------------------------------------------------------------


async def test_an_unknown_aggregate_is_none(aggregates: Aggregates) -> None:
    assert await aggregates.get("a") is None


async def test_a_created_aggregate_is_read_back(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    assert (created.value, created.modified_at) == (kind.first, NOW)
    assert await aggregates.get("a") == created


async def test_jobs_and_workers_with_one_id_are_apart(store: Store) -> None:
    await store.jobs.create(make_job("a"), record("r"), NOW)
    assert await store.workers.get("a") is None
    assert await store.workers.outbox(EVER, 10) == []
    await store.workers.create(make_worker("a"), record("r"), NOW)


@pytest.mark.parametrize("id", ["a'b", 'a"b', "ä.b", "%", "a b", "A"])
async def test_ids_are_taken_as_they_are(store: Store, id: str) -> None:
    await store.jobs.create(make_job("a"), None, NOW)
    await store.jobs.create(make_job(id), None, NOW)
    stored = await store.jobs.get(id)
    assert stored is not None
    assert stored.value.id == id


# -- create ---------------------------------------------------------------------------------------


async def test_create_stores_the_record_too(kind: Kind, aggregates: Aggregates) -> None:
    stored = record("r", follow_ups=(ReleaseReservation(worker_id="w", offer_id="o"),))
    await aggregates.create(kind.first, stored, NOW)
    assert await outbox(aggregates) == [stored]


async def test_create_of_a_taken_id_writes_nothing(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    with pytest.raises(AlreadyExists):
        await aggregates.create(kind.second, record("r"), LATER)
    assert await aggregates.get("a") == created
    assert await outbox(aggregates) == []


async def test_one_of_many_creators_wins(kind: Kind, aggregates: Aggregates) -> None:
    attempts = [aggregates.create(kind.first, record(f"r{n}"), NOW) for n in range(20)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert winners == [await aggregates.get("a")]
    assert [type(o) for o in outcomes if o not in winners] == [AlreadyExists] * 19
    assert len(await outbox(aggregates)) == 1


async def test_a_record_id_that_is_taken_undoes_the_write(
    kind: Kind, aggregates: Aggregates
) -> None:
    created = await aggregates.create(kind.first, record("r"), NOW)
    with pytest.raises(AlreadyExists):
        await aggregates.replace(created, kind.second, record("r"), LATER)
    assert await aggregates.get("a") == created
    assert await outbox(aggregates) == [record("r")]


# -- replace --------------------------------------------------------------------------------------


async def test_replace_stores_value_record_and_time(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    replaced = await aggregates.replace(created, kind.second, record("r"), LATER)
    assert (replaced.value, replaced.modified_at) == (kind.second, LATER)
    assert await aggregates.get("a") == replaced
    assert await outbox(aggregates) == [record("r")]


async def test_the_etag_changes_with_every_write(kind: Kind, aggregates: Aggregates) -> None:
    stored = await aggregates.create(kind.first, None, NOW)
    etags = [stored.etag]
    for _ in range(20):
        stored = await aggregates.replace(stored, kind.first, None, NOW)
        etags.append(stored.etag)
    assert len(set(etags)) == len(etags)


async def test_an_etag_is_plain_text_without_quotes(kind: Kind, aggregates: Aggregates) -> None:
    etag = (await aggregates.create(kind.first, None, NOW)).etag
    assert etag
    assert etag.isascii()
    assert not set('"\\ ,') & set(etag)


async def test_replace_of_an_old_version_writes_nothing(kind: Kind, aggregates: Aggregates) -> None:
    old = await aggregates.create(kind.first, None, NOW)
    new = await aggregates.replace(old, kind.first, None, NOW)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.replace(old, kind.second, record("r"), LATER)
    assert await aggregates.get("a") == new
    assert await outbox(aggregates) == []


async def test_replace_of_a_deleted_aggregate_conflicts(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    await aggregates.delete(created, None)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.replace(created, kind.second, record("r"), LATER)
    assert await aggregates.get("a") is None
    assert await outbox(aggregates) == []


async def test_replace_of_a_former_namesake_conflicts(kind: Kind, aggregates: Aggregates) -> None:
    former = await aggregates.create(kind.first, None, NOW)
    await aggregates.delete(former, None)
    present = await aggregates.create(kind.first, None, NOW)
    assert former.etag != present.etag
    with pytest.raises(ConcurrencyConflict):
        await aggregates.replace(former, kind.second, None, LATER)
    assert await aggregates.get("a") == present


@pytest.mark.parametrize("etag", ["", "x", "00000001", "*"])
async def test_an_etag_of_no_write_conflicts(kind: Kind, aggregates: Aggregates, etag: str) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.replace(replace(created, etag=etag), kind.second, None, LATER)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.delete(replace(created, etag=etag), None)
    assert await aggregates.get("a") == created


async def test_one_of_many_writers_wins(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    attempts = [aggregates.replace(created, kind.second, record(f"r{n}"), LATER) for n in range(20)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert winners == [await aggregates.get("a")]
    assert [type(o) for o in outcomes if o not in winners] == [ConcurrencyConflict] * 19
    assert len(await outbox(aggregates)) == 1


async def test_writes_of_other_aggregates_do_not_disturb(
    kind: Kind, aggregates: Aggregates
) -> None:
    mine = await aggregates.create(kind.first, None, NOW)
    other = await aggregates.create(kind.other, None, NOW)
    await aggregates.replace(other, kind.other, None, LATER)
    assert await aggregates.get("a") == mine
    await aggregates.replace(mine, kind.second, None, LATER)


# -- delete ---------------------------------------------------------------------------------------


async def test_delete_removes_and_leaves_the_records(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, record("r1"), NOW)
    await aggregates.delete(created, record("r2"))
    assert await aggregates.get("a") is None
    assert await outbox(aggregates) == [record("r1"), record("r2")]


async def test_delete_of_an_old_version_conflicts(kind: Kind, aggregates: Aggregates) -> None:
    old = await aggregates.create(kind.first, None, NOW)
    new = await aggregates.replace(old, kind.first, None, NOW)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.delete(old, record("r"))
    assert await aggregates.get("a") == new
    assert await outbox(aggregates) == []


async def test_delete_twice_conflicts(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    await aggregates.delete(created, None)
    with pytest.raises(ConcurrencyConflict):
        await aggregates.delete(created, record("r"))
    assert await outbox(aggregates) == []


async def test_a_deleted_id_can_be_created_again(kind: Kind, aggregates: Aggregates) -> None:
    created = await aggregates.create(kind.first, None, NOW)
    await aggregates.delete(created, None)
    again = await aggregates.create(kind.second, None, LATER)
    assert await aggregates.get("a") == again


# -- outbox ---------------------------------------------------------------------------------------


async def test_records_come_oldest_first(kind: Kind, aggregates: Aggregates) -> None:
    late, early = record("a", created_at=LATER), record("b", created_at=NOW)
    tied = record("c", created_at=NOW)
    stored = await aggregates.create(kind.first, tied, NOW)
    stored = await aggregates.replace(stored, kind.first, late, NOW)
    await aggregates.replace(stored, kind.first, early, NOW)
    assert await outbox(aggregates) == [early, tied, late]
    assert await aggregates.outbox(EVER, 2) == [early, tied]


async def test_only_records_created_before_the_time(kind: Kind, aggregates: Aggregates) -> None:
    await aggregates.create(kind.first, record("r", created_at=NOW), NOW)
    assert await aggregates.outbox(NOW, 10) == []
    assert await aggregates.outbox(NOW + seconds(0.000001), 10) == [record("r")]


async def test_removed_records_are_gone_and_others_stay(kind: Kind, aggregates: Aggregates) -> None:
    stored = await aggregates.create(kind.first, record("r1"), NOW)
    stored = await aggregates.replace(stored, kind.first, record("r2"), NOW)
    await aggregates.replace(stored, kind.first, record("r3"), NOW)
    await aggregates.remove_records([record("r1"), record("r3")])
    await aggregates.remove_records([record("r1"), record("unknown")])
    await aggregates.remove_records([])
    assert await outbox(aggregates) == [record("r2")]


async def test_records_of_two_aggregates_may_share_an_id(
    kind: Kind, aggregates: Aggregates
) -> None:
    other = make_record("r", aggregate_id="b")
    await aggregates.create(kind.first, record("r"), NOW)
    await aggregates.create(kind.other, other, NOW)
    await aggregates.remove_records([record("r")])
    assert await outbox(aggregates) == [other]


async def test_writing_without_a_record_adds_none(kind: Kind, aggregates: Aggregates) -> None:
    stored = await aggregates.create(kind.first, None, NOW)
    stored = await aggregates.replace(stored, kind.first, None, NOW)
    await aggregates.delete(stored, None)
    assert await outbox(aggregates) == []
