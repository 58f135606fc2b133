"""Errors while evaluating: where they spread to, and what deals with them."""

import pytest

from shared.rules.powerfx import EvaluationError, PowerFxError
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, failure


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("false && 1 / 0 = 1", False),
        ("true || 1 / 0 = 1", True),
        ("And(false, 1 / 0 = 1)", False),
        ("If(true, 1, 1 / 0)", 1),
        ("Switch(1, 1, 2, 3, 1 / 0)", 2),
        ("Coalesce(1, 1 / 0)", 1),
        ("{a: 1, b: 1 / 0}.a", 1),
        ("IfError(1 / 0, -1)", -1),
        ("IfError(1, -1)", 1),
        ("IfError(1, -1, 7)", 7),
        ("IfError(1, -1, 1 / 0, -2)", -2),
        ("IfError(1 / 0, FirstError.Kind = ErrorKind.Div0)", 1),
        ('IfError(Error("x"), FirstError.Message)', "x"),
        ("IfError(Len(Left(1 / 0, -1 / 0)), CountRows(AllErrors))", 2),
        ('IfError(Error({Kind: ErrorKind.Validation, Message: "m"}), Text(FirstError.Kind))', "11"),
        ("IsError(1 / 0)", True),
        ("IsError(1)", False),
    ],
)
def test_errors_that_are_dealt_with(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1 / 0 = 1 || true", "Div0"),
        ("If(1 / 0 = 1, 1, 2)", "Div0"),
        ("Switch(1 / 0, 1, 2)", "Div0"),
        ("Coalesce(1 / 0, 1)", "Div0"),
        ("IsBlank(1 / 0)", "Div0"),
        ('"a" & 1 / 0', "Div0"),
        ("Error({Kind: ErrorKind.Custom})", "Custom"),
        ('Error("text")', "Custom"),
        ("Error(Table({Kind: 11}, {Kind: 13}))", "Validation"),
        ("Error({Kind: 4711})", "4711"),
        ("Error({Kind: Blank()})", "InvalidArgument"),
        ("IfError(1 / 0, Sqrt(-1))", "Numeric"),
    ],
)
def test_errors_that_are_the_end(expression: str, kind: str) -> None:
    assert failure(expression) == kind


def test_an_error_has_a_kind_and_a_message() -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate('Error({Kind: ErrorKind.NotFound, Message: "no such queue"})')
    assert raised.value.kind == "NotFound"
    assert str(raised.value) == "NotFound: no such queue"
    assert isinstance(raised.value, PowerFxError)
