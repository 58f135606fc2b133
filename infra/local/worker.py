"""The seam to `azure-functions-runtime`, the library in which Azure runs a Python function app.

The library indexes and invokes the app here as it does in the cloud, so a binding that
it refuses there is refused here too. Its calls are not a public API: it is pinned exactly
and nothing outside this module touches it.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Self
from uuid import uuid4

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native

SCRIPT: Final = "function_app"
HTTP_TRIGGER: Final = "httpTrigger"
TIMER_TRIGGER: Final = "timerTrigger"
QUEUE_TRIGGER: Final = "queueTrigger"
QUEUE: Final = "queue"
PLAIN_TEXT: Final = ("content-type", "text/plain; charset=utf-8")

type Binding = Mapping[str, Any]
type SendMessages = Callable[[Binding, Sequence[str]], Awaitable[None]]
"""Puts messages on the storage queue that a binding names; raises `OutputError` if it cannot."""


class IndexingError(Exception):
    """The worker library refuses the function app; `stack_trace` says where."""

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


class InvocationError(Exception):
    """A function raised, or returned what its bindings do not allow."""

    def __init__(self, function: str, error: str, stack_trace: str) -> None:
        super().__init__(f"Function '{function}' failed: {error}")
        self.function = function
        self.stack_trace = stack_trace


class OutputError(Exception):
    """What a function put out could not be written."""


@dataclass(frozen=True, slots=True)
class Function:
    """An indexed function: its name, and its bindings as Azure's host is told of them."""

    id: str
    name: str
    bindings: tuple[Binding, ...]

    @property
    def trigger(self) -> Binding:
        return next(b for b in self.bindings if str(b["type"]).endswith("Trigger"))

    @property
    def queue_bindings(self) -> list[Binding]:
        """Its trigger and its outputs, as far as they are storage queues."""
        return [b for b in self.bindings if b["type"] in (QUEUE_TRIGGER, QUEUE)]

    @property
    def queue_outputs(self) -> dict[str, Binding]:
        """By the name of the parameter that takes the messages."""
        return {str(b["name"]): b for b in self.bindings if b["type"] == QUEUE}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as the host hands it to a function: header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a function answers; a header may be repeated."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message of a storage queue as a function receives it, and what is known about it."""

    id: str
    body: str
    dequeue_count: int
    pop_receipt: str
    inserted_at: datetime
    expires_at: datetime
    next_visible_at: datetime


class FunctionWorker:
    """A loaded function app. One at a time in a process: the library keeps it in globals."""

    def __init__(self, functions: tuple[Function, ...]) -> None:
        self.functions = functions
        self._by_name = {function.name: function for function in functions}
        self._send_messages: SendMessages = _refuse_messages

    @classmethod
    async def load(cls, folder: Path) -> Self:
        """Imports and indexes the folder's `function_app.py`, afresh each time.

        :raises IndexingError: if it is not there, does not import or is refused.
        """
        _make_importable(folder)
        runtime.start_threadpool_executor()
        _raise_for_status(await runtime.worker_init_request(_init_request(folder)))
        answer = await runtime.functions_metadata_request(None)
        if not answer.function_metadata_results:
            raise IndexingError(f"There are no functions in {folder / SCRIPT}.py.")
        return cls(tuple(_function(found) for found in answer.function_metadata_results))

    def function(self, name: str) -> Function:
        """:raises KeyError: if the app has no function of this name."""
        return self._by_name[name]

    async def invoke_http(self, function: Function, request: HttpRequest) -> HttpResponse:
        """:raises InvocationError: if the function fails."""
        returned = await self._invoke(
            function,
            _http_datum(request),
            request.headers.get("traceparent", ""),
            request.headers.get("tracestate", ""),
        )
        return _http_response(returned)

    async def invoke_timer(self, function: Function, *, past_due: bool = False) -> None:
        """:raises InvocationError: if the function fails."""
        await self._invoke(function, _timer_datum(past_due))

    async def invoke_queue(self, function: Function, message: QueueMessage) -> None:
        """:raises InvocationError: if the function fails."""
        body = Datum(message.body, "string")
        await self._invoke(function, body, metadata=_queue_metadata(message))

    def send_messages_by(self, send: SendMessages) -> None:
        """What to do with the messages that functions put out; without it, they fail."""
        self._send_messages = send

    def close(self) -> None:
        """Waits for the threads of synchronous functions to end."""
        runtime.stop_threadpool_executor()

    async def _invoke(
        self,
        function: Function,
        trigger: Datum,
        trace_parent: str = "",
        trace_state: str = "",
        metadata: Mapping[str, Datum] | None = None,
    ) -> Datum | None:
        ok, returned, outputs, error, stack_trace = await invocation_request_native(
            str(uuid4()),
            function.id,
            [(function.trigger["name"], trigger)],
            metadata,
            trace_parent,
            trace_state,
        )
        if not ok:
            raise InvocationError(function.name, error, stack_trace)
        if outputs:
            await self._put_out(function, dict(outputs))
        return returned

    async def _put_out(self, function: Function, outputs: Mapping[str, Datum]) -> None:
        try:
            for name, binding in function.queue_outputs.items():
                if name in outputs:
                    await self._send_messages(binding, _messages(outputs[name]))
        except OutputError as error:
            raise InvocationError(function.name, str(error), "") from error


def _make_importable(folder: Path) -> None:
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    # A FunctionApp can be indexed only once, so the module that builds it starts anew.
    sys.modules.pop(SCRIPT, None)


def _function(metadata: Any) -> Function:
    bindings = tuple(json.loads(binding) for binding in metadata.raw_bindings)
    return Function(metadata.function_id, metadata.name, bindings)


def _raise_for_status(answer: Any) -> None:
    if answer.result.status != _StatusResult.Success:
        failure = answer.result.exception
        raise IndexingError(failure.message, failure.stack_trace)


def _http_datum(request: HttpRequest) -> Datum:
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(request.url, "string"),
            "headers": _string_data(request.headers),
            "query": _string_data(request.query),
            "params": _string_data(request.params),
            "body": Datum(request.body, "bytes"),
        },
        "http",
    )


def _string_data(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _http_response(returned: Datum | None) -> HttpResponse:
    if returned is None:
        return HttpResponse(204)
    if returned.type == "string":
        return HttpResponse(200, (PLAIN_TEXT,), returned.value.encode())
    parts = returned.value
    headers = [(name, value.value) for name, value in parts["headers"].items()]
    headers += _cookies(parts["cookies"] or ())
    return HttpResponse(int(parts["status_code"].value), tuple(headers), parts["body"].value)


def _cookies(jars: Any) -> list[tuple[str, str]]:
    return [("set-cookie", morsel.OutputString()) for jar in jars for morsel in jar.values()]


def _timer_datum(past_due: bool) -> Datum:
    timer = {"IsPastDue": past_due, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": None}
    return Datum(json.dumps(timer), "json")


def _queue_metadata(message: QueueMessage) -> dict[str, Datum]:
    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "InsertionTime": Datum(message.inserted_at.isoformat(), "string"),
        "ExpirationTime": Datum(message.expires_at.isoformat(), "string"),
        "NextVisibleTime": Datum(message.next_visible_at.isoformat(), "string"),
    }


def _messages(output: Datum) -> list[str]:
    """The bodies in what a queue output took: one text, or a JSON array of texts or objects."""
    if output.type != "json":
        body = output.value
        return [body.decode() if isinstance(body, bytes) else body]
    parsed = json.loads(output.value)
    items = parsed if isinstance(parsed, list) else [parsed]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


async def _refuse_messages(binding: Binding, _: Sequence[str]) -> None:
    raise OutputError(f"Nothing takes messages for the queue '{binding['queueName']}'.")


def _init_request(folder: Path) -> SimpleNamespace:
    worker_init = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
    return SimpleNamespace(
        request=SimpleNamespace(worker_init_request=worker_init),
        properties={"host": "127.0.0.1", "protos": _PROTOS},
    )


class _StatusResult(SimpleNamespace):
    Failure = 0
    Success = 1


class _BindingInfo(SimpleNamespace):
    undefined = 0
    out = 1
    inout = 2


# The library builds its answers from classes that it is given: plain objects will do.
_PROTOS: Final = SimpleNamespace(
    BindingInfo=_BindingInfo,
    FunctionMetadataResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=_StatusResult,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)
