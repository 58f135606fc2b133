"""Sort keys as text: ``ORDER BY`` on one member instead of on several.

Texts of one kind sort like the tuples that they were made of.
"""

import struct
from collections.abc import Sequence
from datetime import datetime

from shared.storage.continuation import Position
from shared.storage.epoch import to_micros

_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_DIGITS = 16


def position_key(position: Position) -> str:
    """Numbers, then perhaps an id. Integers must fit into 64 bits."""
    return "".join(map(_sortable, position))


def time_key(at: datetime, id: str = "") -> str:
    """Earliest first, then by id. Without one: not greater than any key of that time."""
    return position_key((to_micros(at), id))


def time_key_after(at: datetime) -> str:
    """Greater than every key of that time, but not than those of later ones."""
    return position_key((to_micros(at) + 1,))


def leading_integers(key: str, count: int) -> Sequence[int]:
    """The first parts of the position that the key was made of, which must be integers."""
    ends = range(_DIGITS, (count + 1) * _DIGITS, _DIGITS)
    return [int(key[end - _DIGITS : end], 16) - _SIGN for end in ends]


def id_of_time_key(key: str) -> str:
    return key[_DIGITS:]


def _sortable(part: str | float) -> str:
    match part:
        case str():
            return part
        case int():
            return f"{part + _SIGN:0{_DIGITS}x}"
        case _:
            return f"{_ordered_bits(part):0{_DIGITS}x}"


def _ordered_bits(number: float) -> int:
    """As integers, doubles sort by magnitude: turn the negative ones round, below the others."""
    bits = int.from_bytes(struct.pack(">d", number))
    return bits ^ (_ALL if bits & _SIGN else _SIGN)
