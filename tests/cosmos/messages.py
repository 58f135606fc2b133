"""Requests as the service understands them, and its answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from tests.cosmos.documents import Json, write
from tests.cosmos.errors import CosmosError
from tests.cosmos.indexing import Path
from tests.cosmos.partitions import PartitionKey, key_of_header

PARTITION_KEY = "x-ms-documentdb-partitionkey"


class Operation(StrEnum):
    ACCOUNT = "account"
    DATABASE = "database"
    CONTAINER = "container"
    RANGES = "ranges"
    PLAN = "plan"
    READ = "read"
    CREATE = "create"
    UPSERT = "upsert"
    REPLACE = "replace"
    DELETE = "delete"
    BATCH = "batch"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Request:
    """``path``: kinds and ids by turns, as ``("dbs", "d", "colls", "c", "docs")``."""

    method: str
    path: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.path[0::2]

    @property
    def ids(self) -> tuple[str, ...]:
        return self.path[1::2]

    @property
    def container(self) -> str | None:
        return self.ids[1] if len(self.ids) > 1 else None

    @property
    def partition(self) -> PartitionKey | None:
        """
        :raises CosmosError: the header is none of a partition key.
        """
        header = self.headers.get(PARTITION_KEY)
        return None if header is None else key_of_header(header)

    @property
    def partition_value(self) -> Json:
        """
        :raises CosmosError: the header is none of a partition key.
        """
        return self.partition.value if self.partition else None

    def says(self, header: str) -> bool:
        """Whether a header has the value true; the client library writes it ``True``."""
        return self.headers.get(header, "").lower() == "true"


@dataclass(frozen=True, slots=True)
class AnsweredQuery:
    """``unindexed``: the paths it filters by which the index of its container does not cover."""

    text: str
    parameters: Mapping[str, Json]
    unindexed: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Reply:
    """``charge`` in request units; ``query``: what was answered, if it was one."""

    status: int
    body: bytes = b""
    charge: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    query: AnsweredQuery | None = None


def json_reply(
    content: Any, charge: float, headers: Mapping[str, str], status: int = HTTPStatus.OK
) -> Reply:
    return Reply(status, write(content), charge, headers)


def error_reply(error: CosmosError, charge: float) -> Reply:
    body = json.dumps({"code": error.code, "message": error.message}).encode()
    sub_status = {} if error.sub_status is None else {"x-ms-substatus": str(error.sub_status)}
    return Reply(error.status, body, charge, sub_status)
