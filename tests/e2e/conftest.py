"""The router as a user runs it: a process of its own, spoken to by the official SDK over https."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.communication.jobrouter import JobRouterAdministrationClient, JobRouterClient

from tests.e2e.sdk_clients import KINDS, Sdk, open_sdk
from tests.e2e.webhook import Webhook
from tests.local.host_rig import ROOT, HostProcess, host_process


@dataclass(frozen=True)
class RunningRouter:
    """A started router and how to reach it. ``webhook`` is subscribed to its events."""

    connection_string: str
    ca_certificate: str
    http_endpoint: str
    data: Path
    webhook: Webhook
    host: HostProcess

    @property
    def access_key(self) -> str:
        return self.connection_string.partition("accesskey=")[2]

    @contextmanager
    def client(self) -> Iterator[JobRouterClient]:
        client = JobRouterClient.from_connection_string(
            self.connection_string, connection_verify=self.ca_certificate
        )
        with client:
            yield client

    @contextmanager
    def administration(self) -> Iterator[JobRouterAdministrationClient]:
        client = JobRouterAdministrationClient.from_connection_string(
            self.connection_string, connection_verify=self.ca_certificate
        )
        with client:
            yield client


def start(data: Path, webhook: Webhook, **environment: str) -> Iterator[RunningRouter]:
    """A router on the data folder, stopped in the end as a user stops it."""
    settings = {"JOBROUTER_DATA": str(data), "JOBROUTER_WEBHOOKS": webhook.url, **environment}
    with host_process(ROOT, **settings) as host:
        announced = host.wait_until_ready()
        yield RunningRouter(
            connection_string=announced["Connection string"],
            ca_certificate=announced["CA certificate"],
            http_endpoint=announced["HTTP endpoint"],
            data=data,
            webhook=webhook,
            host=host,
        )
        if host.process.poll() is None:
            host.signal(signal.SIGTERM)
            code, _, errors = host.result()
            assert code == 0, errors


@pytest.fixture(scope="module")
def running_router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRouter]:
    with Webhook() as webhook:
        yield from start(tmp_path_factory.mktemp("router"), webhook)


@pytest.fixture(scope="session")
def sdk_router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRouter]:
    """One router for all the tests that keep to ids of their own."""
    with Webhook() as webhook:
        yield from start(tmp_path_factory.mktemp("router"), webhook)


@pytest.fixture(params=KINDS)
async def sdk(request: pytest.FixtureRequest, sdk_router: RunningRouter) -> AsyncIterator[Sdk]:
    """Who asks for it runs twice: with the synchronous clients and with the asynchronous ones."""
    async with open_sdk(request.param, sdk_router) as sdk:
        yield sdk
