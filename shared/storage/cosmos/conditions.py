"""Queries, built of conditions that are ANDed. Values only ever become parameters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from shared.storage.continuation import Position
from shared.storage.cosmos.keys import position_key

type Parameter = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """``partition``: the only one to look in; ``None``: in all.

    ``key`` gives the value that a result is ordered by.
    """

    text: str
    parameters: list[Parameter]
    key: Callable[[Any], str]
    descending: bool = False
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class CountQuery:
    """Its results are counts, of one part of the container each."""

    text: str
    parameters: list[Parameter]


@dataclass(slots=True)
class Conditions:
    """``satisfiable``: false if no item at all can meet them, so that asking is needless."""

    satisfiable: bool = True
    _clauses: list[str] = field(default_factory=list)
    _parameters: list[Parameter] = field(default_factory=list)

    def require(self, clause: str, *values: Any) -> None:
        """``{}`` in the clause stand for the values, in their order."""
        self._clauses.append(clause.format(*map(self._parameter, values)))

    def after(self, key: str, position: Position | None) -> None:
        """Require that the item has the key, and that it is greater than that of the position."""
        if position is None:
            self.require(f"c.{key} >= {{}}", "")
        else:
            self.require(f"c.{key} > {{}}", position_key(position))

    def require_one_of(self, member: str, values: Iterable[Any]) -> None:
        names = ", ".join(map(self._parameter, values))
        self.satisfiable = self.satisfiable and bool(names)
        self._clauses.append(f"c.{member} IN ({names})")

    def select(self, order_by: str, partition: str | None = None) -> Query:
        """The items, in ascending order of the member."""
        text = f"SELECT * FROM c WHERE {self._where} ORDER BY c.{order_by}"
        return Query(text, self._parameters, itemgetter(order_by), partition=partition)

    def select_any(self, partition: str | None = None) -> Query:
        """The items, in no order."""
        text = f"SELECT * FROM c WHERE {self._where}"
        return Query(text, self._parameters, _same, partition=partition)

    def select_latest(self, order_by: str) -> Query:
        """The items, in descending order of the member."""
        text = f"SELECT * FROM c WHERE {self._where} ORDER BY c.{order_by} DESC"
        return Query(text, self._parameters, itemgetter(order_by), descending=True)

    def select_least(self, member: str) -> Query:
        """The member's least value."""
        text = f"SELECT TOP 1 VALUE c.{member} FROM c WHERE {self._where} ORDER BY c.{member}"
        return Query(text, self._parameters, str)

    def count(self) -> CountQuery:
        """How many items there are."""
        return CountQuery(f"SELECT VALUE COUNT(1) FROM c WHERE {self._where}", self._parameters)

    def select_greatest(self, member: str) -> Query:
        """The member's greatest value."""
        text = f"SELECT TOP 1 VALUE c.{member} FROM c WHERE {self._where} ORDER BY c.{member} DESC"
        return Query(text, self._parameters, str, descending=True)

    @property
    def _where(self) -> str:
        return " AND ".join(self._clauses)

    def _parameter(self, value: Any) -> str:
        name = f"@p{len(self._parameters)}"
        self._parameters.append({"name": name, "value": value})
        return name


def _same(_item: object) -> str:
    return ""
