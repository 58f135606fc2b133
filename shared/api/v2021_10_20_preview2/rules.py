"""Rules on the wire."""

from typing import Annotated, Literal, assert_never

from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.v2023_11_01.rules import (
    ClientCredentialModel,
    ExpressionLanguage,
    FunctionCredentialModel,
    Uri,
    function_credential_document,
    webhook_document,
)
from shared.api.wire import AnyJson, Text, WireModel, present
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionRule,
    Rule,
    StaticRule,
    WebhookRule,
)


class StaticRuleModel(WireModel):
    kind: Literal["static-rule"]
    value: AnyJson = None

    def to_domain(self) -> StaticRule:
        return StaticRule(value=self.value)


class DirectMapRuleModel(WireModel):
    kind: Literal["direct-map-rule"]

    def to_domain(self) -> DirectMapRule:
        return DirectMapRule()


class ExpressionRuleModel(WireModel):
    kind: Literal["expression-rule"]
    language: ExpressionLanguage
    expression: Text

    def to_domain(self) -> ExpressionRule:
        return ExpressionRule(expression=self.expression)


class FunctionRuleModel(WireModel):
    kind: Literal["azure-function-rule"]
    function_url: Uri
    credential: FunctionCredentialModel | None = None

    def to_domain(self) -> FunctionRule:
        credential = self.credential.to_domain() if self.credential else None
        return FunctionRule(function_uri=self.function_url, credential=credential)


class WebhookRuleModel(WireModel):
    """This version never had it, but the next one did: a policy may hold one all the same."""

    kind: Literal["webhook-rule"]
    authorization_server_uri: Uri
    client_credential: ClientCredentialModel
    webhook_uri: Uri

    def to_domain(self) -> WebhookRule:
        return WebhookRule(
            authorization_server_uri=self.authorization_server_uri,
            webhook_uri=self.webhook_uri,
            credential=self.client_credential.to_domain(),
        )


type RuleModel = Annotated[
    StaticRuleModel
    | DirectMapRuleModel
    | ExpressionRuleModel
    | FunctionRuleModel
    | WebhookRuleModel,
    ByKind(),
]


def rule_document(rule: Rule) -> JsonObject:
    """The rule as a client would send it, but without secrets."""
    match rule:
        case StaticRule(value=value):
            return present(kind="static-rule", value=value)
        case DirectMapRule():
            return {"kind": "direct-map-rule"}
        case ExpressionRule(expression=expression):
            language = ExpressionLanguage.POWER_FX
            return {"kind": "expression-rule", "language": language, "expression": expression}
        case FunctionRule(function_uri=uri, credential=credential):
            shown = function_credential_document(credential) if credential else None
            return present(kind="azure-function-rule", functionUrl=uri, credential=shown)
        case WebhookRule():
            return {"kind": "webhook-rule", **webhook_document(rule)}
        case _:
            assert_never(rule)
