"""Items: what the database stores of documents and outbox records, beside their index members."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.ports import OutboxRecord, Stored
from shared.storage.cosmos.access import Item
from shared.storage.cosmos.containers import ContainerDefinition
from shared.storage.cosmos.numbers import unwrapped, wrapped
from shared.storage.cosmos.writes import unquoted
from shared.storage.documents import OUTBOX_RECORDS, Codec, UnreadableDocument
from shared.storage.epoch import from_micros, to_micros

REMEMBERED_WRITES = 8
OUTBOX_MEMBERS = {"segments", "outbox"}

BESIDE_FOR = timedelta(days=30)
"""After that an outbox record that is an item of its own vanishes: dealt with long ago."""

_TO_ESCAPE = re.compile(r"(?![\w-])[\x00-\x7f]", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Version[D](Stored[D]):
    """A document as stored here. ``writes``: ids of the writes that led to it, newest first.

    ``records``: those of the outbox that are in the item, as they are there.
    """

    writes: tuple[str, ...] = ()
    records: tuple[Item, ...] = ()


def successor[D](expected: Stored[D] | None, value: D, now: datetime, write_id: str) -> Version[D]:
    """What a write is to make of the expected version. Its etag is known afterwards only."""
    known = expected.writes if isinstance(expected, Version) else ()
    return Version(value, "", now, (write_id, *known)[:REMEMBERED_WRITES])


def document_members[D](codec: Codec[D], version: Version[D]) -> Item:
    return {
        "modifiedAt": to_micros(version.modified_at),
        "writes": list(version.writes),
        "document": wrapped(codec.encode(version.value)),
    }


def read_version[D](codec: Codec[D], item: Item) -> Version[D]:
    """:raises UnreadableDocument: the item was damaged, or a newer release wrote it."""
    value = _decoded(codec, item)
    etag, modified_at = unquoted(item["_etag"]), from_micros(item["modifiedAt"])
    records = tuple(item.get("outbox", ()))
    return Version(value, etag, modified_at, tuple(item["writes"]), records)


def outbox_members(records: Sequence[Item]) -> Item:
    """Of an item that keeps these records; ``segments``: by which it is found again."""
    segments = sorted({record["segment"] for record in records})
    return without_absent({"segments": segments or None, "outbox": list(records) or None})


def kept_record(record: OutboxRecord, write_id: str, segment: str) -> Item:
    """As it is kept in the item of its aggregate."""
    return {
        "id": record.id,
        "write": write_id,
        "segment": segment,
        "document": wrapped(OUTBOX_RECORDS.encode(record)),
    }


def record_beside(container: ContainerDefinition, aggregate_id: str, kept: Item) -> Item:
    """An item of its own for a kept record."""
    return {
        **kept,
        "id": record_id(kept["id"]),
        container.partition_key: aggregate_id,
        "kind": "outbox",
        "segments": [kept["segment"]],
        "ttl": int(BESIDE_FOR.total_seconds()),
    }


def record_id(id: str) -> str:
    """Of a record's own item: never that of an aggregate's."""
    return f"outbox-{item_id(id)}"


def read_record(item: Item) -> OutboxRecord:
    """Of a kept record, in the item of its aggregate or in its own.

    :raises UnreadableDocument: as :func:`read_version`.
    """
    return _decoded(OUTBOX_RECORDS, item)


def item_id(id: str) -> str:
    """An id without the characters that item ids, or the URLs of items, cannot hold.

    Only ASCII is escaped, and with tildes instead of percent signs, which gateways have taken for
    escapes of the URL. So it is no longer than item ids may be (1,023 bytes).
    """
    return _TO_ESCAPE.sub(lambda character: f"~{ord(character[0]):02X}", id)


def _decoded[D](codec: Codec[D], item: Item) -> D:
    try:
        document = unwrapped(item["document"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableDocument(f"A stored document cannot be read: {error}") from error
    return codec.decode(document)


def without_absent(members: Mapping[str, Any]) -> Item:
    """Absent members are not written: indexes, and conditions on them, pass such items over."""
    return {name: value for name, value in members.items() if value is not None}
