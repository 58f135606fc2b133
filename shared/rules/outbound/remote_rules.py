"""Function and webhook rules: what is asked, with which credentials, and what answers will do."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic_core import from_json, to_json
from yarl import URL

from shared.domain.rules import (
    FunctionRule,
    Json,
    NewSecret,
    RemoteRule,
    SealedSecret,
    WebhookRule,
)
from shared.ports import Clock, InvalidRule, RuleFailed
from shared.rules.outbound.access_tokens import AccessTokens, Client
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.client import Answer, CallFailed, OutboundClient
from shared.rules.outbound.vault import CannotOpen, Vault

type Headers = Mapping[str, str]

TIMEOUT_SECONDS: Final = 15.0
"""For a rule as a whole, the way to its access token included."""

_JSON: Final[Headers] = {"Content-Type": "application/json", "Accept": "application/json"}
_UNAUTHORIZED: Final = 401


class RemoteRules:
    """Has rules evaluated by those who know. Belongs to one event loop."""

    def __init__(
        self,
        clock: Clock,
        allowed: AllowedHosts,
        vault: Vault,
        http: OutboundClient | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._allowed = allowed
        self._vault = vault
        self._http = http or OutboundClient(allowed)
        self._tokens = AccessTokens(self._http, clock)
        self._timeout = timeout

    def check(self, rule: RemoteRule) -> None:
        """:raises InvalidRule: the rule would call where it may not, or its secret is not kept."""
        for member, uri in _uris(rule):
            self._check_uri(member, uri)
        if rule.lacks_secret:
            raise InvalidRule(
                "The secret is missing. The one given before is kept only while the URIs and the"
                " client id stay the same.",
                member=_place_of_secret(rule),
            )
        if isinstance(rule.secret, NewSecret) and not self._vault.can_seal:
            raise InvalidRule(
                "The router has no key to keep secrets with: JOBROUTER_SECRETS_KEY is not set.",
                member=_place_of_secret(rule),
            )

    def sealed(self, rule: RemoteRule) -> RemoteRule:
        """The rule as it may be stored. It must have passed the check."""
        if not isinstance(rule.secret, NewSecret):
            return rule
        return rule.with_secret(self._vault.seal(rule.secret, rule.destination))

    async def ask(self, rule: RemoteRule, question: Mapping[str, Json]) -> Json:
        """The JSON value that the rule's service answers the question with.

        :raises RuleFailed: it answers with none in time.
        """
        try:
            # What may be called is a setting, and may have changed since the rule was saved.
            self.check(rule)
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(rule, to_json(question))
            return _value(rule, answer)
        except (CallFailed, InvalidRule) as error:
            raise RuleFailed(str(error)) from error
        except CannotOpen:
            raise RuleFailed(
                "The rule's secret cannot be read with the router's present keys; save it again."
            ) from None
        except TimeoutError:
            raise RuleFailed(f"There was no answer within {self._timeout:g} seconds.") from None

    async def close(self) -> None:
        await self._http.close()

    def _check_uri(self, member: str, uri: str) -> None:
        url = URL(uri)
        host = url.raw_host or ""
        if self._allowed.refuse(host):
            raise InvalidRule(
                f"The address {host} is not on the internet, and the router's settings do not"
                " allow to call it.",
                member=member,
            )
        if url.scheme != "https" and not self._allowed.has(host):
            raise InvalidRule("The URI should be one of https.", member=member)

    async def _answer(self, rule: RemoteRule, question: bytes) -> Answer:
        match rule:
            case FunctionRule():
                headers = {**_JSON, **self._function_key(rule)}
                return await self._http.post(rule.function_uri, question, headers)
            case WebhookRule():
                return await self._answer_of_webhook(rule, question)

    def _function_key(self, rule: FunctionRule) -> Headers:
        """As the host of Azure Functions reads it."""
        if rule.credential is None:
            return {}
        key = {"x-functions-key": self._opened(rule)}
        client_id = rule.credential.client_id
        return key if client_id is None else {**key, "x-functions-clientid": client_id}

    async def _answer_of_webhook(self, rule: WebhookRule, question: bytes) -> Answer:
        client = Client(
            uri=rule.authorization_server_uri,
            id=rule.credential.client_id,
            secret=self._opened(rule),
        )
        token = await self._tokens.get(client)
        answer = await self._post_with(token, rule, question)
        if answer.status != _UNAUTHORIZED:
            return answer
        # Refused before anything was done, so it may be sent again.
        self._tokens.forget(client, token)
        return await self._post_with(await self._tokens.get(client), rule, question)

    async def _post_with(self, token: str, rule: WebhookRule, question: bytes) -> Answer:
        headers = {**_JSON, "Authorization": f"Bearer {token}"}
        return await self._http.post(rule.webhook_uri, question, headers)

    def _opened(self, rule: RemoteRule) -> str:
        match rule.secret:
            case NewSecret(text=text):
                return text
            case SealedSecret() as sealed:
                return self._vault.open(sealed, rule.destination)
            case None:
                raise CannotOpen


def _uris(rule: RemoteRule) -> Iterator[tuple[str, str]]:
    """With the names that the API has for them."""
    match rule:
        case FunctionRule():
            yield "functionUri", rule.function_uri
        case WebhookRule():
            yield "authorizationServerUri", rule.authorization_server_uri
            yield "webhookUri", rule.webhook_uri


def _place_of_secret(rule: RemoteRule) -> str:
    return "credential" if isinstance(rule, FunctionRule) else "clientCredential"


def _value(rule: RemoteRule, answer: Answer) -> Json:
    what = "function" if isinstance(rule, FunctionRule) else "webhook"
    if answer.status != 200:
        raise CallFailed(f"The {what} answered with status {answer.status}, not 200.")
    try:
        return from_json(answer.body, allow_inf_nan=False)
    except ValueError:
        raise CallFailed(f"The {what} did not answer with JSON.") from None
