"""Queries over the items of one partition or one range, a page at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cosmos.documents import write
from tests.cosmos.errors import bad_request
from tests.cosmos.items import Item
from tests.cosmos.sql.evaluation import Parameters, member, parameter, truth_of
from tests.cosmos.sql.syntax import (
    Count,
    Everything,
    Member,
    Ordered,
    Parameter,
    Path,
    Projection,
    Query,
)
from tests.cosmos.sql.values import UNDEFINED, Value, sort_key

_LARGEST_PAGE_BYTES = 4 * 1024 * 1024

type SortKey = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """The last result of a page; ``left``: how many more the query's TOP allows."""

    key: SortKey
    sequence: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Results as JSON, the items that had to be loaded, where to go on if there is more."""

    results: Sequence[bytes]
    loaded: Sequence[Item]
    end: Position | None


@dataclass(frozen=True, slots=True)
class _Row:
    item: Item
    key: SortKey
    result: bytes


def matching(query: Query, parameters: Parameters, items: Iterable[Item]) -> list[Item]:
    """
    :raises CosmosError: a parameter is missing.
    """
    if query.condition is None:
        return list(items)
    test = truth_of(query.condition, parameters)
    return [item for item in items if test({query.alias: item.document}) is True]


def run(
    query: Query, parameters: Parameters, items: Sequence[Item], size: int, after: Position | None
) -> Page:
    """The page of at most ``size`` results that follows a position.

    :raises CosmosError: a parameter is missing or cannot be what it is used for.
    """
    found = matching(query, parameters, items)
    if isinstance(query.projection, Count):
        return Page([_count(query.projection, len(found))], (), None)
    left = after.left if after else limit_of(query, parameters)
    rows = [row for row in _rows(query, found) if after is None or _follows(row, after, query)]
    return _page(rows[:left], size, left)


def limit_of(query: Query, parameters: Parameters) -> int | None:
    """The number of its TOP.

    :raises CosmosError: it is a parameter that is no such number.
    """
    if not isinstance(query.top, Parameter):
        return query.top
    limit = parameter(query.top.name, parameters)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise bad_request("TOP needs a whole number that is not negative.")
    return limit


def _rows(query: Query, items: Sequence[Item]) -> list[_Row]:
    key, result = _key_of(query), _result_of(query.projection, query.alias)
    rows = [_Row(item, key(item), text) for item in items if (text := result(item)) is not None]
    rows.sort(key=lambda row: row.item.sequence)
    if query.order:
        rows.sort(key=lambda row: row.key, reverse=_descending(query))
    return list(_distinct(rows)) if query.distinct else rows


def _distinct(rows: Iterable[_Row]) -> Iterator[_Row]:
    seen: set[bytes] = set()
    for row in rows:
        if row.result not in seen:
            seen.add(row.result)
            yield row


def _page(rows: Sequence[_Row], size: int, left: int | None) -> Page:
    count = _fitting(rows, size)
    page, more = rows[:count], len(rows) > count
    end = None
    if more:
        last = page[-1]
        end = Position(last.key, last.item.sequence, None if left is None else left - count)
    return Page([row.result for row in page], [row.item for row in page], end)


def _fitting(rows: Sequence[_Row], size: int) -> int:
    total = 0
    for count, row in enumerate(rows[:size]):
        total += len(row.result)
        if count and total > _LARGEST_PAGE_BYTES:
            return count
    return min(size, len(rows))


def _follows(row: _Row, after: Position, query: Query) -> bool:
    if row.key == after.key:
        return row.item.sequence > after.sequence
    return bool(row.key < after.key) if _descending(query) else bool(row.key > after.key)


def _descending(query: Query) -> bool:
    return query.order is not None and query.order.direction == "DESC"


def _key_of(query: Query) -> Callable[[Item], SortKey]:
    if query.order is None:
        return lambda _: sort_key(None)
    value = member(query.order.path)
    return lambda item: sort_key(value({query.alias: item.document}))


def _result_of(projection: Projection, alias: str) -> Callable[[Item], bytes | None]:
    """What a query makes of an item: nothing of an undefined value."""
    match projection:
        case Everything() | Count():
            return lambda item: item.body
        case Member(path):
            return _member(path, alias)
        case Ordered():
            return _ordered(projection, alias)


def _member(path: Path, alias: str) -> Callable[[Item], bytes | None]:
    value = member(path)

    def result(item: Item) -> bytes | None:
        found = value({alias: item.document})
        return None if found is UNDEFINED else write(found)

    return result


def _ordered(projection: Ordered, alias: str) -> Callable[[Item], bytes | None]:
    rid, order = member(projection.rid), member(projection.order)
    payload = _result_of(_payload(projection.payload), alias)

    def result(item: Item) -> bytes | None:
        scope, content = {alias: item.document}, payload(item)
        items = write([_without_undefined("item", order(scope))])
        named = b'"_rid":%b,"orderByItems":%b' % (write(rid(scope)), items)
        return None if content is None else b'{%b,"payload":%b}' % (named, content)

    return result


def _payload(path: Path) -> Projection:
    return Member(path) if path.names else Everything()


def _without_undefined(name: str, value: Value) -> dict[str, Value]:
    return {} if value is UNDEFINED else {name: value}


def _count(projection: Count, count: int) -> bytes:
    return write([{"item": count}] if projection.partial else count)
