"""An instance of the app, as the platform starts one: this runs in an interpreter of its own.

It answers each invocation on standard input with an outcome on standard output; at the end of its
input it tells where its modules came from.
"""

import asyncio
import pickle
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.worker import (
    Binding,
    Function,
    FunctionWorker,
    HttpRequest,
    InvocationError,
    QueueMessage,
)


@dataclass(frozen=True, slots=True)
class Started:
    """``load_seconds``: what importing and indexing the app took, the platform's worker aside."""

    functions: tuple[Function, ...]
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Invocation:
    """``payload``: none for a timer."""

    function: str
    payload: HttpRequest | QueueMessage | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function returned, the messages that it put out, or how it failed."""

    returned: Any = None
    messages: list[str] = field(default_factory=list)
    error: str = ""


def main(app: Path) -> None:
    asyncio.run(_serve(app))


async def _serve(app: Path) -> None:
    began = time.perf_counter()
    worker = await FunctionWorker.load(app)
    _write(Started(worker.functions, time.perf_counter() - began))
    while (invocation := await asyncio.to_thread(_read)) is not None:
        _write(await _outcome(worker, invocation))
    worker.close()
    await sys.modules["shared.bootstrap"].close()
    _write(_origins())


async def _outcome(worker: FunctionWorker, invocation: Invocation) -> Outcome:
    messages: list[str] = []

    async def send(_: Binding, bodies: Sequence[str]) -> None:
        messages.extend(bodies)

    worker.send_messages_by(send)
    try:
        return Outcome(await _invoke(worker, invocation), messages)
    except InvocationError as error:
        return Outcome(error=f"{error}\n{error.stack_trace}")


async def _invoke(worker: FunctionWorker, invocation: Invocation) -> Any:
    function = worker.function(invocation.function)
    match invocation.payload:
        case HttpRequest() as request:
            return await worker.invoke_http(function, request)
        case QueueMessage() as message:
            return await worker.invoke_queue(function, message)
        case None:
            return await worker.invoke_timer(function)


def _origins() -> dict[str, str]:
    """The file of each module that has one, by name."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return {name: file for name, file in files.items() if file}


def _read() -> Invocation | None:
    try:
        invocation: Invocation = pickle.load(sys.stdin.buffer)
    except EOFError:
        return None
    return invocation


def _write(answer: object) -> None:
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
