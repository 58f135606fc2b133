"""Tokens to syntax tree: a Pratt parser."""

from collections.abc import Callable
from decimal import Decimal

from shared.rules.powerfx.decimals import TooLarge, fit, parse
from shared.rules.powerfx.errors import ExpressionError
from shared.rules.powerfx.lexer import Kind, Token, tokenize
from shared.rules.powerfx.syntax import (
    Alias,
    BooleanLiteral,
    Call,
    Member,
    Name,
    Node,
    NumberLiteral,
    RecordLiteral,
    Span,
    TableLiteral,
    TextLiteral,
    height,
)

MAX_HEIGHT = 100
"""Levels of the tree. Long chains of operators are high without being nested."""

# How tight operators bind, the loosest first.
OR, AND, IN, COMPARE, CONCATENATE, ADD, MULTIPLY, ALIAS, PREFIX, POWER, POSTFIX = range(1, 12)

BINARY = {
    "||": OR, "Or": OR,
    "&&": AND, "And": AND,
    "in": IN, "exactin": IN,
    "=": COMPARE, "<>": COMPARE, "<": COMPARE, "<=": COMPARE, ">": COMPARE, ">=": COMPARE,
    "&": CONCATENATE,
    "+": ADD, "-": ADD,
    "*": MULTIPLY, "/": MULTIPLY,
    "As": ALIAS,
    "^": POWER,
    "%": POSTFIX, ".": POSTFIX, "!": POSTFIX,
}  # fmt: skip
FUNCTION_OF = {"||": "Or", "&&": "And", "!": "Not"}
"""Operators that are another way to call a function. All others have one of their own name."""
WORDS = frozenset(("And", "Or", "Not", "in", "exactin", "As", "true", "false"))


def parse_expression(text: str, max_nesting: int) -> Node:
    """The tree of an expression.

    :raises ExpressionError: the text is no expression, or is nested too deeply.
    """
    parser = Parser(tokenize(text), max_nesting)
    tree = parser.whole()
    if height(tree) > MAX_HEIGHT:
        raise ExpressionError(f"There are more than {MAX_HEIGHT} levels of operations.", tree.span)
    return tree


class Parser:
    """Consumes the tokens of one expression."""

    def __init__(self, tokens: list[Token], max_nesting: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0
        self._max_nesting = max_nesting

    def whole(self) -> Node:
        tree = self._climb(OR)
        if self._token.kind is not Kind.END:
            raise self._unexpected("an operator")
        return tree

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _advance(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _expression(self, loosest: int = OR) -> Node:
        """An expression inside of another one."""
        self._nesting += 1
        if self._nesting > self._max_nesting:
            message = f"The expression is nested more than {self._max_nesting} levels deep."
            raise ExpressionError(message, self._token.span)
        inner = self._climb(loosest)
        self._nesting -= 1
        return inner

    def _climb(self, loosest: int) -> Node:
        """An operand and all operators after it that bind at least as tight as ``loosest``."""
        left = self._operand()
        while BINARY.get(operator := self._operator(), 0) >= loosest:
            left = self._operation(left, operator)
        return left

    def _operator(self) -> str:
        token = self._token
        return token.text if token.kind in (Kind.OPERATOR, Kind.NAME) else ""

    def _operation(self, left: Node, operator: str) -> Node:
        token = self._advance()
        if operator in (".", "!"):
            return self._member(left)
        if operator == "%":
            return Call("%", (left,), token.span, Span(left.span.start, token.span.end))
        if operator == "As":
            name = self._name("a name")
            return Alias(left, name.name, Span(left.span.start, name.span.end))
        right = self._right_operand(operator)
        function = FUNCTION_OF.get(operator, operator)
        return Call(function, (left, right), token.span, Span(left.span.start, right.span.end))

    def _right_operand(self, operator: str) -> Node:
        if operator == "^":
            # Tighter than a sign before it, looser than one after it, and grouped to the right.
            return self._expression(PREFIX)
        return self._climb(BINARY[operator] + 1)

    def _member(self, of: Node) -> Member:
        name = self._name("a name after the point")
        return Member(of, name.name, name.span, Span(of.span.start, name.span.end))

    def _name(self, what: str) -> Name:
        token = self._token
        if token.kind not in (Kind.NAME, Kind.QUOTED_NAME):
            raise self._unexpected(what)
        self._advance()
        return Name(token.text, token.span)

    def _operand(self) -> Node:
        token = self._token
        if token.kind is Kind.OPERATOR:
            return self._operator_operand(token)
        match token.kind:
            case Kind.NUMBER:
                return self._number()
            case Kind.TEXT:
                return TextLiteral(self._advance().text, token.span)
            case Kind.NAME | Kind.QUOTED_NAME:
                return self._named(token)
            case Kind.INTERPOLATION:
                return self._interpolation()
            case _:
                raise self._unexpected("a value")

    def _operator_operand(self, token: Token) -> Node:
        match token.text:
            case "(":
                return self._parenthesized()
            case "{":
                return self._record()
            case "[":
                return self._table()
            case "-" | "!":
                return self._prefix()
            case _:
                raise self._unexpected("a value")

    def _number(self) -> NumberLiteral:
        token = self._advance()
        try:
            return NumberLiteral(number(token.text), token.span)
        except TooLarge:
            raise ExpressionError("The number is too large.", token.span) from None

    def _prefix(self) -> Call:
        token = self._advance()
        operand = self._expression(PREFIX)
        function = {"-": "negate", "!": "Not"}.get(token.text, token.text)
        return Call(function, (operand,), token.span, Span(token.span.start, operand.span.end))

    def _named(self, token: Token) -> Node:
        following = self._tokens[self._at + 1]
        if (following.kind, following.text) == (Kind.OPERATOR, "("):
            return self._call()
        if token.kind is Kind.NAME and token.text in WORDS:
            return self._word(token)
        return self._name("a name")

    def _word(self, token: Token) -> Node:
        match token.text:
            case "true" | "false":
                self._advance()
                return BooleanLiteral(token.text == "true", token.span)
            case "Not":
                return self._prefix()
            case _:
                raise self._unexpected("a value")

    def _call(self) -> Call:
        name = self._name("a function")
        self._advance()
        arguments, end = self._list(")", self._expression)
        return Call(name.name, arguments, name.span, Span(name.span.start, end))

    def _parenthesized(self) -> Node:
        self._advance()
        inner = self._expression()
        self._expect(")")
        return inner

    def _record(self) -> RecordLiteral:
        start = self._advance().span.start
        fields, end = self._list("}", self._field)
        return RecordLiteral(fields, Span(start, end))

    def _field(self) -> tuple[Name, Node]:
        name = self._name("a name")
        self._expect(":")
        return name, self._expression()

    def _table(self) -> TableLiteral:
        start = self._advance().span.start
        items, end = self._list("]", self._expression, trailing_comma=True)
        return TableLiteral(items, Span(start, end))

    def _list[T](
        self, closing: str, item: Callable[[], T], *, trailing_comma: bool = False
    ) -> tuple[tuple[T, ...], int]:
        """Items up to the closing token, and where that ends."""
        items: list[T] = []
        while self._operator() != closing or (items and not trailing_comma):
            items.append(item())
            if self._operator() != ",":
                break
            self._advance()
        return tuple(items), self._expect(closing).span.end

    def _interpolation(self) -> Call:
        start = self._advance().span
        parts: list[Node] = []
        while self._token.kind is not Kind.INTERPOLATION_END:
            parts.append(self._interpolated())
        end = self._advance().span.end
        span = Span(start.start, end)
        return Call("&", tuple(parts) or (TextLiteral("", span),), start, span)

    def _interpolated(self) -> Node:
        if self._token.kind is not Kind.ISLAND:
            return self._operand()
        self._advance()
        return self._island()

    def _island(self) -> Node:
        if self._token.kind is Kind.ISLAND_END:
            raise ExpressionError("There is nothing between the braces.", self._token.span)
        inner = self._expression()
        if self._advance().kind is not Kind.ISLAND_END:
            self._at -= 1
            raise self._unexpected("a closing brace")
        return inner

    def _expect(self, operator: str) -> Token:
        if self._token.kind is not Kind.OPERATOR or self._token.text != operator:
            raise self._unexpected(f"'{operator}'")
        return self._advance()

    def _unexpected(self, expected: str) -> ExpressionError:
        token = self._token
        found = "the end" if token.kind is Kind.END else f"'{token.text}'"
        return ExpressionError(f"Expected {expected} but found {found}.", token.span)


def number(text: str) -> Decimal:
    """The value of a number as it is written in an expression.

    :raises TooLarge: it is more than a decimal can hold.
    """
    return fit(parse(text))
