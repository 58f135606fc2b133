"""Function and webhook rules through the official SDK, and what it can read of their secrets."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from azure.communication.jobrouter.models import (
    ClassificationPolicy,
    FunctionRouterRule,
    FunctionRouterRuleCredential,
    OAuth2WebhookClientCredential,
    RouterJobStatus,
    RuleEngineQueueSelectorAttachment,
    WebhookRouterRule,
)

from tests.e2e.conftest import RunningRouter, start
from tests.e2e.sdk_clients import KINDS, Sdk, open_sdk
from tests.e2e.sdk_setup import add_classification_policy, add_job, add_queue, reach
from tests.e2e.webhook import Webhook
from tests.unit.rules.outbound.servers import Server, running

KEY = "the-function-key"
SECRET = "the client's secret"


@pytest.fixture(scope="module")
def calling_router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRouter]:
    """Its rules may call this machine."""
    settings = {"JOBROUTER_RULE_HOSTS_ALLOWED": "127.0.0.1"}
    with Webhook() as webhook:
        yield from start(tmp_path_factory.mktemp("router"), webhook, **settings)


@pytest.fixture(params=KINDS)
async def sdk(request: pytest.FixtureRequest, calling_router: RunningRouter) -> AsyncIterator[Sdk]:
    async with open_sdk(request.param, calling_router) as sdk:
        yield sdk


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A function, an authorization server and a webhook."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/token":
            is_known = SECRET in (await request.post()).values()
            token = {"access_token": "token", "expires_in": 3600}
            return web.json_response(token, status=200 if is_known else 401)
        if request.path == "/priority":
            is_known = request.headers.get("x-functions-key") == KEY
            return web.json_response(9, status=200 if is_known else 401)
        is_known = request.headers.get("authorization") == "Bearer token"
        queue = (await request.json())["job"]["Queue"]
        return web.json_response(queue, status=200 if is_known else 401)

    async with running() as server:
        server.handler = answer
        yield server


async def classified(sdk: Sdk, policy_id: str, queue_id: str, what: str) -> tuple[str, int]:
    labels = {"Queue": queue_id}
    job_id = await add_job(sdk, what, classification_policy_id=policy_id, labels=labels)
    job = await reach(sdk, job_id, RouterJobStatus.QUEUED)
    assert job.queue_id is not None
    assert job.priority is not None
    return job.queue_id, job.priority


async def test_a_policy_may_be_read_and_written_back(sdk: Sdk, server: Server) -> None:
    queue_id = await add_queue(sdk)
    function = FunctionRouterRule(
        function_uri=server.uri("/priority"),
        credential=FunctionRouterRuleCredential(function_key=KEY),
    )
    webhook = WebhookRouterRule(
        authorization_server_uri=server.uri("/token"),
        client_credential=OAuth2WebhookClientCredential(client_id="id", client_secret=SECRET),
        webhook_uri=server.uri("/queue"),
    )
    policy_id = await add_classification_policy(
        sdk,
        prioritization_rule=function,
        queue_selector_attachments=[RuleEngineQueueSelectorAttachment(rule=webhook)],
    )
    assert await classified(sdk, policy_id, queue_id, "first") == (queue_id, 9)

    read = await sdk.administration.get_classification_policy(policy_id)
    rule = read.prioritization_rule
    assert isinstance(rule, FunctionRouterRule)
    assert rule.credential is not None
    assert (rule.function_uri, rule.credential.function_key) == (server.uri("/priority"), None)
    assert KEY not in str(read.as_dict())
    assert SECRET not in str(read.as_dict())

    written = ClassificationPolicy(
        name="renamed",
        prioritization_rule=rule,
        queue_selector_attachments=read.queue_selector_attachments,
    )
    await sdk.administration.upsert_classification_policy(policy_id, written)
    assert await classified(sdk, policy_id, queue_id, "second") == (queue_id, 9)
