"""JSON as the service keeps it: every number is a double, written as JavaScript writes it."""

import json
import math
from typing import Any, NoReturn

from tests.cosmos.errors import bad_request

type Json = bool | int | float | str | list[Any] | dict[str, Any] | None
type Document = dict[str, Any]

_LARGEST_WRITTEN_AS_DIGITS = 1e21


def parse(text: str | bytes) -> Json:
    """
    :raises CosmosError: it is no JSON.
    """
    try:
        value: Json = json.loads(
            text, parse_int=_number, parse_float=_number, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise bad_request("The request payload is invalid. Ensure it is valid JSON.") from error
    return value


def parse_object(text: str | bytes) -> Document:
    """
    :raises CosmosError: it is no JSON object.
    """
    value = parse(text)
    if not isinstance(value, dict):
        raise bad_request("The request payload is invalid. It has to be a JSON object.")
    return value


def write(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _number(digits: str) -> int | float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("The number is too large.")
    whole = value.is_integer() and abs(value) < _LARGEST_WRITTEN_AS_DIGITS
    return int(value) if whole else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON.")
