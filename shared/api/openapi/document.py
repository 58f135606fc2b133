"""The description of one version of the API, made from the declarations of its operations."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from shared.api.errors import SIGNATURE_SCHEME
from shared.api.http_messages import API_VERSION
from shared.api.merge_patch import JsonObject
from shared.api.openapi.errors import ErrorResponse
from shared.api.openapi.operations import Answer, Body, Endpoint, Operation
from shared.api.openapi.parameters import Parameter
from shared.api.openapi.schemas import Schemas
from shared.api.refusals import REFUSALS, UNFORESEEN, Refusal
from shared.api.versions import ApiVersion
from shared.api.wire import Id

OPENAPI_VERSION: Final = "3.1.0"

ANY_REFUSALS: Final = frozenset({400, 401, 403, 413, 429, 500, 503})
"""The statuses of errors that any operation may answer."""

_JSON: Final = "application/json"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_TEXT: Final[JsonObject] = {"type": "string"}

_COMMON_HEADERS: Final = ("api-supported-versions", "trace-id", "x-ms-client-request-id")
_VALIDATORS: Final = ("ETag", "Last-Modified")
_HEADERS_OF_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_HEADERS: Final[Mapping[str, JsonObject]] = {
    "api-supported-versions": {
        "description": "The versions of the API that are served.",
        "required": True,
        "schema": _TEXT,
    },
    "trace-id": {
        "description": "By this the router's log can be searched.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "x-ms-client-request-id": {
        "description": "The request's own, if it asked for it.",
        "schema": _TEXT,
    },
    "ETag": {
        "description": "The entity tag of the resource, as in the body.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[^"]+"$'},
    },
    "Last-Modified": {
        "description": "When the resource was changed last.",
        "required": True,
        "schema": {"type": "string", "format": "http-date"},
    },
    "x-ms-error-code": {
        "description": "The error's code, as in the body.",
        "required": True,
        "schema": _TEXT,
    },
    "Retry-After": {
        "description": "Seconds until another try.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    },
    "WWW-Authenticate": {
        "description": "The schemes of authentication that may be used.",
        "required": True,
        "schema": _TEXT,
    },
}
_SECURITY_SCHEMES: Final[JsonObject] = {
    "AccessKey": {
        "type": "http",
        "scheme": SIGNATURE_SCHEME,
        "description": (
            "`SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=` and the base64 of the"
            " HMAC-SHA256, by the base64-decoded access key, of these lines: the method; path and"
            " query as sent; the headers `x-ms-date`, `host` and `x-ms-content-sha256`, joined by"
            " semicolons. `x-ms-content-sha256` is the base64 of the body's SHA-256."
        ),
    },
    "EntraId": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of Microsoft Entra ID, if the router takes them.",
    },
}


def describe(version: ApiVersion, endpoints: Iterable[Endpoint]) -> JsonObject:
    """The OpenAPI document of the endpoints, as this version of the API has them."""
    document = _Document(version)
    paths: dict[str, JsonObject] = defaultdict(dict)
    for endpoint in endpoints:
        if version in endpoint.operation.versions:
            operation = document.operation(endpoint)
            paths[f"/{endpoint.template}"][endpoint.method.lower()] = operation
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Job Router", "version": version.name},
        "security": [{name: []} for name in _SECURITY_SCHEMES],
        "paths": dict(paths),
        "components": document.components(),
    }


class _Document:
    def __init__(self, version: ApiVersion) -> None:
        self._version = version
        self._schemas = Schemas()
        self._refusals: dict[int, JsonObject] = {}

    def components(self) -> JsonObject:
        """What the operations described so far refer to."""
        return {
            "schemas": self._schemas.named,
            "responses": {_refusal_name(s): self._refusals[s] for s in sorted(self._refusals)},
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        }

    def operation(self, endpoint: Endpoint) -> JsonObject:
        operation = endpoint.operation
        described = {
            "operationId": endpoint.name,
            "summary": operation.summary,
            "parameters": self._parameters(endpoint),
            "responses": self._responses(operation),
        }
        if operation.body is not None:
            described["requestBody"] = self._body(operation.body)
        if operation.is_public:
            described["security"] = []
        return described

    def _parameters(self, endpoint: Endpoint) -> list[JsonObject]:
        names = _PATH_PARAMETER.findall(endpoint.template)
        common = [] if endpoint.operation.is_public else [self._version_parameter()]
        return [
            *(self._path_parameter(name) for name in names),
            *common,
            *(_parameter(p) for p in endpoint.operation.parameters(self._version)),
        ]

    def _path_parameter(self, name: str) -> JsonObject:
        schema = self._schemas.received(Id)
        return {"name": name, "in": "path", "required": True, "schema": schema}

    def _version_parameter(self) -> JsonObject:
        return {
            "name": API_VERSION,
            "in": "query",
            "required": True,
            "description": "The version of the API that this document describes.",
            "schema": {"type": "string", "enum": [self._version.name]},
        }

    def _body(self, body: Body) -> JsonObject:
        schema = self._schemas.of(body.shape(self._version))
        return {
            "required": body.is_required,
            "content": {media_type: {"schema": schema} for media_type in body.media_types},
        }

    def _responses(self, operation: Operation) -> JsonObject:
        common = () if operation.is_public else _COMMON_HEADERS
        answers = [a for a in operation.answers if a.is_given(self._version)]
        granted = {str(a.status): self._answer(a, common) for a in answers}
        statuses = frozenset() if operation.is_public else ANY_REFUSALS | operation.refusals
        return granted | {str(status): self._refused(status) for status in sorted(statuses)}

    def _answer(self, answer: Answer, common: Iterable[str]) -> JsonObject:
        names = (*common, *(_VALIDATORS if answer.has_validators else ()))
        described = {"description": answer.meaning, "headers": _header_references(names)}
        if answer.shape is not None:
            schema = self._schemas.of(answer.shape(self._version))
            described["content"] = {_JSON: {"schema": schema}}
        return described

    def _refused(self, status: int) -> JsonObject:
        if status not in self._refusals:
            self._refusals[status] = self._refusal(status)
        return {"$ref": f"#/components/responses/{_refusal_name(status)}"}

    def _refusal(self, status: int) -> JsonObject:
        codes = sorted({r.code for r in _all_refusals() if r.status == status})
        names = (*_COMMON_HEADERS, "x-ms-error-code", *_HEADERS_OF_STATUS.get(status, ()))
        of_this_status = {"error": {"properties": {"code": {"enum": codes}}}}
        schema = {**self._schemas.of(ErrorResponse), "properties": of_this_status}
        return {
            "description": HTTPStatus(status).phrase,
            "headers": _header_references(names),
            "content": {_JSON: {"schema": schema}},
        }


def _all_refusals() -> Iterable[Refusal]:
    return [*REFUSALS.values(), UNFORESEEN]


def _refusal_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _header_references(names: Iterable[str]) -> JsonObject:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _parameter(parameter: Parameter) -> JsonObject:
    described = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning,
        "schema": parameter.schema,
    }
    # In OpenAPI, headers cannot have this: there it is up to the schema.
    return described | ({"allowEmptyValue": True} if parameter.place == "query" else {})
