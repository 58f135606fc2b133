"""Dates and times."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from shared.rules.powerfx.bound import Bound
from shared.rules.powerfx.cultures import culture_of
from shared.rules.powerfx.decimals import ONE, WIDE, ZERO
from shared.rules.powerfx.enumerations import START_OF_WEEK, TIME_UNIT
from shared.rules.powerfx.moments import (
    DAY,
    Moment,
    ReadMoment,
    add_months,
    datetime_of,
    days,
    read_moment,
    shifted,
    time_of,
)
from shared.rules.powerfx.runtime import Run
from shared.rules.powerfx.signatures import Expected, Parameter, function, or_blank
from shared.rules.powerfx.types import BOOLEAN, DATE, DATETIME, DECIMAL, TEXT, TIME, Type
from shared.rules.powerfx.values import EPOCH, Date, DateTime, Member, Time, Value, invalid

_MOMENT = Parameter(Expected.MOMENT)
_LIMIT = 2**31
"""Of every part of a date."""


# The clock


@function("Now", result=DATETIME, gets_run=True)
def now(run: Run) -> DateTime:
    return DateTime(_to_millisecond(run.now))


@function("Today", result=DATE, gets_run=True)
def today(run: Run) -> Date:
    return Date(_midnight(run.now))


@function("IsToday", _MOMENT, result=BOOLEAN, gets_run=True)
def is_today(run: Run, moment: Moment) -> bool:
    return datetime_of(moment).date() == run.now.date()


def _to_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


# From parts


def _whole(part: Decimal) -> int:
    if abs(part) >= _LIMIT:
        raise invalid("A part of the date is too large.")
    return int(part)


def _day(year: Decimal, month: Decimal, day: Decimal) -> datetime:
    """A day; months and days may be more than there are, or fewer than one."""
    if not 1 <= _whole(year) <= 9999:
        raise invalid("A year is between 1 and 9999.")
    first = add_months(datetime(_whole(year), 1, 1), _whole(month) - 1)
    return shifted(first, _duration(Decimal(_whole(day) - 1)))


def _duration(day: Decimal, *parts: Decimal) -> timedelta:
    """Days, and perhaps hours, minutes, seconds and milliseconds; any may be out of range."""
    hours, minutes, seconds, milliseconds = (_whole(part) for part in parts or (ZERO,) * 4)
    try:
        return timedelta(_whole(day), seconds, 0, milliseconds, minutes, hours)
    except OverflowError:
        raise invalid("The date is outside of the years 1 to 9999.") from None


@function("Date", DECIMAL, DECIMAL, DECIMAL, result=DATE, gets_run=True)
def date(run: Run, year: Decimal, month: Decimal, day: Decimal) -> Date:
    return Date(run.zone.existing(_day(year, month, day)))


@function("DateTime", *(DECIMAL,) * 7, optional=1, result=DATETIME, gets_run=True)
def date_time(
    run: Run,
    year: Decimal,
    month: Decimal,
    day: Decimal,
    hour: Decimal,
    minute: Decimal,
    second: Decimal,
    millisecond: Decimal = ZERO,
) -> DateTime:
    time = _duration(ZERO, hour, minute, second, millisecond)
    return DateTime(run.zone.existing(shifted(_day(year, month, day), time)))


@function("Time", *(DECIMAL,) * 4, optional=1, result=TIME)
def time(hour: Decimal, minute: Decimal, second: Decimal, millisecond: Decimal = ZERO) -> Time:
    return Time(_duration(ZERO, hour, minute, second, millisecond))


# Parts


def _declare_part(name: str, part: Callable[[datetime], int], of_blank: int = 0) -> None:
    def compute(moment: Moment | None) -> Decimal:
        return Decimal(of_blank if moment is None else part(datetime_of(moment)))

    function(name, or_blank(Expected.MOMENT), result=DECIMAL)(compute)


_declare_part("Year", lambda at: at.year, of_blank=1900)
_declare_part("Month", lambda at: at.month, of_blank=1)
_declare_part("Day", lambda at: at.day)
_declare_part("Hour", lambda at: at.hour)
_declare_part("Minute", lambda at: at.minute)
_declare_part("Second", lambda at: at.second)

_SUNDAY = Member("StartOfWeek", "Sunday", ONE)
_FIRST_WEEKDAYS = {
    "Monday": 0,
    "MondayZero": 0,
    "Tuesday": 1,
    "Wednesday": 2,
    "Thursday": 3,
    "Friday": 4,
    "Saturday": 5,
    "Sunday": 6,
}


@function("Weekday", _MOMENT, or_blank(START_OF_WEEK), optional=1, result=DECIMAL)
def weekday(moment: Moment, start: Member | None = _SUNDAY) -> Decimal:
    """Which day of the week it is, from 1; from 0 if the week starts with ``MondayZero``."""
    if start is None:
        raise invalid("The first day of the week is Blank.")
    passed = (datetime_of(moment).weekday() - _FIRST_WEEKDAYS[start.name]) % 7
    return Decimal(passed + (start.name != "MondayZero"))


# Arithmetic

_DAYS = Member("TimeUnit", "Days", "days")
_MONTHS_OF = {"Months": 1, "Quarters": 3, "Years": 12}
_LENGTHS = {
    "Milliseconds": timedelta(milliseconds=1),
    "Seconds": timedelta(seconds=1),
    "Minutes": timedelta(minutes=1),
    "Hours": timedelta(hours=1),
    "Days": DAY,
}


def _kept(arguments: Sequence[Bound]) -> Type:
    return arguments[0].type


@function("DateAdd", _MOMENT, DECIMAL, TIME_UNIT, optional=1, result=_kept, gets_run=True)
def date_add(run: Run, moment: Moment, count: Decimal, unit: Member | None = _DAYS) -> Value:
    at = _added(run, datetime_of(moment), count, (unit or _DAYS).name)
    return Time(at - EPOCH) if isinstance(moment, Time) else type(moment)(at)


def _added(run: Run, at: datetime, count: Decimal, unit: str) -> datetime:
    if unit in _MONTHS_OF:
        return run.zone.existing(add_months(at, _whole(count) * _MONTHS_OF[unit]))
    offset = days(WIDE.divide(count, Decimal(DAY // _LENGTHS[unit])))
    if unit == "Days":
        return run.zone.existing(shifted(at, offset))
    return run.zone.local(shifted(run.zone.utc(at), offset))


@function("DateDiff", _MOMENT, _MOMENT, TIME_UNIT, optional=1, result=DECIMAL, gets_run=True)
def date_diff(run: Run, start: Moment, end: Moment, unit: Member | None = _DAYS) -> Decimal:
    """How many times a unit ends from ``start`` to ``end``."""
    name = (unit or _DAYS).name
    first, last = datetime_of(start), datetime_of(end)
    if name in _MONTHS_OF:
        length = _MONTHS_OF[name]
        return Decimal(_months(last) // length - _months(first) // length)
    if name == "Days":
        return Decimal((last.date() - first.date()).days)
    ends = [run.zone.utc(_floor(at, _LENGTHS[name])) for at in (first, last)]
    return Decimal(int((ends[1] - ends[0]) / _LENGTHS[name]))


def _months(at: datetime) -> int:
    return at.year * 12 + at.month - 1


def _floor(at: datetime, unit: timedelta) -> datetime:
    return at - (at - _midnight(at)) % unit


# From texts


def _read(value: str, language: str) -> ReadMoment:
    """:raises Failed: with ``InvalidArgument``, the text is no date and no time."""
    found = read_moment(value, culture_of(language))
    if found is None:
        raise invalid(f"The text '{value[:40]}' is no date or time.")
    return found


def _moment_at(run: Run, value: Value, language: str) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, Date | DateTime | Time):
        return datetime_of(value)
    return run.zone.existing(_read(str(value), language).at(run.zone))


_WRITTEN = or_blank(Expected.SCALAR)
_LANGUAGE = Parameter(TEXT)


@function("DateValue", _WRITTEN, _LANGUAGE, optional=1, result=DATE, gets_run=True)
def date_value(run: Run, value: Value, language: str = "en") -> Date | None:
    at = _moment_at(run, value, language)
    return None if at is None else Date(run.zone.existing(_midnight(at)))


@function("DateTimeValue", _WRITTEN, _LANGUAGE, optional=1, result=DATETIME, gets_run=True)
def date_time_value(run: Run, value: Value, language: str = "en") -> DateTime | None:
    at = _moment_at(run, value, language)
    return None if at is None else DateTime(at)


@function("TimeValue", _WRITTEN, _LANGUAGE, optional=1, result=TIME)
def time_value(value: Value, language: str = "en") -> Time | None:
    if value is None:
        return None
    if isinstance(value, Date | DateTime | Time):
        return Time(time_of(value))
    return Time((_read(str(value), language).time or timedelta()) % DAY)
