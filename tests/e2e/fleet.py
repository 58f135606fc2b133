"""Several router processes on one store, each with a data folder, so a local topic, of its own."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from types import MappingProxyType

import aiohttp

from tests.cosmos.double import EMULATOR_KEY
from tests.e2e.signed_client import SignedClient
from tests.local.host_rig import ROOT, START_SECONDS

ANSWER_SECONDS = 20.0
STOP_SECONDS = 20.0
NEVER = "0 0 0 1 1 *"
"""A timer's schedule: once a year."""

NO_SWEEPS: Mapping[str, str] = MappingProxyType(
    {
        "JOBROUTER_MATCH_SCHEDULE": NEVER,
        "JOBROUTER_EXPIRE_SCHEDULE": NEVER,
        "JOBROUTER_PUBLISH_OUTBOX_SCHEDULE": NEVER,
        "JOBROUTER_TELL_CHANGED_CONDITIONS_SCHEDULE": NEVER,
        "JOBROUTER_DEREGISTER_IDLE_WORKERS_SCHEDULE": NEVER,
    }
)

type SharedStore = Callable[[Path], AbstractContextManager[Mapping[str, str]]]
"""Makes a store in a folder, or beside it, and gives the settings by which all hosts share it."""


@contextmanager
def sqlite_store(folder: Path) -> Iterator[Mapping[str, str]]:
    yield {"JOBROUTER_STORE": f"sqlite:{folder / 'shared.db'}"}


@contextmanager
def cosmos_store(_folder: Path) -> Iterator[Mapping[str, str]]:
    """On the wire double, in a process of its own."""
    double = subprocess.Popen(
        [sys.executable, "-m", "tests.cosmos", "--ranges", "2"], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert double.stdout is not None
        endpoint, _, _ = double.stdout.readline().decode().partition("/ ")
        yield {
            "JOBROUTER_STORE": f"cosmos:{endpoint}/fleet",
            "JOBROUTER_COSMOS_KEY": EMULATOR_KEY,
            "JOBROUTER_COSMOS_PROVISION": "true",
        }
    finally:
        double.kill()
        double.communicate()


STORES: Mapping[str, SharedStore] = {"sqlite": sqlite_store, "cosmos": cosmos_store}
"""The stores that several hosts can share. A further one needs one entry here."""


@dataclass(frozen=True, slots=True)
class FleetHost:
    """``log``: the file with what it wrote on standard error."""

    name: str
    process: Process
    client: SignedClient
    log: Path


class Fleet:
    """``alive``: the hosts that clients may choose from, by name."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], session: aiohttp.ClientSession
    ) -> None:
        self._folder = folder
        self._key = token_bytes(32)
        self._session = session
        self._settings = settings
        self._started: list[FleetHost] = []
        self.alive: dict[str, FleetHost] = {}

    async def start(self, name: str, settings: Mapping[str, str] | None = None) -> FleetHost:
        """Start a host that clients are not yet told about."""
        data = self._folder / name
        data.mkdir(exist_ok=True)
        log = data / "host.log"
        process = await self._launch(data, log, settings or {})
        host = FleetHost(name, process, await self._reached(process, log), log)
        self._started.append(host)
        return host

    async def open(self, *names: str) -> None:
        """Start hosts for the clients, all at once."""
        for host in await asyncio.gather(*map(self.start, names)):
            self.alive[host.name] = host

    async def kill(self, name: str) -> None:
        """As power failures and the kernel do; clients learn of it when they get no answer."""
        victim = self.alive[name]
        victim.process.send_signal(signal.SIGKILL)
        await victim.process.wait()
        del self.alive[name]

    def faults(self) -> list[str]:
        """What the hosts logged as an error."""
        lines = [line for log in self._logs() for line in log.read_text().splitlines()]
        return [line for line in lines if line.startswith(("ERROR", "CRITICAL"))]

    async def stop(self) -> None:
        for host in self._started:
            if host.process.returncode is None:
                host.process.terminate()
        await asyncio.gather(*(_end(host.process) for host in self._started))

    def _logs(self) -> set[Path]:
        return {host.log for host in self._started}

    async def _launch(self, data: Path, log: Path, settings: Mapping[str, str]) -> Process:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("JOBROUTER_")}
        own = {
            "JOBROUTER_PORT": "0",
            "JOBROUTER_TLS_PORT": "0",
            "JOBROUTER_DATA": str(data),
            "JOBROUTER_ACCESS_KEY": base64.b64encode(self._key).decode(),
        }
        # A file, not a pipe: nobody reads it while the host runs, and a full pipe would stop it.
        with log.open("ab") as errors:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "infra.local"),
                cwd=ROOT,
                env={**inherited, **own, **self._settings, **settings},
                stdout=PIPE,
                stderr=errors,
            )

    async def _reached(self, process: Process, log: Path) -> SignedClient:
        async with asyncio.timeout(START_SECONDS):
            announced = await _announcement(process)
        assert announced is not None, f"the host did not start, see {log}"
        authority = announced["HTTP endpoint"].removeprefix("http://")
        return SignedClient(self._session, authority, self._key)


async def _announcement(process: Process) -> dict[str, str] | None:
    """What the host says until it is ready; ``None`` if it ends before."""
    assert process.stdout, "it is a pipe"
    announced: dict[str, str] = {}
    async for line in process.stdout:
        name, _, value = line.decode().strip().partition(": ")
        if name == "Job Router is ready.":
            return announced
        announced[name] = value
    return None


async def _end(process: Process) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def fleet_on(
    store: SharedStore, folder: Path, webhook: str, *names: str
) -> AsyncIterator[Fleet]:
    """Hosts on one store that deliver their events to one webhook; all are stopped in the end."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    with store(folder) as settings:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            fleet = Fleet(folder, {**settings, "JOBROUTER_WEBHOOKS": webhook}, session)
            try:
                await fleet.open(*names)
                yield fleet
            finally:
                await fleet.stop()
