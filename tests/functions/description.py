"""The API's description of itself, as the judge of what is answered."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from functions.endpoint import endpoints
from shared.api.openapi.document import describe
from shared.api.versions import BY_NAME
from shared.api.wire import write_json

type Document = dict[str, Any]


@dataclass(frozen=True)
class Described:
    """What an operation may answer with a status; ``body`` ``None``: there is none."""

    headers: Mapping[str, Document]
    body: jsonschema_rs.Validator | None

    def check(self, headers: Mapping[str, str], body: bytes) -> None:
        missing = {name for name, header in self.headers.items() if header.get("required")}
        assert missing <= headers.keys()
        for name in self.headers.keys() & headers.keys():
            jsonschema_rs.validate(self.headers[name]["schema"], headers[name])
        if self.body is None:
            assert (body, "content-type" in headers) == (b"", False)
        else:
            assert headers["content-type"].partition(";")[0] == "application/json"
            self.body.validate(json.loads(body))


@functools.cache
def document(version: str) -> Document:
    """As it is read by whom it is served to."""
    read: Document = json.loads(write_json(describe(BY_NAME[version], endpoints.values())))
    return read


@functools.cache
def operations(version: str) -> Mapping[str, Document]:
    """By their ids; with ``method`` and ``path``."""
    return {
        operation["operationId"]: {**operation, "method": method.upper(), "path": path}
        for path, methods in document(version)["paths"].items()
        for method, operation in methods.items()
    }


@functools.cache
def response_of(version: str, operation: str, status: int) -> Described:
    responses = operations(version)[operation]["responses"]
    assert str(status) in responses, f"{operation} may not answer {status}"
    response = _resolved(version, responses[str(status)])
    headers = {n.lower(): _resolved(version, h) for n, h in response.get("headers", {}).items()}
    content = response.get("content")
    return Described(headers, content and validator(version, content["application/json"]["schema"]))


def validator(version: str, schema: Document) -> jsonschema_rs.Validator:
    components = document(version)["components"]
    return jsonschema_rs.validator_for({**schema, "components": components})


def _resolved(version: str, item: Document) -> Document:
    if "$ref" not in item:
        return item
    found: Document = document(version)
    for step in item["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
