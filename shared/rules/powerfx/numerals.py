"""Numbers in texts: reading them as people write them, and showing floats."""

import re
from decimal import Decimal

from shared.rules.powerfx.cultures import ENGLISH, Culture
from shared.rules.powerfx.decimals import WIDE, parse, to_text

_CURRENCIES = "$€£¥"
_SIGNS = "+-"
_LONGEST_NUMBER = 400


def read_number(text: str, culture: Culture = ENGLISH) -> Decimal | None:
    """The number a text writes: with a sign or in parentheses, in percent or with a currency.

    Not rounded to what a decimal can hold. ``None`` if it is no number.
    """
    return _Reader(text, culture).number() if len(text) <= _LONGEST_NUMBER else None


class _Reader:
    def __init__(self, text: str, culture: Culture) -> None:
        self._text = text.strip()
        self._culture = culture
        self._at = 0
        self._seen: set[str] = set()
        self._negative = False

    def number(self) -> Decimal | None:
        while self._mark(before_number=True):
            pass
        digits = self._digits()
        while digits is not None and self._mark(before_number=False):
            pass
        if digits is None or self._at < len(self._text) or "(" in self._seen:
            return None
        if "%" in self._seen:
            digits = WIDE.multiply(digits, Decimal("0.01"))
        return digits.copy_negate() if self._negative else digits

    def _mark(self, *, before_number: bool) -> bool:
        """Take one character that is no digit; whether there was one that may be here."""
        character = self._text[self._at : self._at + 1]
        if not character:
            return False
        allowed = character.isspace() or self._allowed(character, before_number)
        self._at += allowed
        return allowed

    def _allowed(self, character: str, before_number: bool) -> bool:
        if character in _CURRENCIES:
            return self._first_of("$", {"$", "%"})
        if character == "%":
            return (before_number or "(" not in self._seen) and self._first_of("%", {"$", "%"})
        if character in _SIGNS and (before_number or "%" not in self._seen):
            self._negative |= character == "-"
            return self._first_of("+", {"+", "(", ")"})
        if character == "(" and before_number:
            self._negative = True
            return self._first_of("(", {"+", "(", ")"})
        if character == ")" and "(" in self._seen:
            self._seen -= {"("}
            return self._first_of(")", {")"})
        return False

    def _first_of(self, mark: str, excluded: set[str]) -> bool:
        if self._seen & excluded:
            return False
        self._seen.add(mark)
        return True

    def _digits(self) -> Decimal | None:
        found = _digits_pattern(self._culture).match(self._text, self._at)
        assert found is not None
        whole, fraction, exponent = found.groups(default="")
        self._at = found.end()
        for group in self._culture.groups:
            whole = whole.replace(group, "")
        if not whole + fraction or len(exponent) > 6:
            return None
        return parse(f"{whole or 0}.{fraction or 0}e{exponent or 0}")


_PATTERNS: dict[Culture, re.Pattern[str]] = {}


def _digits_pattern(culture: Culture) -> re.Pattern[str]:
    """Digits with groups, a fraction, an exponent; a group is followed by a digit."""
    if culture not in _PATTERNS:
        groups, point = re.escape(culture.groups), re.escape(culture.point)
        _PATTERNS[culture] = re.compile(
            rf"([0-9](?:[{groups}]*[0-9])*|)(?:{point}([0-9]*))?(?:[eE]([+-]?[0-9]+))?"
        )
    return _PATTERNS[culture]


def float_text(value: float) -> str:
    """A float as the language shows it: the fewest digits, with an exponent when it is far off."""
    number = parse(repr(value))
    exponent = number.adjusted()
    if not number or -5 < exponent < 17:
        return to_text(number)
    mantissa = to_text(number.scaleb(-exponent, WIDE))
    return f"{mantissa}E{'-' if exponent < 0 else '+'}{abs(exponent):02}"
