"""Decimal arithmetic as the language defines it: 96 bits of digits, up to 28 of them a fraction.

Results that need more are rounded half to even; results beyond the range are errors. Python's own
operators are not used: they would round in the context of the thread.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

MAX = Decimal(2**96 - 1)
MAX_SCALE = 28
ZERO = Decimal(0)
ONE = Decimal(1)

WIDE = Context(prec=128, rounding=ROUND_HALF_EVEN, Emin=-9999, Emax=9999, traps=[InvalidOperation])
"""Wide enough for the exact sum or product of any two decimals."""

_EXACT = Context(
    prec=28, rounding=ROUND_HALF_EVEN, Emin=-1, Emax=27, traps=[Inexact, InvalidOperation]
)
"""Where a result of this context is exact, it needs no further look: 28 digits always fit."""


class TooLarge(ArithmeticError):
    """The result is beyond what a decimal can hold."""


def parse(text: str) -> Decimal:
    """The number that ``text`` writes in digits, with a point or an exponent at most."""
    return WIDE.create_decimal(text)


def fit(value: Decimal) -> Decimal:
    """The nearest decimal that there is.

    :raises TooLarge: there is none.
    """
    if not value.is_finite() or value.adjusted() > MAX_SCALE:
        raise TooLarge
    if not value:
        return ZERO
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    scale = min(MAX_SCALE, MAX_SCALE - value.adjusted(), -exponent)
    for places in (scale, scale - 1):
        rounded = value.quantize(ONE.scaleb(-places), context=WIDE)
        if rounded.copy_abs() <= MAX.scaleb(-max(places, 0), WIDE):
            return rounded
        if places <= 0:
            break
    raise TooLarge


def add(left: Decimal, right: Decimal) -> Decimal:
    """:raises TooLarge: the sum cannot be held."""
    try:
        return _EXACT.add(left, right)
    except Inexact:
        return fit(WIDE.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """:raises TooLarge: the difference cannot be held."""
    return add(left, right.copy_negate())


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """:raises TooLarge: the product cannot be held."""
    try:
        return _EXACT.multiply(left, right)
    except Inexact:
        return fit(WIDE.multiply(left, right))


def divide(left: Decimal, right: Decimal) -> Decimal:
    """:raises TooLarge: the quotient cannot be held.
    :raises ZeroDivisionError: ``right`` is zero.
    """
    if not right:
        raise DivisionByZero
    return fit(WIDE.divide(left, right))


def modulo(left: Decimal, right: Decimal) -> Decimal:
    """What is left after division, with the sign of the divisor.

    :raises ZeroDivisionError: ``right`` is zero.
    """
    if not right:
        raise DivisionByZero
    rest = WIDE.remainder(left, right)
    if rest and rest.is_signed() != right.is_signed():
        rest = WIDE.add(rest, right)
    return fit(rest)


def round_to(value: Decimal, digits: int, rounding: str) -> Decimal:
    """``value`` with ``digits`` digits after the point; before it if negative.

    :raises TooLarge: rounding up made it so.
    """
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if digits >= -exponent:
        return value
    if digits < -MAX_SCALE:
        return ZERO
    return fit(value.quantize(ONE.scaleb(-digits), rounding, WIDE))


def to_text(value: Decimal) -> str:
    """All digits, without an exponent and without zeros at the end."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def from_float(value: float) -> Decimal:
    """The decimal of a float's 15 leading digits, beyond which a float is not exact.

    :raises TooLarge: it cannot be held.
    """
    return fit(parse(f"{value:.15g}"))
