"""Numbers: decimals and floats, their limits, and the functions for them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rules.powerfx import decimals
from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, failure

MAX = "79228162514264337593543950335"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "0.3333333333333333333333333333"),
        ("2 / 3", "0.6666666666666666666666666667"),
        ("1.00", "1"),
        (f"{MAX} + 0.4", MAX),
        (f"{MAX} - 0.6", "79228162514264337593543950334"),
        ("1e-28 / 2", "0"),
        ("3e-28 / 2", "0.0000000000000000000000000002"),
        ("1e20", "100000000000000000000"),
        ("Float(1) / 3", "0.3333333333333333"),
        ("Float(1e16)", "10000000000000000"),
        ("Float(1e17)", "1E+17"),
        ("Float(123456)", "123456"),
        ("Float(0.0001)", "0.0001"),
        ("Float(0.00001)", "1E-05"),
        ("Float(1.5e-7)", "1.5E-07"),
        ("2 ^ 0.5", "1.4142135623730951"),
        ("Decimal(Float(1) / 3)", "0.333333333333333"),
        ("-0", "0"),
    ],
)
def test_digits(expression: str, expected: str) -> None:
    assert evaluate(f'({expression}) & ""') == expected


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1 / 0", "Div0"),
        ("Mod(1, 0)", "Div0"),
        ("Average(Blank())", "Div0"),
        ("0 ^ -1", "Div0"),
        (f"{MAX} + 1", "Numeric"),
        (f"{MAX} * 1.1", "Numeric"),
        (f"{MAX} / 0.5", "Numeric"),
        ("Float(10) ^ 400", "Numeric"),
        ("(-8) ^ 0.5", "Numeric"),
        ("Sqrt(-1)", "Numeric"),
        (f"RoundUp({MAX}, -1)", "Numeric"),
        ('1 + "x"', "InvalidArgument"),
        ('Value("1e100")', "InvalidArgument"),
        ('Decimal(Float("1e100"))', "InvalidArgument"),
        ('Float("1e400")', "InvalidArgument"),
    ],
)
def test_computations_without_a_result(expression: str, kind: str) -> None:
    assert failure(expression) == kind


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Round(2.5, 0)", 3),
        ("Round(-2.5, 0)", -3),
        ("Round(1234, -2)", 1200),
        ("Round(1.25, 1.9)", 1.3),
        ("RoundUp(2.1, 0)", 3),
        ("RoundUp(-2.1, 0)", -3),
        ("RoundDown(-2.9, 0)", -2),
        ("Trunc(-2.9)", -2),
        ("Int(-2.1)", -3),
        ("Int(Float(2.9))", 2),
        ("Abs(-3)", 3),
        ("Mod(7, 3)", 1),
        ("Mod(-7, 3)", 2),
        ("Mod(7, -3)", -2),
        ("Mod(Float(-7), 3)", 2),
        ("Power(2, 10)", 1024),
        ("Sqrt(9)", 3),
        ("Sum(1, 2, Blank())", 3),
        ("Average(1, 2)", 1.5),
        ('Min(3, true, "2")', 1),
        ("Max(Float(1), 2)", 2),
        ("Max(Blank())", None),
        ("Sum([1, 2, 3], Value * 2)", 12),
        ("Min([3, 1, 2], Value)", 1),
        ("Max(Filter([1], false), Value)", None),
        ("true + true", 2),
        ('"2" * "3"', 6),
        ("Abs([-1, 2])", [{"Value": 1}, {"Value": 2}]),
    ],
)
def test_functions_of_numbers(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        (" -1,234.5 ", -1234.5),
        ("12%", 0.12),
        ("% 12", 0.12),
        ("$12", 12),
        ("- $ 12", -12),
        ("(12)", -12),
        ("12-", -12),
        ("(12)%", -0.12),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
    ],
)
def test_numbers_in_texts(text: str, number: float) -> None:
    assert evaluate(f'Value("{text}")') == number
    assert evaluate(f'Float("{text}")') == number
    assert evaluate(f'IsNumeric("{text}")') is True


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "1 2",
        "--1",
        "-1-",
        "(1%)",
        "1%-",
        "1%%",
        "$1%",
        "(-1)",
        "(1",
        "1)",
        "e3",
        "1e",
        ".",
        "%",
        "1.2.3",
        " ",
    ],
)
def test_texts_without_a_number(text: str) -> None:
    assert failure(f'Value("{text}")') == "InvalidArgument"
    assert evaluate(f'IsNumeric("{text}")') is False


def test_an_empty_text_is_blank() -> None:
    assert evaluate('Value("")') is None
    assert evaluate('Float("")') is None


def test_numbers_of_other_languages() -> None:
    assert evaluate('Value("1.234,5", "de")') == 1234.5
    assert evaluate('Value("1\u00a0234,5", "fr-CA")') == 1234.5
    assert evaluate('Value("1,234.5", "en-GB")') == 1234.5
    assert failure('Value("1", "klingon")') == "BadLanguageCode"


DECIMALS = st.decimals(-(10**15), 10**15, places=12)


@given(DECIMALS, DECIMALS)
def test_sums_are_exact_as_long_as_there_are_digits(left: Decimal, right: Decimal) -> None:
    total = decimals.add(left, right)
    exact = decimals.WIDE.add(left, right)
    assert abs(decimals.WIDE.subtract(total, exact)) <= Decimal("0.5")
    assert decimals.fit(total) == total
    assert decimals.add(right, left) == total


@given(DECIMALS, DECIMALS.filter(bool))
def test_a_remainder_has_the_sign_of_the_divisor(value: Decimal, divisor: Decimal) -> None:
    rest = decimals.modulo(value, divisor)
    assert rest.copy_abs() < divisor.copy_abs()
    assert not rest or (rest < 0) == (divisor < 0)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_what_fits_stays_and_nothing_else_gets_through(value: Decimal) -> None:
    try:
        fitted = decimals.fit(decimals.WIDE.plus(value))
    except decimals.TooLarge:
        assert abs(value) > decimals.MAX
    else:
        assert abs(fitted) <= decimals.MAX
        assert decimals.fit(fitted) == fitted
