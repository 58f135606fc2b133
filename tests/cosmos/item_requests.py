"""Requests about items, one by one or in a batch."""

from collections.abc import Mapping
from http import HTTPStatus

from tests.cosmos import writes
from tests.cosmos.batch import run_batch
from tests.cosmos.charges import read_charge
from tests.cosmos.containers import Container
from tests.cosmos.documents import Document, parse, parse_object
from tests.cosmos.errors import bad_request, too_large
from tests.cosmos.items import Item
from tests.cosmos.messages import Reply, Request, json_reply
from tests.cosmos.partitions import KEY_MISMATCH, PartitionKey
from tests.cosmos.writes import Outcome

_LARGEST_BATCH_BYTES = 2 * 1024 * 1024


def answer_read(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: there is no such item.
    """
    partition = _partition(request)
    outcome = writes.read(container, partition, request.ids[2])
    if outcome.item and request.headers.get("if-none-match") == outcome.item.etag:
        headers = _headers(container, partition, outcome.item)
        return Reply(HTTPStatus.NOT_MODIFIED, charge=read_charge(0), headers=headers)
    return _reply(container, request, outcome)


def answer_create(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the item cannot be created.
    """
    document = parse_object(request.body)
    return _reply(container, request, writes.create(container, _partition(request), document))


def answer_upsert(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the item can neither be created nor replaced.
    """
    document = parse_object(request.body)
    outcome = writes.upsert(container, _partition(request), document, _if_match(request))
    return _reply(container, request, outcome)


def answer_replace(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the item cannot be replaced.
    """
    partition, id, document = _partition(request), request.ids[2], parse_object(request.body)
    outcome = writes.replace(container, partition, id, document, _if_match(request))
    return _reply(container, request, outcome)


def answer_delete(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the item cannot be deleted.
    """
    partition, id = _partition(request), request.ids[2]
    outcome = writes.delete(container, partition, id, _if_match(request))
    return _reply(container, request, outcome)


def answer_batch(container: Container, request: Request) -> Reply:
    """
    :raises CosmosError: the batch as a whole cannot be run.
    """
    if len(request.body) > _LARGEST_BATCH_BYTES:
        raise too_large("The batch is larger than 2 MB.")
    partition = _partition(request)
    applied, results = run_batch(container, partition, _operations(request))
    charge = sum(result["requestCharge"] for result in results)
    status = HTTPStatus.OK if applied else HTTPStatus.MULTI_STATUS
    return json_reply(results, charge, _headers(container, partition), status)


def _operations(request: Request) -> list[Document]:
    operations = parse(request.body)
    if not isinstance(operations, list):
        raise bad_request("A batch is an array of operations.")
    return operations


def _partition(request: Request) -> PartitionKey:
    if request.partition is None:
        raise bad_request("The partition key is missing in the headers.", KEY_MISMATCH)
    return request.partition


def _if_match(request: Request) -> str | None:
    return request.headers.get("if-match")


def _reply(container: Container, request: Request, outcome: Outcome) -> Reply:
    wanted = request.headers.get("prefer") != "return=minimal"
    body = outcome.item.body if outcome.item and wanted else b""
    headers = _headers(container, _partition(request), outcome.item)
    return Reply(outcome.status, body, outcome.charge, headers)


def _headers(
    container: Container, partition: PartitionKey, item: Item | None = None
) -> Mapping[str, str]:
    range_id = container.range_of(partition).id
    headers = {
        "x-ms-session-token": container.session_token(range_id),
        "x-ms-documentdb-partitionkeyrangeid": range_id,
        "lsn": str(container.log_sequence_number(range_id)),
    }
    return headers | ({"etag": item.etag} if item else {})
