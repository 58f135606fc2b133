"""Text: functions, comparisons, and values shown as text."""

import pytest

from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import evaluate, failure, of_job


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('Lower("ABC")', "abc"),
        ('Upper("abc")', "ABC"),
        ('Proper("the 2nd o\'neil")', "The 2Nd O'neil"),
        ('Left("hello", 2)', "he"),
        ('Left("hello", 2.9)', "he"),
        ('Left("hello", 1e28)', "hello"),
        ('Right("hello", 2)', "lo"),
        ('Right("hello", 0)', ""),
        ('Mid("hello", 2, 3)', "ell"),
        ('Mid("hello", 2)', "ello"),
        ('Mid("hello", 9, 3)', ""),
        ("Len(-1.5)", 4),
        ('Find("l", "hello")', 3),
        ('Find("l", "hello", 4)', 4),
        ('Find("L", "hello")', None),
        ('Find("", "hello")', 1),
        ('StartsWith("Hello", "hE")', True),
        ('EndsWith("Hello", "LO")', True),
        ('Trim("  a   b ")', "a b"),
        ('TrimEnds("  a   b ")', "a   b"),
        ('Substitute("aXbX", "X", "-")', "a-b-"),
        ('Substitute("aXbX", "X", "-", 2)', "aXb-"),
        ('Substitute("aXbX", "X", "-", 3)', "aXbX"),
        ('Substitute("aXbX", "x", "-")', "aXbX"),
        ('Substitute("abc", "", "-")', "abc"),
        ('Replace("hello", 2, 3, "ipp")', "hippo"),
        ('Replace("hello", 99, 1, "!")', "hello!"),
        ('Concatenate("a", 1, true, Blank())', "a1true"),
        ('Split("a,b", ",")', [{"Value": "a"}, {"Value": "b"}]),
        ('Split("ab", "")', [{"Value": "a"}, {"Value": "b"}]),
        ("Char(65) & UniChar(8364)", "A\u20ac"),
        ('Concat([1, 2], Value * 10, "; ")', "10; 20"),
        ("Concat([1, 2], Value, Blank())", None),
        ('"B" in "abc"', True),
        ('"B" exactin "abc"', False),
        ('"B" in ["a", "b"]', True),
        ('"B" exactin ["a", "b"]', False),
        ('"a" = "A"', False),
        ('"a" = "a "', False),
        ('Left(["abc", "de"], [2, 1])', [{"Value": "ab"}, {"Value": "d"}]),
        ('Upper("stra\u00dfe")', "STRA\u00dfE"),
        ('StartsWith("\u00c9t\u00e9", "\u00e9T")', True),
        ('Boolean("TRUE")', True),
        ('Boolean("")', None),
        ("Boolean(0)", False),
    ],
)
def test_functions_of_text(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ('Left("hello", -1)', "InvalidArgument"),
        ('Mid("hello", 0)', "InvalidArgument"),
        ('Find("l", "hello", 0)', "InvalidArgument"),
        ('Find("l", "hello", 7)', "InvalidArgument"),
        ('Substitute("a", "a", "b", 0)', "InvalidArgument"),
        ('Replace("a", 0, 1, "b")', "InvalidArgument"),
        ("Char(0)", "InvalidArgument"),
        ("Char(256)", "InvalidArgument"),
        ("UniChar(1114112)", "InvalidArgument"),
        ("UniChar(55296)", "NotApplicable"),
        ('Boolean("yes")', "InvalidArgument"),
    ],
)
def test_arguments_that_are_out_of_range(expression: str, kind: str) -> None:
    assert failure(expression) == kind


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        ("1234.5", "0", "1235"),
        ("1234.5", "#,##0.00", "1,234.50"),
        ("-1234567", "#,##0", "-1,234,567"),
        ("0.5", "#.##", ".5"),
        ("0.5", ".00", ".50"),
        ("12", "#.##", "12"),
        ("0.256", "0.0%", "25.6%"),
        ("5", "000", "005"),
        ("123456789", "000-00-0000", "123-45-6789"),
        ("12345", "0.00e+00", "1.23e+04"),
        ("0.00995", "0.0E+0", "1.0E-2"),
        ("1", "0;(0);zero", "1"),
        ("-1", "0;(0);zero", "(1)"),
        ("0", "0;(0);zero", "zero"),
        ("7", '\\#0 ""pcs""', "#7 pcs"),
        ("1234567", "#,##0,", "1,235"),
        ("Float(1) / 3", "0.00000000000000000000", "0.33333333333333300000"),
        ("7", "", ""),
        ("Blank()", "0.0", "0.0"),
    ],
)
def test_numbers_in_a_format(number: str, form: str, expected: str) -> None:
    assert evaluate(f'Text({number}, "{form}")') == expected


def test_a_text_of_the_rule_has_at_most_10000_characters() -> None:
    grown = 'With({a: "0123456789"}, With({b: Substitute(a & a & a & a & a, "0", a & a)}, %s))'
    assert evaluate(grown % "Len(b)") == 145
    ten_times = " & ".join(["job.Name"] * 10)
    assert of_job(f"Len({ten_times})", Name="x" * 1000) == 10_000
    labels = {"job": {"Name": "x" * 1001}}
    assert failure(f"Len({ten_times})", labels) == "QuotaExceeded"
    assert failure('Substitute(job.Name, "x", job.Name)', labels) == "QuotaExceeded"
    assert failure("Concat(Sequence(10), job.Name)", labels) == "QuotaExceeded"
