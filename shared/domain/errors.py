"""What can go wrong by the rules of routing.

RouterError
├── NotFound            the addressed job, worker, queue, policy, offer or assignment is not there
├── Conflict            the addressed thing is in a state that forbids the action
├── InvalidReference    the request names something it may not (unknown, or still in use)
└── InvalidRules        a policy has rules that can never have a result
"""

from collections.abc import Sequence
from typing import NamedTuple


class RouterError(Exception):
    """A rule of routing forbids the request. Nothing was changed."""


class NotFound(RouterError):
    """``kind`` and ``id`` name what is missing, e.g. ``job`` and ``job-1``."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"The {kind} '{id}' was not found.")
        self.kind = kind
        self.id = id


class Conflict(RouterError):
    """``code`` says in one word which rule; the message explains it to a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidReference(RouterError):
    """``code`` says which rule, ``target`` names the request's member (or path) at fault."""

    def __init__(self, code: str, message: str, target: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.target = target


class RuleProblem(NamedTuple):
    """``target`` names the request's member at fault; the message tells the policy's author why."""

    target: str
    message: str


class InvalidRules(RouterError):
    """``problems``: one for each rule that is wrong, at least one."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


def unknown_reference(target: str, kind: str, id: str) -> InvalidReference:
    code = "".join(word.capitalize() for word in kind.split()) + "NotFound"
    return InvalidReference(code, f"The {kind} '{id}' does not exist.", target)
