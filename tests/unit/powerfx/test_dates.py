"""Dates and times: the injected clock, its zone, arithmetic, reading and showing."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.rules.powerfx.program import Plain
from tests.unit.powerfx.evaluation import NOW, evaluate, failure

SEATTLE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Now()", "2026-03-04T15:16:17.890"),
        ("Today()", "2026-03-04"),
        ("IsToday(Now())", True),
        ("Hour(Now()) < 18 && Weekday(Now(), StartOfWeek.Monday) < 6", True),
        ("Date(2024, 1, 32)", "2024-02-01"),
        ("Date(2024, 0, 1)", "2023-12-01"),
        ("DateTime(2024, 1, 1, 25, 61, -1)", "2024-01-02T02:00:59.000"),
        ("Time(30, 0, 0)", "06:00:00.000"),
        ("Value(Time(30, 0, 0))", 1.25),
        ("Year(Date(2024, 5, 6)) * 100 + Month(Date(2024, 5, 6))", 202405),
        ("Day(45000)", 15),
        ('Minute("12:34:56") * 100 + Second("12:34:56")', 3456),
        ("Year(Blank()) * 10 + Day(Blank())", 19000),
        ("Weekday(Date(2026, 3, 4))", 4),
        ("Weekday(Date(2026, 3, 4), StartOfWeek.MondayZero)", 2),
        ("Date(2024, 2, 28) + 2", "2024-03-01"),
        ("Date(2024, 3, 1) - Date(2024, 2, 28)", 2),
        ("Date(2024, 3, 1) - Time(1, 0, 0)", "2024-02-29T23:00:00.000"),
        ("Date(2024, 3, 1) + 1.5 + 0.5", "2024-03-03"),
        ("Time(1, 0, 0) + Time(2, 0, 0)", "03:00:00.000"),
        ("Value(-Time(6, 0, 0))", -0.25),
        ("Value(-Date(2024, 3, 1))", -45352),
        ("Date(2024, 3, 1) = 45352", True),
        ("Date(2024, 3, 1) < DateTime(2024, 3, 1, 0, 0, 1)", True),
        ("Max(Date(2024, 3, 1), Date(2024, 3, 2))", "2024-03-02"),
        ("Min(Date(2024, 3, 1), 1)", "1899-12-31"),
        ("DateAdd(Date(2024, 1, 31), 1, TimeUnit.Months)", "2024-02-29"),
        ("DateAdd(Date(2024, 2, 29), -1, TimeUnit.Years)", "2023-02-28"),
        ("DateAdd(DateTime(2024, 1, 1, 0, 0, 0), 90, TimeUnit.Minutes)", "2024-01-01T01:30:00.000"),
        ("DateAdd(Date(2024, 1, 1), 10)", "2024-01-11"),
        ("DateDiff(Date(2024, 1, 1), Date(2024, 3, 1))", 60),
        ("DateDiff(Date(2024, 3, 1), Date(2023, 12, 31), TimeUnit.Quarters)", -1),
        ("DateDiff(DateTime(2024,1,1,0,59,59), DateTime(2024,1,1,1,0,0), TimeUnit.Hours)", 1),
    ],
)
def test_dates_and_times(expression: str, expected: Plain) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("Date(0, 1, 1)", "InvalidArgument"),
        ("Date(10000, 1, 1)", "InvalidArgument"),
        ("Date(9999, 12, 32)", "InvalidArgument"),
        ("Date(2024, 1e28, 1)", "InvalidArgument"),
        ("Date(9999, 12, 31) + 1", "InvalidArgument"),
        ("DateAdd(Today(), 1e20)", "InvalidArgument"),
        ("DateAdd(Today(), 1e9, TimeUnit.Years)", "InvalidArgument"),
        ("Time(1e28, 0, 0)", "InvalidArgument"),
        ("1 - Today()", "NotSupported"),
        ("Weekday(Today(), Blank())", "InvalidArgument"),
        ('Year("someday")', "InvalidArgument"),
        ('DateValue("2024-02-30")', "InvalidArgument"),
        ('DateValue("13/13/2024")', "InvalidArgument"),
        ('TimeValue("12:60")', "InvalidArgument"),
        ('TimeValue("")', "InvalidArgument"),
    ],
)
def test_dates_that_do_not_exist(expression: str, kind: str) -> None:
    assert failure(expression) == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-06", "2024-05-06T00:00:00.000"),
        ("2024-05-06T07:08:09.123", "2024-05-06T07:08:09.123"),
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09.000"),
        ("2024-05-06T07:08:09-02:30", "2024-05-06T09:38:09.000"),
        ("5/6/2024", "2024-05-06T00:00:00.000"),
        ("5/6/24 3:04 PM", "2024-05-06T15:04:00.000"),
        ("12/31/99 12:00 am", "1999-12-31T00:00:00.000"),
        ("May 6, 2024 3pm", "2024-05-06T15:00:00.000"),
        ("6 Sep 2024", "2024-09-06T00:00:00.000"),
        ("Monday, May 6, 2024", "2024-05-06T00:00:00.000"),
    ],
)
def test_dates_in_texts(text: str, expected: str) -> None:
    assert evaluate(f'DateTimeValue("{text}")') == expected
    assert evaluate(f'DateValue("{text}")') == expected[:10]


def test_languages_differ_in_what_comes_first() -> None:
    assert evaluate('DateValue("5/6/2024", "en-US")') == "2024-05-06"
    assert evaluate('DateValue("5/6/2024", "en-GB")') == "2024-06-05"
    assert evaluate('DateValue("5.6.2024", "de")') == "2024-06-05"


MOMENT = "DateTime(2024, 5, 6, 15, 4, 9, 120)"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("yyyy-mm-dd hh:mm:ss.000", "2024-05-06 15:04:09.120"),
        ("d.m.yy", "6.5.24"),
        ("dddd, mmmm d", "Monday, May 6"),
        ("ddd mmm", "Mon May"),
        ("h:mm AM/PM", "3:04 PM"),
        ("h a/p", "3 P"),
        ("mm:ss", "04:09"),
        ("'longdate'", "Monday, May 6, 2024"),
        ("'shorttime24'", "15:04"),
        ("utc", "2024-05-06T15:04:09.120Z"),
        ("0.00", "45418.63"),
    ],
)
def test_moments_in_a_format(form: str, expected: str) -> None:
    assert evaluate(f'Text({MOMENT}, "{form}")') == expected


def test_moments_as_text() -> None:
    assert evaluate(f'{MOMENT} & ""') == "5/6/2024 3:04 PM"
    assert evaluate("Text(Date(2024, 5, 6))") == "5/6/2024"
    assert evaluate("Text(Time(0, 5, 0))") == "12:05 AM"
    assert evaluate(f"Text({MOMENT}, DateTimeFormat.ShortDate)") == "5/6/2024"
    assert evaluate('Text(45418, "yyyy")') == "2024"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Now()", "2026-03-04T07:16:17.890"),
        ('DateTimeValue("2024-05-06T07:08:09Z")', "2024-05-06T00:08:09.000"),
        ("Text(DateTime(2024, 5, 6, 7, 8, 9), DateTimeFormat.UTC)", "2024-05-06T14:08:09.000Z"),
        ("DateTime(2024, 3, 10, 2, 30, 0)", "2024-03-10T03:00:00.000"),
        ("DateAdd(DateTime(2024, 3, 10, 1, 30, 0), 1, TimeUnit.Hours)", "2024-03-10T03:30:00.000"),
        ("DateAdd(DateTime(2024, 3, 9, 2, 30, 0), 1)", "2024-03-10T03:00:00.000"),
        ("DateDiff(DateTime(2024,11,3,0,0,0), DateTime(2024,11,3,3,0,0), TimeUnit.Hours)", 4),
        ("DateDiff(Date(2024,11,3), Date(2024,11,4))", 1),
    ],
)
def test_dates_are_meant_in_the_zone_of_the_clock(expression: str, expected: Plain) -> None:
    assert evaluate(expression, now=NOW.astimezone(SEATTLE)) == expected


def test_a_zone_may_lead_out_of_the_calendar() -> None:
    late = "IsError(DateTime(9999, 12, 31, 20, 0, 0))"
    assert evaluate(late, now=NOW.astimezone(SEATTLE)) is True
    assert evaluate(late) is False


def test_a_clock_without_a_zone_is_one_of_utc() -> None:
    assert evaluate("Now()", now=datetime(2026, 1, 1)) == "2026-01-01T00:00:00.000"
