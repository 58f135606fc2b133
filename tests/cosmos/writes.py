"""Operations on one item with what they cost, be they sent alone or in a batch."""

from dataclasses import dataclass
from http import HTTPStatus

from tests.cosmos.charges import create_charge, delete_charge, read_charge, replace_charge
from tests.cosmos.containers import Container
from tests.cosmos.documents import Document
from tests.cosmos.items import Item
from tests.cosmos.partitions import PartitionKey


@dataclass(frozen=True, slots=True)
class Outcome:
    """``item``: as it is now; ``charge`` in request units."""

    status: int
    charge: float
    item: Item | None = None


def read(container: Container, partition: PartitionKey, id: str) -> Outcome:
    """
    :raises CosmosError: there is no such item.
    """
    item = container.read(partition, id)
    return Outcome(HTTPStatus.OK, read_charge(len(item.body)), item)


def create(container: Container, partition: PartitionKey, document: Document) -> Outcome:
    """
    :raises CosmosError: the item cannot be created.
    """
    item = container.create(partition, document)
    return Outcome(HTTPStatus.CREATED, create_charge(item), item)


def replace(
    container: Container,
    partition: PartitionKey,
    id: str,
    document: Document,
    if_match: str | None,
) -> Outcome:
    """
    :raises CosmosError: the item cannot be replaced.
    """
    before = container.read(partition, id)
    after = container.replace(partition, id, document, if_match)
    return Outcome(HTTPStatus.OK, replace_charge(before, after), after)


def upsert(
    container: Container, partition: PartitionKey, document: Document, if_match: str | None
) -> Outcome:
    """
    :raises CosmosError: the item can neither be created nor replaced.
    """
    id = document.get("id")
    if isinstance(id, str) and container.has(partition, id):
        return replace(container, partition, id, document, if_match)
    return create(container, partition, document)


def delete(container: Container, partition: PartitionKey, id: str, if_match: str | None) -> Outcome:
    """
    :raises CosmosError: the item cannot be deleted.
    """
    item = container.delete(partition, id, if_match)
    return Outcome(HTTPStatus.NO_CONTENT, delete_charge(item))
