"""Whether a rule may be saved, said of its place in a policy."""

from dataclasses import dataclass

from shared.domain.errors import RuleProblem
from shared.domain.rules import Rule, RuleUse
from shared.ports import InvalidRule, RuleEngine


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule, the path of the member that it is, and what it is used for there."""

    place: str
    rule: Rule
    use: RuleUse


def problem_of(engine: RuleEngine, placed: PlacedRule) -> RuleProblem | None:
    try:
        engine.check(placed.rule, placed.use)
    except InvalidRule as error:
        target = f"{placed.place}.{error.member}" if error.member else placed.place
        return RuleProblem(target, _with_position(error))
    return None


def _with_position(error: InvalidRule) -> str:
    if error.position is None:
        return str(error)
    line, column = error.position
    return f"Line {line}, column {column}: {error}"
