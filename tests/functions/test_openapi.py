"""The document that the API serves of itself. That answers keep to it is checked in all tests."""

from contextlib import nullcontext

import jsonschema_rs
import pytest

from infra.local.routes import http_routes
from shared.api.errors import SIGNATURE_SCHEME, InvalidRequest
from shared.api.routes import resource_id
from shared.api.versions import SUPPORTED
from tests.functions.api import (
    CHAT,
    HOST,
    JOB,
    PREVIEW,
    PREVIEW_2021,
    VERSION,
    WORKER,
    Api,
    Document,
)
from tests.functions.description import document, operations, validator


@pytest.mark.parametrize("version", SUPPORTED)
async def test_it_is_served(api: Api, version: str) -> None:
    reply = await api.send("GET", "/openapi.json", version=version)
    assert reply.status == 200
    assert reply.json == document(version)
    assert reply.json["info"]["version"] == version


async def test_a_stranger_is_not_told(api: Api) -> None:
    target = f"/openapi.json?api-version={VERSION}"
    assert (await api.send_raw("GET", target, {"host": HOST})).status == 401


PASSED_THROUGH = {"kind": "passThrough", "key": "k", "labelOperator": "equal"}
NO_SHARES = {"kind": "weightedAllocation", "allocations": []}
WEBHOOK_RULE: Document = {
    "kind": "webhook",
    "authorizationServerUri": "https://login.example/token",
    "clientCredential": {"clientId": "router", "clientSecret": "s"},
    "webhookUri": "https://rules.example/priority",
}
EXCEPTION_RULE = {
    "id": "r",
    "trigger": {"kind": "queueLength", "threshold": 0},
    "actions": [{"kind": "cancel"}, {"kind": "manualReclassify", "queueId": None}],
}

OF_2021 = {"complete_job_2021", "close_job_2021", "reclassify_job_2021"}
SINCE_2023 = {"complete_job", "close_job", "unassign_job", "reclassify_job"}


@pytest.mark.parametrize("version", SUPPORTED)
async def test_every_function_of_the_version_is_described_once(api: Api, version: str) -> None:
    others = SINCE_2023 if version == PREVIEW_2021 else OF_2021
    functions = {
        (route.function.name, method, f"/{route.template}")
        for route in http_routes(api.worker.functions)
        for method in route.methods
        if route.function.name not in others
    }
    described = [
        (operation["operationId"], method.upper(), path)
        for path, methods in document(version)["paths"].items()
        for method, operation in methods.items()
    ]
    assert set(described) == functions
    assert len(described) == len(functions)


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("version", SUPPORTED)
async def test_all_but_health_may_be_refused(version: str) -> None:
    described = operations(version)
    assert {n for n, o in described.items() if o.get("security") == []} == {"healthz"}
    refusals = {"400", "401", "403", "413", "429", "500", "503"}
    for operation in described.values():
        may_be_refused = operation["operationId"] != "healthz"
        assert (refusals <= operation["responses"].keys()) == may_be_refused


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("version", SUPPORTED)
async def test_the_schemas_are_schemas(version: str) -> None:
    for name in document(version)["components"]["schemas"]:
        validator(version, {"$ref": f"#/components/schemas/{name}"})


@pytest.mark.parametrize(
    ("operation", "body", "is_valid"),
    [
        ("upsert_worker", WORKER, True),
        ("upsert_worker", {"maxConcurrentOffers": 0}, False),
        ("upsert_worker", {"capacity": None}, False),
        ("upsert_worker", {"tags": None}, True),
        ("upsert_worker", {"channels": [{**CHAT, "maxNumberOfJobs": None}]}, True),
        ("upsert_worker", {"channels": [{**CHAT, "channelId": None}]}, False),
        ("upsert_worker", {"channels": [{"channelId": "chat"}]}, False),
        ("upsert_worker", {"labels": {"a": None, "b": 1.5}}, True),
        ("upsert_worker", {"labels": {"a": []}}, False),
        ("upsert_classification_policy", {"prioritizationRule": None}, True),
        (
            "upsert_classification_policy",
            {"prioritizationRule": {"kind": "static", "value": 5}},
            True,
        ),
        ("upsert_classification_policy", {"prioritizationRule": {"kind": "luck"}}, False),
        ("upsert_classification_policy", {"prioritizationRule": WEBHOOK_RULE}, True),
        (
            "upsert_classification_policy",
            {"prioritizationRule": {"kind": "function", "credential": {"functionKey": 5}}},
            False,
        ),
        ("upsert_classification_policy", {"prioritizationRule": 5}, False),
        ("upsert_classification_policy", {"queueSelectorAttachments": [{}]}, False),
        ("upsert_classification_policy", {"queueSelectorAttachments": [PASSED_THROUGH]}, True),
        ("upsert_classification_policy", {"queueSelectorAttachments": [NO_SHARES]}, False),
        ("upsert_exception_policy", {"exceptionRules": [EXCEPTION_RULE]}, True),
        (
            "upsert_exception_policy",
            {"exceptionRules": [{**EXCEPTION_RULE, "actions": [{"kind": "cancel", "id": None}]}]},
            True,
        ),
        (
            "upsert_exception_policy",
            {"exceptionRules": [{**EXCEPTION_RULE, "trigger": {"kind": "waitTime"}}]},
            False,
        ),
        ("upsert_exception_policy", {"exceptionRules": None}, True),
        ("upsert_job", JOB, True),
        ("upsert_job", {"unknown": 1}, True),
        ("upsert_job", {"matchingMode": {"scheduleAt": None}}, True),
        ("upsert_job", {"matchingMode": {"kind": "never"}}, False),
        ("upsert_job", {"priority": 101}, False),
        ("upsert_job", {"matchingMode": {"kind": None}}, False),
        ("upsert_job", [], False),
        ("cancel_job", {}, True),
        ("cancel_job", {"note": "x" * 2001}, False),
        ("unassign_job", {"suspendMatching": None}, True),
        ("unassign_job", {"suspendMatching": 1}, False),
    ],
)
async def test_bodies_are_described_as_they_are_taken(
    api: Api, operation: str, body: Document, is_valid: bool
) -> None:
    described = operations(PREVIEW)[operation]
    for content in described["requestBody"]["content"].values():
        assert validator(PREVIEW, content["schema"]).is_valid(body) == is_valid
    await api.ready()
    path = described["path"].replace("{jobId}", "job").replace("{workerId}", "worker")
    path = path.replace("{assignmentId}", (await api.assigned()).rpartition("/")[2])
    reply = await api.send(described["method"], path, body, version=PREVIEW)
    assert (reply.status != 400) == is_valid


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    "id",
    [
        "a",
        "...",
        ".q é.",
        ". .",
        " a",
        "a ",
        "a/b",
        "a\\b",
        "a\n",
        "\x85",
        "",
        "x" * 128,
        "x" * 129,
    ],
)
async def test_ids_are_described_as_they_are_taken(id: str) -> None:
    schema = validator(VERSION, {"$ref": "#/components/schemas/Id"})
    with nullcontext() if schema.is_valid(id) else pytest.raises(InvalidRequest):
        assert resource_id("id", id) == id


@pytest.mark.usefixtures("api")
async def test_a_limit_of_offers_is_described_in_the_preview_alone() -> None:
    workers = {v: document(v)["components"]["schemas"]["RouterWorker"] for v in SUPPORTED}
    described = {
        v for v, worker in workers.items() if "maxConcurrentOffers" in worker["properties"]
    }
    assert described == {PREVIEW}


@pytest.mark.usefixtures("api")
async def test_what_is_not_described_is_noticed() -> None:
    schema = {"$ref": "#/components/schemas/RouterQueue"}
    queue = {"etag": '"1"', "id": "q", "distributionPolicyId": "p", "labels": {}}
    judge = validator(VERSION, schema)
    judge.validate(queue)
    for broken in ({**queue, "more": 1}, {**queue, "labels": None}, {"id": "q"}):
        with pytest.raises(jsonschema_rs.ValidationError):
            judge.validate(broken)


@pytest.mark.usefixtures("api")
async def test_the_scheme_of_signatures_is_the_one_that_is_asked_for() -> None:
    schemes = document(VERSION)["components"]["securitySchemes"]
    assert schemes["AccessKey"]["scheme"] == SIGNATURE_SCHEME
