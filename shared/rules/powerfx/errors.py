"""What can go wrong with a rule: when it is compiled, and when it is evaluated."""

from shared.rules.powerfx.syntax import Span


class PowerFxError(Exception):
    """Anything that is wrong with an expression. Nothing else leaves this package."""


class ExpressionError(PowerFxError):
    """The text is no expression, or none that could ever be evaluated.

    ``span`` is the part of the text it is about, as offsets; ``line`` and ``column``, both from 1,
    are where that starts. ``suggestion`` is the name that was probably meant.
    """

    def __init__(self, message: str, span: Span, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.suggestion = suggestion
        self.line = 1
        self.column = span.start + 1

    def locate(self, text: str) -> None:
        """Work out line and column from the text of the expression."""
        before = text[: self.span.start]
        self.line = before.count("\n") + 1
        self.column = len(before) - (before.rfind("\n") + 1) + 1


class EvaluationError(PowerFxError):
    """The expression has no result for this input.

    ``kind`` names the reason as the language's enumeration ``ErrorKind`` does: ``Div0``,
    ``InvalidArgument``, ``Numeric``; ``QuotaExceeded`` where a limit of this router was reached.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
