"""What is deployed in Cosmos DB is what the store was written for."""

import json

from infra.containers import FILE, containers_as_json
from shared.storage.cosmos.containers import CONTAINERS
from tests.infra.files import INFRA


def test_the_file_is_that_of_the_code() -> None:
    assert FILE.read_text("utf-8") == containers_as_json(), "run python -m infra.containers"


def test_every_container_is_complete() -> None:
    written = json.loads(FILE.read_text("utf-8"))
    assert [container["name"] for container in written] == [it.name for it in CONTAINERS]
    for container, definition in zip(written, CONTAINERS, strict=True):
        assert container["partitionKey"] == f"/{definition.partition_key}"
        paths = [included["path"] for included in container["indexingPolicy"]["includedPaths"]]
        assert paths == list(definition.indexed)


def test_the_deployment_uses_every_member_of_the_file() -> None:
    text = (INFRA / "app" / "cosmos.bicep").read_text("utf-8")
    members = json.loads(FILE.read_text("utf-8"))[0]
    assert [name for name in members if f"container.{name}" not in text] == []
