"""The API as a client meets it: signed requests through the platform's worker library.

Whatever is answered must be what the API's own description says of the operation.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

from infra.local.http import decode_path
from infra.local.routes import Router
from infra.local.worker import FunctionWorker, HttpRequest
from shared.api.timestamps import format_http_date
from shared.api.versions import SUPPORTED
from tests.functions.description import operations, response_of
from tests.local.host_rig import Answer, HostRig
from tests.rig import Rig

type Document = dict[str, Any]

HOST = "router.example.net"
KEY = b"the primary access key, 32 bytes"
SECONDARY_KEY = b"the secondary access key, also 32"
VERSION = "2023-11-01"
PREVIEW = "2024-01-18-preview"
PREVIEW_2021 = "2021-10-20-preview2"
NOTHING: Any = object()

CHAT: Document = {"channelId": "chat", "capacityCostPerJob": 1}
JOB: Document = {"channelId": "chat", "queueId": "queue"}
WORKER: Document = {
    "capacity": 1,
    "queues": ["queue"],
    "channels": [CHAT],
    "availableForOffers": True,
}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The error, after making sure that the answer is in the error format."""
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        assert list(self.json) == ["error"]
        error = self.json["error"]
        assert self.headers["x-ms-error-code"] == error["code"]
        assert error["message"]
        return error

    @property
    def problems(self) -> list[tuple[str, str | None]]:
        assert self.status == 400
        return [(detail["code"], detail.get("target")) for detail in self.error["details"]]


class Api:
    """``rig`` is the router behind it: its store, clock, ids and events."""

    def __init__(self, worker: FunctionWorker) -> None:
        self.rig = Rig()
        self.worker = worker
        self._host = HostRig(worker)
        self._routes = Router(worker.functions)

    def restart(self) -> None:
        """With nothing stored, as at first."""
        self.rig = Rig()

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers=headers)

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path)

    async def patch(self, path: str, document: object, **headers: str) -> Reply:
        return await self.send("PATCH", path, document, headers)

    async def post(self, path: str, document: object = NOTHING) -> Reply:
        return await self.send("POST", path, document)

    async def send(
        self,
        method: str,
        path: str,
        document: object = NOTHING,
        headers: Mapping[str, str] | None = None,
        *,
        version: str = VERSION,
        key: bytes = KEY,
    ) -> Reply:
        """Send a document as JSON, or bytes as they are, to a path with perhaps a query."""
        body = _encoded(document)
        target = f"{path}{'&' if '?' in path else '?'}api-version={version}"
        sent = {
            "host": HOST,
            "content-type": f"application/{'merge-patch+' if method == 'PATCH' else ''}json",
            **signature(method, target, body, self.rig.clock(), key),
            **{name.replace("_", "-"): value for name, value in (headers or {}).items()},
        }
        return await self.send_raw(method, target, sent, body)

    async def send_raw(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Reply:
        """Send exactly this."""
        all_headers = [*headers.items(), ("content-length", str(len(body)))]
        reply = _reply(await self._host.send(method, target, all_headers, [body]))
        match = self._routes.match(method, decode_path(target.partition("?")[0].encode()))
        return reply if match is None else _as_described(reply, match.function.name, target)

    async def invoke(
        self, function: str, method: str, url: str, headers: Mapping[str, str]
    ) -> Reply:
        """Call a function as a platform would that has no front end."""
        request = HttpRequest(method, url, headers, query={}, params={})
        response = await self.worker.invoke_http(self.worker.function(function), request)
        reply = _reply(Answer(response.status, list(response.headers), response.body))
        return _as_described(reply, function, url)

    async def ready(self, **mode: object) -> None:
        """One policy and one queue, ``policy`` and ``queue``."""
        policy = {"offerExpiresAfterSeconds": 60, "mode": {"kind": "longestIdle", **mode}}
        assert (await self.patch("/routing/distributionPolicies/policy", policy)).status == 201
        queue = {"distributionPolicyId": "policy"}
        assert (await self.patch("/routing/queues/queue", queue)).status == 201

    async def offered(self, worker: str = "worker", job: str = "job") -> str:
        """Create a worker and a job, and the id of the offer that follows."""
        assert (await self.patch(f"/routing/workers/{worker}", WORKER)).status == 201
        assert (await self.patch(f"/routing/jobs/{job}", JOB)).status == 201
        return await self.offer_id(worker)

    async def offer_id(self, worker: str = "worker") -> str:
        found: str = (await self.get(f"/routing/workers/{worker}")).json["offers"][0]["offerId"]
        return found

    async def assigned(self) -> str:
        """The path of an assignment of the job ``job`` to the worker ``worker``."""
        offer_id = await self.offered()
        accepted = await self.post(f"/routing/workers/worker/offers/{offer_id}:accept")
        return f"/routing/jobs/job/assignments/{accepted.json['assignmentId']}"


def signature(
    method: str, target: str, body: bytes, now: datetime, key: bytes = KEY
) -> dict[str, str]:
    content_hash = base64.b64encode(hashlib.sha256(body).digest()).decode()
    date = format_http_date(now)
    text = f"{method}\n{target}\n{date};{HOST};{content_hash}"
    signed = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
    return {
        "x-ms-date": date,
        "x-ms-content-sha256": content_hash,
        "authorization": "HMAC-SHA256 "
        f"SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signed}",
    }


def escaped(id: str) -> str:
    return quote(id, safe="")


def _encoded(document: object) -> bytes:
    if document is NOTHING:
        return b""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def _as_described(reply: Reply, function: str, target: str) -> Reply:
    asked = parse_qs(target.partition("?")[2]).get("api-version", [""])[0]
    described = [version for version in SUPPORTED if function in operations(version)]
    # A version without the operation refuses as the others do.
    version = asked if asked in described else described[-1]
    response_of(version, function, reply.status).check(reply.headers, reply.body)
    return reply


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, {n.lower(): v for n, v in answer.headers}, answer.body)
