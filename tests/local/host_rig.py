"""What the tests of the local host share: small function apps, requests, a real process."""

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.asgi import Message, Receive, Scope, Send
from infra.local.http import Host
from infra.local.routes import Router
from infra.local.worker import Function, FunctionWorker

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0

HEADER = """
import asyncio
import json
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""

ECHO = """
@app.route("echo/{id}", methods=["GET", "POST", "HEAD"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")
"""


def write_app(folder: Path, *functions: str, host_json: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    source = "\n".join(textwrap.dedent(part) for part in (HEADER, *functions))
    (folder / "function_app.py").write_text(source)
    (folder / "host.json").write_text(
        host_json or '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'
    )
    return folder


@contextlib.asynccontextmanager
async def loaded(folder: Path) -> AsyncIterator[FunctionWorker]:
    """Loads an app into this process, and leaves no trace of it for the next test."""
    path, module = list(sys.path), sys.modules.get("function_app")
    try:
        worker = await FunctionWorker.load(folder)
        yield worker
        worker.close()
    finally:
        sys.path[:] = path
        sys.modules.pop("function_app", None)
        if module is not None:
            sys.modules["function_app"] = module


def http_function(
    name: str, route: str | None = None, methods: Sequence[str] = ("GET",)
) -> Function:
    trigger = {"type": "httpTrigger", "name": "req", "route": route, "methods": list(methods)}
    return Function(name, name, (trigger, {"type": "http", "name": "$return"}))


def timer_function(name: str, schedule: str, *, run_on_startup: bool = False) -> Function:
    trigger = {"type": "timerTrigger", "schedule": schedule, "runOnStartup": run_on_startup}
    return Function(name, name, (trigger,))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


class FakeTopic:
    """Answers every request, and remembers the order of its life."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        self.paths.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"topic"})


class HostRig:
    """Sends requests to a host as the web server does."""

    def __init__(self, worker: FunctionWorker, prefix: str = "") -> None:
        self.topic = FakeTopic()
        self._host = Host(worker, Router(worker.functions, prefix), self.topic)

    async def send(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (("host", "localhost"),),
        chunks: Sequence[bytes | None] = (),
    ) -> Answer:
        """The chunks are what arrives of the body; None is the client leaving."""
        sent: list[Message] = []
        waiting = iter(chunks)

        async def receive() -> Message:
            chunk = next(waiting)
            if chunk is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": chunk, "more_body": True}

        async def send(message: Message) -> None:
            await asyncio.sleep(0)
            sent.append(message)

        await self._host(_scope(method, target, headers), receive, send)
        return _answer(sent)


def _scope(method: str, target: str, headers: Sequence[tuple[str, str]]) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }


def _answer(sent: Sequence[Message]) -> Answer:
    if not sent:
        return Answer(0, [], b"")
    start, body = sent
    return Answer(
        start["status"],
        [(name.decode(), value.decode()) for name, value in start["headers"]],
        body["body"],
    )


class HostProcess:
    """The host as a user starts it, with its output."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        settings = {"JOBROUTER_PORT": "0", "JOBROUTER_TLS_PORT": "0", **(environment or {})}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("JOBROUTER_")}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "infra.local"],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> dict[str, str]:
        """What it announced: the text after the colon by the text before it."""
        assert self.process.stdout
        announced: dict[str, str] = {}
        for line in self.process.stdout:
            if line == "Job Router is ready.\n":
                return announced
            name, _, value = line.rstrip("\n").partition(": ")
            announced[name] = value
        raise AssertionError(f"The host did not start: {self.process.communicate()}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def result(self) -> tuple[int, str, str]:
        """Waits for its end: exit code, rest of standard output, standard error."""
        out, errors = self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode, out, errors


@contextlib.contextmanager
def host_process(folder: Path, **environment: str) -> Iterator[HostProcess]:
    host = HostProcess(folder, environment)
    try:
        yield host
    finally:
        if host.process.poll() is None:
            host.signal(signal.SIGKILL)
        host.process.communicate()


def port_of(announced: Mapping[str, str], name: str) -> int:
    if name == "https":
        return int(announced["Connection string"].split(":", 2)[2].split("/")[0])
    return int(announced["HTTP endpoint"].rsplit(":", 1)[1])


def strict_context(ca: str) -> ssl.SSLContext:
    """Trusts this authority alone and checks certificates by the letter of RFC 5280."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
