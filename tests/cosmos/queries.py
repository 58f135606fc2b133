"""Query requests: where they look, what the gateway leaves to the client, how they go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from tests.cosmos.charges import query_charge, read_charge
from tests.cosmos.containers import Container
from tests.cosmos.continuation import Continuation, continuation_of
from tests.cosmos.documents import Document, parse_object
from tests.cosmos.errors import CROSS_PARTITION_NOT_SERVABLE, bad_request, gone, not_spoken
from tests.cosmos.indexing import Path
from tests.cosmos.items import Item
from tests.cosmos.messages import AnsweredQuery, Reply, Request, json_reply
from tests.cosmos.plan import needs_merging, query_plan
from tests.cosmos.sql.evaluation import Parameters, truth_of
from tests.cosmos.sql.execution import Page, run
from tests.cosmos.sql.parser import parse_query
from tests.cosmos.sql.paths import filtered_paths, ordered_path
from tests.cosmos.sql.syntax import Everything, Query

_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000
_RANGE_GONE = 1002
_RANGE_ID = "x-ms-documentdb-partitionkeyrangeid"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query with its parameters, by names that begin with ``@``."""

    text: str
    query: Query
    parameters: Parameters


def asked_in(request: Request) -> Asked:
    """
    :raises CosmosError: the body is no query.
    """
    content = parse_object(request.body)
    text = content.get("query")
    if not isinstance(text, str):
        raise bad_request("The request has no query.")
    parameters = {each["name"]: each["value"] for each in content.get("parameters", [])}
    return Asked(text, parse_query(text), parameters)


def answer_query(container: Container, request: Request) -> Reply:
    """One page of one partition or range, and where the next one is.

    :raises CosmosError: the query is not allowed here, or has to be planned by the client.
    """
    asked = asked_in(request)
    _check_order(container, asked.query)
    begin, items = _where(container, request, asked.query)
    page = run(asked.query, asked.parameters, items, _page_size(request), begin.after)
    unindexed = _unindexed_paths(container, asked.query)
    charge = query_charge(items if unindexed else page.loaded)
    headers = _headers(container, begin, _next(container, request, begin, page))
    answered = AnsweredQuery(asked.text, asked.parameters, unindexed)
    return Reply(HTTPStatus.OK, _body(container, page), charge, headers, answered)


def selected(asked: Asked, definitions: Iterable[Document]) -> list[Document]:
    """Which of the databases a query for them selects.

    :raises CosmosError: it asks for more than to select some of them.
    """
    query = asked.query
    if query != Query(Everything(), query.alias, condition=query.condition):
        raise not_spoken("such queries for databases")
    if query.condition is None:
        return list(definitions)
    test = truth_of(query.condition, asked.parameters)
    return [each for each in definitions if test({query.alias: each}) is True]


def answer_plan(_: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the body is no query.
    """
    asked = asked_in(request)
    return json_reply(query_plan(asked.query, asked.parameters), read_charge(0), {})


def _unindexed_paths(container: Container, query: Query) -> Sequence[Path]:
    """The paths of its filter which the container's index does not cover: it has to scan."""
    return sorted(path for path in filtered_paths(query) if not container.policy.covers(path))


def _check_order(container: Container, query: Query) -> None:
    path = ordered_path(query)
    if path is not None and not container.policy.covers(path):
        raise bad_request(
            "The order-by item requires a range index to be defined on the corresponding index"
            f" path: {query.order}."
        )


def _where(
    container: Container, request: Request, query: Query
) -> tuple[Continuation, Sequence[Item]]:
    """Where the page begins, and the items of the partition or range that it is in."""
    token = request.headers.get("x-ms-continuation")
    given = continuation_of(token) if token else Continuation(container.ranges[0].id)
    if partition := request.partition:
        begin = Continuation(container.range_of(partition).id, given.after)
        return begin, container.in_partition(partition)
    range_id = request.headers.get(_RANGE_ID)
    if range_id is None:
        _check_servable(request, query)
    begin = Continuation(range_id or given.range_id, given.after)
    return begin, _in_range(container, request, begin.range_id)


def _check_servable(request: Request, query: Query) -> None:
    if not request.says("x-ms-documentdb-query-enablecrosspartition"):
        raise bad_request("Cross partition query is required but disabled.")
    if needs_merging(query):
        raise bad_request(
            "The provided cross partition query can not be directly served by the gateway.",
            CROSS_PARTITION_NOT_SERVABLE,
        )


def _in_range(container: Container, request: Request, range_id: str) -> Sequence[Item]:
    for each in container.ranges:
        if each.id == range_id:
            first = request.headers.get("x-ms-start-epk", each.first)
            end = request.headers.get("x-ms-end-epk", each.end)
            return container.in_range(range_id, first, end)
    raise gone(_RANGE_GONE)


def _page_size(request: Request) -> int:
    size = int(request.headers.get("x-ms-max-item-count", _DEFAULT_PAGE))
    return min(size, _LARGEST_PAGE) if size > 0 else _LARGEST_PAGE


def _next(
    container: Container, request: Request, begin: Continuation, page: Page
) -> Continuation | None:
    """After a range the gateway goes on with the next, unless the request is bound to one."""
    if page.end is not None:
        return Continuation(begin.range_id, page.end)
    if request.partition or _RANGE_ID in request.headers:
        return None
    ids = [each.id for each in container.ranges]
    following = ids[ids.index(begin.range_id) + 1 :]
    return Continuation(following[0]) if following else None


def _headers(
    container: Container, begin: Continuation, following: Continuation | None
) -> Mapping[str, str]:
    headers = {
        "x-ms-session-token": container.session_token(begin.range_id),
        _RANGE_ID: begin.range_id,
    }
    return headers | ({"x-ms-continuation": str(following)} if following else {})


def _body(container: Container, page: Page) -> bytes:
    rid, documents = container.rid.encode(), b",".join(page.results)
    return b'{"_rid":"%b","Documents":[%b],"_count":%d}' % (rid, documents, len(page.results))
