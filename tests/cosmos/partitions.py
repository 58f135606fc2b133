"""Logical partitions, and the ranges of hashed partition keys which the service spreads them over.

Clients send the bounds of hashed keys, so keys are hashed with the client library's own function.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from azure.cosmos.partition_key import PartitionKey as ClientPartitionKey

from tests.cosmos.documents import Document, Json, parse, write
from tests.cosmos.errors import bad_request

FIRST_HASH, END_OF_HASHES = "", "FF"
# The two highest bits of a hash are always clear.
_HASHES = 0x40 << 120
_LONGEST_KEY_BYTES = 2048
KEY_MISMATCH = 1001
"""Sub-status: the partition key of the header is not the one in the document."""


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """A value of the partition key, as canonical JSON; ``{}`` if the document has none."""

    text: str

    @property
    def value(self) -> Json:
        return parse(self.text)

    @property
    def hashed(self) -> str:
        return _hash(self.text)


@dataclass(frozen=True, slots=True)
class PartitionKeyRange:
    """Hashed keys from ``first`` up to, without it, ``end``."""

    id: str
    first: str
    end: str

    def holds(self, partition: PartitionKey) -> bool:
        return self.first <= partition.hashed < self.end


def even_ranges(count: int) -> tuple[PartitionKeyRange, ...]:
    inner = [f"{_HASHES * index // count:032X}" for index in range(1, count)]
    bounds = [FIRST_HASH, *inner, END_OF_HASHES]
    return tuple(
        PartitionKeyRange(str(index), bounds[index], bounds[index + 1]) for index in range(count)
    )


def key_of_header(header: str) -> PartitionKey:
    """The key of ``x-ms-documentdb-partitionkey``.

    :raises CosmosError: it is not a JSON array of one value.
    """
    values = parse(header)
    if not isinstance(values, list) or len(values) != 1:
        raise bad_request("The partition key has to be an array of one value.", KEY_MISMATCH)
    return _key(values[0])


def key_of_document(document: Document, path: str) -> PartitionKey:
    """The key at the container's partition key path, as ``/a/b``.

    :raises CosmosError: the value there cannot be a partition key.
    """
    value: Json = document
    for name in path.removeprefix("/").split("/"):
        if not isinstance(value, dict) or name not in value:
            return _key({})
        value = value[name]
    if isinstance(value, dict):
        raise bad_request("A partition key cannot be an object.")
    return _key(value)


def _key(value: Json) -> PartitionKey:
    if isinstance(value, list) or (isinstance(value, dict) and value):
        raise bad_request("A partition key is a string, a number, a Boolean or null.")
    if isinstance(value, str) and len(value.encode()) > _LONGEST_KEY_BYTES:
        raise bad_request("The partition key is longer than 2,048 bytes.")
    return PartitionKey(write(value).decode())


@lru_cache(maxsize=100_000)
def _hash(text: str) -> str:
    definition = ClientPartitionKey(path="/key")
    # It takes the JSON of any key, though its annotation names no object for a missing one.
    value: Any = parse(text)
    return str(definition._get_effective_partition_key_string([value]))
