"""What callers may do: three roles, each with the rights of those before it."""

from enum import IntEnum
from typing import Final

_OPERATED: Final = frozenset({"jobs", "workers"})
"""Kinds of resources that come and go with the work: those of operators, offers included."""


class Role(IntEnum):
    """``READER`` sees everything, ``OPERATOR`` runs jobs and workers, ``ADMINISTRATOR`` also
    defines queues and policies."""

    READER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3

    @property
    def app_role(self) -> str:
        """Its value among the app roles of an application in Entra ID, and so in tokens."""
        return f"JobRouter.{self.name.capitalize()}"


def required_role(method: str, template: str) -> Role:
    """The least role for an operation, such as ``PATCH`` of ``routing/jobs/{jobId}``.

    Changing what is not known here takes an administrator.
    """
    if method == "GET":
        return Role.READER
    _, kind, *_ = template.split("/")
    return Role.OPERATOR if kind in _OPERATED else Role.ADMINISTRATOR


def granted_role(claim: object) -> Role | None:
    """The highest role that a token's claim ``roles`` names."""
    names = claim if isinstance(claim, list) else []
    return max((role for role in Role if role.app_role in names), default=None)
