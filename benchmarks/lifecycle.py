"""Full life cycles of jobs over HTTP, against the local host with its embedded store.

    python -m benchmarks.lifecycle [--seconds 10] [--clients 8] [--json]

Each client repeats: submit a job, wait for its OfferIssued event at a real webhook, accept,
complete, close. Every request is signed; every event is waited for in the end. Printed are life
cycles per second, and the time from sending the submission to the offer's arrival at the webhook,
with one client and with several. For scale, the hosted service admits 1,000 requests per 10 s, so
about 25 life cycles/s, and its own recordings show 0.4 to 2.7 s from submission to offer.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

ROOT = Path(__file__).parents[1]
VERSION = "api-version=2023-11-01"
OFFER_ISSUED = "Microsoft.Communication.RouterWorkerOfferIssued"
EVENTS_PER_LIFE_CYCLE = 6
HOSTED_SERVICE_RATE = 25
PATIENCE_SECONDS = 30


@dataclass
class Webhook:
    """Subscribed to everything; hands each offer to whoever waits for its job."""

    offers: dict[str, asyncio.Future[tuple[float, dict[str, Any]]]] = field(default_factory=dict)
    received: int = 0
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    def expect(self, job_id: str) -> "asyncio.Future[tuple[float, dict[str, Any]]]":
        self.offers[job_id] = asyncio.get_running_loop().create_future()
        return self.offers[job_id]

    async def handle(self, request: web.Request) -> web.Response:
        events = await request.json()
        if request.headers.get("aeg-event-type") == "SubscriptionValidation":
            return web.json_response({"validationResponse": events[0]["data"]["validationCode"]})
        arrived = time.perf_counter()
        self.received += sum("jobId" in event["data"] for event in events)
        for event in events:
            if event["eventType"] == OFFER_ISSUED:
                self.offers.pop(event["data"]["jobId"]).set_result((arrived, event["data"]))
        async with self.progress:
            self.progress.notify_all()
        return web.Response()

    async def all_delivered(self, life_cycles: int) -> None:
        """Wait until every event of the life cycles has arrived."""
        expected = EVENTS_PER_LIFE_CYCLE * life_cycles
        async with asyncio.timeout(PATIENCE_SECONDS), self.progress:
            await self.progress.wait_for(lambda: self.received >= expected)


@dataclass(frozen=True)
class Client:
    """Signs as the official SDK does, with less around it."""

    session: aiohttp.ClientSession
    host: str
    key: bytes

    async def send(self, method: str, target: str, body: object = None) -> dict[str, Any]:
        payload = b"" if body is None else json.dumps(body).encode()
        target = f"{target}?{VERSION}"
        async with self.session.request(
            method,
            f"http://{self.host}{target}",
            data=payload,
            headers=self._sign(method, target, payload),
        ) as answer:
            answer.raise_for_status()
            parsed: dict[str, Any] = await answer.json()
            return parsed

    def _sign(self, method: str, target: str, payload: bytes) -> dict[str, str]:
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        digest = base64.b64encode(hashlib.sha256(payload).digest()).decode()
        text = f"{method}\n{target}\n{date};{self.host};{digest}"
        signature = base64.b64encode(hmac.digest(self.key, text.encode(), "sha256")).decode()
        return {
            "x-ms-date": date,
            "x-ms-content-sha256": digest,
            "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
            f"&Signature={signature}",
            "Content-Type": "application/json",
        }


@asynccontextmanager
async def running_webhook() -> AsyncIterator[tuple[Webhook, str]]:
    webhook = Webhook()
    app = web.Application(client_max_size=2**22)
    app.router.add_post("/", webhook.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield webhook, f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_router(data: str, webhook_url: str) -> AsyncIterator[Client]:
    environment = os.environ | {
        "JOBROUTER_PORT": "0",
        "JOBROUTER_TLS_PORT": "0",
        "JOBROUTER_DATA": data,
        "JOBROUTER_WEBHOOKS": webhook_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.local",
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    announced: dict[str, str] = {}
    async for line in process.stdout:
        name, _, value = line.decode().strip().partition(": ")
        announced[name] = value
        if name == "Job Router is ready.":
            break
    key = base64.b64decode(announced["Connection string"].partition("accesskey=")[2])
    host = announced["HTTP endpoint"].removeprefix("http://")
    async with aiohttp.ClientSession() as session:
        yield Client(session, host, key)
    process.terminate()
    await process.wait()


async def set_up(client: Client, clients: int) -> None:
    policy = {"mode": {"kind": "longestIdle"}, "offerExpiresAfterSeconds": 60}
    await client.send("PATCH", "/routing/distributionPolicies/policy", policy)
    await client.send("PATCH", "/routing/queues/queue", {"distributionPolicyId": "policy"})
    for number in range(clients):
        worker = {
            "capacity": 1,
            "queues": ["queue"],
            "channels": [{"channelId": "chat", "capacityCostPerJob": 1}],
            "labels": {"English": True, "Skill": 11},
            "availableForOffers": True,
        }
        await client.send("PATCH", f"/routing/workers/worker-{clients}-{number}", worker)


async def life_cycles(client: Client, webhook: Webhook, name: str, until: float) -> list[float]:
    """Submission-to-offer times, in seconds, of the life cycles done before ``until``."""
    times: list[float] = []
    while time.perf_counter() < until:
        times.append(await life_cycle(client, webhook, f"{name}-{len(times)}"))
    return times


async def life_cycle(client: Client, webhook: Webhook, job_id: str) -> float:
    job = {
        "channelId": "chat",
        "queueId": "queue",
        "labels": {"name": "John"},
        "requestedWorkerSelectors": [
            {"key": "English", "labelOperator": "equal", "value": True},
            {"key": "Skill", "labelOperator": "greaterThan", "value": 10},
        ],
    }
    offered = webhook.expect(job_id)
    started = time.perf_counter()
    await client.send("PATCH", f"/routing/jobs/{job_id}", job)
    arrived, offer = await offered
    worker_id, offer_id = offer["workerId"], offer["offerId"]
    accepted = await client.send("POST", f"/routing/workers/{worker_id}/offers/{offer_id}:accept")
    assignment = f"/routing/jobs/{job_id}/assignments/{accepted['assignmentId']}"
    await client.send("POST", f"{assignment}:complete")
    await client.send("POST", f"{assignment}:close")
    return arrived - started


async def measure(seconds: float, clients: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as data:
        async with running_webhook() as (webhook, url), running_router(data, url) as client:
            await set_up(client, clients)
            await life_cycle(client, webhook, "warm-up")
            started = time.perf_counter()
            runs = await asyncio.gather(
                *(
                    life_cycles(client, webhook, f"job-{number}", started + seconds)
                    for number in range(clients)
                )
            )
            times = [elapsed for run in runs for elapsed in run]
            await webhook.all_delivered(len(times) + 1)
            return summary(clients, times, time.perf_counter() - started)


def summary(clients: int, times: Sequence[float], elapsed: float) -> dict[str, float]:
    centiles = statistics.quantiles(times, n=100)
    rate = len(times) / elapsed
    return {
        "clients": clients,
        "life_cycles": len(times),
        "life_cycles_per_second": round(rate, 1),
        "times_hosted_service": round(rate / HOSTED_SERVICE_RATE, 1),
        "submit_to_webhook_p50_ms": round(centiles[49] * 1000, 1),
        "submit_to_webhook_p95_ms": round(centiles[94] * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = [
        uvloop.run(measure(arguments.seconds, clients)) for clients in (1, arguments.clients)
    ]
    if arguments.json:
        sys.stdout.write(json.dumps(results) + "\n")
        return
    for result in results:
        sys.stdout.write("  ".join(f"{name}={value}" for name, value in result.items()) + "\n")


if __name__ == "__main__":
    main()
