"""Storage queues: runs queue-triggered functions and sends what functions put out, as Azure does.

The queues are Azurite's, or a storage account's: a connection string is in the setting that a
binding names. What Azure's host does around a function is done here: polling that slows down while
there is nothing, several messages at once, deletion after success, another try after a failure and,
after the last one, the queue `<name>-poison`.
"""

import asyncio
import base64
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage as StoredMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.settings import SettingsError
from infra.local.worker import (
    QUEUE_TRIGGER,
    Binding,
    Function,
    InvocationError,
    OutputError,
    QueueMessage,
)

logger = logging.getLogger(__name__)

DEFAULT_CONNECTION: Final = "AzureWebJobsStorage"
SHORTEST_PAUSE_SECONDS: Final = 0.1
# For so long nobody else sees a message that a function works on: longer than one may run.
WORKING_SECONDS: Final = 600
# Every Azurite of the last years speaks this version; they refuse those newer than themselves.
API_VERSION: Final = "2025-11-05"

type Invoke = Callable[[Function, QueueMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """`extensions.queues` of host.json, with Azure's defaults."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling_interval: timedelta = timedelta(minutes=1)
    visibility_timeout: timedelta = timedelta(0)
    base64: bool = True

    @classmethod
    def from_host_json(cls, host_json: Path) -> Self:
        """:raises SettingsError: at a value that cannot be used."""
        try:
            return cls._from_section(_queues_section(host_json))
        except (ValueError, TypeError, AttributeError) as error:
            raise SettingsError(f"{host_json}, extensions.queues: {error}") from error

    @classmethod
    def _from_section(cls, section: Mapping[str, Any]) -> Self:
        batch_size = int(section.get("batchSize", cls().batch_size))
        return cls(
            batch_size=batch_size,
            new_batch_threshold=int(section.get("newBatchThreshold", batch_size // 2)),
            max_dequeue_count=int(section.get("maxDequeueCount", cls().max_dequeue_count)),
            max_polling_interval=_duration(section.get("maxPollingInterval", "00:01:00")),
            visibility_timeout=_duration(section.get("visibilityTimeout", "00:00:00")),
            base64=_is_base64(section.get("messageEncoding", "base64")),
        )

    def encode(self, body: str) -> str:
        return base64.b64encode(body.encode()).decode() if self.base64 else body

    def decode(self, content: str) -> str:
        """:raises ValueError: if it is not what it is said to be."""
        return base64.b64decode(content, validate=True).decode() if self.base64 else content


class StorageQueue:
    """A queue in a storage account. Putting a message on it makes it, if it is not there."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        return self._client.queue_name

    async def put(self, content: str) -> None:
        try:
            await self._client.send_message(content)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._client.create_queue()
            await self._client.send_message(content)

    async def take(self, count: int) -> list[QueueMessage]:
        """Up to so many messages, which others do not see for now."""
        pages = self._client.receive_messages(
            messages_per_page=count, visibility_timeout=WORKING_SECONDS
        ).by_page()
        with contextlib.suppress(ResourceNotFoundError):
            async for page in pages:
                return [_received(message) async for message in page]
        return []

    async def delete(self, message: QueueMessage) -> None:
        await self._client.delete_message(message.id, message.pop_receipt)

    async def show_in(self, message: QueueMessage, delay: timedelta) -> None:
        seconds = round(delay.total_seconds())
        await self._client.update_message(
            message.id, message.pop_receipt, visibility_timeout=seconds
        )


class Listener:
    """Polls the queue of one function, and runs the function for each message."""

    def __init__(
        self,
        function: Function,
        queue: StorageQueue,
        poison: StorageQueue,
        invoke: Invoke,
        options: QueueOptions,
    ) -> None:
        self.queue_name = queue.name
        self._function = function
        self._queue = queue
        self._poison = poison
        self._invoke = invoke
        self._options = options
        self._in_work = 0
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Something has changed that is worth a look."""
        self._awake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Polls until the event is set; messages in work are finished."""
        pause = SHORTEST_PAUSE_SECONDS
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                messages = await self._take()
                self._in_work += len(messages)
                for message in messages:
                    tasks.create_task(self._work_on(message))
                pause = SHORTEST_PAUSE_SECONDS if messages else self._longer(pause)
                await self._pause(pause)

    async def _take(self) -> list[QueueMessage]:
        if self._in_work > self._options.new_batch_threshold:
            return []
        try:
            return await self._queue.take(self._options.batch_size)
        except AzureError as error:
            logger.warning("The queue '%s' cannot be read: %s", self.queue_name, error)
            return []

    def _longer(self, pause: float) -> float:
        return min(2 * pause, self._options.max_polling_interval.total_seconds())

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        self._awake.clear()

    async def _work_on(self, message: QueueMessage) -> None:
        try:
            await self._process(message)
        except AzureError as error:
            logger.warning("Message %s of '%s': %s", message.id, self.queue_name, error)
        finally:
            self._in_work -= 1
            self.wake()

    async def _process(self, message: QueueMessage) -> None:
        most = self._options.max_dequeue_count
        body = self._decoded(message)
        if body is None or message.dequeue_count > most:
            await self._bury(message)
        elif await self._succeeds(replace(message, body=body)):
            await self._queue.delete(message)
        elif message.dequeue_count == most:
            await self._bury(message)
        else:
            await self._queue.show_in(message, self._options.visibility_timeout)

    def _decoded(self, message: QueueMessage) -> str | None:
        try:
            return self._options.decode(message.body)
        except ValueError:
            return None

    async def _succeeds(self, message: QueueMessage) -> bool:
        try:
            await self._invoke(self._function, message)
        except InvocationError as error:
            logger.error("%s", error)
            return False
        except Exception:
            logger.exception("The function '%s' could not run", self._function.name)
            return False
        return True

    async def _bury(self, message: QueueMessage) -> None:
        logger.error("Message %s goes to '%s'", message.id, self._poison.name)
        await self._poison.put(message.body)
        await self._queue.delete(message)


class Queues:
    """All queue bindings of a function app."""

    def __init__(
        self,
        functions: Iterable[Function],
        invoke: Invoke,
        options: QueueOptions,
        settings: Mapping[str, str] = os.environ,
    ) -> None:
        """`settings` hold the connection strings.

        :raises SettingsError: if one is missing or is none.
        """
        functions = tuple(functions)
        self._options = options
        self._accounts = {name: _account(name, settings) for name in _connections(functions)}
        self._listeners = [
            self._listener(function, invoke)
            for function in functions
            if function.trigger["type"] == QUEUE_TRIGGER
        ]
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._tasks = {
            asyncio.create_task(listener.run(self._stopping)) for listener in self._listeners
        }

    async def stop(self, grace_seconds: float) -> None:
        """Lets the messages in work be finished for so long, then cancels the functions."""
        self._stopping.set()
        for listener in self._listeners:
            listener.wake()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def close(self) -> None:
        for account in self._accounts.values():
            await account.close()

    async def send(self, binding: Binding, messages: Sequence[str]) -> None:
        """:raises OutputError: if the storage does not take them."""
        queue = self._queue(binding)
        try:
            for message in messages:
                await queue.put(self._options.encode(message))
        except AzureError as error:
            raise OutputError(f"The queue '{queue.name}' takes no message: {error}") from error
        for listener in self._listeners:
            if listener.queue_name == queue.name:
                listener.wake()

    def _listener(self, function: Function, invoke: Invoke) -> Listener:
        queue = self._queue(function.trigger)
        poison = self._queue({**function.trigger, "queueName": f"{queue.name}-poison"})
        return Listener(function, queue, poison, invoke, self._options)

    def _queue(self, binding: Binding) -> StorageQueue:
        account = self._accounts[_connection(binding)]
        return StorageQueue(account.get_queue_client(binding["queueName"]))


def _connections(functions: Iterable[Function]) -> set[str]:
    return {_connection(binding) for function in functions for binding in function.queue_bindings}


def _connection(binding: Binding) -> str:
    return str(binding.get("connection") or DEFAULT_CONNECTION)


def _account(setting: str, settings: Mapping[str, str]) -> QueueServiceClient:
    try:
        return QueueServiceClient.from_connection_string(
            settings.get(setting, ""),
            api_version=API_VERSION,
            # Azurite closes idle connections, which shows at the next request only.
            initial_backoff=1,
            increment_base=0,
            random_jitter_range=0,
            retry_total=1,
        )
    except ValueError as error:
        # The value stays out of the message: there is a key in it.
        message = f"{setting} must be the connection string of a storage account or of Azurite."
        raise SettingsError(message) from error


def _received(message: StoredMessage) -> QueueMessage:
    return QueueMessage(
        id=message.id,
        body=message.content,
        dequeue_count=_known(message.dequeue_count),
        pop_receipt=_known(message.pop_receipt),
        inserted_at=_known(message.inserted_on),
        expires_at=_known(message.expires_on),
        next_visible_at=_known(message.next_visible_on),
    )


def _known[T](value: T | None) -> T:
    assert value is not None, "a message that was received has all its properties"
    return value


def _queues_section(host_json: Path) -> Mapping[str, Any]:
    try:
        section: Mapping[str, Any] = (
            json.loads(host_json.read_text("utf-8")).get("extensions", {}).get("queues", {})
        )
    except FileNotFoundError:
        return {}
    return section


def _duration(text: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _is_base64(encoding: str) -> bool:
    if encoding.lower() not in {"base64", "none"}:
        raise ValueError(f"messageEncoding is '{encoding}'")
    return encoding.lower() == "base64"
