"""Numbers in a format such as ``#,##0.00``."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from shared.rules.powerfx.decimals import ONE, ZERO

MAX_FORMAT = 200
"""Characters of a format."""
_EXACT = Context(prec=1_000)
"""Wide enough for the digits that formats of that length ask for."""
_EXPONENT = re.compile(r"[eE][+-]?0+")
_PLACEHOLDERS = "0#"


def format_number(value: Decimal, text: str) -> str:
    """``value`` in a format, which may have sections for numbers above, below and equal to 0."""
    if not text:
        return ""
    sections = text.split(";")
    if value < 0 and len(sections) > 1:
        return read_format(sections[1]).write(value.copy_abs())
    if not value and len(sections) > 2:
        return read_format(sections[2]).write(ZERO)
    return read_format(sections[0]).write(value)


class Piece(NamedTuple):
    """A place for a digit, ``0`` or ``#``, or a text that is shown as it is."""

    text: str
    is_place: bool


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """One section of a format, taken apart."""

    whole: tuple[Piece, ...]
    fraction: tuple[Piece, ...]
    grouped: bool
    percents: int
    thousands: int
    exponent: str

    def write(self, value: Decimal) -> str:
        """``value`` in this format."""
        scale = 2 * self.percents - 3 * self.thousands
        scaled = _EXACT.multiply(value.copy_abs(), ONE.scaleb(scale))
        shift = self._shift(scaled) if self.exponent and scaled else 0
        rounded = self._rounded(scaled.scaleb(-shift, _EXACT))
        whole, _, fraction = f"{rounded:f}".partition(".")
        sign = "-" if value < 0 and rounded else ""
        return sign + self._whole(whole) + self._fraction(fraction) + self._exponent(shift)

    def _rounded(self, value: Decimal) -> Decimal:
        decimals = len(_places(self.fraction))
        return value.quantize(ONE.scaleb(-decimals), ROUND_HALF_UP, _EXACT)

    def _shift(self, value: Decimal) -> int:
        """The exponent with which as many digits are before the point as there are places."""
        places = max(1, len(_places(self.whole)))
        shift = value.adjusted() - places + 1
        return shift + (self._rounded(value.scaleb(-shift, _EXACT)).adjusted() >= places)

    def _whole(self, digits: str) -> str:
        """Places are filled from the right; the leftmost one takes all digits that are left."""
        left = digits.lstrip("0")
        places_left = len(_places(self.whole))
        written: list[str] = []
        for piece in reversed(self.whole):
            if not piece.is_place:
                written.append(piece.text)
                continue
            places_left -= 1
            taken = left[-1:] if places_left else left
            left = left[: len(left) - len(taken)]
            written.append(taken or piece.text.strip("#"))
        text = "".join(reversed(written))
        return _grouped(text) if self.grouped else text

    def _fraction(self, digits: str) -> str:
        """A ``#`` shows a digit where one that is not zero, or a ``0``, is at it or after it."""
        places = _places(self.fraction)
        shown = max(len(digits.rstrip("0")), places.rfind("0") + 1)
        remaining = iter(digits[:shown])
        text = "".join(
            next(remaining, "") if piece.is_place else piece.text for piece in self.fraction
        )
        return f".{text}" if shown else text

    def _exponent(self, shift: int) -> str:
        if not self.exponent:
            return ""
        sign = "-" if shift < 0 else "+" if "+" in self.exponent else ""
        return f"{self.exponent[0]}{sign}{abs(shift):0{self.exponent.count('0')}}"


def _places(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces if piece.is_place)


def _grouped(text: str) -> str:
    """``text`` with commas between the thousands of its digits."""
    return re.sub(r"[0-9](?=([0-9]{3})+(?![0-9]))", r"\g<0>,", text)


def read_format(text: str) -> NumberFormat:
    """Take a section apart."""
    return _Reader(text).format()


class _Reader:
    """Reads a format. A comma between digits groups them; one after them leaves thousands away."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parts: tuple[list[Piece], list[Piece]] = ([], [])
        self._has_point = False
        self._grouped = False
        self._commas = 0
        self._percents = 0
        self._exponent = ""

    def format(self) -> NumberFormat:
        while self._at < len(self._text):
            self._next()
        whole, fraction = map(tuple, self._parts)
        if _places(fraction) and not _places(whole):
            whole = (*whole, Piece("#", is_place=True))
        return NumberFormat(
            whole, fraction, self._grouped, self._percents, self._commas, self._exponent
        )

    def _next(self) -> None:
        if exponent := _EXPONENT.match(self._text, self._at):
            self._exponent = exponent.group()
            self._at = exponent.end()
            return
        character = self._text[self._at]
        self._at += 1
        if character in _PLACEHOLDERS:
            self._place(character)
        elif character == "." and not self._has_point:
            self._has_point = True
        elif character == ",":
            self._commas += 1
        else:
            self._literal(character)

    def _place(self, character: str) -> None:
        if self._commas and not self._has_point:
            self._grouped = True
            self._commas = 0
        self._parts[self._has_point].append(Piece(character, is_place=True))

    def _literal(self, character: str) -> None:
        """A character as it is, the one after a backslash, or all up to the next quote."""
        end = self._at
        if character == "\\":
            end = self._at + 1
        elif character == '"' and (quote := self._text.find('"', self._at)) >= 0:
            end = quote
        literal = self._text[self._at : end] or character
        self._at = end + (character == '"')
        self._percents += literal == "%"
        self._parts[self._has_point].append(Piece(literal, is_place=False))
