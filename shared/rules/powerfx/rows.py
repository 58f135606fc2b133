"""Functions of single values applied to tables of one column, row by row."""

from collections.abc import Sequence
from itertools import zip_longest

from shared.rules.powerfx.bound import StrictCall
from shared.rules.powerfx.evaluator import attempt, compile_bound
from shared.rules.powerfx.runtime import Closure, Frame
from shared.rules.powerfx.values import Failure, Problem, Row, Value

_NO_ROW = Failure((Problem("NotApplicable", "The tables have different numbers of rows."),))


class ByRow:
    """Makes a call for every row.

    ``call`` takes its arguments from a row with a field for each, named by its position.
    ``columns`` names the column of each argument that is a table; the others, ``None``, are the
    same for all rows. The longest table decides how many rows there are.
    """

    def __init__(self, call: StrictCall, columns: Sequence[str | None]) -> None:
        self._compute = compile_bound(call)
        self._columns = columns

    def __call__(self, frame: Frame, arguments: Sequence[Closure]) -> Value:
        fixed: dict[str, Value] = {}
        tables: dict[str, list[Row]] = {}
        for index, argument in enumerate(arguments):
            if self._columns[index] is None:
                fixed[str(index)] = attempt(argument, frame)
                continue
            table = argument(frame)
            if not isinstance(table, list):
                return None
            tables[str(index)] = table
        return [
            self._row(frame, fixed, dict(zip(tables, rows, strict=True)))
            for rows in zip_longest(*tables.values(), fillvalue=_NO_ROW)
        ]

    def _row(self, frame: Frame, fixed: dict[str, Value], rows: dict[str, Row]) -> Row:
        if _NO_ROW in rows.values():
            return {"Value": _NO_ROW}
        for row in rows.values():
            if isinstance(row, Failure):
                return row
        cells = {position: self._cell(position, row) for position, row in rows.items()}
        return {"Value": attempt(self._compute, frame.inner(fixed | cells))}

    def _cell(self, position: str, row: Row) -> Value:
        column = self._columns[int(position)]
        assert column is not None
        return row.get(column) if isinstance(row, dict) else row
