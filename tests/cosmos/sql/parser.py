"""Text to trees. What the grammar does not know is a syntax error, so that it gets noticed."""

from functools import lru_cache
from pathlib import Path as FilePath

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import LarkError, VisitError

from tests.cosmos.documents import parse
from tests.cosmos.errors import CosmosError, syntax_error
from tests.cosmos.sql.paths import check_aliases
from tests.cosmos.sql.syntax import (
    AllOf,
    Always,
    AnyOf,
    ArrayContains,
    Comparison,
    Condition,
    Constant,
    Count,
    Everything,
    Exists,
    In,
    IsDefined,
    Member,
    Not,
    Operand,
    Order,
    Ordered,
    Parameter,
    Path,
    Projection,
    Query,
)

_RESERVED = """
    array as asc and between by desc distinct escape exists false for from group having in insert
    into is join left like limit not null offset on or order right select set top true udf
    undefined update value where with
"""
RESERVED = frozenset(_RESERVED.split())
"""Words that name no member: the service does not parse ``c.order`` or ``c.value``."""


@lru_cache(maxsize=1024)
def parse_query(text: str) -> Query:
    """
    :raises CosmosError: it is not a query of the grammar, or names what is not there.
    """
    try:
        query = _TREES.transform(_GRAMMAR.parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, CosmosError):
            raise error.orig_exc from error
        raise
    except LarkError as error:
        reason, *_ = str(error).splitlines()
        raise syntax_error(f"Syntax error in '{text}': {reason}") from error
    check_aliases(query)
    return query


@v_args(inline=True)
class _Trees(Transformer[Token, Query]):
    """A method for each rule of the grammar; optional parts that are not there are None."""

    def query(
        self,
        distinct: Token | None,
        top: Token | Parameter | None,
        projection: Projection,
        alias: str,
        condition: Condition | None,
        order: Order | None,
    ) -> Query:
        limit = _whole_number(top) if isinstance(top, Token) else top
        return Query(projection, alias, distinct is not None, limit, condition, order)

    def everything(self) -> Everything:
        return Everything()

    def value(self, path: Path) -> Member:
        return Member(path)

    def count(self) -> Count:
        return Count()

    def partial_count(self) -> Count:
        return Count(partial=True)

    def ordered(self, rid: Path, order: Path, payload: Path) -> Ordered:
        return Ordered(rid, order, payload)

    def collection(self, name: Token, alias: Token | None) -> str:
        return str(alias or name)

    def order_by(self, path: Path, direction: Token | None) -> Order:
        descending = direction is not None and direction.type == "DESC"
        return Order(path, "DESC" if descending else "ASC")

    def any_of(self, *conditions: Condition) -> AnyOf:
        return AnyOf(conditions)

    def all_of(self, *conditions: Condition) -> AllOf:
        return AllOf(conditions)

    def comparison(self, left: Operand, operator: Token, right: Operand) -> Comparison:
        return Comparison("!=" if operator == "<>" else str(operator), left, right)

    def one_of(self, operand: Operand, *choices: Operand) -> In:
        return In(operand, choices)

    def negated(self, condition: Condition) -> Not:
        return Not(condition)

    def array_contains(self, array: Operand, element: Operand) -> ArrayContains:
        return ArrayContains(array, element)

    def is_defined(self, path: Path) -> IsDefined:
        return IsDefined(path)

    def exists(self, value: Path, alias: Token, array: Path, condition: Condition) -> Exists:
        return Exists(value, str(alias), array, condition)

    def always(self, _: Token) -> Always:
        return Always()

    def path(self, alias: Token, *names: Token) -> Path:
        for name in (alias, *names):
            if name.lower() in RESERVED:
                raise syntax_error(f"Syntax error, incorrect syntax near '{name}'.")
        return Path(str(alias), tuple(map(str, names)))

    def parameter(self, name: Token) -> Parameter:
        return Parameter(str(name))

    def constant(self, token: Token) -> Constant:
        if token.type == "STRING":
            return Constant(token[1:-1])
        return Constant(parse(token.lower()))


def _whole_number(digits: Token) -> int:
    if not digits.isdecimal():
        raise syntax_error(f"TOP needs a whole number, not '{digits}'.")
    return int(digits)


_TREES = _Trees()
_GRAMMAR = Lark(
    FilePath(__file__).with_name("grammar.lark").read_text(), start="query", parser="lalr"
)
