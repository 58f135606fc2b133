"""Dates and times: the calendar, the zone of the clock, and how they are read and shown."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal

from shared.rules.powerfx.cultures import ENGLISH, Culture
from shared.rules.powerfx.decimals import ONE, WIDE, from_float
from shared.rules.powerfx.values import EPOCH, Date, DateTime, Time, Value, invalid

DAY = timedelta(days=1)
_MILLISECONDS_A_DAY = Decimal(86_400_000)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

type Moment = Date | DateTime | Time


def datetime_of(value: Moment) -> datetime:
    """The point in time a value stands for; a time of day is one of the first day."""
    return shifted(EPOCH, value.passed) if isinstance(value, Time) else value.at


def time_of(value: Moment) -> timedelta:
    """The time of day of a value."""
    if isinstance(value, Time):
        return value.passed
    return value.at - value.at.replace(hour=0, minute=0, second=0, microsecond=0)


def serial(value: Moment) -> Decimal:
    """Days since the epoch, to 15 digits."""
    passed = value.passed if isinstance(value, Time) else value.at - EPOCH
    return from_float(passed / DAY)


def days(count: Decimal) -> timedelta:
    """So many days, to the millisecond.

    :raises Failed: with ``InvalidArgument``, it is more than the calendar has.
    """
    milliseconds = WIDE.multiply(count, _MILLISECONDS_A_DAY).quantize(
        ONE, ROUND_HALF_UP, context=WIDE
    )
    try:
        return timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        raise _out_of_range() from None


def shifted(at: datetime, by: timedelta) -> datetime:
    """``at`` and ``by`` more.

    :raises Failed: with ``InvalidArgument``, the calendar does not go so far.
    """
    try:
        return at + by
    except OverflowError:
        raise _out_of_range() from None


def add_months(at: datetime, months: int) -> datetime:
    """The same day of another month, or the last one that month has.

    :raises Failed: with ``InvalidArgument``, the calendar does not go so far.
    """
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise _out_of_range()
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def _out_of_range() -> Exception:
    return invalid("The date is outside of the years 1 to 9999.")


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone in which dates are meant. Its clock may skip an hour, or repeat one."""

    zone: tzinfo

    def existing(self, at: datetime) -> datetime:
        """``at``, or the first moment there is after it if the clock skips it."""
        there = self.local(self.utc(at))
        if there == at:
            return at
        before = (self.utc(at) - (there - at)).replace(second=0, microsecond=0)
        return self._first_after_change(before)

    def _first_after_change(self, before: datetime) -> datetime:
        """What the clock shows after its next change, which it makes at a full minute."""
        later = before
        while self.local(later) - later == self.local(before) - before:
            later += timedelta(minutes=1)
        return self.local(later)

    def utc(self, at: datetime) -> datetime:
        """The time in UTC when the zone's clock shows ``at``."""
        return self._between(at, self.zone, UTC)

    def local(self, at: datetime) -> datetime:
        """What the zone's clock shows at a time in UTC."""
        return self._between(at, UTC, self.zone)

    def _between(self, at: datetime, source: tzinfo, target: tzinfo) -> datetime:
        """:raises Failed: with ``InvalidArgument``, the calendar does not go so far."""
        if source is target:
            return at
        try:
            return at.replace(tzinfo=source).astimezone(target).replace(tzinfo=None)
        except OverflowError:
            raise _out_of_range() from None


# Reading

_LONGEST_DATE = 100


def read_moment(text: str, culture: Culture = ENGLISH) -> "ReadMoment | None":
    """The date, the time or both that a text writes. ``None`` if it writes neither."""
    if len(text) > _LONGEST_DATE:
        return None
    return _read_iso(text.strip()) or _read_written(text.strip(), culture)


@dataclass(frozen=True, slots=True)
class ReadMoment:
    """What a text says; ``offset`` is that of its time from UTC."""

    date: datetime | None
    time: timedelta | None
    offset: timedelta | None = None

    def at(self, zone: Zone) -> datetime:
        """The moment on the zone's clock. A time of day is one of the first day."""
        at = shifted(self.date or EPOCH, self.time or timedelta())
        return at if self.offset is None else zone.local(shifted(at, -self.offset))


_ISO = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_CLOCK = re.compile(
    r"\b([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?)?\s*([AaPp][Mm])?\b"
)
_SEPARATORS_IN_A_ROW = re.compile(r"[./-] *[./-]")
_WORD = re.compile(r"[0-9]+|[A-Za-z]+")


def _read_iso(text: str) -> ReadMoment | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    date = _date(*(int(part) for part in found.groups()[:3]))
    time = _time(found[4], found[5], found[6], found[7]) if found[4] else None
    if date is None or (found[4] and time is None):
        return None
    return ReadMoment(date, time, _offset(found[8]) if found[8] else None)


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _read_written(text: str, culture: Culture) -> ReadMoment | None:
    clock = next((each for each in _CLOCK.finditer(text) if each[2] or each[5]), None)
    time = None
    if clock is not None:
        time = _time(clock[1], clock[2], clock[3], clock[4], clock[5])
        text = text[: clock.start()] + text[clock.end() :]
    date = _read_date(text, culture) if text.strip() else None
    if (clock is not None and time is None) or (date is None and (text.strip() or time is None)):
        return None
    if date is not None and time is not None and time >= DAY:
        return None
    return ReadMoment(date, time)


def _time(
    hour: str, minute: str | None, second: str | None, fraction: str | None, half: str | None = None
) -> timedelta | None:
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half[0] in "Pp" else 0)
    if minutes > 59 or seconds > 59:
        return None
    milliseconds = int(((fraction or "") + "000")[:3])
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)


def _read_date(text: str, culture: Culture) -> datetime | None:
    if _WORD.sub("", text).strip(" ,./-") or _SEPARATORS_IN_A_ROW.search(text):
        return None
    numbers: list[str] = []
    month: int | None = None
    for word in _WORD.findall(text):
        if word[0].isdigit():
            numbers.append(word)
        elif (named := _named(_MONTHS, word)) is not None and month is None:
            month = named + 1
        elif _named(_WEEKDAYS, word) is None:
            return None
    if any(len(number) > 4 for number in numbers):
        return None
    if month is not None:
        return _day_and_year(numbers, month)
    return _numeric_date(numbers, culture)


def _named(names: tuple[str, ...], word: str) -> int | None:
    """Which of ``names`` a word is, in full or by its first letters."""
    if len(word) < 3:
        return None
    for index, name in enumerate(names):
        if word.lower() in (name.lower(), name[:3].lower()):
            return index
    return None


def _day_and_year(numbers: list[str], month: int) -> datetime | None:
    if len(numbers) != 2:
        return None
    first, second = numbers
    day, year = (second, first) if len(first) > 2 else (first, second)
    return _date(_year(year), month, int(day))


def _numeric_date(numbers: list[str], culture: Culture) -> datetime | None:
    if len(numbers) != 3:
        return None
    first, second, third = numbers
    if len(first) > 2:
        return _date(_year(first), int(second), int(third))
    day, month = (first, second) if culture.day_first else (second, first)
    return _date(_year(third), int(month), int(day))


def _year(text: str) -> int:
    """Two digits are a year between 1950 and 2049."""
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 50 else 1900)


def _date(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day)
    except (ValueError, OverflowError):
        return None


# Showing


def text_of(value: Moment) -> str:
    """A value as it is shown when nothing is said of how."""
    if isinstance(value, Time):
        return format_moment(value, "h:mm am/pm")
    return format_moment(value, "m/d/yyyy" if isinstance(value, Date) else "m/d/yyyy h:mm am/pm")


UTC_FORMAT = "utc"
_NAMED_FORMATS = {
    "'shortdate'": "m/d/yyyy",
    "'longdate'": "dddd, mmmm d, yyyy",
    "'shorttime'": "h:mm am/pm",
    "'shorttime24'": "hh:mm",
    "'longtime'": "h:mm:ss am/pm",
    "'longtime24'": "hh:mm:ss",
    "'shortdatetime'": "m/d/yyyy h:mm am/pm",
    "'shortdatetime24'": "m/d/yyyy hh:mm",
    "'longdatetime'": "dddd, mmmm d, yyyy h:mm:ss am/pm",
    "'longdatetime24'": "dddd, mmmm d, yyyy hh:mm:ss",
}
_FORMAT = re.compile(
    r"(?P<month>m+)|(?P<day>d+)|(?P<year>y+)|(?P<hour>h+)|(?P<second>s+)|(?P<half>am/pm|a/p)"
    r"|(?P<fraction>\.?0+)|\"(?P<quoted>[^\"]*)\"|\\(?P<escaped>.)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)


def is_date_format(text: str) -> bool:
    """Whether a format has parts of dates or times, or the name of such a format."""
    if text.lower() in (UTC_FORMAT, *_NAMED_FORMATS):
        return True
    found = (piece.lastgroup for piece in _FORMAT.finditer(text))
    return any(name in _WRITERS and name != "fraction" for name in found)


def format_moment(value: Moment, text: str) -> str:
    """A value in a format such as ``yyyy-mm-dd hh:mm``, or one that is known by a name."""
    at = datetime_of(value)
    pieces = list(_FORMAT.finditer(_NAMED_FORMATS.get(text.lower(), text)))
    names = [piece.lastgroup or "other" for piece in pieces]
    halves = "half" in names
    written = []
    for index, piece in enumerate(pieces):
        name = names[index]
        if name == "month" and _is_minute(names, index):
            name = "minute"
        if name == "hour" and halves:
            name = "hour12"
        write = _WRITERS.get(name)
        written.append(write(at, piece.group()) if write else piece.group(name))
    return "".join(written)


def _is_minute(names: list[str], index: int) -> bool:
    """Whether an ``m`` stands for minutes: after hours, or before seconds."""
    before = [name for name in names[:index] if name not in _SEPARATORS]
    after = [name for name in names[index + 1 :] if name not in _SEPARATORS]
    return before[-1:] == ["hour"] or after[:1] == ["second"]


_SEPARATORS = frozenset(("other", "quoted", "escaped"))


def _month_text(at: datetime, code: str) -> str:
    return _name_or_number(at.month, _MONTHS[at.month - 1], code)


def _day_text(at: datetime, code: str) -> str:
    return _name_or_number(at.day, _WEEKDAYS[at.weekday()], code)


def _name_or_number(number: int, name: str, code: str) -> str:
    if len(code) > 2:
        return name[:3] if len(code) == 3 else name
    return f"{number:0{len(code)}}"


def _year_text(at: datetime, code: str) -> str:
    return f"{at.year % 100:02}" if len(code) <= 2 else f"{at.year:04}"


def _half_text(at: datetime, code: str) -> str:
    text = "PM" if at.hour >= 12 else "AM"
    return text if len(code) > 3 else text[0]


def _fraction_text(at: datetime, code: str) -> str:
    places = code.count("0")
    return code.replace("0", "") + f"{at.microsecond:06}"[:places].ljust(places, "0")


_WRITERS: dict[str, Callable[[datetime, str], str]] = {
    "month": _month_text,
    "day": _day_text,
    "year": _year_text,
    "hour": lambda at, code: f"{at.hour:0{min(len(code), 2)}}",
    "hour12": lambda at, code: f"{(at.hour + 11) % 12 + 1:0{min(len(code), 2)}}",
    "minute": lambda at, code: f"{at.minute:0{min(len(code), 2)}}",
    "second": lambda at, code: f"{at.second:0{min(len(code), 2)}}",
    "half": _half_text,
    "fraction": _fraction_text,
}


def iso_text(value: Value) -> str:
    """A date or a time in the form of ISO 8601."""
    if isinstance(value, Time):
        return format_moment(value, "hh:mm:ss.000")
    assert isinstance(value, Date | DateTime)
    if isinstance(value, Date):
        return f"{value.at:%Y-%m-%d}"
    return value.at.isoformat(timespec="milliseconds")
