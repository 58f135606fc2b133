"""Text."""

from decimal import Decimal

from shared.rules.powerfx.runtime import check_length
from shared.rules.powerfx.signatures import Expected, function
from shared.rules.powerfx.types import BOOLEAN, DECIMAL, NUMBER, TEXT, Record, Table
from shared.rules.powerfx.values import Row, failed, invalid

_COUNT = Expected.NUMERIC
_ONE = Decimal(1)
_MOST = Decimal(10**9)
_SURROGATES = range(0xD800, 0xE000)


def _count(number: Decimal | float, what: str, least: int) -> int:
    """:raises Failed: with ``InvalidArgument``, the number is too small."""
    count = int(max(-_MOST, min(number, _MOST)))
    if count < least:
        raise invalid(f"{what} must be at least {least}.")
    return count


@function("&", TEXT, repeats=True, result=TEXT)
@function("Concatenate", TEXT, repeats=True, result=TEXT, tabular=True)
def concatenate(*texts: str) -> str:
    check_length(sum(map(len, texts)))
    return "".join(texts)


@function("Len", TEXT, result=DECIMAL, tabular=True)
def length(text: str) -> Decimal:
    return Decimal(len(text))


@function("Lower", TEXT, result=TEXT)
def lower(text: str) -> str:
    """Letter by letter: the text keeps its length."""
    return text.lower() if text.isascii() else "".join(letter.lower()[0] for letter in text)


@function("Upper", TEXT, result=TEXT)
def upper(text: str) -> str:
    """Letters that have no single capital stay."""
    capitals = text.upper()
    return capitals if len(capitals) == len(text) else "".join(map(_capital, text))


def _capital(letter: str) -> str:
    capital = letter.upper()
    return capital if len(capital) == 1 else letter


@function("Proper", TEXT, result=TEXT)
def proper(text: str) -> str:
    """The first letter of each word in upper case, the others in lower case."""
    inside = False
    letters = []
    for letter in text:
        letters.append(lower(letter) if inside else _capital(letter))
        inside = letter.isalpha() or (inside and letter == "'")
    return "".join(letters)


@function("Left", TEXT, _COUNT, result=TEXT, tabular=True)
def left(text: str, number: Decimal | float) -> str:
    return text[: _count(number, "The number of characters", 0)]


@function("Right", TEXT, _COUNT, result=TEXT, tabular=True)
def right(text: str, number: Decimal | float) -> str:
    return text[max(0, len(text) - _count(number, "The number of characters", 0)) :]


@function("Mid", TEXT, _COUNT, _COUNT, optional=1, result=TEXT, tabular=True)
def mid(text: str, start: Decimal | float, number: Decimal | float = _MOST) -> str:
    first = _count(start, "The start", 1) - 1
    return text[first : first + _count(number, "The number of characters", 0)]


@function("Find", TEXT, TEXT, _COUNT, optional=1, result=NUMBER, tabular=True)
def find(wanted: str, text: str, start: Decimal | float = _ONE) -> float | None:
    """Where ``wanted`` is in ``text``, from 1; Blank if it is not."""
    first = _count(start, "The start", 1)
    if first > len(text) + 1:
        raise invalid("The start is behind the end of the text.")
    at = text.find(wanted, first - 1)
    return None if at < 0 else float(at + 1)


@function("StartsWith", TEXT, TEXT, result=BOOLEAN)
def starts_with(text: str, start: str) -> bool:
    return upper(text).startswith(upper(start))


@function("EndsWith", TEXT, TEXT, result=BOOLEAN)
def ends_with(text: str, end: str) -> bool:
    return upper(text).endswith(upper(end))


@function("Trim", TEXT, result=TEXT)
def trim(text: str) -> str:
    """Without spaces at the ends, and with single ones between words."""
    return " ".join(text.split())


@function("TrimEnds", TEXT, result=TEXT)
def trim_ends(text: str) -> str:
    return text.strip()


@function("Substitute", TEXT, TEXT, TEXT, _COUNT, optional=1, result=TEXT, tabular=True)
def substitute(text: str, old: str, new: str, instance: Decimal | float | None = None) -> str:
    """``text`` with ``new`` for every ``old``, or for that ``instance`` of it only."""
    only = None if instance is None else _instance(instance)
    if not old or not text:
        return text
    if only is not None:
        return _substitute_one(text, old, new, only)
    check_length(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _instance(number: Decimal | float) -> int:
    if number <= 0:
        raise invalid("The instance must be at least 1.")
    return int(min(number, _MOST))


def _substitute_one(text: str, old: str, new: str, instance: int) -> str:
    pieces = text.split(old)
    if not 1 <= instance < len(pieces):
        return text
    return old.join(pieces[:instance]) + new + old.join(pieces[instance:])


@function("Replace", TEXT, _COUNT, _COUNT, TEXT, result=TEXT)
def replace(text: str, start: Decimal | float, number: Decimal | float, new: str) -> str:
    """``text`` with ``new`` in place of ``number`` characters from ``start`` on."""
    first = _count(start, "The start", 1) - 1
    end = first + _count(number, "The number of characters", 0)
    return text[:first] + new + text[end:]


@function("Char", DECIMAL, result=TEXT, tabular=True)
def char(code: Decimal) -> str:
    if not 1 <= code < 256:
        raise invalid("A character code is between 1 and 255.")
    return chr(int(code))


@function("UniChar", DECIMAL, result=TEXT, tabular=True)
def uni_char(code: Decimal) -> str:
    if not 1 <= code < 0x110000:
        raise invalid("A code point is between 1 and 1,114,111.")
    if int(code) in _SURROGATES:
        raise failed("NotApplicable", "Half of a surrogate pair is no character.")
    return chr(int(code))


@function("Split", TEXT, TEXT, result=Table(Record({"Value": TEXT})))
def split(text: str, separator: str) -> list[Row]:
    parts = text.split(separator) if separator else list(text)
    return [{"Value": part} for part in parts]
