"""The account: its databases and their containers, in memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.cosmos.containers import Container
from tests.cosmos.documents import Document
from tests.cosmos.errors import bad_request, conflict, not_found, not_spoken
from tests.cosmos.indexing import IndexingPolicy, completed_policy
from tests.cosmos.partitions import PartitionKeyRange
from tests.cosmos.resources import ResourceIds, system_properties

_OWNER_NOT_FOUND = 1003
"""Sub-status: what is missing is the container or database that the path goes through."""

_SYSTEM = {"_rid", "_self", "_etag", "_ts", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts"}
_CONTAINER_MEMBERS = {"id", "partitionKey", "indexingPolicy", "defaultTtl"} | _SYSTEM


class Database:
    def __init__(self, definition: Document) -> None:
        self.definition = definition
        self.containers: dict[str, Container] = {}


class Account:
    def __init__(
        self, ranges: tuple[PartitionKeyRange, ...], clock: Callable[[], datetime]
    ) -> None:
        self.databases: dict[str, Database] = {}
        self._ranges = ranges
        self._clock = clock
        self._ids = ResourceIds()

    def create_database(self, definition: Document) -> Database:
        """
        :raises CosmosError: there is one with this id.
        """
        id = _named(definition)
        if id in self.databases:
            raise conflict()
        rid = self._ids.database()
        self.databases[id] = Database({"id": id} | self._system(rid, f"dbs/{rid}/"))
        return self.databases[id]

    def database(self, id: str) -> Database:
        """
        :raises CosmosError: there is none.
        """
        if id not in self.databases:
            raise not_found()
        return self.databases[id]

    def delete_database(self, id: str) -> None:
        """
        :raises CosmosError: there is none.
        """
        self.database(id)
        del self.databases[id]

    def create_container(self, database: str, definition: Document) -> Container:
        """
        :raises CosmosError: no such database, a container with this id, or a definition that the
            double does not speak.
        """
        owner = self._owner(database)
        id = _named(definition)
        definition = _completed(definition)
        policy = IndexingPolicy.of(definition["indexingPolicy"])
        if id in owner.containers:
            raise conflict()
        rid = self._ids.container(str(owner.definition["_rid"]))
        definition |= self._system(rid, f"{owner.definition['_self']}colls/{rid}/")
        owner.containers[id] = Container(definition, policy, self._ranges, self._ids, self._clock)
        return owner.containers[id]

    def container(self, database: str, id: str) -> Container:
        """
        :raises CosmosError: there is none.
        """
        return self._found(database, id)

    def owner_of_items(self, database: str, id: str) -> Container:
        """The container that a path to items goes through.

        :raises CosmosError: there is none.
        """
        return self._found(database, id, _OWNER_NOT_FOUND)

    def replace_container(self, database: str, id: str, definition: Document) -> Container:
        """
        :raises CosmosError: there is none, or something would change that never can.
        """
        container = self.container(database, id)
        definition = _completed(definition)
        policy = IndexingPolicy.of(definition["indexingPolicy"])
        if definition["partitionKey"]["paths"] != container.definition["partitionKey"]["paths"]:
            raise bad_request("The partition key of a container cannot change.")
        link = str(container.definition["_self"])
        container.redefine(definition | self._system(container.rid, link), policy)
        return container

    def delete_container(self, database: str, id: str) -> None:
        """
        :raises CosmosError: there is none.
        """
        self.container(database, id)
        del self._owner(database).containers[id]

    def _found(self, database: str, id: str, sub_status: int | None = None) -> Container:
        containers = self._owner(database).containers
        if id not in containers:
            raise not_found(sub_status)
        return containers[id]

    def _owner(self, database: str) -> Database:
        if database not in self.databases:
            raise not_found(_OWNER_NOT_FOUND)
        return self.databases[database]

    def _system(self, rid: str, link: str) -> dict[str, Any]:
        now = int(self._clock().timestamp())
        return system_properties(rid, link, self._ids.etag(now), now)


def _named(definition: Document) -> str:
    id = definition.get("id")
    if not isinstance(id, str) or not id:
        raise bad_request("The required property 'id' is missing.")
    return id


def _completed(definition: Document) -> Document:
    for member in definition.keys() - _CONTAINER_MEMBERS:
        raise not_spoken(f"the member '{member}' of a container")
    key = definition.get("partitionKey", {})
    if key.get("kind", "Hash") != "Hash" or len(key.get("paths", [])) != 1:
        raise not_spoken("partition keys other than a single hashed path")
    ttl = definition.get("defaultTtl", -1)
    if not isinstance(ttl, int) or (ttl != -1 and ttl <= 0):
        raise bad_request("The defaultTtl has to be -1 or a positive integer.")
    kept = {name: value for name, value in definition.items() if name not in _SYSTEM}
    return kept | {"indexingPolicy": completed_policy(definition.get("indexingPolicy"))}
