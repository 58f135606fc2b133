"""Classification by others: however they fail, the job does not get stuck."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from shared.domain.classification import RuleAttachment
from shared.domain.events import ClassificationError, JobClassificationFailed
from shared.domain.rules import (
    ClientCredential,
    FunctionCredential,
    FunctionRule,
    NewSecret,
    Rule,
    WebhookRule,
)
from shared.domain.statuses import JobStatus
from shared.rules.engine import Engine
from shared.rules.outbound.remote_rules import RemoteRules
from shared.rules.outbound.vault import Vault
from shared.services.jobs import reclassify_job
from tests.rig import LOOPBACK, SECRETS_KEY, Rig
from tests.unit.rules.outbound.servers import Server, dropping, running, unused_port

KEY = "the-key"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as server:
        yield server


@pytest.fixture
async def rig(server: Server) -> AsyncIterator[Rig]:  # noqa: ARG001
    """Rules have a moment only. Who may still be asking leaves before the server does."""
    rig = await Rig().ready()
    remote = RemoteRules(rig.clock, LOOPBACK, Vault([SECRETS_KEY]), timeout=0.2)
    rig.router = replace(rig.router, rules=Engine(rig.clock, remote))
    yield rig
    await remote.close()


def function(uri: str) -> FunctionRule:
    return FunctionRule(function_uri=uri, credential=FunctionCredential(key=NewSecret(KEY)))


def webhook(server: Server) -> WebhookRule:
    return WebhookRule(
        authorization_server_uri=server.uri("/token"),
        webhook_uri=server.uri("/hook"),
        credential=ClientCredential(client_id="c", secret=NewSecret(KEY)),
    )


async def failure(rig: Rig, rule: Rule) -> ClassificationError:
    """Why a job is not classified whose priority the rule decides."""
    await rig.classification(prioritization_rule=rule, fallback_queue_id="queue")
    await rig.submit(classification_policy_id="classification")
    assert (await rig.read_job()).status is JobStatus.CLASSIFICATION_FAILED
    (event,) = rig.events.of(JobClassificationFailed)
    (error,) = event.errors
    return error


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"5", "The function answered with status 404, not 200."),
        (200, b"<html>", "The function did not answer with JSON."),
        (200, b'"' + b"x" * 300_000 + b'"', "127.0.0.1 answered with more than 262144 bytes."),
    ],
    ids=["status", "no JSON", "too long"],
)
async def test_a_bad_answer(
    rig: Rig, server: Server, status: int, body: bytes, message: str
) -> None:
    server.status, server.body = status, body
    assert await failure(rig, function(server.uri())) == ClassificationError(
        code="RuleFailed", message=message, target="prioritizationRule"
    )


async def test_an_answer_of_the_wrong_kind(rig: Rig, server: Server) -> None:
    server.body = b'{"priority": 5}'
    assert (await failure(rig, function(server.uri()))).target == "prioritizationRule"


@pytest.mark.parametrize("kind", ["function", "webhook"])
async def test_no_answer_in_time(rig: Rig, server: Server, kind: str) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    server.handler = hang
    rule: Rule = function(server.uri()) if kind == "function" else webhook(server)
    assert (await failure(rig, rule)).message == "There was no answer within 0.2 seconds."


async def test_nobody_there(rig: Rig) -> None:
    error = await failure(rig, function(f"http://127.0.0.1:{unused_port()}/"))
    assert error.message == "127.0.0.1 cannot be connected to."


async def test_a_lost_connection(rig: Rig) -> None:
    async with dropping(b"HTTP/1.1 200 OK\r\n") as (uri, _):
        error = await failure(rig, function(uri))
    assert error.message == "127.0.0.1 broke off the connection."


async def test_no_access_token(rig: Rig, server: Server) -> None:
    server.status = 401
    error = await failure(rig, webhook(server))
    assert error.message == "The authorization server answered with status 401."


async def test_a_lost_key(rig: Rig, server: Server) -> None:
    await rig.classification(prioritization_rule=function(server.uri()), fallback_queue_id="queue")
    other = RemoteRules(rig.clock, LOOPBACK, Vault([b"another key to seal secrets with"]))
    rig.router = replace(rig.router, rules=Engine(rig.clock, other))
    await rig.submit(classification_policy_id="classification")
    assert (await rig.read_job()).status is JobStatus.CLASSIFICATION_FAILED
    assert not server.seen


async def test_a_job_that_failed_can_be_classified_again(rig: Rig, server: Server) -> None:
    server.status = 503
    await failure(rig, function(server.uri()))
    server.status, server.body = 200, b"8"
    await reclassify_job(rig.router, "job")
    job = await rig.read_job()
    assert (job.status, job.priority) == (JobStatus.QUEUED, 8)


async def test_secrets_show_nowhere(
    rig: Rig, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.status = 500
    attachment = RuleAttachment(rule=webhook(server))
    await rig.classification(worker_selector_attachments=(attachment,))
    error = await failure(rig, function(server.uri()))
    policy = await rig.store.classification_policies.get("classification")
    told = [caplog.text, repr(caplog.records), repr(rig.events.published), repr(policy), str(error)]
    assert KEY not in "".join(told)
