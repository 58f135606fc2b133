"""Which paths of the index a query uses."""

from collections.abc import Iterator, Mapping
from itertools import chain

from tests.cosmos.errors import bad_request
from tests.cosmos.indexing import ELEMENTS
from tests.cosmos.indexing import Path as IndexPath
from tests.cosmos.sql.syntax import (
    AllOf,
    Always,
    AnyOf,
    ArrayContains,
    Comparison,
    Condition,
    Count,
    Everything,
    Exists,
    In,
    IsDefined,
    Member,
    Not,
    Operand,
    Ordered,
    Path,
    Projection,
    Query,
)

type _Aliases = Mapping[str, IndexPath]


def filtered_paths(query: Query) -> frozenset[IndexPath]:
    """The paths which the query's WHERE looks values up at."""
    if query.condition is None:
        return frozenset()
    return frozenset(_looked_up(query.condition, {query.alias: ()}))


def ordered_path(query: Query) -> IndexPath | None:
    return _resolved(query.order.path, {query.alias: ()}) if query.order else None


def check_aliases(query: Query) -> None:
    """
    :raises CosmosError: a path begins with a name that the query does not give to anything.
    """
    filtered_paths(query)
    ordered_path(query)
    for path in _projected(query.projection):
        _resolved(path, {query.alias: ()})


def _looked_up(condition: Condition, aliases: _Aliases) -> Iterator[IndexPath]:
    match condition:
        case Comparison(_, left, right):
            yield from _operands((left, right), aliases)
        case In(operand, choices):
            yield from _operands((operand, *choices), aliases)
        case ArrayContains(array, element):
            yield from ((*path, ELEMENTS) for path in _operands((array,), aliases))
            yield from _operands((element,), aliases)
        case IsDefined(path):
            yield _resolved(path, aliases)
        case Exists():
            yield from _looked_up_in_elements(condition, aliases)
        case Not(inner):
            yield from _looked_up(inner, aliases)
        case AllOf(conditions) | AnyOf(conditions):
            yield from chain.from_iterable(_looked_up(each, aliases) for each in conditions)
        case Always():
            return


def _looked_up_in_elements(exists: Exists, aliases: _Aliases) -> Iterator[IndexPath]:
    within = {**aliases, exists.alias: (*_resolved(exists.array, aliases), ELEMENTS)}
    _resolved(exists.value, within)
    return _looked_up(exists.condition, within)


def _operands(operands: tuple[Operand, ...], aliases: _Aliases) -> Iterator[IndexPath]:
    return (_resolved(operand, aliases) for operand in operands if isinstance(operand, Path))


def _projected(projection: Projection) -> tuple[Path, ...]:
    match projection:
        case Everything() | Count():
            return ()
        case Member(path):
            return (path,)
        case Ordered(rid, order, payload):
            return rid, order, payload


def _resolved(path: Path, aliases: _Aliases) -> IndexPath:
    if path.alias not in aliases:
        raise bad_request(f"Identifier '{path.alias}' could not be resolved.")
    return aliases[path.alias] + path.names
