"""Query plans: how a client merges what the ranges answer to a rewritten query."""

from dataclasses import replace
from typing import Any

from tests.cosmos.partitions import END_OF_HASHES, FIRST_HASH
from tests.cosmos.sql.evaluation import Parameters
from tests.cosmos.sql.execution import limit_of
from tests.cosmos.sql.syntax import (
    Count,
    Everything,
    Member,
    Order,
    Ordered,
    Path,
    Projection,
    Query,
)

_RESUME_FILTER = "{documentdb-formattableorderbyquery-filter}"
"""Where a client puts the condition to resume after a result; "true" if it does not."""


def needs_merging(query: Query) -> bool:
    """Whether the gateway cannot answer the query by asking one range after the other."""
    counts = isinstance(query.projection, Count)
    return bool(query.order or query.distinct or query.top is not None or counts)


def query_plan(query: Query, parameters: Parameters) -> dict[str, Any]:
    """
    :raises CosmosError: the query's TOP is a parameter that is no number.
    """
    every_range = {
        "min": FIRST_HASH,
        "max": END_OF_HASHES,
        "isMinInclusive": True,
        "isMaxInclusive": False,
    }
    return {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": _query_info(query, parameters),
        "queryRanges": [every_range],
    }


def _query_info(query: Query, parameters: Parameters) -> dict[str, Any]:
    order = query.order
    return {
        "distinctType": _distinct_type(query),
        "top": limit_of(query, parameters),
        "offset": None,
        "limit": None,
        "orderBy": ["Descending" if order.direction == "DESC" else "Ascending"] if order else [],
        "orderByExpressions": [str(order.path)] if order else [],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": ["Count"] if isinstance(query.projection, Count) else [],
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": _rewritten(query),
        "hasSelectValue": isinstance(query.projection, Member | Count),
        "hasNonStreamingOrderBy": False,
    }


def _distinct_type(query: Query) -> str:
    if not query.distinct:
        return "None"
    return "Ordered" if query.order else "Unordered"


def _rewritten(query: Query) -> str:
    """Empty if the ranges get the query as it is."""
    if isinstance(query.projection, Count):
        return str(replace(query, projection=Count(partial=True)))
    if query.order is None:
        return ""
    return _rewritten_for_order(query, query.order)


def _rewritten_for_order(query: Query, order: Order) -> str:
    rid = Path(query.alias, ("_rid",))
    ordered = Ordered(rid, order.path, _payload(query.projection, query.alias))
    # The client removes the duplicates of a DISTINCT, so a range cannot know which are the first.
    top = None if query.distinct else query.top
    text = str(Query(ordered, query.alias, top=top))
    filters = f"({query.condition}) AND ({_RESUME_FILTER})" if query.condition else _RESUME_FILTER
    return f"{text} WHERE {filters} ORDER BY {order}"


def _payload(projection: Projection, alias: str) -> Path:
    match projection:
        case Member(path):
            return path
        case Everything() | Count() | Ordered():
            return Path(alias)
