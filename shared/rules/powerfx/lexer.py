"""Text to tokens.

Interpolated texts become tokens of their own: ``$"a{b}c"`` is ``INTERPOLATION``, the text ``a``,
``ISLAND``, the tokens of ``b``, ``ISLAND_END``, the text ``c``, ``INTERPOLATION_END``.
"""

from dataclasses import dataclass
from enum import Enum, auto

from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.syntax import Span

OPERATORS = (
    "<=", ">=", "<>", "&&", "||",
    "+", "-", "*", "/", "^", "%", "&", "=", "<", ">", "!", ".", ",", ":", "(", ")", "[", "]",
    "{", "}",
)  # fmt: skip
DIGITS = "0123456789"


class Kind(Enum):
    """What a token is."""

    NUMBER = auto()
    TEXT = auto()
    NAME = auto()
    QUOTED_NAME = auto()
    OPERATOR = auto()
    INTERPOLATION = auto()
    INTERPOLATION_END = auto()
    ISLAND = auto()
    ISLAND_END = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is the token's meaning: a name without its quotes, a text with escapes resolved."""

    kind: Kind
    text: str
    span: Span


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, the last of which is ``END``.

    :raises ExpressionError: a character that starts no token, or something that is never closed.
    """
    return Lexer(text).tokens()


class Lexer:
    """Reads one expression, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tokens: list[Token] = []
        # One entry for each interpolation around the cursor: the braces open in its island.
        self._braces: list[int] = []

    def tokens(self) -> list[Token]:
        while self._skip_blanks():
            self._next()
        if self._braces:
            raise self._error("The interpolated text is never closed.", self._at)
        self._emit(Kind.END, "", self._at)
        return self._tokens

    def _skip_blanks(self) -> bool:
        """Move on to the next token; whether there is one."""
        while self._at < len(self._text):
            if self._text[self._at].isspace():
                self._at += 1
            elif self._text.startswith("//", self._at):
                self._at = self._find("\n", len(self._text))
            elif self._text.startswith("/*", self._at):
                self._skip_block_comment()
            else:
                return True
        return False

    def _skip_block_comment(self) -> None:
        start = self._at
        end = self._text.find("*/", start + 2)
        if end < 0:
            raise self._error("The comment is never closed.", start)
        self._at = end + 2

    def _next(self) -> None:
        character = self._text[self._at]
        following = self._text[self._at + 1 : self._at + 2]
        if character in DIGITS or (character == "." and following and following in DIGITS):
            self._number()
        elif character == '"':
            self._text_literal()
        elif character == "'":
            self._quoted_name()
        elif character == "$" and following == '"':
            self._interpolation()
        elif character == "_" or character.isalpha():
            self._name()
        else:
            self._operator()

    def _number(self) -> None:
        start = self._at
        self._digits()
        if self._peek() == ".":
            self._at += 1
            self._digits()
        self._exponent()
        self._emit(Kind.NUMBER, self._text[start : self._at], start)

    def _digits(self) -> None:
        while (digit := self._peek()) and digit in DIGITS:
            self._at += 1

    def _exponent(self) -> None:
        if self._peek() not in ("e", "E"):
            return
        sign = 1 if self._text[self._at + 1 : self._at + 2] in ("+", "-") else 0
        first = self._text[self._at + 1 + sign : self._at + 2 + sign]
        if first and first in DIGITS:
            self._at += 1 + sign
            self._digits()

    def _text_literal(self) -> None:
        start = self._at
        self._emit(Kind.TEXT, self._quoted('"', "text"), start)

    def _quoted_name(self) -> None:
        start = self._at
        name = self._quoted("'", "name")
        if not name:
            raise self._error("A name has at least one character.", start)
        self._emit(Kind.QUOTED_NAME, name, start)

    def _quoted(self, quote: str, what: str) -> str:
        """What is between quotes, where two of them stand for one."""
        start = self._at
        self._at += 1
        parts = []
        while True:
            end = self._text.find(quote, self._at)
            if end < 0:
                raise self._error(f"The {what} is never closed.", start)
            parts.append(self._text[self._at : end])
            self._at = end + 1
            if self._peek() != quote:
                return quote.join(parts)
            self._at += 1

    def _name(self) -> None:
        start = self._at
        while self._peek().isalnum() or self._peek() == "_":
            self._at += 1
        self._emit(Kind.NAME, self._text[start : self._at], start)

    def _operator(self) -> None:
        start = self._at
        for operator in OPERATORS:
            if self._text.startswith(operator, start):
                break
        else:
            raise self._error(f"Unexpected character {self._text[start]!r}.", start)
        self._at += len(operator)
        if operator == "}" and self._braces and self._braces[-1] == 0:
            self._emit(Kind.ISLAND_END, operator, start)
            self._braces.pop()
            self._interpolated_text()
            return
        if self._braces:
            self._braces[-1] += {"{": 1, "}": -1}.get(operator, 0)
        self._emit(Kind.OPERATOR, operator, start)

    def _interpolation(self) -> None:
        start = self._at
        self._at += 2
        self._emit(Kind.INTERPOLATION, "", start)
        self._interpolated_text()

    def _interpolated_text(self) -> None:
        """The text up to the next island, or to the end of the interpolation."""
        start = self._at
        parts = []
        while True:
            character = self._peek()
            if not character:
                raise self._error("The interpolated text is never closed.", start)
            self._at += 1
            if character not in '"{}':
                parts.append(character)
            elif self._peek() == character:
                self._at += 1
                parts.append(character)
            else:
                break
        if parts:
            self._tokens.append(Token(Kind.TEXT, "".join(parts), Span(start, self._at - 1)))
        self._end_of_interpolated_text(character)

    def _end_of_interpolated_text(self, character: str) -> None:
        start = self._at - 1
        if character == "}":
            raise self._error("A brace of the text is written twice: }}.", start)
        if character == "{":
            self._braces.append(0)
            self._emit(Kind.ISLAND, character, start)
        else:
            self._emit(Kind.INTERPOLATION_END, character, start)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _find(self, what: str, default: int) -> int:
        found = self._text.find(what, self._at)
        return default if found < 0 else found

    def _emit(self, kind: Kind, text: str, start: int) -> None:
        self._tokens.append(Token(kind, text, Span(start, self._at)))

    def _error(self, message: str, start: int) -> ExpressionError:
        return ExpressionError(message, Span(start, min(start + 1, len(self._text))))
