"""Rules: how a policy decides something from a job's labels.

What a rule is, that is; evaluating one may ask other services and is done behind a port.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

type Json = Any
"""A JSON value, as ``json.loads`` has it."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret as it was just received. It must be sealed before it is stored."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret that only the rule engine can open again."""

    box: str = field(repr=False)


type Secret = NewSecret | SealedSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRule:
    """Always gives ``value``."""

    value: Json = None


@dataclass(frozen=True, slots=True)
class DirectMapRule:
    """Gives the labels themselves: as selectors, one ``equal`` for each label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionRule:
    """Gives what the expression is evaluated to. Its only language is Power Fx."""

    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCredential:
    """``key``: of the function, or of its app; ``None``: the one known for the same function.

    ``client_id``: the name of an app's key.
    """

    key: Secret | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRule:
    """Gives what an Azure Function answers. Without a credential, anybody may call the function."""

    function_uri: str
    credential: FunctionCredential | None = None

    @property
    def destination(self) -> tuple[str, ...]:
        """Whom the secret is for: nobody else may be sent it."""
        client_id = self.credential.client_id if self.credential else None
        return ("function", self.function_uri, client_id or "")

    @property
    def secret(self) -> Secret | None:
        return self.credential.key if self.credential else None

    @property
    def lacks_secret(self) -> bool:
        return self.credential is not None and self.credential.key is None

    def with_secret(self, secret: Secret) -> Self:
        assert self.credential is not None, "it has a place for the secret"
        return replace(self, credential=replace(self.credential, key=secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredential:
    """``secret`` ``None``: the one known for the same client, authorization server and webhook."""

    client_id: str
    secret: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRule:
    """Gives what a server answers that is called with an access token (OAuth 2.0)."""

    authorization_server_uri: str
    webhook_uri: str
    credential: ClientCredential

    @property
    def destination(self) -> tuple[str, ...]:
        """Whom the secret, or what it is exchanged for, is for: nobody else may be sent it."""
        client_id = self.credential.client_id
        return ("webhook", self.authorization_server_uri, self.webhook_uri, client_id)

    @property
    def secret(self) -> Secret | None:
        return self.credential.secret

    @property
    def lacks_secret(self) -> bool:
        return self.credential.secret is None

    def with_secret(self, secret: Secret) -> Self:
        return replace(self, credential=replace(self.credential, secret=secret))


class RuleUse(StrEnum):
    """What a policy needs a rule's result for."""

    CONDITION = "condition"
    PRIORITY = "priority"
    QUEUE_SELECTORS = "queueSelectors"
    WORKER_SELECTORS = "workerSelectors"
    SCORE = "score"


type RemoteRule = FunctionRule | WebhookRule
"""Evaluated by another service."""

type Rule = StaticRule | DirectMapRule | ExpressionRule | FunctionRule | WebhookRule


def with_known_secret(rule: Rule, known: Iterable[Rule]) -> Rule:
    """The rule, with the secret that one of the ``known`` rules has for the same destination.

    Secrets are never answered, so whoever writes back a rule as it was read leaves its secret out.
    The destination decides, so that a secret cannot be sent elsewhere by changing an address.
    """
    if not isinstance(rule, FunctionRule | WebhookRule) or not rule.lacks_secret:
        return rule
    for other in known:
        if not isinstance(other, FunctionRule | WebhookRule) or other.secret is None:
            continue
        if other.destination == rule.destination:
            return rule.with_secret(other.secret)
    return rule
