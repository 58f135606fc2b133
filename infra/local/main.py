"""Starts the local host, and stops it."""

import asyncio
import base64
import contextlib
import gc
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvloop

from infra.local.certificates import LOCAL_NAMES, CertificateFiles, kept_certificate
from infra.local.data_folder import kept_secret, locked
from infra.local.http import Host
from infra.local.listeners import ListenError, Sockets, serving
from infra.local.routes import RouteError, Router, route_prefix
from infra.local.schedule import ScheduleError
from infra.local.settings import Settings, SettingsError, is_access_key
from infra.local.timers import Timers
from infra.local.topic_process import TopicError, TopicProcess
from infra.local.worker import FunctionWorker, IndexingError

if TYPE_CHECKING:
    from infra.local.queues import Queues

GRACE_SECONDS: Final = 5.0
# A signal sent to a process group arrives twice: from its sender, and passed on by make.
SAME_SIGNAL_SECONDS: Final = 0.2
BOOTSTRAP: Final = "shared.bootstrap"
# A thread of the app's store that has done its work waits up to this long for a busy event
# loop to let it say so. Python's own 5 ms would be most of a request.
SWITCH_SECONDS: Final = 0.0005


class AppError(Exception):
    """The function app cannot start."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is made on the first start and used again on every other one."""

    access_key: str
    topic_key: str
    secrets_key: str
    certificate: CertificateFiles


@dataclass(frozen=True, slots=True)
class App:
    """The loaded function app, and the ways into it. `queues`: only if a function has one."""

    worker: FunctionWorker
    router: Router
    timers: Timers
    queues: "Queues | None"


def main() -> int:
    """Runs the function app of the working folder until a signal; returns the exit code."""
    try:
        settings = Settings.from_environment(os.environ)
        logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
        with contextlib.closing(_listen(settings)) as sockets:
            _serve(settings, _keep(settings), sockets)
    except SettingsError as error:
        return _fail(error, 2)
    except (ListenError, IndexingError, RouteError, ScheduleError, AppError, TopicError) as error:
        return _fail(error, 1)
    return 0


def _fail(error: Exception, code: int) -> int:
    stack_trace = getattr(error, "stack_trace", "")
    sys.stderr.write(f"{stack_trace}{error}\n")
    return code


def _listen(settings: Settings) -> Sockets:
    return Sockets.listen(str(settings.address), settings.port, settings.tls_port)


def _keep(settings: Settings) -> Kept:
    try:
        with locked(settings.data):
            return Kept(
                settings.access_key or _kept_access_key(settings.data / "access.key"),
                kept_secret(settings.data / "topic.key", _new_key),
                kept_secret(settings.data / "secrets.key", _new_key),
                kept_certificate(settings.data / "certs", _names(settings), datetime.now(UTC)),
            )
    except OSError as error:
        raise SettingsError(f"JOBROUTER_DATA cannot be used: {error}") from error


def _kept_access_key(file: Path) -> str:
    key = kept_secret(file, _new_key)
    if not is_access_key(key):
        raise SettingsError(f"{file} does not hold a base64 key.")
    return key


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _names(settings: Settings) -> tuple[str, ...]:
    here = settings.reachable_address
    return LOCAL_NAMES if here in LOCAL_NAMES else (*LOCAL_NAMES, here)


def _serve(settings: Settings, kept: Kept, sockets: Sockets) -> None:
    topic = TopicProcess(
        settings.data / "topic.db",
        kept.topic_key,
        settings.webhooks,
        settings.data / "dead-letters.jsonl",
        public_url=f"http://{settings.reachable_address}:{sockets.port}",
        log_level=settings.log_level,
    )
    _set_app_settings(os.environ, settings, kept, topic.endpoint)
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(_run(settings, kept, sockets, topic))


def _set_app_settings(
    environment: MutableMapping[str, str], settings: Settings, kept: Kept, topic: str
) -> None:
    """Points the app at the local store and topic, wherever it is not told otherwise."""
    environment["JOBROUTER_ACCESS_KEY"] = kept.access_key
    environment["JOBROUTER_RATE_LIMIT"] = environment.get("JOBROUTER_RATE_LIMIT") or "0"
    if not environment.get("JOBROUTER_SECRETS_KEY"):
        environment["JOBROUTER_SECRETS_KEY"] = kept.secrets_key
    if not environment.get("JOBROUTER_STORE"):
        environment["JOBROUTER_STORE"] = f"sqlite:{settings.data / 'router.db'}"
    if not environment.get("JOBROUTER_EVENTGRID_ENDPOINT"):
        environment["JOBROUTER_EVENTGRID_ENDPOINT"] = topic
        environment["JOBROUTER_EVENTGRID_KEY"] = kept.topic_key


async def _run(settings: Settings, kept: Kept, sockets: Sockets, topic: TopicProcess) -> None:
    stop = _stop_signal()
    # Left from the last to the first: the timers' last events still find the topic.
    async with (
        _started(topic),
        _loaded(Path.cwd()) as app,
        _listening(app.queues),
        serving(Host(app.worker, app.router, topic), sockets, kept.certificate, GRACE_SECONDS),
        _ticking(app.timers),
    ):
        _announce(settings, kept, sockets)
        await stop.wait()


def _stop_signal() -> asyncio.Event:
    """Set by the first signal to stop; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    first = 0.0

    def on_signal(number: int) -> None:
        nonlocal first
        if stop.is_set() and loop.time() - first > SAME_SIGNAL_SECONDS:
            os._exit(128 + number)
        first = first or loop.time()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    return stop


@contextlib.asynccontextmanager
async def _started(topic: TopicProcess) -> AsyncIterator[None]:
    await topic.start()
    try:
        yield
    finally:
        await topic.stop()


@contextlib.asynccontextmanager
async def _loaded(folder: Path) -> AsyncIterator[App]:
    worker = await FunctionWorker.load(folder)
    try:
        router = Router(worker.functions, route_prefix(folder / "host.json"))
        await _start_app()
        timers = Timers(worker.functions, worker.invoke_timer)
        queues = _queues(worker, folder / "host.json")
        gc.freeze()
        yield App(worker, router, timers, queues)
    finally:
        worker.close()
        await _close_app()


async def _start_app() -> None:
    """Lets the app check its settings and open its store; it is known here by name alone.

    :raises AppError: whatever the app says is wrong.
    """
    bootstrap: Any = sys.modules.get(BOOTSTRAP)
    if bootstrap is None:
        return
    try:
        await bootstrap.start()
    except Exception as error:
        raise AppError(str(error)) from error


async def _close_app() -> None:
    """Lets the app release what it holds."""
    bootstrap: Any = sys.modules.get(BOOTSTRAP)
    if bootstrap is not None:
        await bootstrap.close()


def _queues(worker: FunctionWorker, host_json: Path) -> "Queues | None":
    if not any(function.queue_bindings for function in worker.functions):
        return None
    # Who has no queues need not wait for the storage's SDK to be imported.
    from infra.local.queues import QueueOptions, Queues

    options = QueueOptions.from_host_json(host_json)
    queues = Queues(worker.functions, worker.invoke_queue, options)
    worker.send_messages_by(queues.send)
    return queues


@contextlib.asynccontextmanager
async def _listening(queues: "Queues | None") -> AsyncIterator[None]:
    if queues is None:
        yield
        return
    queues.start()
    try:
        yield
    finally:
        await queues.stop(GRACE_SECONDS)
        await queues.close()


@contextlib.asynccontextmanager
async def _ticking(timers: Timers) -> AsyncIterator[None]:
    timers.start()
    try:
        yield
    finally:
        await timers.stop(GRACE_SECONDS)


def _announce(settings: Settings, kept: Kept, sockets: Sockets) -> None:
    http = f"http://{settings.public_name}:{sockets.port}"
    https = f"https://{settings.public_name}:{sockets.tls_port}"
    sys.stdout.write(
        f"Connection string: endpoint={https}/;accesskey={kept.access_key}\n"
        f"CA certificate: {kept.certificate.ca}\n"
        f"HTTP endpoint: {http}\n"
        f"Events: {http}/_local/events\n"
        "Job Router is ready.\n"
    )
    sys.stdout.flush()
