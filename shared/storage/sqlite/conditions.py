"""Conditions of a query, ANDed. Values only ever become parameters."""

from dataclasses import dataclass, field

from shared.storage.sqlite.tables import SqlValue


@dataclass(slots=True)
class Conditions:
    """``parameters`` are those of the ``where`` clause, in its order."""

    _clauses: list[str] = field(default_factory=list)
    parameters: list[SqlValue] = field(default_factory=list)

    def require(self, clause: str, *parameters: SqlValue) -> None:
        self._clauses.append(clause)
        self.parameters.extend(parameters)

    @property
    def where(self) -> str:
        return " AND ".join(self._clauses) or "TRUE"
