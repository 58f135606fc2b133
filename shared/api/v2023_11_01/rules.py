"""Rules on the wire."""

import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, assert_never

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from yarl import URL

from shared.api.merge_patch import JsonObject
from shared.api.unions import ByKind
from shared.api.wire import MAX_TEXT_LENGTH, AnyJson, Text, WireModel, present, refuse
from shared.domain.rules import (
    ClientCredential,
    DirectMapRule,
    ExpressionRule,
    FunctionCredential,
    FunctionRule,
    NewSecret,
    Rule,
    StaticRule,
    WebhookRule,
)


class ExpressionLanguage(StrEnum):
    POWER_FX = "powerFx"


class StaticRuleModel(WireModel):
    kind: Literal["static"]
    value: AnyJson = None

    def to_domain(self) -> StaticRule:
        return StaticRule(value=self.value)


class DirectMapRuleModel(WireModel):
    kind: Literal["directMap"]

    def to_domain(self) -> DirectMapRule:
        return DirectMapRule()


class ExpressionRuleModel(WireModel):
    kind: Literal["expression"]
    language: ExpressionLanguage = ExpressionLanguage.POWER_FX
    expression: Text

    def to_domain(self) -> ExpressionRule:
        return ExpressionRule(expression=self.expression)


# -- rules that others evaluate ----------------------------------------------------------------


_URI: Final = (
    r"^[Hh][Tt][Tt][Pp][Ss]?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{1,5})?"
    r"([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
)
"""RFC 3986, without what makes no sense in a call: user names and fragments."""


def _callable(text: str) -> str:
    if "#" in text:
        raise refuse("A URI that is called should have no fragment")
    if "@" in _authority(text):
        raise refuse("A URI should hold no user name or password")
    if re.fullmatch(_URI, text) is None or not _has_host(text):
        raise refuse("Input should be an absolute URI of https")
    return text


def _authority(text: str) -> str:
    return re.split("[/?]", text.partition("://")[2], maxsplit=1)[0]


def _has_host(text: str) -> bool:
    try:
        return bool(URL(text).raw_host)
    except ValueError:
        return False


type Uri = Annotated[
    str,
    Field(max_length=MAX_TEXT_LENGTH),
    AfterValidator(_callable),
    WithJsonSchema(
        {"type": "string", "format": "uri", "pattern": _URI, "maxLength": MAX_TEXT_LENGTH}
    ),
]
"""Of what rules call. Whether they may is not known here."""

type HeaderText = Annotated[
    str, Field(max_length=MAX_TEXT_LENGTH, pattern=r"^[!-~]([ -~]*[!-~])?$")
]
type FilledText = Annotated[Text, Field(min_length=1)]

_NEVER_ANSWERED: Final[JsonObject] = {"writeOnly": True}


class FunctionCredentialModel(WireModel):
    """The keys are never answered, so they may be left out where they are known."""

    function_key: HeaderText | None = Field(default=None, json_schema_extra=_NEVER_ANSWERED)
    app_key: HeaderText | None = Field(default=None, json_schema_extra=_NEVER_ANSWERED)
    client_id: HeaderText | None = None

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        if self.function_key is not None and self.app_key is not None:
            raise refuse("There should be one key: functionKey or appKey", member="appKey")
        return self

    def to_domain(self) -> FunctionCredential:
        # A client id names an app's key; one that a function's key replaces is done with.
        client_id = self.client_id if self.function_key is None else None
        return FunctionCredential(
            key=_new_secret(self.function_key or self.app_key), client_id=client_id
        )


class ClientCredentialModel(WireModel):
    """The secret is never answered, so it may be left out where it is known."""

    client_id: FilledText
    client_secret: FilledText | None = Field(default=None, json_schema_extra=_NEVER_ANSWERED)

    def to_domain(self) -> ClientCredential:
        return ClientCredential(client_id=self.client_id, secret=_new_secret(self.client_secret))


class FunctionRuleModel(WireModel):
    kind: Literal["function"]
    function_uri: Uri
    credential: FunctionCredentialModel | None = None

    def to_domain(self) -> FunctionRule:
        credential = self.credential.to_domain() if self.credential else None
        return FunctionRule(function_uri=self.function_uri, credential=credential)


class WebhookRuleModel(WireModel):
    kind: Literal["webhook"]
    authorization_server_uri: Uri
    client_credential: ClientCredentialModel
    webhook_uri: Uri

    def to_domain(self) -> WebhookRule:
        return WebhookRule(
            authorization_server_uri=self.authorization_server_uri,
            webhook_uri=self.webhook_uri,
            credential=self.client_credential.to_domain(),
        )


def _new_secret(text: str | None) -> NewSecret | None:
    return None if text is None else NewSecret(text)


# -- any rule ----------------------------------------------------------------------------------

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
            return present(kind="static", value=value)
        case DirectMapRule():
            return {"kind": "directMap"}
        case ExpressionRule(expression=expression):
            language = ExpressionLanguage.POWER_FX
            return {"kind": "expression", "language": language, "expression": expression}
        case FunctionRule(function_uri=uri, credential=credential):
            shown = function_credential_document(credential) if credential else None
            return present(kind="function", functionUri=uri, credential=shown)
        case WebhookRule():
            return {"kind": "webhook", **webhook_document(rule)}
        case _:
            assert_never(rule)


def function_credential_document(credential: FunctionCredential) -> JsonObject:
    """What may be shown of it."""
    return present(clientId=credential.client_id)


def webhook_document(rule: WebhookRule) -> JsonObject:
    """What may be shown of it, save its kind."""
    return {
        "authorizationServerUri": rule.authorization_server_uri,
        "clientCredential": {"clientId": rule.credential.client_id},
        "webhookUri": rule.webhook_uri,
    }
