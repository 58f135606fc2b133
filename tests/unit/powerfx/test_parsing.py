"""How text is read: literals, precedence, comments; and what is said of text that cannot be."""

import pytest

from shared.rules.powerfx import ExpressionError, Limits, Span, compile_rule
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, refusal


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 / 4 / 2", 1),
        ("1 - 2 - 3", -4),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("- -3", 3),
        ("50%", 0.5),
        ("200 * 10%", 20),
        ('1 + 1 & "0"', "20"),
        ('"a" & "b" = "ab"', True),
        ("1 < 2 = true", True),
        ("true || false && false", True),
        ("true Or false And false", True),
        ("!true || true", True),
        ("Not true Or true", True),
        ('"a" in "abc" && true', True),
    ],
)
def test_precedence(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (".5", 0.5),
        ("007", 7),
        ("1.", 1),
        ("2e3", 2000),
        ("2.5E-1", 0.25),
        ('"say ""hi"""', 'say "hi"'),
        ('""', ""),
        ("true", True),
        ("[]", []),
        ("{}", {}),
        ("{a: 1, 'b c': {d: \"x\"}}", {"a": 1, "b c": {"d": "x"}}),
        ("[1, 2,]", [{"Value": 1}, {"Value": 2}]),
        ("[{a: 1}, {a: 2}]", [{"a": 1}, {"a": 2}]),
        ("1 // the rest", 1),
        ("/* before */ 1 /* after */", 1),
        ("1 +\n\t2", 3),
    ],
)
def test_literals_and_comments(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('$"queue-{1 + 1}"', "queue-2"),
        ('$"{"a"}{true}{Blank()}"', "atrue"),
        ('$"braces {{ and }} and quotes """', 'braces { and } and quotes "'),
        ('$"{$"{"deep"}"}"', "deep"),
        ('$"{ {a: "b"}.a }"', "b"),
        ('$""', ""),
    ],
)
def test_interpolated_text(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "span"),
    [
        ("1 +", (3, 3)),
        ("If(", (3, 3)),
        ("1 2", (2, 3)),
        ("1_000", (1, 5)),
        ("(1", (2, 2)),
        ("If(true, 1,)", (11, 12)),
        ("{a 1}", (3, 4)),
        ("job.", (4, 4)),
        ('"open', (0, 1)),
        ("'open", (0, 1)),
        ("''", (0, 1)),
        ("/* open", (0, 1)),
        ("1 # 2", (2, 3)),
        ('$"{}"', (3, 4)),
        ('$"{1', (4, 4)),
        ('$"{1 2}"', (5, 6)),
        ('$"open', (2, 3)),
        ('$"}"', (2, 3)),
        ("1; 2", (1, 2)),
        ("", (0, 0)),
        ("79228162514264337593543950336", (0, 29)),
        ("1 As x", (0, 6)),
        ("And", (0, 3)),
    ],
)
def test_text_that_cannot_be_read(expression: str, span: tuple[int, int]) -> None:
    assert refusal(expression).span == Span(*span)


def test_an_error_tells_its_line_and_column() -> None:
    error = refusal("If(job.A = 1,\n   Lowr(job.B),\n   2)")
    assert (error.line, error.column) == (2, 4)
    assert error.span == Span(17, 21)
    assert error.suggestion == "Lower"
    assert "Did you mean `Lower`?" in error.message


@pytest.mark.parametrize(
    ("expression", "suggestion"),
    [
        ("if(true, 1, 2)", "If"),
        ("Uper(job.A)", "Upper"),
        ("TRUE", None),
        ("Frobnicate(1)", None),
        ("SortOrder.Descendin", "Descending"),
        ("{Level: 1}.Lvel", "Level"),
        ("Set(x, 1)", None),
        ('IsMatch("a", "b")', None),
    ],
)
def test_unknown_names_come_with_a_suggestion(expression: str, suggestion: str | None) -> None:
    assert refusal(expression).suggestion == suggestion


def test_the_number_of_arguments_is_checked() -> None:
    assert "at least 2" in refusal("If(true)").message
    assert "1 arguments, not 2" in refusal('Lower("a", "b")').message
    assert "2 to 3" in refusal('Mid("a")').message


def test_an_expression_has_up_to_1000_characters() -> None:
    assert evaluate(f'"{"x" * 998}"') == "x" * 998
    assert refusal(f'"{"x" * 999}"').span == Span(1000, 1001)


def test_an_expression_is_nested_up_to_20_levels_deep() -> None:
    assert evaluate("(" * 20 + "1" + ")" * 20) == 1
    refusal("(" * 21 + "1" + ")" * 21)
    refusal("-" * 300 + "1")
    refusal("2 ^ " * 100 + "1")
    refusal("If(true, " * 60 + "1" + ")" * 60)


def test_long_chains_of_operators_are_no_nesting() -> None:
    assert evaluate(" + ".join(["1"] * 90)) == 90
    refusal(" + ".join(["1"] * 110))


def test_limits_can_be_set() -> None:
    with pytest.raises(ExpressionError):
        compile_rule("1 + 1", limits=Limits(characters=4))
