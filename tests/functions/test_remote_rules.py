"""Policies with function and webhook rules: what is stored, what is answered, what is kept."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from shared.storage.documents import CLASSIFICATION_POLICIES
from tests.functions.api import JOB, PREVIEW_2021, Api, Document
from tests.unit.rules.outbound.servers import Server, running

POLICY = "/routing/classificationPolicies/c"
KEY = "the-function-key"
SECRET = "the client's secret"
FUNCTION: Document = {"kind": "function", "functionUri": "https://contoso.example/api/priority"}
KEYED: Document = {**FUNCTION, "credential": {"functionKey": KEY}}
NAMED: Document = {**FUNCTION, "credential": {"appKey": KEY, "clientId": "default"}}
WEBHOOK: Document = {
    "kind": "webhook",
    "authorizationServerUri": "https://login.example/token",
    "clientCredential": {"clientId": "router", "clientSecret": SECRET},
    "webhookUri": "https://rules.example/priority",
}
ATTACHED: Document = {
    "queueSelectorAttachments": [
        {"kind": "ruleEngine", "rule": NAMED},
        {"kind": "conditional", "condition": WEBHOOK, "queueSelectors": []},
    ]
}


@pytest.fixture
async def server(api: Api) -> AsyncIterator[Server]:
    async with running() as server:
        yield server
        await api.rig.router.rules.close()


def shown(rule: Document) -> Document:
    """The rule as it is answered."""
    for name in ("credential", "clientCredential"):
        if name in rule:
            visible = {n: v for n, v in rule[name].items() if n == "clientId"}
            return {**rule, name: visible}
    return rule


async def saved(api: Api, document: Document) -> Any:
    reply = await api.patch(POLICY, document)
    assert reply.status in {200, 201}, reply.body
    return reply.json


async def stored(api: Api) -> str:
    policy = await api.rig.store.classification_policies.get("c")
    assert policy is not None
    return CLASSIFICATION_POLICIES.to_json(policy.value)


async def secrets(api: Api) -> list[str]:
    """What is sealed of the policy, in the order of its members."""
    boxes: list[str] = []

    def collect(part: Document) -> Document:
        boxes.extend([part["box"]] if "box" in part else [])
        return part

    json.loads(await stored(api), object_hook=collect)
    return boxes


@pytest.mark.parametrize("rule", [FUNCTION, KEYED, NAMED, WEBHOOK])
async def test_secrets_are_neither_answered_nor_stored(api: Api, rule: Document) -> None:
    created = await saved(api, {"prioritizationRule": rule})
    assert created["prioritizationRule"] == shown(rule)
    read, listed = await api.get(POLICY), await api.get("/routing/classificationPolicies")
    assert read.json["prioritizationRule"] == shown(rule)
    kept = await stored(api)
    for text in (json.dumps(created), read.body.decode(), listed.body.decode(), kept):
        assert KEY not in text
        assert SECRET not in text
    assert len(await secrets(api)) == (rule is not FUNCTION)


@pytest.mark.parametrize("rule", [KEYED, NAMED, WEBHOOK])
async def test_a_patch_of_something_else_keeps_the_secret(api: Api, rule: Document) -> None:
    await saved(api, {"prioritizationRule": rule})
    before = await secrets(api)
    await saved(api, {"name": "renamed"})
    await saved(api, {"prioritizationRule": {"kind": rule["kind"]}})
    assert await secrets(api) == before


async def test_what_was_read_can_be_written_back(api: Api) -> None:
    await saved(api, {"prioritizationRule": KEYED, **ATTACHED})
    before = await secrets(api)
    assert len(before) == 3
    read = (await api.get(POLICY)).json
    await saved(api, read)
    swapped = {"queueSelectorAttachments": read["queueSelectorAttachments"][::-1]}
    await saved(api, swapped)
    assert sorted(await secrets(api)) == sorted(before)


async def test_a_new_secret_replaces_the_old_one(api: Api) -> None:
    await saved(api, {"prioritizationRule": NAMED})
    before = await secrets(api)
    changed = await saved(api, {"prioritizationRule": {"credential": {"appKey": "new"}}})
    assert changed["prioritizationRule"] == shown(NAMED)
    assert await secrets(api) != before
    other = await saved(api, {"prioritizationRule": {"credential": {"functionKey": "new"}}})
    assert other["prioritizationRule"] == shown(KEYED)


async def test_a_credential_can_be_removed(api: Api) -> None:
    await saved(api, {"prioritizationRule": KEYED})
    changed = await saved(api, {"prioritizationRule": {"credential": None}})
    assert changed["prioritizationRule"] == FUNCTION
    assert await secrets(api) == []


@pytest.mark.parametrize(
    ("rule", "change", "member"),
    [
        (KEYED, {"functionUri": "https://attacker.example/"}, "credential"),
        (KEYED, {"credential": {"clientId": "other"}}, "credential"),
        (NAMED, {"credential": {"clientId": "other"}}, "credential"),
        (WEBHOOK, {"webhookUri": "https://attacker.example/"}, "clientCredential"),
        (WEBHOOK, {"authorizationServerUri": "https://attacker.example/"}, "clientCredential"),
        (WEBHOOK, {"clientCredential": {"clientId": "other"}}, "clientCredential"),
    ],
)
async def test_a_secret_goes_nowhere_else(
    api: Api, rule: Document, change: Document, member: str
) -> None:
    await saved(api, {"prioritizationRule": rule})
    before = await stored(api)
    reply = await api.patch(POLICY, {"prioritizationRule": change})
    assert reply.problems == [("InvalidRule", f"prioritizationRule.{member}")]
    assert await stored(api) == before


@pytest.mark.parametrize("rule", [shown(KEYED), shown(WEBHOOK)])
async def test_a_new_rule_needs_its_secret(api: Api, rule: Document) -> None:
    attachment = {"kind": "ruleEngine", "rule": rule}
    reply = await api.patch(POLICY, {"workerSelectorAttachments": [attachment]})
    member = "credential" if rule["kind"] == "function" else "clientCredential"
    assert reply.problems == [("InvalidRule", f"workerSelectorAttachments[0].rule.{member}")]


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"functionUri": "http://contoso.example/"}, "functionUri"),
        ({"functionUri": "https://169.254.169.254/metadata"}, "functionUri"),
        ({"functionUri": "https://[::ffff:10.0.0.1]/"}, "functionUri"),
    ],
)
async def test_rules_may_not_call_what_is_private(api: Api, change: Document, member: str) -> None:
    reply = await api.patch(POLICY, {"prioritizationRule": {**FUNCTION, **change}})
    assert reply.problems == [("InvalidRule", f"prioritizationRule.{member}")]


async def test_the_preview_says_it_in_its_own_words(api: Api) -> None:
    function = {
        "kind": "azure-function-rule",
        "functionUrl": FUNCTION["functionUri"],
        "credential": {"functionKey": KEY},
    }
    changed = await api.send(
        "PATCH", POLICY, {"prioritizationRule": function}, version=PREVIEW_2021
    )
    assert changed.json["prioritizationRule"] == {**function, "credential": {}}
    assert (await api.get(POLICY)).json["prioritizationRule"] == shown(KEYED)
    await saved(api, {"prioritizationRule": WEBHOOK})
    read = (await api.send("GET", POLICY, version=PREVIEW_2021)).json
    assert read["prioritizationRule"] == {**shown(WEBHOOK), "kind": "webhook-rule"}
    again = await api.send("PATCH", POLICY, read, version=PREVIEW_2021)
    assert again.status == 200
    assert len(await secrets(api)) == 1


async def test_a_job_is_classified_by_a_function_and_a_webhook(api: Api, server: Server) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers.get("x-functions-key") in {None, KEY}
        answers = {
            "/priority": 7,
            "/selectors": [{"key": "Id", "labelOperator": "equal", "value": "queue"}],
            "/token": {"access_token": "t", "expires_in": 60},
            "/demands": [{"key": "skill", "labelOperator": "greaterThan", "value": 3}],
        }
        return web.json_response(answers[request.path])

    server.handler = answer
    await api.ready()
    webhook = {
        **WEBHOOK,
        "authorizationServerUri": server.uri("/token"),
        "webhookUri": server.uri("/demands"),
    }
    selectors = {**KEYED, "functionUri": server.uri("/selectors")}
    await saved(
        api,
        {
            "prioritizationRule": {**KEYED, "functionUri": server.uri("/priority")},
            "queueSelectorAttachments": [{"kind": "ruleEngine", "rule": selectors}],
            "workerSelectorAttachments": [{"kind": "ruleEngine", "rule": webhook}],
        },
    )
    job = {"channelId": JOB["channelId"], "classificationPolicyId": "c", "labels": {"a": 1}}
    await api.patch("/routing/jobs/job", job)
    classified = (await api.get("/routing/jobs/job")).json
    assert (classified["status"], classified["queueId"]) == ("queued", "queue")
    assert classified["priority"] == 7
    (attached,) = classified["attachedWorkerSelectors"]
    assert (attached["key"], attached["value"]) == ("skill", 3)
    asked = [seen.json for seen in server.seen if seen.path != "/token"]
    assert asked == [{"job": {"a": 1}}] * 3


async def test_a_function_that_fails_fails_the_classification(api: Api, server: Server) -> None:
    server.status = 500
    await api.ready()
    rule = {**KEYED, "functionUri": server.uri("/priority")}
    await saved(api, {"prioritizationRule": rule, "fallbackQueueId": "queue"})
    job = {"channelId": JOB["channelId"], "classificationPolicyId": "c"}
    assert (await api.patch("/routing/jobs/job", job)).status == 201
    assert (await api.get("/routing/jobs/job")).json["status"] == "classificationFailed"
