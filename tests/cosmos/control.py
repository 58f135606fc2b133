"""Requests about the account, its databases and their containers."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from tests.cosmos.account import Account
from tests.cosmos.containers import Container
from tests.cosmos.documents import Document, parse_object
from tests.cosmos.messages import Reply, Request, json_reply
from tests.cosmos.partitions import PartitionKeyRange
from tests.cosmos.queries import asked_in, selected
from tests.cosmos.routing import not_spoken_of

# There is no published price.
_CHARGE = 1.0
_REGION = "Local"

type _Answers = dict[tuple[str, int], Callable[[Request], Reply]]
"""By method and number of ids in the path."""


class Control:
    """``endpoint``: where clients are told to send their requests."""

    def __init__(self, account: Account, endpoint: str) -> None:
        self._account = account
        self._endpoint = endpoint
        self._databases: _Answers = {
            ("GET", 0): self._list_databases,
            ("POST", 0): self._post_databases,
            ("GET", 1): self._read_database,
            ("DELETE", 1): self._delete_database,
        }
        self._containers: _Answers = {
            ("GET", 1): self._list_containers,
            ("POST", 1): self._create_container,
            ("GET", 2): self._read_container,
            ("PUT", 2): self._replace_container,
            ("DELETE", 2): self._delete_container,
        }

    def answer_account(self, request: Request) -> Reply:
        """
        :raises CosmosError: it is not the account's properties that are asked for.
        """
        if request.method != "GET":
            raise not_spoken_of(request)
        locations = [{"name": _REGION, "databaseAccountEndpoint": self._endpoint}]
        properties = {
            "id": "double",
            "_rid": "",
            "_self": "",
            "_dbs": "//dbs/",
            "writableLocations": locations,
            "readableLocations": locations,
            "enableMultipleWriteLocations": False,
            "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        }
        return json_reply(properties, 0.0, {})

    def answer_database(self, request: Request) -> Reply:
        """
        :raises CosmosError: the answer is an error.
        """
        return _chosen(self._databases, request)(request)

    def answer_container(self, request: Request) -> Reply:
        """
        :raises CosmosError: the answer is an error.
        """
        return _chosen(self._containers, request)(request)

    def _list_databases(self, _: Request) -> Reply:
        databases = self._account.databases.values()
        return _feed("Databases", (each.definition for each in databases))

    def _post_databases(self, request: Request) -> Reply:
        if request.says("x-ms-documentdb-isquery"):
            return self._query_databases(request)
        created = self._account.create_database(parse_object(request.body))
        return _resource(created.definition, HTTPStatus.CREATED)

    def _query_databases(self, request: Request) -> Reply:
        definitions = [each.definition for each in self._account.databases.values()]
        return _feed("Databases", selected(asked_in(request), definitions))

    def _read_database(self, request: Request) -> Reply:
        return _resource(self._account.database(*request.ids).definition)

    def _delete_database(self, request: Request) -> Reply:
        self._account.delete_database(*request.ids)
        return Reply(HTTPStatus.NO_CONTENT, charge=_CHARGE)

    def _list_containers(self, request: Request) -> Reply:
        containers = self._account.database(*request.ids).containers.values()
        return _feed("DocumentCollections", (each.definition for each in containers))

    def _create_container(self, request: Request) -> Reply:
        created = self._account.create_container(request.ids[0], parse_object(request.body))
        return _resource(created.definition, HTTPStatus.CREATED)

    def _read_container(self, request: Request) -> Reply:
        return _resource(self._account.container(*request.ids).definition)

    def _replace_container(self, request: Request) -> Reply:
        database, id = request.ids
        replaced = self._account.replace_container(database, id, parse_object(request.body))
        return _resource(replaced.definition)

    def _delete_container(self, request: Request) -> Reply:
        self._account.delete_container(*request.ids)
        return Reply(HTTPStatus.NO_CONTENT, charge=_CHARGE)


def answer_ranges(container: Container, request: Request) -> Reply:
    """The ranges of a container; a client that has them already is told that none changed."""
    etag = container.definition["_etag"]
    if request.headers.get("if-none-match") == etag:
        return Reply(HTTPStatus.NOT_MODIFIED, headers={"etag": etag})
    ranges = [_range(each) for each in container.ranges]
    content = {"_rid": container.rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}
    return json_reply(content, _CHARGE, {"etag": etag})


def _range(range: PartitionKeyRange) -> dict[str, Any]:
    bounds = {"minInclusive": range.first, "maxExclusive": range.end}
    return {"id": range.id, **bounds, "status": "online", "parents": []}


def _chosen(answers: _Answers, request: Request) -> Callable[[Request], Reply]:
    key = request.method, len(request.ids)
    if key not in answers:
        raise not_spoken_of(request)
    return answers[key]


def _feed(name: str, definitions: Iterable[Document]) -> Reply:
    listed = list(definitions)
    return json_reply({"_rid": "", name: listed, "_count": len(listed)}, _CHARGE, {})


def _resource(definition: Document, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    return json_reply(definition, _CHARGE, {"etag": definition["_etag"]}, status)
