from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.schedule import Schedule, ScheduleError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("* * * * * *", "2024-01-01T00:00:00", "2024-01-01T00:00:01"),
        ("*/5 * * * * *", "2024-01-01T00:00:00", "2024-01-01T00:00:05"),
        ("*/5 * * * * *", "2024-01-01T00:00:04.999", "2024-01-01T00:00:05"),
        ("0 */5 * * * *", "2024-01-01T00:05:00", "2024-01-01T00:10:00"),
        ("30 0 * * * *", "2024-01-01T23:59:59", "2024-01-02T00:00:30"),
        ("0 30 9 * * 1-5", "2024-03-01T10:00:00", "2024-03-04T09:30:00"),
        ("0 0 0 29 2 *", "2024-03-01T00:00:00", "2028-02-29T00:00:00"),
        # The day AND the day of week: the next Friday that is a 13th.
        ("0 0 0 13 * Fri", "2024-01-01T00:00:00", "2024-09-13T00:00:00"),
        ("0 0 0 1,15 * 0", "2024-01-01T00:00:00", "2024-09-01T00:00:00"),
        ("0 0 0 * jan mon", "2024-02-01T00:00:00", "2025-01-06T00:00:00"),
        # A name may be any prefix, and the first name that begins with it is meant.
        ("0 0 0 1 j *", "2024-02-01T00:00:00", "2025-01-01T00:00:00"),
        ("0 0 0 * * T", "2024-01-01T00:00:00", "2024-01-02T00:00:00"),
        ("0 0 0 * December Sunday", "2024-01-01T00:00:00", "2024-12-01T00:00:00"),
        # A range given backwards is turned round: Monday to Friday.
        ("0 0 0 * * Fri-Mon", "2024-01-05T00:00:00", "2024-01-08T00:00:00"),
        ("50/5 * * * * *", "2024-01-01T00:00:55", "2024-01-01T00:01:50"),
        ("10-20/7 * * * * *", "2024-01-01T00:00:10", "2024-01-01T00:00:17"),
        ("0 0 */0 * * *", "2024-01-01T00:00:00", "2024-01-01T01:00:00"),
        ("  0   0 12 * * *  ", "2024-01-01T00:00:00", "2024-01-01T12:00:00"),
    ],
)
def test_the_next_time_is_azures(expression: str, after: str, due: str) -> None:
    assert Schedule(expression).next_after(at(after)) == at(due)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * * *",
        "* * * * * * *",
        "@daily",
        "00:05:00",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 0 *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * * * 5-7",
        "* * * ? * *",
        "* * * * * ?",
        "* * * L * *",
        "* * * * * L",
        "* * * 15W * *",
        "* * * * * 5#2",
        "H * * * * *",
        "-1 * * * * *",
        "1- * * * * *",
        "1-2-3 * * * * *",
        "1,,2 * * * * *",
        "1, * * * * *",
        "*/ * * * * *",
        "*/x * * * * *",
        "/5 * * * * *",
        "*-5 * * * * *",
        "1.5 * * * * *",
        "\u0663 * * * * *",
        "mon * * * * *",
        "* * * * foo *",
        "* * * * * sundays",
        "*\t* * * * * *",
    ],
)
def test_what_azure_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        Schedule(expression)


def test_a_schedule_that_never_comes_due_is_refused() -> None:
    with pytest.raises(ScheduleError, match="never"):
        Schedule("0 0 0 30 2 *")


def test_the_error_says_what_is_allowed() -> None:
    with pytest.raises(ScheduleError, match=r"'7' is not a day of week: use 0 to 6 or a name"):
        Schedule("0 0 0 * * 7")


def numbers(first: int, last: int) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(first, last), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(
    numbers(0, 59),
    numbers(0, 59),
    numbers(0, 23),
    numbers(1, 31),
    numbers(0, 6),
    st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)),
)
def test_every_time_due_is_found_and_no_other(
    seconds: set[int],
    minutes: set[int],
    hours: set[int],
    days: set[int],
    weekdays: set[int],
    start: datetime,
) -> None:
    fields = (seconds, minutes, hours, days, range(1, 13), weekdays)
    schedule = Schedule(" ".join(",".join(map(str, field)) for field in fields))
    all_days = (start + timedelta(days=day) for day in range(366 * 12))
    due = (
        moment
        for day in all_days
        if day.day in days and day.isoweekday() % 7 in weekdays
        for moment in times_of_day(day, seconds, minutes, hours)
        if moment > start
    )
    found = start
    for expected in islice(due, 5):
        found = schedule.next_after(found)
        assert found == expected


def times_of_day(
    day: datetime, seconds: set[int], minutes: set[int], hours: set[int]
) -> list[datetime]:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        midnight + timedelta(hours=hour, minutes=minute, seconds=second)
        for hour in sorted(hours)
        for minute in sorted(minutes)
        for second in sorted(seconds)
    ]
