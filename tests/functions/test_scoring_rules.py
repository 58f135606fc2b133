"""Scoring rules through the whole app: policies that have one, and whom they have offered a job."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from shared.storage.documents import DISTRIBUTION_POLICIES
from tests.functions.api import JOB, PREVIEW, PREVIEW_2021, VERSION, WORKER, Api, Document
from tests.unit.rules.outbound.servers import Server, running

POLICY = "/routing/distributionPolicies/p"
KEY = "the-function-key"
EXPRESSION: Document = {"kind": "expression", "language": "powerFx", "expression": "worker.Level"}
FUNCTION: Document = {"kind": "function", "functionUri": "https://contoso.example/score"}
KEYED: Document = {**FUNCTION, "credential": {"functionKey": KEY}}
DEFAULTS: Document = {
    "batchSize": 20,
    "scoringParameters": ["jobLabels", "workerSelectors"],
    "isBatchScoringEnabled": False,
    "descendingOrder": True,
}


@pytest.fixture
async def server(api: Api) -> AsyncIterator[Server]:
    async with running() as server:
        yield server
        await api.rig.router.rules.close()


async def saved(api: Api, version: str = VERSION, **mode: object) -> Any:
    """The mode as it is answered."""
    document = {"mode": {"kind": "bestWorker", **mode}}
    reply = await api.send("PATCH", POLICY, document, version=version)
    assert reply.status in {200, 201}, reply.body
    return reply.json["mode"]


async def worker(api: Api, id: str, **labels: object) -> None:
    assert (await api.patch(f"/routing/workers/{id}", {**WORKER, "labels": labels})).status == 201
    api.rig.clock.forward(seconds=1)


async def offered(api: Api, **members: object) -> list[str]:
    """Submits a job; who is offered it."""
    assert (await api.patch("/routing/jobs/job", {**JOB, **members})).status == 201
    workers = (await api.get("/routing/workers")).json["value"]
    return [worker["id"] for worker in workers if worker["offers"]]


# -- policies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [VERSION, PREVIEW])
async def test_what_was_written_is_read(api: Api, version: str) -> None:
    options = {
        "batchSize": 5,
        "scoringParameters": ["workerSelectors"],
        "isBatchScoringEnabled": True,
        "descendingOrder": False,
    }
    mode = await saved(api, version, scoringRule=EXPRESSION, scoringRuleOptions=options)
    assert mode == {
        "kind": "bestWorker",
        "minConcurrentOffers": 1,
        "maxConcurrentOffers": 1,
        "bypassSelectors": False,
        "scoringRule": EXPRESSION,
        "scoringRuleOptions": options,
    }
    assert (await api.get(POLICY)).json["mode"] == mode


async def test_members_are_merged_one_by_one(api: Api) -> None:
    await saved(api, scoringRule=EXPRESSION, scoringRuleOptions={"batchSize": 7})
    await saved(api, scoringRuleOptions={"descendingOrder": False})
    mode = await saved(api, bypassSelectors=True, scoringRule={"kind": "static", "value": 1})
    assert mode["scoringRule"] == {"kind": "static", "value": 1}
    assert mode["scoringRuleOptions"] == {**DEFAULTS, "batchSize": 7, "descendingOrder": False}
    removed = await saved(api, scoringRule=None, scoringRuleOptions=None)
    assert removed.keys() & {"scoringRule", "scoringRuleOptions"} == set()


async def test_another_kind_of_mode_drops_the_rule(api: Api) -> None:
    await saved(api, scoringRule=KEYED, scoringRuleOptions={})
    other = await api.patch(POLICY, {"mode": {"kind": "longestIdle"}})
    assert other.json["mode"].keys() & {"scoringRule", "scoringRuleOptions"} == set()
    again = await saved(api)
    assert again.keys() & {"scoringRule", "scoringRuleOptions"} == set()


async def test_a_key_is_neither_answered_nor_stored_nor_lost(api: Api) -> None:
    mode = await saved(api, scoringRule=KEYED)
    assert mode["scoringRule"] == {**FUNCTION, "credential": {}}

    async def stored() -> str:
        policy = await api.rig.store.distribution_policies.get("p")
        assert policy is not None
        return DISTRIBUTION_POLICIES.to_json(policy.value)

    before = await stored()
    assert KEY not in before
    written_back = await saved(api, **mode)
    assert written_back == mode
    assert await stored() == before
    elsewhere = {"mode": {"scoringRule": {"functionUri": "https://attacker.example/"}}}
    refused = await api.patch(POLICY, elsewhere)
    assert refused.problems == [("InvalidRule", "mode.scoringRule.credential")]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"kind": "expression", "expression": "worker."}, "InvalidRule"),
        ({"kind": "expression", "expression": "worker.Level > 1"}, "InvalidRule"),
        ({"kind": "expression", "expression": "queue.Level"}, "InvalidRule"),
        ({"kind": "expression"}, "Required"),
    ],
)
async def test_where_an_expression_is_wrong_is_told(api: Api, rule: Document, problem: str) -> None:
    reply = await api.patch(POLICY, {"mode": {"kind": "bestWorker", "scoringRule": rule}})
    assert reply.problems == [(problem, "mode.scoringRule.expression")]


@pytest.mark.parametrize(
    ("rule", "target"),
    [
        ({"kind": "static", "value": "high"}, "mode.scoringRule.value"),
        ({"kind": "directMap"}, "mode.scoringRule"),
        ({**FUNCTION, "functionUri": "https://10.0.0.1/"}, "mode.scoringRule.functionUri"),
    ],
)
async def test_rules_that_give_no_score_are_refused(api: Api, rule: Document, target: str) -> None:
    reply = await api.patch(POLICY, {"mode": {"kind": "bestWorker", "scoringRule": rule}})
    assert reply.problems == [("InvalidRule", target)]
    assert (await api.get(POLICY)).status == 404


async def test_the_preview_says_it_in_its_own_words(api: Api) -> None:
    mode = {
        "kind": "best-worker",
        "minConcurrentOffers": 1,
        "maxConcurrentOffers": 2,
        "bypassSelectors": False,
        "scoringRule": {**EXPRESSION, "kind": "expression-rule"},
        "scoringRuleOptions": {
            "batchSize": 3,
            "scoringParameters": ["jobLabels"],
            "allowScoringBatchOfWorkers": True,
            "descendingOrder": False,
        },
    }
    document = {"offerTtlSeconds": 60, "mode": mode}
    created = await api.send("PATCH", POLICY, document, version=PREVIEW_2021)
    assert (created.status, created.json["mode"]) == (200, mode)
    assert (await api.get(POLICY)).json["mode"]["scoringRuleOptions"] == {
        "batchSize": 3,
        "scoringParameters": ["jobLabels"],
        "isBatchScoringEnabled": True,
        "descendingOrder": False,
    }
    wrong = {"mode": {"scoringRule": {"expression": "worker."}}}
    refused = await api.send("PATCH", POLICY, wrong, version=PREVIEW_2021)
    assert refused.problems == [("InvalidRule", "mode.scoringRule.expression")]


# -- offers -----------------------------------------------------------------------------------


async def test_an_expression_decides_who_is_offered_the_job(api: Api) -> None:
    await api.ready(kind="bestWorker", scoringRule=EXPRESSION)
    for id, level in {"low": 1, "high": 9, "middle": 5}.items():
        await worker(api, id, Level=level)
    assert await offered(api) == ["high"]


async def test_a_function_scores_each_worker(api: Api, server: Server) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["x-functions-key"] == KEY
        asked = await request.json()
        is_special = asked["worker"].get(f"Support_{asked['job']['ConsoleType']}") is True
        return web.json_response(200 if is_special else 1)

    server.handler = answer
    await api.ready(kind="bestWorker", scoringRule={**KEYED, "functionUri": server.uri()})
    await worker(api, "a", English=8)
    await worker(api, "b", English=7, Support_X=True)
    await worker(api, "unqualified", English=6, Support_X=True)
    selector = {"key": "English", "labelOperator": "greaterThanOrEqual", "value": 7}
    chosen = await offered(api, labels={"ConsoleType": "X"}, requestedWorkerSelectors=[selector])
    assert chosen == ["b"]
    sent = {seen.json["worker"]["Id"]: seen.json for seen in server.seen}
    assert sent.keys() == {"a", "b"}
    assert sent["b"] == {
        "job": {"ConsoleType": "X"},
        "selectors": [
            {
                "key": "English",
                "operator": "GreaterThanEqual",
                "value": 7,
                "expiresAfterSeconds": None,
            }
        ],
        "worker": {"Id": "b", "English": 7, "Support_X": True},
    }


async def test_a_webhook_scores_workers_in_batches(api: Api, server: Server) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.json_response({"access_token": "t", "expires_in": 60})
        assert request.headers["authorization"] == "Bearer t"
        workers = (await request.json())["workers"]
        return web.json_response({worker["Id"]: worker["Level"] for worker in workers})

    server.handler = answer
    webhook = {
        "kind": "webhook",
        "authorizationServerUri": server.uri("/token"),
        "clientCredential": {"clientId": "router", "clientSecret": "s"},
        "webhookUri": server.uri("/scores"),
    }
    options = {
        "isBatchScoringEnabled": True,
        "batchSize": 2,
        "scoringParameters": [],
        "descendingOrder": False,
    }
    await api.ready(kind="bestWorker", scoringRule=webhook, scoringRuleOptions=options)
    for id, level in {"a": 3, "b": 1, "c": 2}.items():
        await worker(api, id, Level=level)
    assert await offered(api) == ["b"]
    batches = [seen.json for seen in server.seen if seen.path == "/scores"]
    assert sorted(len(batch["workers"]) for batch in batches) == [1, 2]
    assert all(batch.keys() == {"workers"} for batch in batches)


async def test_a_function_that_fails_delays_nothing(api: Api, server: Server) -> None:
    server.status, server.body = 500, json.dumps("out of order").encode()
    await api.ready(kind="bestWorker", scoringRule={**FUNCTION, "functionUri": server.uri()})
    await worker(api, "first", Level=1)
    await worker(api, "second", Level=9)
    assert await offered(api) == ["first"]
