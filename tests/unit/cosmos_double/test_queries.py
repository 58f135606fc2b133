"""Queries over the wire: in one partition, and merged by the clients over three ranges."""

from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.cosmos.double import Double
from tests.cosmos.messages import Operation
from tests.unit.cosmos_double.clients import Client, blocking_client

COUNT = 12


async def create_jobs(client: Client) -> None:
    """Spread over the ranges, with ``rank`` in an order that is not the one of creation."""
    for index in range(COUNT):
        await client.create(f"job-{index}", rank=index * 5 % COUNT, even=index % 2 == 0)


async def pages(client: Client, text: str, size: int, partition: str) -> Any:
    query = client.container.query_items(text, partition_key=partition, max_item_count=size)
    return query.by_page()


async def test_a_query_with_a_partition_key_sees_that_partition_only(client: Client) -> None:
    await client.create("a", state=1)
    await client.create("b", state=1)
    text = "SELECT VALUE c.jobId FROM c WHERE c.jobId = @other OR c.state = 1"
    assert await client.query(text, "a", other="b") == ["a"]


async def test_a_query_for_all_partitions_has_to_say_so(double: Double) -> None:
    # The asynchronous client always says so.
    async with blocking_client(double) as client:
        with pytest.raises(CosmosHttpResponseError) as error:
            await client.calls.all(client.container.query_items, "SELECT * FROM c")
    assert error.value.status_code == 400


async def test_a_filter_goes_over_one_range_after_the_other(client: Client, double: Double) -> None:
    await create_jobs(client)
    double.requests.clear()
    found = await client.query("SELECT VALUE c.rank FROM c WHERE c.rank >= @least", least=9)
    assert sorted(found) == [9, 10, 11]
    assert double.requests.counts()[Operation.QUERY] == 3
    assert double.requests.counts()[Operation.PLAN] == 0


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_ordered_results_of_the_ranges_are_merged(
    client: Client, double: Double, direction: str
) -> None:
    await create_jobs(client)
    double.requests.clear()
    found = await client.query(
        f"SELECT * FROM c WHERE c.rank < @end ORDER BY c.rank {direction}", end=10
    )
    ranks = [each["rank"] for each in found]
    assert ranks == sorted(range(10), reverse=direction == "DESC")
    assert double.requests.counts()[Operation.PLAN] == 1
    assert [each.status for each in double.requests if each.operation is Operation.QUERY] == [
        400,
        200,
        200,
        200,
    ]


async def test_every_range_holds_some_of_the_jobs(client: Client) -> None:
    await create_jobs(client)
    found = [
        await client.calls.all(
            client.container.query_items, "SELECT VALUE c.jobId FROM c", feed_range=each
        )
        for each in await client.calls.all(client.container.read_feed_ranges)
    ]
    assert len(found) == 3
    assert all(found)
    assert sum(map(len, found)) == COUNT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT TOP 3 VALUE c.rank FROM c ORDER BY c.rank", [0, 1, 2]),
        ("SELECT TOP @top VALUE c.rank FROM c ORDER BY c.rank DESC", [11, 10]),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.rank > 3", [8]),
        ("SELECT DISTINCT VALUE c.even FROM c ORDER BY c.even", [False, True]),
        ("SELECT DISTINCT TOP 1 VALUE c.even FROM c ORDER BY c.even DESC", [True]),
    ],
)
@pytest.mark.parametrize("partition", [None, "all"])
async def test_what_needs_merging(
    client: Client, text: str, found: list[Any], partition: str | None
) -> None:
    """The same over all ranges and within one partition."""
    for index in range(COUNT):
        key = partition or f"job-{index}"
        await client.create(key, f"i{index}", rank=index, even=index % 2 == 0)
    assert await client.query(text, partition, top=2) == found


async def test_items_without_the_member_come_first(client: Client) -> None:
    await client.create("j", "none")
    await client.create("j", "number", rank=1)
    await client.create("j", "null", rank=None)
    text = "SELECT VALUE c.id FROM c ORDER BY c.rank"
    assert await client.query(text, "j") == ["none", "null", "number"]
    assert await client.query(f"{text} DESC", "j") == ["number", "null", "none"]


async def test_pages_continue_while_data_changes(client: Client) -> None:
    for index in range(6):
        await client.create("j", f"i{index}", rank=index)
    fetched = await pages(client, "SELECT VALUE c.id FROM c ORDER BY c.rank DESC", 2, "j")
    assert await client.calls.page(fetched) == ["i5", "i4"]
    await client.calls.call(client.container.delete_item, "i4", "j")
    await client.create("j", "late", rank=9)
    assert await client.calls.page(fetched) == ["i3", "i2"]
    assert await client.calls.page(fetched) == ["i1", "i0"]


async def test_pages_end_after_the_top(client: Client) -> None:
    for index in range(6):
        await client.create("j", f"i{index}", rank=index)
    fetched = await pages(client, "SELECT TOP 3 VALUE c.id FROM c ORDER BY c.rank", 2, "j")
    assert await client.calls.page(fetched) == ["i0", "i1"]
    assert await client.calls.page(fetched) == ["i2"]
    assert fetched.continuation_token is None


@pytest.mark.parametrize(
    "token", ["garbage", "[]", "{}", '{"range": "0", "after": [1]}', '{"range": "0"}']
)
async def test_a_token_that_nobody_gave_is_refused(client: Client, token: str) -> None:
    query = client.container.query_items("SELECT * FROM c", partition_key="j")
    with pytest.raises(CosmosHttpResponseError) as error:
        await client.calls.page(query.by_page(token))
    assert error.value.status_code == 400


@pytest.mark.parametrize(
    "text", ["SELEC * FRM c", "SELECT * FROM c WHERE UPPER(c.a) = 'A'", "SELECT c.id FROM c"]
)
async def test_what_the_grammar_does_not_know_is_a_syntax_error(client: Client, text: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match="SyntaxError") as error:
        await client.query(text, "j")
    assert error.value.status_code == 400


async def test_a_parameter_that_is_missing_is_refused(client: Client) -> None:
    with pytest.raises(CosmosHttpResponseError, match="'@a' is not specified"):
        await client.query("SELECT * FROM c WHERE c.a = @a", "j")
