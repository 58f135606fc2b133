"""The reference page of Cosmos DB says what the containers' definition says."""

from pathlib import Path

import pytest

from shared.storage.cosmos.containers import (
    CONTAINERS,
    QUERIES,
    ContainerDefinition,
    ServedQuery,
)

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "cosmos-db.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]


def row(name: str) -> list[str]:
    (found,) = [cells for cells in ROWS if cells[0] == f"`{name}`"]
    return found


def code(texts: tuple[str, ...]) -> str:
    return ", ".join(f"`{text}`" for text in texts) or "none"


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container.name)
def test_a_container_is_described(container: ContainerDefinition) -> None:
    _, partition_key, _, indexed = row(container.name)
    assert partition_key == f"`{container.partition_key_path}`"
    assert indexed == code(container.indexed)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_is_described(query: ServedQuery) -> None:
    _, container, order_by, filters, partitions, _ = row(query.name)
    assert container == f"`{query.container.name}`"
    unordered = "any order" if query.in_any_order else "a count"
    assert order_by == (f"`{query.order_by}`" if query.order_by else unordered)
    assert filters == code(query.filters)
    assert partitions == ("all" if query.cross_partition else "one")


def test_nothing_else_is_described() -> None:
    assert len(ROWS) == len(CONTAINERS) + len(QUERIES)
