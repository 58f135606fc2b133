"""Which rules need secrets, and how they get them."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.migrate.documents import Document, Kind
from infra.migrate.errors import MigrationError
from infra.migrate.secrets import load_secrets, needs, with_secrets
from tests.unit.migrate.routers import snapshot

FUNCTION: Document = {"kind": "function", "functionUri": "https://rules.example/"}
WEBHOOK: Document = {
    "kind": "webhook",
    "webhookUri": "https://rules.example/",
    "clientCredential": {"clientId": "c"},
}
POLICY: Document = {
    "prioritizationRule": WEBHOOK,
    "queueSelectorAttachments": [
        {"kind": "ruleEngine", "rule": {**FUNCTION, "credential": {"clientId": "c"}}},
        {"kind": "conditional", "condition": {**FUNCTION, "credential": {}}},
        {"kind": "conditional", "condition": FUNCTION},
        {"kind": "ruleEngine", "rule": {"kind": "static", "value": [WEBHOOK]}},
    ],
}
ATTACHMENT = "classificationPolicies/p#/queueSelectorAttachments"


def test_every_rule_that_calls_somebody_has_a_need() -> None:
    found = {str(need) for need in needs(Kind.CLASSIFICATION_POLICIES, "p", POLICY)}
    assert found == {
        "classificationPolicies/p#/prioritizationRule: clientSecret",
        f"{ATTACHMENT}/0/rule: appKey",
        f"{ATTACHMENT}/1/condition: functionKey",
        f"{ATTACHMENT}/2/condition: functionKey, if it asks for one",
    }


def test_secrets_come_to_their_rules() -> None:
    secrets = {
        "classificationPolicies/p#/prioritizationRule": {"clientSecret": "s"},
        f"{ATTACHMENT}/2/condition": {"functionKey": "k"},
        "classificationPolicies/other#/prioritizationRule": {"clientSecret": "t"},
    }
    filled = with_secrets(Kind.CLASSIFICATION_POLICIES, "p", POLICY, secrets)
    credential = {"clientId": "c", "clientSecret": "s"}
    assert filled["prioritizationRule"] == {**WEBHOOK, "clientCredential": credential}
    condition = filled["queueSelectorAttachments"][2]["condition"]
    assert condition == {**FUNCTION, "credential": {"functionKey": "k"}}
    assert POLICY["prioritizationRule"]["clientCredential"] == {"clientId": "c"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"queues/q#/rule": {}}, "queues/q#/rule"),
        ({f"{ATTACHMENT}/0/rule": {"password": "x"}}, "may have"),
        ({f"{ATTACHMENT}/0/rule": {"appKey": 5}}, "may have"),
        ({f"{ATTACHMENT}/0/rule": "x"}, "may have"),
        ([], "no JSON object"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, content: Any, reason: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps(content))
    with pytest.raises(MigrationError, match=reason):
        load_secrets(file, snapshot(classification_policies={"p": POLICY}))
