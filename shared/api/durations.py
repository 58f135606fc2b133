"""Durations as text: ISO 8601, and what .NET writes for a time span."""

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"[0-9]{1,10}"
_ISO_8601: Final = re.compile(
    rf"P(?:(?P<weeks>{_NUMBER})W|(?=.)(?:(?P<days>{_NUMBER})D)?(?:T(?=.)"
    rf"(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER}(?:\.[0-9]+)?)S)?)?)"
)
_TIME_SPAN: Final = re.compile(
    r"(?:(?P<days>[0-9]{1,8})\.)?(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9])"
    r":(?P<seconds>[0-5][0-9](?:\.[0-9]{1,7})?)"
)
_SECONDS: Final = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def parse_duration(text: str) -> float:
    """In seconds. Years and months are not taken: they are not always as long.

    :raises ValueError: it is neither ISO 8601 nor a time span.
    """
    match = _ISO_8601.fullmatch(text) or _TIME_SPAN.fullmatch(text)
    if match is None:
        raise ValueError("Not a duration, such as PT1M30S or 00:01:30")
    parts = match.groupdict(default="0").items()
    return float(sum(Decimal(amount) * _SECONDS[unit] for unit, amount in parts))


def format_duration(seconds: float) -> str:
    """In ISO 8601, such as ``PT1M30S``: exactly as long."""
    minutes, rest = divmod(Decimal(repr(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    date = _amount(days, "D")
    time = _amount(hours, "H") + _amount(minutes, "M") + _amount(rest, "S")
    return f"P{date}T{time}" if time else f"P{date or 'T0S'}"


def _amount(number: Decimal, unit: str) -> str:
    return f"{number.normalize():f}{unit}" if number else ""
