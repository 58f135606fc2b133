"""Transactional batches: operations on one partition, all of them or none."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from tests.cosmos import writes
from tests.cosmos.charges import read_charge
from tests.cosmos.containers import Container
from tests.cosmos.documents import Document
from tests.cosmos.errors import CosmosError, bad_request, not_spoken
from tests.cosmos.partitions import PartitionKey
from tests.cosmos.writes import Outcome

LARGEST_BATCH = 100

type _Result = dict[str, Any]
type _Step = Callable[[Container, PartitionKey, Document], Outcome]


def run_batch(
    container: Container, partition: PartitionKey, operations: Sequence[Document]
) -> tuple[bool, list[_Result]]:
    """Whether all was applied, and a result for each operation.

    :raises CosmosError: the batch as a whole cannot be run.
    """
    _check(operations)
    results: list[_Result] = []
    try:
        with container.transaction(partition):
            for operation in operations:
                step = _STEPS[operation["operationType"]]
                results.append(_result(step(container, partition, operation)))
    except CosmosError as error:
        return False, _failed(error, len(results), len(operations))
    return True, results


def _check(operations: Sequence[Document]) -> None:
    if not 0 < len(operations) <= LARGEST_BATCH:
        raise bad_request(f"A batch has from 1 to {LARGEST_BATCH} operations.")
    for operation in operations:
        if operation.get("operationType") not in _STEPS or "ifNoneMatch" in operation:
            raise not_spoken(f"the batch operation {operation}")


def _failed(error: CosmosError, index: int, count: int) -> list[_Result]:
    results = [_result(Outcome(HTTPStatus.FAILED_DEPENDENCY, 0.0)) for _ in range(count)]
    results[index] = _result(Outcome(error.status, read_charge(0)))
    if error.sub_status is not None:
        results[index]["subStatusCode"] = error.sub_status
    return results


def _read(container: Container, partition: PartitionKey, operation: Document) -> Outcome:
    return writes.read(container, partition, operation["id"])


def _create(container: Container, partition: PartitionKey, operation: Document) -> Outcome:
    return writes.create(container, partition, operation["resourceBody"])


def _upsert(container: Container, partition: PartitionKey, operation: Document) -> Outcome:
    document, if_match = operation["resourceBody"], operation.get("ifMatch")
    return writes.upsert(container, partition, document, if_match)


def _replace(container: Container, partition: PartitionKey, operation: Document) -> Outcome:
    id, document = operation["id"], operation["resourceBody"]
    return writes.replace(container, partition, id, document, operation.get("ifMatch"))


def _delete(container: Container, partition: PartitionKey, operation: Document) -> Outcome:
    return writes.delete(container, partition, operation["id"], operation.get("ifMatch"))


_STEPS: dict[str, _Step] = {
    "Read": _read,
    "Create": _create,
    "Upsert": _upsert,
    "Replace": _replace,
    "Delete": _delete,
}


def _result(outcome: Outcome) -> _Result:
    item = outcome.item
    content = {"eTag": item.etag, "resourceBody": item.document} if item else {}
    return {"statusCode": outcome.status, "requestCharge": outcome.charge} | content
