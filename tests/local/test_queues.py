"""Storage queues as the host serves them, on Azurite."""

import asyncio
import base64
import json
import logging
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueServiceClient

from infra.local.queues import API_VERSION, QueueOptions, Queues
from infra.local.settings import SettingsError
from infra.local.worker import (
    Function,
    FunctionWorker,
    HttpRequest,
    InvocationError,
    OutputError,
    QueueMessage,
)
from tests.local.host_rig import (
    ECHO,
    HostProcess,
    host_process,
    http_function,
    loaded,
    write_app,
)

SETTING = "TestStorage"
FAST = QueueOptions(max_polling_interval=timedelta(seconds=0.2))
NOWHERE = "AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:1/a;"

APP = """
seen = []

@app.queue_trigger(arg_name="message", queue_name="NAME", connection="TestStorage")
async def take(message: func.QueueMessage) -> None:
    if message.get_body() == b"bad":
        raise ValueError("no")
    seen.append(message)

@app.route("seen")
async def report(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps([message.get_body().decode() for message in seen]))

@app.route("put", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def put(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    out.set(req.get_body().decode())
    return func.HttpResponse("put")
"""

OUTPUTS = """
from typing import List

@app.route("text")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def text(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    out.set("é")
    return func.HttpResponse("")

@app.route("bytes")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def raw(req: func.HttpRequest, out: func.Out[bytes]) -> func.HttpResponse:
    out.set("é".encode())
    return func.HttpResponse("")

@app.route("several")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def several(req: func.HttpRequest, out: func.Out[List[str]]) -> func.HttpResponse:
    out.set(["a", '{"b": 1}'])
    return func.HttpResponse("")

@app.route("message")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def message(req: func.HttpRequest, out: func.Out[func.QueueMessage]) -> func.HttpResponse:
    out.set(func.QueueMessage(id="1", body="x"))
    return func.HttpResponse("")

@app.route("nothing")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def nothing(req: func.HttpRequest, out: func.Out[List[str]]) -> func.HttpResponse:
    out.set([])
    return func.HttpResponse("")

@app.route("unset")
@app.queue_output(arg_name="out", queue_name="NAME", connection="TestStorage")
async def unset(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    return func.HttpResponse("")
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass
class Account:
    """The storage account, looked at without the host. ``name``: of a queue of this test alone."""

    connection_string: str
    client: QueueServiceClient
    name: str = field(default_factory=lambda: f"queue-{uuid.uuid4()}")

    @property
    def settings(self) -> Mapping[str, str]:
        return {SETTING: self.connection_string}

    @property
    def function(self) -> Function:
        return queue_function("take", self.name)

    async def put(self, *contents: str) -> None:
        queue = self.client.get_queue_client(self.name)
        try:
            await queue.create_queue()
        finally:
            for content in contents:
                await queue.send_message(content)

    async def contents(self, suffix: str = "") -> list[str]:
        """Of the visible messages."""
        queue = self.client.get_queue_client(self.name + suffix)
        try:
            return [message.content for message in await queue.peek_messages(32)]
        except ResourceNotFoundError:
            return []

    async def count(self) -> int:
        """Of all messages, those in work included."""
        properties = await self.client.get_queue_client(self.name).get_queue_properties()
        return properties.approximate_message_count or 0


@pytest.fixture
async def account(storage: str) -> AsyncIterator[Account]:
    client = QueueServiceClient.from_connection_string(storage, api_version=API_VERSION)
    async with client:
        yield Account(storage, client)


class Calls:
    """Stands for a function: counts its messages, and does with them what a test wants."""

    def __init__(self, *outcomes: Exception | None, seconds: float = 0) -> None:
        self.messages: list[QueueMessage] = []
        self.finished = 0
        self.together = 0
        self.most_together = 0
        self._outcomes = list(outcomes)
        self._seconds = seconds

    async def __call__(self, _: Function, message: QueueMessage) -> None:
        self.messages.append(message)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        try:
            await asyncio.sleep(self._seconds)
            if self._outcomes and (error := self._outcomes.pop(0)):
                raise error
            self.finished += 1
        finally:
            self.together -= 1

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.messages]


def queue_function(name: str, queue: str) -> Function:
    trigger = {
        "type": "queueTrigger",
        "name": "message",
        "queueName": queue,
        "connection": SETTING,
    }
    return Function(name, name, (trigger,))


@asynccontextmanager
async def listening(
    account: Account, invoke: Any, options: QueueOptions = FAST, grace: float = 5
) -> AsyncIterator[Queues]:
    queues = Queues([account.function], invoke, options, account.settings)
    queues.start()
    try:
        yield queues
    finally:
        await queues.stop(grace)
        await queues.close()


async def until(condition: Callable[[], Awaitable[bool] | bool]) -> None:
    for _ in range(500):
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        await asyncio.sleep(0.02)
    pytest.fail("It did not come true within ten seconds")


async def until_gone(account: Account) -> None:
    async def is_empty() -> bool:
        return await account.count() == 0

    await until(is_empty)


@asynccontextmanager
async def app(
    folder: Path, account: Account, source: str
) -> AsyncIterator[tuple[FunctionWorker, Queues]]:
    """A function app whose queue, ``NAME`` in its source, is the account's."""
    async with loaded(write_app(folder, source.replace("NAME", account.name))) as worker:
        queues = Queues(worker.functions, worker.invoke_queue, FAST, account.settings)
        worker.send_messages_by(queues.send)
        try:
            yield worker, queues
        finally:
            await queues.stop(5)
            await queues.close()


async def call(worker: FunctionWorker, function: str, body: bytes = b"") -> bytes:
    request = HttpRequest("POST", "http://localhost/", {}, {}, {}, body)
    return (await worker.invoke_http(worker.function(function), request)).body


async def test_what_one_function_puts_out_triggers_another(
    tmp_path: Path, account: Account
) -> None:
    async with app(tmp_path, account, APP) as (worker, queues):
        queues.start()
        await call(worker, "put", b"one")
        await until_gone(account)
        assert await call(worker, "report") == b'["one"]'


@pytest.mark.parametrize(
    ("function", "messages"),
    [
        ("text", ["é"]),
        ("raw", ["é"]),
        ("several", ["a", '{"b": 1}']),
        ("message", ['{"id": "1", "body": "x"}']),
        ("nothing", []),
        ("unset", []),
    ],
)
async def test_every_kind_of_output_is_sent(
    tmp_path: Path, account: Account, function: str, messages: list[str]
) -> None:
    async with app(tmp_path, account, OUTPUTS) as (worker, _):
        await call(worker, function)
    assert await account.contents() == [encoded(message) for message in messages]


async def test_a_message_comes_with_what_is_known_about_it(
    tmp_path: Path, account: Account
) -> None:
    source = """
    @app.queue_trigger(arg_name="m", queue_name="NAME", connection="TestStorage")
    @app.queue_output(arg_name="out", queue_name="NAME-seen", connection="TestStorage")
    async def describe(m: func.QueueMessage, out: func.Out[str]) -> None:
        times = [m.insertion_time, m.time_next_visible, m.expiration_time]
        out.set(json.dumps({
            "known": [m.get_body().decode(), m.id, m.dequeue_count, m.pop_receipt],
            "times": [t.isoformat() for t in times],
        }))
    """
    await account.put(encoded("body"))
    async with app(tmp_path, account, source) as (_, queues):
        queues.start()
        await until_gone(account)
        (content,) = await account.contents("-seen")
    found = json.loads(base64.b64decode(content))
    body, message_id, dequeue_count, pop_receipt = found["known"]
    assert (body, dequeue_count) == ("body", 1)
    assert str(uuid.UUID(message_id)) == message_id
    assert pop_receipt
    inserted, visible, expires = (datetime.fromisoformat(text) for text in found["times"])
    assert abs(inserted - datetime.now(UTC)) < timedelta(minutes=1)
    assert visible - inserted >= timedelta(minutes=10)
    assert expires - inserted == timedelta(days=7)


async def test_a_message_is_gone_after_success_and_hidden_until_then(account: Account) -> None:
    calls = Calls(seconds=0.3)
    await account.put(encoded("one"))
    async with listening(account, calls):
        await until(lambda: calls.together == 1)
        assert await account.contents() == []
        assert await account.count() == 1
        await until_gone(account)
    assert (calls.bodies, calls.finished) == (["one"], 1)


@pytest.mark.parametrize("error", [InvocationError("take", "no", ""), RuntimeError("a fault")])
async def test_a_failed_message_comes_again(
    account: Account, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    calls = Calls(error, None)
    await account.put(encoded("one"))
    async with listening(account, calls):
        await until_gone(account)
    assert [message.dequeue_count for message in calls.messages] == [1, 2]
    assert "'take'" in caplog.text
    assert await account.contents("-poison") == []


async def test_a_failed_message_waits_for_its_time(account: Account) -> None:
    calls = Calls(RuntimeError("no"), None)
    await account.put(encoded("one"))
    options = replace(FAST, visibility_timeout=timedelta(seconds=1))
    async with listening(account, calls, options):
        await until(lambda: len(calls.messages) == 1)
        started = time.monotonic()
        await until_gone(account)
    assert time.monotonic() - started > 0.9


async def test_a_message_that_always_fails_ends_as_poison(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(*[RuntimeError("no")] * 3)
    await account.put(encoded("bad"))
    async with listening(account, calls, replace(FAST, max_dequeue_count=3)):
        await until_gone(account)
    assert len(calls.messages) == 3
    assert await account.contents("-poison") == [encoded("bad")]
    assert "-poison" in caplog.text


async def test_a_message_taken_too_often_is_poison_without_another_try(account: Account) -> None:
    await account.put(encoded("crashing"))
    queue = account.client.get_queue_client(account.name)
    for _ in range(2):
        assert await queue.receive_message(visibility_timeout=1)
        await asyncio.sleep(1.05)
    calls = Calls()
    async with listening(account, calls, replace(FAST, max_dequeue_count=2)):
        await until_gone(account)
    assert calls.messages == []
    assert await account.contents("-poison") == [encoded("crashing")]


@pytest.mark.parametrize("content", ["not base64!", base64.b64encode(b"\xff").decode()])
async def test_what_cannot_be_decoded_is_poison(account: Account, content: str) -> None:
    calls = Calls()
    await account.put(content, encoded("good"))
    async with listening(account, calls):
        await until_gone(account)
    assert calls.bodies == ["good"]
    assert await account.contents("-poison") == [content]


async def test_messages_may_be_plain_text(account: Account) -> None:
    calls = Calls()
    async with listening(account, calls, replace(FAST, base64=False)) as queues:
        await queues.send(account.function.trigger, ["<not> base64 & é!"])
        await until(lambda: calls.bodies == ["<not> base64 & é!"])


async def test_as_many_messages_at_once_as_the_options_allow(account: Account) -> None:
    together: set[str] = set()
    released = asyncio.Event()

    async def hold(_: Function, message: QueueMessage) -> None:
        if int(message.body) < 2:
            return
        together.add(message.body)
        await released.wait()

    await account.put(*(encoded(str(number)) for number in range(20)))
    async with listening(account, hold, replace(FAST, batch_size=4, new_batch_threshold=2)):
        await until(lambda: len(together) == 6)
        await asyncio.sleep(0.5)
        assert len(together) == 6
        released.set()
        await until_gone(account)
    assert together == {str(number) for number in range(2, 20)}


async def test_several_hosts_share_the_messages(account: Account) -> None:
    one, other = Calls(seconds=0.05), Calls(seconds=0.05)
    await account.put(*(encoded(str(number)) for number in range(20)))
    options = replace(FAST, batch_size=2, new_batch_threshold=1)
    async with listening(account, one, options), listening(account, other, options):
        await until_gone(account)
    assert sorted(map(int, one.bodies + other.bodies)) == list(range(20))
    assert one.bodies
    assert other.bodies


async def test_the_sending_host_looks_at_once(account: Account) -> None:
    calls = Calls()
    options = QueueOptions(max_polling_interval=timedelta(hours=1))
    async with listening(account, calls, options) as queues:
        await asyncio.sleep(0.8)
        await queues.send(account.function.trigger, ["one"])
        async with asyncio.timeout(0.5):
            await until(lambda: calls.finished == 1)


async def test_a_queue_that_appears_later_is_served(account: Account) -> None:
    calls = Calls()
    async with listening(account, calls):
        await asyncio.sleep(0.3)
        await account.put(encoded("one"))
        await until(lambda: calls.finished == 1)


async def test_stopping_lets_messages_in_work_be_finished(account: Account) -> None:
    calls = Calls(seconds=0.3)
    await account.put(encoded("one"))
    async with listening(account, calls):
        await until(lambda: calls.together == 1)
    assert calls.finished == 1
    assert await account.count() == 0


async def test_stopping_waits_no_longer_than_the_grace(account: Account) -> None:
    calls = Calls(seconds=60)
    await account.put(encoded("one"))
    async with asyncio.timeout(5), listening(account, calls, grace=0.05):
        await until(lambda: calls.together == 1)
    assert (calls.finished, calls.together) == (0, 0)
    assert await account.count() == 1, "its time comes again"


async def test_a_storage_that_is_away_fails_the_function_and_does_not_stop_the_host(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    away = replace(account, connection_string=NOWHERE)
    async with listening(away, Calls()) as queues:
        with pytest.raises(OutputError, match=f"'{account.name}' takes no message"):
            await queues.send(account.function.trigger, ["one"])
        await until(lambda: "cannot be read" in caplog.text)


async def test_a_failed_output_is_a_failed_invocation(tmp_path: Path, account: Account) -> None:
    away = replace(account, connection_string=NOWHERE)
    async with app(tmp_path, away, OUTPUTS) as (worker, _):
        with pytest.raises(InvocationError, match="'text' failed: The queue"):
            await call(worker, "text")


@pytest.mark.parametrize("value", ["", "nonsense", "https://account.queue.core.windows.net"])
def test_a_connection_that_cannot_be_used_is_named(value: str) -> None:
    functions = [http_function("other"), queue_function("take", "queue")]
    with pytest.raises(SettingsError, match=f"^{SETTING} must be the connection string") as refused:
        Queues(functions, Calls(), FAST, {SETTING: value} if value else {})
    assert value not in str(refused.value) or not value


def test_options_are_azures_unless_host_json_says_otherwise(tmp_path: Path) -> None:
    host_json = tmp_path / "host.json"
    assert QueueOptions.from_host_json(host_json) == QueueOptions()
    host_json.write_text('{"version": "2.0"}')
    assert QueueOptions.from_host_json(host_json) == QueueOptions()
    section = {
        "batchSize": 2,
        "maxDequeueCount": 3,
        "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "01:00:30",
        "messageEncoding": "none",
    }
    host_json.write_text(json.dumps({"extensions": {"queues": section}}))
    assert QueueOptions.from_host_json(host_json) == QueueOptions(
        batch_size=2,
        new_batch_threshold=1,
        max_dequeue_count=3,
        max_polling_interval=timedelta(seconds=2),
        visibility_timeout=timedelta(hours=1, seconds=30),
        base64=False,
    )


@pytest.mark.parametrize(
    "section",
    [
        '{"batchSize": "many"}',
        '{"visibilityTimeout": 30}',
        '{"maxPollingInterval": "30"}',
        '{"messageEncoding": "utf-8"}',
        "[]",
    ],
)
def test_options_that_cannot_be_used_are_refused(tmp_path: Path, section: str) -> None:
    host_json = tmp_path / "host.json"
    host_json.write_text(f'{{"extensions": {{"queues": {section}}}}}')
    with pytest.raises(SettingsError, match=r"extensions\.queues"):
        QueueOptions.from_host_json(host_json)


async def test_the_host_serves_queues(tmp_path: Path, account: Account) -> None:
    write_app(tmp_path, APP.replace("NAME", account.name))
    with host_process(tmp_path, **account.settings) as host:
        origin = host.wait_until_ready()["HTTP endpoint"]
        async with aiohttp.ClientSession(origin) as client:
            assert await (await client.post("/put", data=b"one")).text() == "put"
            await until_gone(account)
            assert await (await client.get("/seen")).text() == '["one"]'
        host.signal(signal.SIGTERM)
        assert host.result() == (0, "", "")


def test_a_host_without_the_connection_says_so_in_one_line(tmp_path: Path) -> None:
    write_app(tmp_path, APP.replace("NAME", "queue"))
    code, out, errors = HostProcess(tmp_path).result()
    assert (code, out) == (2, "")
    assert (
        errors == f"{SETTING} must be the connection string of a storage account or of Azurite.\n"
    )


async def test_a_host_without_queues_loads_nothing_for_them(tmp_path: Path) -> None:
    modules = """
    import sys

    @app.route("modules")
    async def modules(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(str("azure.storage.queue" in sys.modules))
    """
    with host_process(write_app(tmp_path, ECHO, modules)) as host:
        origin = host.wait_until_ready()["HTTP endpoint"]
        async with aiohttp.ClientSession(origin) as client:
            assert await (await client.get("/modules")).text() == "False"
