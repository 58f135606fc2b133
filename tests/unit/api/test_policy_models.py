"""Classification and exception policies on the wire: what is let in, what is refused and where."""

from typing import Any

import pytest
from hypothesis import given

from shared.api.errors import InvalidRequest
from shared.api.merge_patch import JsonObject
from shared.api.v2023_11_01.classification_policies import ClassificationPolicyModel
from shared.api.v2023_11_01.exception_policies import ExceptionPolicyModel
from shared.api.v2023_11_01.queues import QueueModel
from shared.api.wire import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_TEXT_LENGTH,
    Definition,
    read_object,
    write_json,
)
from shared.domain.classification import ClassificationPolicy
from shared.domain.exception_policies import UNNAMED, ExceptionPolicy, ManualReclassifyAction
from shared.domain.labels import identical
from shared.domain.rules import (
    DirectMapRule,
    ExpressionRule,
    FunctionCredential,
    FunctionRule,
    NewSecret,
    StaticRule,
)
from tests.unit.api.definitions import ID, NOW, classification_policies, exception_policies

type AnyModel = type[Definition[Any, Any]]

SELECTOR: JsonObject = {"key": "k", "labelOperator": "equal", "value": 1}
EXPRESSION: JsonObject = {"kind": "expression", "expression": "1"}
FUNCTION: JsonObject = {"kind": "function", "functionUri": "https://a.example/api/f"}
WEBHOOK: JsonObject = {
    "kind": "webhook",
    "authorizationServerUri": "https://a.example/token",
    "clientCredential": {"clientId": "c", "clientSecret": "the secret"},
    "webhookUri": "https://a.example/hook",
}
TRIGGER: JsonObject = {"kind": "queueLength", "threshold": 1}
RULE: JsonObject = {"id": "r", "trigger": TRIGGER, "actions": []}


def define[D](model: type[Definition[D, Any]], patch: JsonObject, current: D | None = None) -> D:
    return model.patched(ID, read_object(write_json(patch)), NOW)(current)


def problems(model: AnyModel, patch: JsonObject) -> list[tuple[str, str | None]]:
    with pytest.raises(InvalidRequest) as refused:
        define(model, patch)
    return [(problem.code, problem.target) for problem in refused.value.problems]


def rule_problems(rule: object) -> list[tuple[str, str | None]]:
    return problems(ClassificationPolicyModel, {"prioritizationRule": rule})


def test_nothing_has_to_be_said() -> None:
    assert define(ClassificationPolicyModel, {}) == ClassificationPolicy(id=ID)
    assert define(ExceptionPolicyModel, {}) == ExceptionPolicy(id=ID)


@given(classification_policies)
def test_a_classification_policy_survives_the_wire(policy: ClassificationPolicy) -> None:
    document = ClassificationPolicyModel.from_domain(policy)
    assert identical(ClassificationPolicyModel.parse(document).to_domain(ID, None, NOW), policy)
    assert identical(define(ClassificationPolicyModel, {}, policy), policy)


@given(exception_policies)
def test_an_exception_policy_survives_the_wire(policy: ExceptionPolicy) -> None:
    document = ExceptionPolicyModel.from_domain(policy)
    assert identical(define(ExceptionPolicyModel, document), policy)
    assert identical(define(ExceptionPolicyModel, {}, policy), policy)


def test_a_queue_takes_and_drops_an_exception_policy() -> None:
    queue = define(QueueModel, {"distributionPolicyId": "p", "exceptionPolicyId": "e"})
    assert queue.exception_policy_id == "e"
    assert QueueModel.from_domain(queue)["exceptionPolicyId"] == "e"
    assert define(QueueModel, {"exceptionPolicyId": None}, queue).exception_policy_id is None


# -- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [True, 0, 1.0, "2", [], [{"a": None, "b": [1, 1.0, None]}], {"kind": "x"}], ids=repr
)
def test_the_value_of_a_static_rule_is_kept_as_it_is(value: object) -> None:
    static = {"kind": "static", "value": value}
    attachments = [{"kind": "ruleEngine", "rule": static}]
    policy = define(
        ClassificationPolicyModel,
        {"prioritizationRule": static, "workerSelectorAttachments": attachments},
    )
    assert identical(policy.prioritization_rule, StaticRule(value=value))
    answered = ClassificationPolicyModel.from_domain(policy)
    assert identical(answered["prioritizationRule"], static)
    assert identical(answered["workerSelectorAttachments"], attachments)


def test_a_static_rule_without_a_value_gives_null() -> None:
    for rule in ({"kind": "static"}, {"kind": "static", "value": None}):
        policy = define(ClassificationPolicyModel, {"prioritizationRule": rule})
        assert policy.prioritization_rule == StaticRule(value=None)
        answered = ClassificationPolicyModel.from_domain(policy)
        assert answered["prioritizationRule"] == {"kind": "static"}


def test_expressions_are_in_power_fx_unless_they_say_so_too() -> None:
    said = define(
        ClassificationPolicyModel, {"prioritizationRule": {**EXPRESSION, "language": "powerFx"}}
    )
    assert said == define(ClassificationPolicyModel, {"prioritizationRule": EXPRESSION})
    answered = ClassificationPolicyModel.from_domain(said)
    assert answered["prioritizationRule"] == {**EXPRESSION, "language": "powerFx"}


def test_a_rule_of_another_kind_starts_anew() -> None:
    current = define(ClassificationPolicyModel, {"prioritizationRule": EXPRESSION})
    other = define(ClassificationPolicyModel, {"prioritizationRule": {"kind": "static"}}, current)
    assert other.prioritization_rule == StaticRule(value=None)
    same = define(ClassificationPolicyModel, {"prioritizationRule": {"expression": "2"}}, current)
    assert same.prioritization_rule == ExpressionRule(expression="2")
    mapped = {"prioritizationRule": {"kind": "directMap"}}
    assert define(ClassificationPolicyModel, mapped, current).prioritization_rule == DirectMapRule()
    none = define(ClassificationPolicyModel, {"prioritizationRule": None}, current)
    assert none.prioritization_rule is None


GOOD_URIS = [
    *("https://a.example", "http://a.example:8080/f?code=x%2Fy", "https://[2606:4700::1]/"),
    *("https://a.example?x=@/", "HTTPS://A.example/", "https://xn--mnchen-3ya.example/~x"),
]
BAD_URIS = [
    *("", "/f", "a.example", "//a.example", "ftp://a.example", "https:", "https:///f", "https://"),
    *("https://user@a.example", "https://user:key@a.example", "https://:key@a.example"),
    *("https://a.example/f#part", "https://a.example/f#", "https://a.example:port/"),
    *("https://a.example:99999/", "https://[::1/", "https://a b.example/", " https://a.example"),
    *("https://a.example/\n", "https://a.exa\tmple", "https://\u00e4.example/"),
    "https://a.example/" + "f" * MAX_TEXT_LENGTH,
]


@pytest.mark.parametrize("uri", GOOD_URIS)
def test_rules_call_absolute_uris(uri: str) -> None:
    policy = define(
        ClassificationPolicyModel, {"prioritizationRule": {**FUNCTION, "functionUri": uri}}
    )
    assert policy.prioritization_rule == FunctionRule(function_uri=uri)


@pytest.mark.parametrize("uri", BAD_URIS, ids=lambda uri: repr(uri[:40]))
def test_and_nothing_else(uri: str) -> None:
    assert rule_problems({**FUNCTION, "functionUri": uri}) == [
        ("Invalid", "prioritizationRule.functionUri")
    ]
    assert rule_problems({**WEBHOOK, "webhookUri": uri, "authorizationServerUri": uri}) == [
        ("Invalid", "prioritizationRule.authorizationServerUri"),
        ("Invalid", "prioritizationRule.webhookUri"),
    ]


@pytest.mark.parametrize(
    ("credential", "key", "client_id"),
    [
        ({}, None, None),
        ({"functionKey": "k"}, "k", None),
        ({"appKey": "k"}, "k", None),
        ({"appKey": "k", "clientId": "a name"}, "k", "a name"),
        ({"clientId": "a name"}, None, "a name"),
        ({"functionKey": "k", "clientId": "of the app's key before"}, "k", None),
    ],
    ids=repr,
)
def test_a_functions_credential_is_a_key_perhaps_with_a_name(
    credential: JsonObject, key: str | None, client_id: str | None
) -> None:
    policy = define(
        ClassificationPolicyModel, {"prioritizationRule": {**FUNCTION, "credential": credential}}
    )
    rule = policy.prioritization_rule
    assert isinstance(rule, FunctionRule)
    assert rule.credential == FunctionCredential(
        key=NewSecret(key) if key else None, client_id=client_id
    )


def test_secrets_are_not_answered() -> None:
    keyed = {**FUNCTION, "credential": {"appKey": "the secret", "clientId": "name"}}
    policy = define(
        ClassificationPolicyModel,
        {
            "prioritizationRule": WEBHOOK,
            "queueSelectorAttachments": [{"kind": "ruleEngine", "rule": keyed}],
        },
    )
    answered = ClassificationPolicyModel.from_domain(policy)
    assert "the secret" not in repr(answered) + repr(policy)
    assert answered["prioritizationRule"] == {**WEBHOOK, "clientCredential": {"clientId": "c"}}
    assert answered["queueSelectorAttachments"] == [
        {"kind": "ruleEngine", "rule": {**FUNCTION, "credential": {"clientId": "name"}}}
    ]


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [{"a": value}] if isinstance(value, int) else [value]
    return value


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [("Required", ".kind")]),
        ({"kind": None, "value": 1}, [("Required", ".kind")]),
        ({"kind": "magic"}, [("Invalid", ".kind")]),
        ({"kind": 5}, [("Invalid", ".kind")]),
        ({"kind": []}, [("Invalid", ".kind")]),
        ({"kind": "\0static"}, [("Invalid", ".kind")]),
        ({"kind": "Static"}, [("Invalid", ".kind")]),
        ({"kind": "function"}, [("Required", ".functionUri")]),
        (
            {"kind": "function", "functionUri": "/f", "credential": {"clientId": ""}},
            [("Invalid", ".functionUri"), ("Invalid", ".credential.clientId")],
        ),
        (
            {**FUNCTION, "credential": {"functionKey": "k", "appKey": "k"}},
            [("Invalid", ".credential.appKey")],
        ),
        (
            {**FUNCTION, "credential": {"functionKey": "two\r\nlines"}},
            [("Invalid", ".credential.functionKey")],
        ),
        (
            {"kind": "webhook"},
            [
                ("Required", ".authorizationServerUri"),
                ("Required", ".clientCredential"),
                ("Required", ".webhookUri"),
            ],
        ),
        ({**WEBHOOK, "clientCredential": {}}, [("Required", ".clientCredential.clientId")]),
        (
            {**WEBHOOK, "clientCredential": {"clientId": "c", "clientSecret": ""}},
            [("Invalid", ".clientCredential.clientSecret")],
        ),
        ({"kind": "expression"}, [("Required", ".expression")]),
        ({"kind": "expression", "expression": 5}, [("Invalid", ".expression")]),
        ({"kind": "expression", "expression": "x" * 2001}, [("Invalid", ".expression")]),
        ({**EXPRESSION, "language": "javaScript"}, [("Invalid", ".language")]),
        ({"kind": "static", "value": nested(MAX_DEPTH + 1)}, [("Invalid", ".value")]),
        ("static", [("Invalid", "")]),
        ([], [("Invalid", "")]),
    ],
)
def test_refuses_rules_and_says_where(rule: object, expected: list[tuple[str, str]]) -> None:
    assert rule_problems(rule) == [(code, f"prioritizationRule{at}") for code, at in expected]


def test_numbers_beyond_all_bounds_cannot_be_kept() -> None:
    body = b'{"prioritizationRule": {"kind": "static", "value": [{"a": 1e400}]}}'
    with pytest.raises(InvalidRequest) as refused:
        ClassificationPolicyModel.patched(ID, read_object(body), NOW)(None)
    assert [p.target for p in refused.value.problems] == ["prioritizationRule.value"]


# -- attachments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        ({}, [("Required", "kind")]),
        ({"kind": "dynamic"}, [("Invalid", "kind")]),
        ({"kind": "static"}, [("Required", "%sSelector")]),
        (
            {"kind": "static", "%sSelector": {}},
            [
                ("Required", "%sSelector.key"),
                ("Required", "%sSelector.labelOperator"),
                ("Required", "%sSelector.value"),
            ],
        ),
        (
            {
                "kind": "static",
                "%sSelector": {**SELECTOR, "labelOperator": "lessThan", "value": ""},
            },
            [("Invalid", "%sSelector.value")],
        ),
        ({"kind": "conditional"}, [("Required", "condition"), ("Required", "%sSelectors")]),
        (
            {"kind": "conditional", "condition": {"kind": "expression"}, "%sSelectors": [{}]},
            [
                ("Required", "condition.expression"),
                ("Required", "%sSelectors[0].key"),
                ("Required", "%sSelectors[0].labelOperator"),
                ("Required", "%sSelectors[0].value"),
            ],
        ),
        (
            {"kind": "conditional", "condition": {"kind": "function"}, "%sSelectors": []},
            [("Required", "condition.functionUri")],
        ),
        ({"kind": "passThrough"}, [("Required", "key"), ("Required", "labelOperator")]),
        ({"kind": "ruleEngine"}, [("Required", "rule")]),
        ({"kind": "ruleEngine", "rule": {}}, [("Required", "rule.kind")]),
        ({"kind": "weightedAllocation"}, [("Required", "allocations")]),
        ({"kind": "weightedAllocation", "allocations": []}, [("Invalid", "allocations")]),
        (
            {"kind": "weightedAllocation", "allocations": [{"weight": 0, "%sSelectors": []}]},
            [("Invalid", "allocations[0].weight")],
        ),
        (
            {"kind": "weightedAllocation", "allocations": [{"weight": "1"}]},
            [("Invalid", "allocations[0].weight"), ("Required", "allocations[0].%sSelectors")],
        ),
        (5, [("Invalid", "")]),
    ],
)
@pytest.mark.parametrize("side", ["queue", "worker"])
def test_refuses_attachments_and_says_where(
    side: str, attachment: object, expected: list[tuple[str, str]]
) -> None:
    sided = read_object(write_json({"it": attachment}).replace(b"%s", side.encode()))["it"]
    good = {"kind": "passThrough", "key": "k", "labelOperator": "equal"}
    member = f"{side}SelectorAttachments"
    paths = [(code, path.replace("%s", side)) for code, path in expected]
    assert problems(ClassificationPolicyModel, {member: [good, sided]}) == [
        (code, f"{member}[1]{'.' if path else ''}{path}") for code, path in paths
    ]


def test_only_workers_are_demanded_something_for_a_while() -> None:
    attachment = {
        "kind": "passThrough",
        "key": "k",
        "labelOperator": "equal",
        "expiresAfterSeconds": 0,
    }
    assert problems(ClassificationPolicyModel, {"workerSelectorAttachments": [attachment]}) == [
        ("Invalid", "workerSelectorAttachments[0].expiresAfterSeconds")
    ]
    policy = define(ClassificationPolicyModel, {"queueSelectorAttachments": [attachment]})
    (answered,) = ClassificationPolicyModel.from_domain(policy)["queueSelectorAttachments"]
    assert "expiresAfterSeconds" not in answered


@pytest.mark.parametrize("member", ["queueSelectorAttachments", "workerSelectorAttachments"])
def test_there_is_an_end_to_attachments(member: str) -> None:
    many = [{"kind": "ruleEngine", "rule": {"kind": "directMap"}}] * (MAX_ITEMS + 1)
    assert problems(ClassificationPolicyModel, {member: many}) == [("Invalid", member)]


# -- exception rules ------------------------------------------------------------------------------


def test_actions_may_leave_their_ids_to_the_router() -> None:
    actions = [{"kind": "cancel"}, {"kind": "cancel"}, {"kind": "manualReclassify", "id": "m"}]
    policy = define(ExceptionPolicyModel, {"exceptionRules": [{**RULE, "actions": actions}]})
    assert [action.id for action in policy.rules[0].actions] == [UNNAMED, UNNAMED, "m"]
    assert policy.rules[0].actions[2] == ManualReclassifyAction(id="m")


def test_what_a_manual_reclassification_leaves_alone_is_answered() -> None:
    actions = [{"kind": "manualReclassify", "id": "m"}, {"kind": "reclassify", "id": "r"}]
    policy = define(ExceptionPolicyModel, {"exceptionRules": [{**RULE, "actions": actions}]})
    (rule,) = ExceptionPolicyModel.from_domain(policy)["exceptionRules"]
    assert rule["actions"] == [
        {"id": "m", "kind": "manualReclassify", "workerSelectors": []},
        {"id": "r", "kind": "reclassify", "labelsToUpsert": {}},
    ]


def test_rules_are_replaced_whole() -> None:
    current = define(ExceptionPolicyModel, {"exceptionRules": [RULE, {**RULE, "id": "s"}]})
    patched = define(ExceptionPolicyModel, {"exceptionRules": [{**RULE, "id": "t"}]}, current)
    assert [rule.id for rule in patched.rules] == ["t"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [("Required", "id"), ("Required", "trigger"), ("Required", "actions")]),
        ({**RULE, "id": ""}, [("Invalid", "id")]),
        ({**RULE, "id": "a\nb"}, [("Invalid", "id")]),
        ({**RULE, "trigger": {}}, [("Required", "trigger.kind")]),
        ({**RULE, "trigger": {"kind": "moon"}}, [("Invalid", "trigger.kind")]),
        ({**RULE, "trigger": {"kind": "queueLength"}}, [("Required", "trigger.threshold")]),
        ({**RULE, "trigger": {**TRIGGER, "threshold": -1}}, [("Invalid", "trigger.threshold")]),
        ({**RULE, "trigger": {**TRIGGER, "threshold": 2**31}}, [("Invalid", "trigger.threshold")]),
        ({**RULE, "trigger": {**TRIGGER, "threshold": 1.5}}, [("Invalid", "trigger.threshold")]),
        (
            {**RULE, "trigger": {"kind": "waitTime", "thresholdSeconds": 0}},
            [("Invalid", "trigger.thresholdSeconds")],
        ),
        (
            {**RULE, "trigger": {"kind": "waitTime", "thresholdSeconds": 2**31}},
            [("Invalid", "trigger.thresholdSeconds")],
        ),
        ({**RULE, "actions": [{"id": "a"}]}, [("Required", "actions[0].kind")]),
        ({**RULE, "actions": [{"kind": "shout"}]}, [("Invalid", "actions[0].kind")]),
        ({**RULE, "actions": [{"kind": "cancel", "note": 5}]}, [("Invalid", "actions[0].note")]),
        (
            {**RULE, "actions": [{"kind": "cancel", "id": "a"}] * 2},
            [("Invalid", "actions")],
        ),
        (
            {**RULE, "actions": [{"kind": "reclassify", "classificationPolicyId": "a/b"}]},
            [("Invalid", "actions[0].classificationPolicyId")],
        ),
        (
            {**RULE, "actions": [{"kind": "reclassify", "labelsToUpsert": {"a": []}}]},
            [("Invalid", "actions[0].labelsToUpsert.a")],
        ),
        (
            {**RULE, "actions": [{"kind": "manualReclassify", "priority": 101}]},
            [("Invalid", "actions[0].priority")],
        ),
        (
            {**RULE, "actions": [{"kind": "manualReclassify", "workerSelectors": [{"key": "k"}]}]},
            [
                ("Required", "actions[0].workerSelectors[0].labelOperator"),
                ("Required", "actions[0].workerSelectors[0].value"),
            ],
        ),
    ],
)
def test_refuses_rules_of_exceptions_and_says_where(
    rule: JsonObject, expected: list[tuple[str, str]]
) -> None:
    assert problems(ExceptionPolicyModel, {"exceptionRules": [rule]}) == [
        (code, f"exceptionRules[0].{path}") for code, path in expected
    ]


def test_the_ids_of_rules_are_distinct() -> None:
    assert problems(ExceptionPolicyModel, {"exceptionRules": [RULE, RULE]}) == [
        ("Invalid", "exceptionRules")
    ]
