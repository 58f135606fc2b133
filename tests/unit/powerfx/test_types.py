"""Types: what is refused before anything is evaluated, and how results get one type."""

from collections.abc import Sequence

import pytest

from shared.rules.powerfx import compile_rule
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, failure, refusal


@pytest.mark.parametrize(
    "expression",
    [
        '1 = "1"',
        "0 = false",
        'true <> "true"',
        "{a: 1} = {a: 1}",
        "[1] = [1]",
        '"a" < "b"',
        "true >= false",
        '1 < "2"',
        "Blank() > true",
        "1 in 2",
        "[1] in [1]",
        "{a: 1} in [1]",
        "TimeUnit.Days = SortOrder.Ascending",
        'TimeUnit.Days = "days"',
        "Date(2026,1,1) + Date(2026,1,1)",
        "Time(1,0,0) - Date(2026,1,1)",
        "Date(2026,1,1) ^ 2",
        "!Date(2026,1,1)",
        "If(Date(2026,1,1), 1, 2)",
        "-{a: 1}",
        "1 + [1]",
        '"a" & [1]',
        '$"{[1]}"',
        'Lower(["A"])',
        "Abs({a: 1})",
        "Abs(Table({a: 1, b: 2}))",
        "Sqrt([])",
        "First(1)",
        "First({a: 1})",
        'IsEmpty("")',
        "CountRows(1)",
        "Filter(1, true)",
        "Filter([1], 1)",
        'LookUp([1], "true")',
        "ForAll(Blank(), 1)",
        "Sort([1], {a: 1})",
        'Sort([1], Value, "Descending")',
        'SortByColumns([1], "Vlue")',
        "SortByColumns([1], 2)",
        "AddColumns([1], Value, 2)",
        "AddColumns([1], 2, 2)",
        "AddColumns([1], a, 1, b)",
        "Count([true])",
        "With(1, 1)",
        "{a: 1}.b",
        "(1).b",
        "[1].Value",
        "{a: 1, a: 2}",
        'Text("a", "0")',
        "Text(1, 2)",
        'Error({Message: "no kind"})',
        "Error(1)",
        "If(true, 1, {a: 1})",
        "IfError(1, {a: 1})",
        'Switch(1, "1", 2)',
        "Switch(1, 1, 2, {a: 1})",
        "Coalesce(false, Date(2026,1,1))",
        "[1, {a: 1}]",
        "Table({a: 1}, {a: {b: 1}})",
        "Table(1)",
        'DateAdd(Date(2026,1,1), 1, "Days")',
        "Weekday(Date(2026,1,1), 2)",
        "Concat([1], Value, Value)",
    ],
)
def test_types_that_do_not_fit_are_refused(expression: str) -> None:
    assert refusal(expression).message


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('If(false, 3, "2")', 2),
        ('If(true, "3", 2)', "3"),
        ("If(false, 1, false)", 0),
        ("If(false, true, 2)", True),
        ("If(false, Blank(), 2)", 2),
        ("If(false, 1)", None),
        ("If(false, 1, true, 2, 3)", 2),
        ("If(true, {a: 1}, {b: 2})", {"a": 1, "b": None}),
        ('If(false, {a: 1}, {a: "2", b: 3})', {"a": 2, "b": 3}),
        ('Switch(2, 1, "a", 2, 5)', "5"),
        ('Coalesce(Blank(), "", 1, 2)', "1"),
        ('[1, true, "2"]', [{"Value": 1}, {"Value": 1}, {"Value": 2}]),
        ("Table({a: 1}, {b: 2})", [{"a": 1, "b": None}, {"a": None, "b": 2}]),
    ],
)
def test_results_take_the_type_of_the_first(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


def test_a_result_that_cannot_be_converted_fails() -> None:
    assert failure('If(false, 1, "x")') == "InvalidArgument"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("If(job.A = 1, 10, 1)", "number"),
        ("Find(job.A, job.B)", "number"),
        ('If(job.A = 1, "a", "b")', "text"),
        ("job.A = 1", "boolean"),
        ("[1]", "other"),
        ("Today()", "other"),
        ("job.A", None),
        ("Blank()", None),
    ],
)
def test_a_program_tells_what_its_result_is(expression: str, result: str | None) -> None:
    assert compile_rule(expression).result == result


def test_a_type_error_points_at_the_argument() -> None:
    error = refusal("1 + Abs({a: 1})")
    assert error.span == (8, 14)
    assert error.column == 9


@pytest.mark.parametrize("depth", [4, 16])
def test_types_that_double_with_each_level_are_refused(depth: int) -> None:
    record = "{x: 1}"
    names: Sequence[str] = [f"r{level}" for level in range(depth)]
    expression = "r0"
    for name in reversed(names):
        inner = record if name == "r0" else f"{{a: r{int(name[1:]) - 1}, b: r{int(name[1:]) - 1}}}"
        expression = f"With({{{name}: {inner}}}, {expression})"
    if depth == 4:
        assert evaluate(expression) == {"x": 1}
    else:
        assert "too many parts" in refusal(expression).message
