"""Times on the wire: ISO 8601 in bodies and queries, RFC 9110 dates in headers."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_time(text: str) -> datetime:
    """The time in UTC; one without an offset is in UTC already.

    What an offset moves beyond the years 1 to 9999 becomes the first or last moment there is.
    :raises ValueError: it is not a date with a time in ISO 8601.
    """
    moment = _parse_iso_8601(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        end = datetime.min if moment.year == 1 else datetime.max
        return end.replace(tzinfo=UTC)


def _parse_iso_8601(text: str) -> datetime:
    # The pattern keeps out what Python reads besides: dates alone, weeks, any separator.
    if _ISO_8601.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text.upper())
    raise ValueError("Not a date and time in ISO 8601, such as 2026-01-31T12:00:00Z")


def format_time(moment: datetime) -> str:
    """As the hosted service writes times: seven fractional digits and ``+00:00``."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}0+00:00"


def optional_time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None


# Every request is dated, and most of one second alike.
@lru_cache(maxsize=64)
def parse_http_date(text: str) -> datetime:
    """:raises ValueError: it is not a date such as ``Fri, 01 Nov 2024 00:00:00 GMT``."""
    return datetime.strptime(text, _HTTP_DATE).replace(tzinfo=UTC)


def format_http_date(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year:04} {utc:%H:%M:%S} GMT"
