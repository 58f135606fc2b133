"""The enumerations of the language."""

from collections.abc import Mapping
from decimal import Decimal

from shared.rules.powerfx.types import Enumeration


def _numbered(name: str, members: Mapping[str, int], *, is_numeric: bool = False) -> Enumeration:
    numbers = {member: Decimal(value) for member, value in members.items()}
    return Enumeration(name, numbers, is_numeric)


def _named(name: str, *members: str) -> Enumeration:
    return Enumeration(name, {member: member.lower() for member in members})


_ERROR_KINDS = (
    "None", "Sync", "MissingRequired", "CreatePermission", "EditPermissions", "DeletePermissions",
    "Conflict", "NotFound", "ConstraintViolated", "GeneratedValue", "ReadOnlyValue", "Validation",
    "Unknown", "Div0", "BadLanguageCode", "BadRegex", "InvalidFunctionUsage", "FileNotFound",
    "AnalysisError", "ReadPermission", "NotSupported", "InsufficientMemory", "QuotaExceeded",
    "Network", "Numeric", "InvalidArgument", "Internal", "NotApplicable", "Timeout",
    "ServiceUnavailable", "InvalidJSON",
)  # fmt: skip
"""Numbered from 0."""
ERROR_KIND = _numbered(
    "ErrorKind",
    {name: number for number, name in enumerate(_ERROR_KINDS)} | {"Custom": 1000},
    is_numeric=True,
)
ERROR_KIND_NAMES: Mapping[Decimal, str] = {
    value: name for name, value in ERROR_KIND.members.items() if isinstance(value, Decimal)
}
SORT_ORDER = _named("SortOrder", "Ascending", "Descending")
TIME_UNIT = _named(
    "TimeUnit", "Milliseconds", "Seconds", "Minutes", "Hours", "Days", "Months", "Quarters", "Years"
)
START_OF_WEEK = _numbered(
    "StartOfWeek",
    {
        "Sunday": 1,
        "Monday": 2,
        "Tuesday": 12,
        "Wednesday": 13,
        "Thursday": 14,
        "Friday": 15,
        "Saturday": 16,
        "MondayZero": 3,
    },
)
_DATE_TIME_FORMATS = (
    "ShortDate", "LongDate", "ShortTime", "ShortTime24", "LongTime", "LongTime24",
    "ShortDateTime", "ShortDateTime24", "LongDateTime", "LongDateTime24",
)  # fmt: skip
DATE_TIME_FORMAT = Enumeration(
    "DateTimeFormat", {"UTC": "utc"} | {name: f"'{name.lower()}'" for name in _DATE_TIME_FORMATS}
)

ENUMERATIONS: Mapping[str, Enumeration] = {
    each.name: each for each in (ERROR_KIND, SORT_ORDER, TIME_UNIT, START_OF_WEEK, DATE_TIME_FORMAT)
}
