"""Classification and exception policies through the whole app."""

import pytest

from tests.functions.api import JOB, PREVIEW, VERSION, Api, Document
from tests.functions.test_bad_input import refused

CLASSIFICATION = "/routing/classificationPolicies/c"
EXCEPTION = "/routing/exceptionPolicies/e"

SELECTOR: Document = {"key": "Region", "labelOperator": "equal", "value": "eu"}
SKILL: Document = {"key": "Level", "labelOperator": "greaterThan", "value": 3}
ANSWERED_SKILL: Document = {**SKILL, "expedite": False, "status": "active"}
CONDITION: Document = {
    "kind": "expression",
    "language": "powerFx",
    "expression": 'job.Product = "phone"',
}
EXPRESSION: Document = {
    "kind": "expression",
    "language": "powerFx",
    "expression": 'If(job.Product = "phone", 5, 1)',
}
RULE: Document = {
    "id": "long wait",
    "trigger": {"kind": "waitTime", "thresholdSeconds": 300.5},
    "actions": [{"id": "a", "kind": "cancel"}],
}

FULL_CLASSIFICATION: Document = {
    "name": "Everything",
    "fallbackQueueId": "queue",
    "queueSelectorAttachments": [
        {"kind": "static", "queueSelector": SELECTOR},
        {"kind": "conditional", "condition": CONDITION, "queueSelectors": [SELECTOR, SELECTOR]},
        {"kind": "passThrough", "key": "Region", "labelOperator": "equal"},
        {
            "kind": "ruleEngine",
            "rule": {"kind": "static", "value": [SELECTOR, {**SELECTOR, "more": None}]},
        },
        {
            "kind": "weightedAllocation",
            "allocations": [
                {"weight": 0.3, "queueSelectors": [SELECTOR]},
                {"weight": 7, "queueSelectors": []},
            ],
        },
    ],
    "prioritizationRule": EXPRESSION,
    "workerSelectorAttachments": [
        {"kind": "static", "workerSelector": ANSWERED_SKILL},
        {
            "kind": "conditional",
            "condition": {"kind": "static", "value": True},
            "workerSelectors": [{**ANSWERED_SKILL, "expiresAfterSeconds": 60.5, "expedite": True}],
        },
        {
            "kind": "passThrough",
            "key": "Language",
            "labelOperator": "equal",
            "expiresAfterSeconds": 30,
        },
        {"kind": "passThrough", "key": "Language", "labelOperator": "notEqual"},
        {"kind": "ruleEngine", "rule": {"kind": "directMap"}},
        {
            "kind": "weightedAllocation",
            "allocations": [{"weight": 1, "workerSelectors": [ANSWERED_SKILL]}],
        },
    ],
}
FULL_EXCEPTION: Document = {
    "name": "Everything",
    "exceptionRules": [
        RULE,
        {
            "id": "long queue",
            "trigger": {"kind": "queueLength", "threshold": 0},
            "actions": [
                {"id": "a", "kind": "cancel", "note": "n", "dispositionCode": "d"},
                {
                    "id": "b",
                    "kind": "reclassify",
                    "classificationPolicyId": "c",
                    "labelsToUpsert": {"a": 1, "b": 1.5, "c": True, "d": "x"},
                },
                {"id": "c", "kind": "reclassify", "labelsToUpsert": {}},
                {
                    "id": "d",
                    "kind": "manualReclassify",
                    "queueId": "queue",
                    "priority": -100,
                    "workerSelectors": [ANSWERED_SKILL],
                },
                {"id": "e", "kind": "manualReclassify", "workerSelectors": []},
            ],
        },
    ],
}


# -- all is well ----------------------------------------------------------------------------------


async def test_a_small_classification_policy(api: Api) -> None:
    created = await api.patch(CLASSIFICATION, {})
    assert created.status == 201
    assert created.json == {
        "id": "c",
        "etag": created.headers["etag"],
        "queueSelectorAttachments": [],
        "workerSelectorAttachments": [],
    }
    changed = await api.patch(
        CLASSIFICATION, {"prioritizationRule": {"kind": "static", "value": "2"}}
    )
    assert changed.status == 200
    assert changed.json["prioritizationRule"] == {"kind": "static", "value": "2"}
    assert (await api.get(CLASSIFICATION)).json == changed.json
    assert (await api.get("/routing/classificationPolicies")).json == {"value": [changed.json]}
    assert (await api.delete(CLASSIFICATION)).status == 204
    assert (await api.get(CLASSIFICATION)).status == 404


async def test_a_small_exception_policy(api: Api) -> None:
    created = await api.patch(EXCEPTION, {})
    assert created.status == 201
    assert created.json == {"id": "e", "etag": created.headers["etag"], "exceptionRules": []}
    changed = await api.patch(EXCEPTION, {"exceptionRules": [RULE]})
    assert changed.status == 200
    assert changed.json["exceptionRules"] == [RULE]
    assert (await api.get(EXCEPTION)).json == changed.json
    assert (await api.get("/routing/exceptionPolicies")).json == {"value": [changed.json]}
    assert (await api.delete(EXCEPTION)).status == 204
    assert (await api.get(EXCEPTION)).status == 404


@pytest.mark.parametrize("version", [VERSION, PREVIEW])
async def test_whatever_is_defined_is_answered(api: Api, version: str) -> None:
    await api.ready()
    for path, document in ((CLASSIFICATION, FULL_CLASSIFICATION), (EXCEPTION, FULL_EXCEPTION)):
        created = await api.send("PATCH", path, document, version=version)
        assert created.status == 201
        own = {"id": path[-1], "etag": created.headers["etag"]}
        assert created.json == {**document, **own}
        again = await api.send("PATCH", path, created.json, version=version)
        assert again.json == {**created.json, "etag": again.headers["etag"]}


async def test_lists_are_replaced_and_the_rest_is_kept(api: Api) -> None:
    await api.ready()
    await api.patch(CLASSIFICATION, FULL_CLASSIFICATION)
    attachments = [{"kind": "passThrough", "key": "k", "labelOperator": "equal"}]
    changed = await api.patch(CLASSIFICATION, {"queueSelectorAttachments": attachments})
    assert changed.json == {
        **FULL_CLASSIFICATION,
        "id": "c",
        "etag": changed.headers["etag"],
        "queueSelectorAttachments": attachments,
    }


async def test_a_rule_of_another_kind_keeps_nothing_of_the_old_one(api: Api) -> None:
    await api.patch(CLASSIFICATION, {"prioritizationRule": EXPRESSION})
    expression = await api.patch(CLASSIFICATION, {"prioritizationRule": {"expression": "2"}})
    assert expression.json["prioritizationRule"] == {**EXPRESSION, "expression": "2"}
    static = {"kind": "static", "value": 5}
    changed = await api.patch(CLASSIFICATION, {"prioritizationRule": static})
    assert changed.json["prioritizationRule"] == static
    none = await api.patch(CLASSIFICATION, {"prioritizationRule": None})
    assert "prioritizationRule" not in none.json


async def test_actions_get_ids_and_keep_them(api: Api) -> None:
    rule = {**RULE, "actions": [{"kind": "cancel"}, {"kind": "reclassify"}]}
    created = await api.patch(EXCEPTION, {"exceptionRules": [rule]})
    (answered,) = created.json["exceptionRules"]
    ids = [action["id"] for action in answered["actions"]]
    assert len(set(ids)) == 2
    written_back = await api.patch(EXCEPTION, {"exceptionRules": [answered]})
    sent_again = await api.patch(EXCEPTION, {"exceptionRules": [rule]})
    for reply in (written_back, sent_again):
        assert reply.json["exceptionRules"] == [answered]


async def test_a_queue_gets_and_loses_an_exception_policy(api: Api) -> None:
    await api.ready()
    await api.patch(EXCEPTION, {})
    changed = await api.patch("/routing/queues/queue", {"exceptionPolicyId": "e"})
    assert (changed.status, changed.json["exceptionPolicyId"]) == (200, "e")
    lost = await api.patch("/routing/queues/queue", {"exceptionPolicyId": None})
    assert "exceptionPolicyId" not in lost.json


@pytest.mark.parametrize("path", [CLASSIFICATION, EXCEPTION])
async def test_conditions(api: Api, path: str) -> None:
    created = await api.patch(path, {"name": "one"}, if_none_match="*")
    etag = created.headers["etag"]
    assert (await api.patch(path, {"name": "two"}, if_none_match="*")).status == 412
    assert (await api.patch(path, {"name": "two"}, if_match='"other"')).status == 412
    assert (await api.get(path, if_none_match=etag)).status == 304
    assert (await api.get(path)).json["name"] == "one"
    changed = await api.patch(path, {"name": "two"}, if_match=etag)
    assert (changed.status, changed.json["name"]) == (200, "two")
    assert (await api.patch(path, {"name": "three"}, if_match=etag)).status == 412


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ({"name": 5}, [("Invalid", "name")]),
        ({"fallbackQueueId": "nowhere"}, [("QueueNotFound", "fallbackQueueId")]),
        ({"prioritizationRule": {"kind": "luck"}}, [("Invalid", "prioritizationRule.kind")]),
        (
            {"prioritizationRule": {"kind": "function", "functionUri": "f"}},
            [("Invalid", "prioritizationRule.functionUri")],
        ),
        (
            {"prioritizationRule": {"kind": "function", "functionUri": "https://10.0.0.1"}},
            [("InvalidRule", "prioritizationRule.functionUri")],
        ),
        (
            {"prioritizationRule": {"kind": "expression", "expression": "1 +"}},
            [("InvalidRule", "prioritizationRule.expression")],
        ),
        (
            {
                "queueSelectorAttachments": [
                    {"kind": "static", "queueSelector": SELECTOR},
                    {
                        "kind": "conditional",
                        "condition": {"kind": "expression", "expression": ")"},
                        "queueSelectors": [],
                    },
                    {"kind": "ruleEngine", "rule": {"kind": "expression", "expression": "Fly()"}},
                ]
            },
            [
                ("InvalidRule", "queueSelectorAttachments[1].condition.expression"),
                ("InvalidRule", "queueSelectorAttachments[2].rule.expression"),
            ],
        ),
        (
            {"workerSelectorAttachments": [{"kind": "static", "workerSelector": {"key": "k"}}]},
            [
                ("Required", "workerSelectorAttachments[0].workerSelector.labelOperator"),
                ("Required", "workerSelectorAttachments[0].workerSelector.value"),
            ],
        ),
    ],
)
async def test_bad_classification_policies(
    api: Api, document: Document, problems: list[tuple[str, str]]
) -> None:
    await api.ready()
    assert (await refused(api, "PATCH", CLASSIFICATION, document)).problems == problems
    assert (await api.get(CLASSIFICATION)).status == 404
    await api.patch(CLASSIFICATION, FULL_CLASSIFICATION)
    assert (await refused(api, "PATCH", CLASSIFICATION, document)).problems == problems


async def test_an_invalid_expression_says_where(api: Api) -> None:
    rule = {"kind": "expression", "expression": "If(true,\n  1 +* 2)"}
    reply = await refused(api, "PATCH", CLASSIFICATION, {"prioritizationRule": rule})
    (detail,) = reply.error["details"]
    assert detail["message"].startswith("Line 2, column 6: ")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({}, ("Required", "id")),
        ({**RULE, "trigger": {"kind": "moon"}}, ("Invalid", "trigger.kind")),
        (
            {**RULE, "trigger": {"kind": "queueLength", "threshold": -1}},
            ("Invalid", "trigger.threshold"),
        ),
        ({**RULE, "actions": [{"kind": "shout"}]}, ("Invalid", "actions[0].kind")),
        (
            {**RULE, "actions": [{"kind": "reclassify", "classificationPolicyId": "nothing"}]},
            ("ClassificationPolicyNotFound", "actions[0].classificationPolicyId"),
        ),
        (
            {
                **RULE,
                "actions": [
                    {"kind": "cancel"},
                    {"kind": "manualReclassify", "queueId": "nowhere"},
                ],
            },
            ("QueueNotFound", "actions[1].queueId"),
        ),
    ],
)
async def test_bad_exception_policies(api: Api, rule: Document, problem: tuple[str, str]) -> None:
    await api.ready()
    code, target = problem
    document = {"exceptionRules": [{**RULE, "id": "first"}, rule]}
    reply = await refused(api, "PATCH", EXCEPTION, document)
    assert reply.problems[0] == (code, f"exceptionRules[1].{target}")
    assert (await api.get(EXCEPTION)).status == 404
    await api.patch(EXCEPTION, {"exceptionRules": [RULE]})
    assert (await refused(api, "PATCH", EXCEPTION, document)).problems == reply.problems


# -- what is in use stays -------------------------------------------------------------------------


async def test_deleting_what_policies_name(api: Api) -> None:
    await api.ready()
    await api.patch(CLASSIFICATION, {"fallbackQueueId": "queue"})
    await api.patch(EXCEPTION, FULL_EXCEPTION)
    await api.patch("/routing/queues/other", {"distributionPolicyId": "policy"})
    await api.patch("/routing/queues/other", {"exceptionPolicyId": "e"})

    async def stays(path: str, code: str) -> None:
        assert (await refused(api, "DELETE", path, b"")).problems == [(code, None)]

    await stays("/routing/queues/queue", "ClassificationPolicyWithQueueExist")
    await stays(CLASSIFICATION, "ExceptionPolicyWithClassificationPolicyExist")
    await stays(EXCEPTION, "QueueWithExceptionPolicyExist")
    assert (await api.delete("/routing/queues/other")).status == 204
    await api.patch(CLASSIFICATION, {"fallbackQueueId": None})
    await stays("/routing/queues/queue", "ExceptionPolicyWithQueueExist")
    for path in (EXCEPTION, CLASSIFICATION, "/routing/queues/queue"):
        assert (await api.delete(path)).status == 204


async def test_deleting_the_policy_of_an_active_job(api: Api) -> None:
    await api.ready()
    await api.patch(CLASSIFICATION, {"fallbackQueueId": "queue"})
    await api.patch("/routing/jobs/job", {**JOB, "classificationPolicyId": "c"})
    reply = await refused(api, "DELETE", CLASSIFICATION, b"")
    assert reply.problems == [("ActiveJobWithClassificationPolicyExist", None)]
    await api.post("/routing/jobs/job:cancel")
    assert (await api.delete(CLASSIFICATION)).status == 204
