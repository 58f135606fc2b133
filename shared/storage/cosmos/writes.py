"""Conditional writes of an item, alone or in one batch with records beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from azure.core import MatchConditions
from azure.cosmos.aio import ContainerProxy

from shared.storage.cosmos.access import Item

_ID_BYTES = 6

type OnRequest = Callable[[object], None]
type BatchOperation = tuple[str, tuple[object, ...], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """``id``: by which its traces can be told from those of all other writes.

    ``name``: the id of what is written, for messages.
    ``body`` ``None``: delete the item. ``expected``: the etag of the item to replace or delete;
    ``None``: create it. ``record``: the id of the outbox record that is written with it, if any.
    ``beside``: items of the same partition to create.
    """

    id: str
    name: str
    partition: str
    item_id: str
    body: Item | None = None
    expected: str | None = None
    record: str | None = None
    beside: Sequence[Item] = ()


def new_write_id() -> str:
    return token_urlsafe(_ID_BYTES)


def quoted(etag: str) -> str:
    """As the database has it."""
    return f'"{etag}"'


def unquoted(etag: str) -> str:
    return etag.strip('"')


async def send(proxy: ContainerProxy, write: Write, on_request: OnRequest) -> str:
    """The item's new etag, empty if it was deleted. Errors are the SDK's.

    ``on_request`` is told of every request.
    """
    if write.beside:
        return await _send_batch(proxy, write, on_request)
    if write.body is None:
        await proxy.delete_item(
            write.item_id, write.partition, raw_request_hook=on_request, **_condition(write)
        )
        return ""
    if write.expected is None:
        answer = await proxy.create_item(write.body, no_response=True, raw_request_hook=on_request)
    else:
        answer = await proxy.replace_item(
            write.item_id,
            write.body,
            no_response=True,
            raw_request_hook=on_request,
            **_condition(write),
        )
    return unquoted(answer.get_response_headers()["etag"])


def _condition(write: Write) -> dict[str, Any]:
    assert write.expected is not None, "only what exists is replaced or deleted"
    return {"etag": quoted(write.expected), "match_condition": MatchConditions.IfNotModified}


async def _send_batch(proxy: ContainerProxy, write: Write, on_request: OnRequest) -> str:
    creations: list[BatchOperation] = [("create", (record,), {}) for record in write.beside]
    written, *_ = await proxy.execute_item_batch(
        [_operation(write), *creations], write.partition, raw_request_hook=on_request
    )
    return unquoted(written.get("eTag", ""))


def _operation(write: Write) -> BatchOperation:
    if write.expected is None:
        return ("create", (write.body,), {})
    condition = {"if_match_etag": quoted(write.expected)}
    if write.body is None:
        return ("delete", (write.item_id,), condition)
    return ("replace", (write.item_id, write.body), condition)
