"""Whether a rule may be saved, said of its place in a policy."""

from collections.abc import Callable

from shared.domain.errors import RuleProblem
from shared.domain.rules import Rule
from shared.ports import InvalidRule


def problem_of(check: Callable[[Rule], None], place: str, rule: Rule) -> RuleProblem | None:
    """``check``: one of the rule engine. ``place``: the path of the member that the rule is."""
    try:
        check(rule)
    except InvalidRule as error:
        target = f"{place}.{error.member}" if error.member else place
        return RuleProblem(target, _with_position(error))
    return None


def _with_position(error: InvalidRule) -> str:
    if error.position is None:
        return str(error)
    line, column = error.position
    return f"Line {line}, column {column}: {error}"
