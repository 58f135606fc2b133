from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.timestamps import (
    format_http_date,
    format_time,
    parse_http_date,
    parse_time,
)

NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
ZONES = st.builds(
    lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60)
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-31T12:00:00Z", NOON),
        ("2024-01-31T12:00:00.000Z", NOON),
        ("2024-01-31T12:00:00.0000000+00:00", NOON),
        ("2024-01-31T12:00:00", NOON),
        ("2024-01-31t12:00z", NOON),
        ("2024-01-31 13:00:00+01:00", NOON),
        ("2024-01-31T13:00:00+0100", NOON),
        ("2024-01-31T12:00:00.1234567Z", NOON.replace(microsecond=123456)),
        ("0001-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-05:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_reads_what_clients_write(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2024-01-31",
        "20240131T120000Z",
        "2024-W05-3T12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2024-01-31T25:00:00Z",
        "2024-01-31T12:00:61Z",
        "2024-01-31T12:00:00+25:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2024-01-31T12:00:00Z ",
        "٢٠٢٤-01-31T12:00:00Z",
        "1706702400",
    ],
)
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_time(text)


def test_writes_as_the_hosted_service() -> None:
    assert format_time(NOON.replace(microsecond=5)) == "2024-01-31T12:00:00.0000050+00:00"
    assert format_time(datetime.min.replace(tzinfo=UTC)) == "0001-01-01T00:00:00.0000000+00:00"


@given(st.datetimes(timezones=ZONES, min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
def test_a_time_survives_being_written_and_read(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment
    assert parse_time(moment.isoformat()) == moment


@given(st.datetimes(timezones=ZONES, min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
def test_an_http_date_survives_to_the_second(moment: datetime) -> None:
    assert parse_http_date(format_http_date(moment)) == moment.replace(microsecond=0)


def test_writes_http_dates_in_english_and_gmt() -> None:
    moment = datetime(2024, 11, 1, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    assert format_http_date(moment) == "Fri, 01 Nov 2024 00:02:03 GMT"


@pytest.mark.parametrize("text", ["", "2024-11-01T00:00:00Z", "Fri, 01 Nov 2024 00:00:00 CET"])
def test_refuses_what_is_no_http_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_http_date(text)
