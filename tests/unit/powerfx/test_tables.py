"""Tables: picking, counting, ordering, and what is done for each row."""

from datetime import UTC, datetime

import pytest

from shared.rules.powerfx import EvaluationError, Limits, compile_rule
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, failure


def column(*values: Plain) -> Plain:
    return [{"Value": value} for value in values]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("First([1, 2])", {"Value": 1}),
        ("Last([1, 2]).Value", 2),
        ("First(Filter([1], false))", None),
        ("FirstN([1, 2, 3], 2)", column(1, 2)),
        ("LastN([1, 2, 3], 2)", column(2, 3)),
        ("LastN([1, 2, 3], 0)", []),
        ("FirstN([1], -1)", []),
        ("Index([1, 2], 2)", {"Value": 2}),
        ("Filter([1, 2, 3], Value > 1, Value < 3)", column(2)),
        ("Filter([1, 2] As n, n.Value = 2)", column(2)),
        ("LookUp([1, 2], Value > 1)", {"Value": 2}),
        ("LookUp([1, 2], Value > 1, Value * 10)", 20),
        ("LookUp([1, 2], Value > 2)", None),
        ("CountRows([1, Blank()])", 2),
        ("CountRows(Blank())", 0),
        ("CountIf([1, 2, 3], Value > 1)", 2),
        ("Count([1, Blank(), 2])", 2),
        ('CountA(["a", "", Blank()])', 1),
        ("IsEmpty([])", True),
        ("Sort([2, Blank(), 1], Value)", column(1, 2, None)),
        ("Sort([2, Blank(), 1], Value, SortOrder.Descending)", column(2, 1, None)),
        ('Sort(["b", "A", "a", "\u00e4"], Value)', column("a", "A", "\u00e4", "b")),
        ("Sort([true, false], Value)", column(False, True)),
        ("Distinct([1, 2, 1], Mod(Value, 2))", column(1, 0)),
        ("ForAll([1, 2], Value + 1)", column(2, 3)),
        ("ForAll([1, 2], {n: Value})", [{"n": 1}, {"n": 2}]),
        (
            "ForAll([1, 2] As x, ForAll([10] As y, x.Value + y.Value))",
            column(column(11), column(12)),
        ),
        ("AddColumns([1], b, Value + 1)", [{"Value": 1, "b": 2}]),
        ("AddColumns({a: 1}, b, a + 1)", {"a": 1, "b": 2}),
        ("Sequence(3)", column(1, 2, 3)),
        ("Sequence(3, 10, -2)", column(10, 8, 6)),
        ("Table([1], {Value: 2}, Blank())", [{"Value": 1}, {"Value": 2}, None]),
        ("With({a: 1, b: 2}, a + ThisRecord.b)", 3),
        ("2 in [1, 2]", True),
        ("{a: 1} in [{a: 1}]", True),
    ],
)
def test_functions_of_tables(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


PEOPLE = 'Table({n: "b", l: 2}, {n: "a", l: 2}, {n: "c", l: 1})'


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("n", "abc"),
        ('"n"', "abc"),
        ("n, SortOrder.Descending", "cba"),
        ("l, SortOrder.Ascending, n", "cab"),
        ("l, SortOrder.Descending, n, SortOrder.Descending", "bac"),
        ('n, ["c", "b"]', "cba"),
        ('If(true, "n", "l")', "abc"),
    ],
)
def test_sorting_by_columns(order: str, names: str) -> None:
    assert evaluate(f"Concat(SortByColumns({PEOPLE}, {order}), n)") == names


def test_a_column_that_is_named_at_run_time_must_exist() -> None:
    assert failure(f'SortByColumns({PEOPLE}, If(true, "x"))') == "InvalidFunctionUsage"


def test_an_index_must_exist() -> None:
    assert failure("Index([1], 2)") == "InvalidArgument"
    assert failure("Index([1], 0)") == "InvalidArgument"


def test_tables_of_different_lengths_leave_failures() -> None:
    text = 'ForAll(Left(["ab", "cd"], [1]), IfError(Value, "none"))'
    assert evaluate(text) == column("a", "none")


def test_a_blank_table_makes_the_result_blank() -> None:
    assert evaluate("Abs(If(false, [1]))") is None
    assert evaluate("Filter(If(false, [1]), true)") is None
    assert evaluate("ForAll(If(false, [1]), 1)") is None


def test_a_cell_that_failed_is_only_an_error_where_it_is_used() -> None:
    assert evaluate("CountRows([1 / 0])") == 1
    assert evaluate("First([1, 1 / 0]).Value") == 1
    assert evaluate("CountIf([1, 1 / 0], IsError(Value))") == 1
    assert failure("Sum([1, 1 / 0], Value)") == "Div0"
    assert failure("[1 / 0]") == "Div0"


def test_an_evaluation_has_a_budget_of_steps() -> None:
    assert evaluate("CountRows(Sequence(10000))") == 10_000
    assert failure("CountRows(Sequence(1e9))") == "QuotaExceeded"
    nested = "CountRows(ForAll(Sequence(300), CountRows(ForAll(Sequence(300), 1))))"
    assert failure(nested) == "QuotaExceeded"
    assert failure("IfError(CountRows(Sequence(1e9)), 0)") == "QuotaExceeded"


def test_the_budget_covers_the_answer() -> None:
    doubled = "Sequence(4)"
    for name in "abcdef":
        doubled = f"With({{{name}: {doubled}}}, ForAll([1, 2, 3, 4], {name}))"
    program = compile_rule(doubled, limits=Limits(steps=1_000))
    with pytest.raises(EvaluationError):
        program.evaluate({}, datetime(2026, 1, 1, tzinfo=UTC))
