"""What requests are charged, and queries that the index does not cover."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.cosmos.double import Double, Options, running_double
from tests.cosmos.messages import Operation
from tests.unit.cosmos_double.clients import Client, async_client

KB = 1024
POLICY = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/state/?"}, {"path": "/queues/[]/?"}],
    "excludedPaths": [{"path": "/*"}],
}


@pytest.fixture
async def jobs(double: Double) -> AsyncIterator[Client]:
    """A container that indexes no more than states and queues."""
    async with async_client(double) as client:
        yield await _indexed(client)


async def _indexed(client: Client) -> Client:
    container = await client.database.create_container(
        "indexed", PartitionKey("/jobId"), indexing_policy=POLICY
    )
    return Client(client.calls, client.account, client.database, container)


def charged(double: Double, operation: Operation) -> float:
    return round(double.requests.charges()[operation], 2)


async def test_point_reads_cost_what_is_published(double: Double, jobs: Client) -> None:
    await jobs.create("small")
    await jobs.create("large", text="x" * (100 * KB - 340))
    double.requests.clear()
    await jobs.read("small")
    assert charged(double, Operation.READ) == 1.0
    await jobs.read("large")
    assert charged(double, Operation.READ) == pytest.approx(11.0, abs=0.05)


async def test_writes_cost_by_size_and_indexed_terms(double: Double, jobs: Client) -> None:
    await jobs.create("a")
    plain = charged(double, Operation.CREATE)
    # The id and the time of the last write are always indexed.
    assert plain == 5.5 + 2 * 0.2
    await jobs.create("b", state="queued", queues=["x", "y", "y"], text="not indexed")
    assert charged(double, Operation.CREATE) - plain == pytest.approx(plain + 3 * 0.2)


async def test_a_replace_costs_two_inserts_and_the_terms_that_change(
    double: Double, jobs: Client
) -> None:
    item = await jobs.create("a", state="queued")
    await jobs.container.replace_item("job", {**item, "text": "not indexed"})
    same_terms = charged(double, Operation.REPLACE)
    await jobs.container.replace_item("job", {**item, "state": "closed"})
    both = charged(double, Operation.REPLACE)
    assert same_terms in (11.0, 11.4)  # By whether a second has passed.
    assert both - same_terms == pytest.approx(11.4, abs=0.41)


async def test_a_batch_costs_its_operations(double: Double, jobs: Client) -> None:
    operations = [("create", ({"id": id, "jobId": "j"},)) for id in ("a", "b")]
    results = await jobs.container.execute_item_batch(operations, partition_key="j")
    assert [each["requestCharge"] for each in results] == [5.9, 5.9]
    assert charged(double, Operation.BATCH) == 11.8
    headers = jobs.container.client_connection.last_response_headers
    assert float(headers["x-ms-request-charge"]) == 11.8


async def test_a_query_costs_by_ranges_and_loaded_items(double: Double, jobs: Client) -> None:
    for index in range(4):
        await jobs.create("j", f"i{index}", state="queued" if index else "closed")
    double.requests.clear()
    await jobs.query("SELECT * FROM c WHERE c.state = @state", "j", state="queued")
    assert charged(double, Operation.QUERY) == 2.3 + 3
    await jobs.query("SELECT * FROM c WHERE c.state = @state", state="none")
    assert charged(double, Operation.QUERY) == 2.3 + 3 + 3 * 2.3


async def test_a_filter_that_the_index_does_not_cover_is_a_scan(
    double: Double, jobs: Client
) -> None:
    for index in range(4):
        await jobs.create("j", f"i{index}", text="x")
    double.requests.clear()
    text = "SELECT * FROM c WHERE c.text = @text AND c.state = @state"
    assert await jobs.query(text, "j", text="y", state="queued") == []
    (scan,) = double.requests.scans()
    assert scan.query is not None
    assert (scan.query.text, scan.query.unindexed) == (text, [("text",)])
    assert scan.query.parameters == {"@text": "y", "@state": "queued"}
    assert scan.charge == pytest.approx(2.3 + 4)


async def test_covered_filters_are_no_scans(double: Double, jobs: Client) -> None:
    await jobs.query(
        "SELECT * FROM c"
        " WHERE c.state = @state AND ARRAY_CONTAINS(c.queues, @queue) AND c.id = @id",
        state="queued",
        queue="q",
        id="job",
    )
    assert double.requests.scans() == []


async def test_a_strict_double_refuses_scans() -> None:
    async with running_double(Options(strict_indexing=True)) as double, async_client(double) as all:
        jobs = await _indexed(all)
        await jobs.query("SELECT * FROM c WHERE c.state = @state", "j", state="queued")
        with pytest.raises(CosmosHttpResponseError, match="does not cover"):
            await jobs.query("SELECT * FROM c WHERE c.text = @text", "j", text="x")


@pytest.mark.parametrize("partition", ["j", None])
async def test_nothing_is_ordered_by_what_is_not_indexed(
    jobs: Client, partition: str | None
) -> None:
    with pytest.raises(CosmosHttpResponseError, match="requires a range index") as error:
        await jobs.query("SELECT * FROM c ORDER BY c.text", partition)
    assert error.value.status_code == 400
    assert await jobs.query("SELECT * FROM c ORDER BY c.state", partition) == []


@pytest.mark.parametrize(
    "policy",
    [
        {"includedPaths": [{"path": "/a/?"}]},
        {"includedPaths": [{"path": "/*"}], "excludedPaths": [{"path": "/*"}]},
        {"includedPaths": [{"path": "/*"}, {"path": "/a"}]},
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(jobs: Client, policy: Any) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        await jobs.database.create_container("refused", PartitionKey("/id"), indexing_policy=policy)
    assert error.value.status_code == 400
