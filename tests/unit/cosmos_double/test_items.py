"""Items over the wire: both clients of the official library, with ETags, batches and ttl."""

import asyncio
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from tests.cosmos.double import Double
from tests.unit.cosmos_double.clients import Client

MATCHING = {"match_condition": MatchConditions.IfNotModified}


async def replace(client: Client, item: dict[str, Any], etag: str) -> Any:
    return await client.calls.call(
        client.container.replace_item, item["id"], item, etag=etag, **MATCHING
    )


async def batch(client: Client, *operations: Any, partition: str = "j") -> Any:
    return await client.calls.call(
        client.container.execute_item_batch, list(operations), partition_key=partition
    )


async def failed_batch(client: Client, *operations: Any) -> list[int]:
    with pytest.raises(CosmosBatchOperationError) as error:
        await batch(client, *operations)
    return [each["statusCode"] for each in error.value.operation_responses]


async def test_an_item_is_read_as_it_was_created(client: Client) -> None:
    created = await client.create("j", document={"a": [1, "ž", None]})
    read = await client.read("j")
    assert read == created
    assert read["document"] == {"a": [1, "ž", None]}


async def test_numbers_are_doubles(client: Client) -> None:
    created = await client.create("j", numbers=[1.0, 2**53 + 1, 0.5, -0.0])
    numbers = created["numbers"]
    assert numbers == [1, 2**53, 0.5, 0]
    assert [type(each) for each in numbers] == [int, int, float, int]


async def test_an_id_is_taken_once_in_a_partition(client: Client) -> None:
    await client.create("j")
    await client.create("other")
    with pytest.raises(CosmosResourceExistsError):
        await client.create("j")


async def test_an_item_is_in_its_partition_only(client: Client) -> None:
    await client.create("j")
    with pytest.raises(CosmosResourceNotFoundError):
        await client.read("other")


async def test_the_etag_changes_with_every_write_and_guards_it(client: Client) -> None:
    first = await client.create("j", state=1)
    second = await replace(client, {**first, "state": 2}, first["_etag"])
    with pytest.raises(CosmosAccessConditionFailedError):
        await replace(client, {**first, "state": 3}, first["_etag"])
    assert first["_etag"] != second["_etag"]
    assert await client.read("j") == second


async def test_a_delete_is_guarded_by_the_etag(client: Client) -> None:
    first = await client.create("j")
    second = await replace(client, first, first["_etag"])
    delete = client.container.delete_item
    with pytest.raises(CosmosAccessConditionFailedError):
        await client.calls.call(delete, "job", "j", etag=first["_etag"], **MATCHING)
    await client.calls.call(delete, "job", "j", etag=second["_etag"], **MATCHING)
    with pytest.raises(CosmosResourceNotFoundError):
        await client.read("j")


async def test_a_conditional_write_to_what_is_gone_finds_nothing(client: Client) -> None:
    item = await client.create("j")
    await client.calls.call(client.container.delete_item, "job", "j")
    with pytest.raises(CosmosResourceNotFoundError):
        await replace(client, item, item["_etag"])


async def test_an_upsert_creates_and_then_replaces(client: Client) -> None:
    upsert = client.container.upsert_item
    first = await client.calls.call(upsert, {"id": "job", "jobId": "j", "state": 1})
    second = await client.calls.call(upsert, {"id": "job", "jobId": "j", "state": 2})
    assert (await client.read("j"))["state"] == 2
    assert second["_rid"] == first["_rid"]


@pytest.mark.parametrize(
    "members",
    [
        {"id": ""},
        {"ttl": 0},
        {"ttl": "soon"},
        {"ttl": 1.5},
        {"jobId": ["j"]},
    ],
)
async def test_what_cannot_be_stored_is_refused(client: Client, members: dict[str, Any]) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        await client.calls.call(client.container.create_item, {"id": "job", "jobId": "j"} | members)
    assert error.value.status_code == 400


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_an_item_that_is_too_large_is_refused(client: Client) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        await client.create("j", text="x" * 2**21)
    assert error.value.status_code == 413


async def test_a_batch_applies_all_operations(client: Client) -> None:
    job = await client.create("j", state=1)
    results = await batch(
        client,
        ("replace", ("job", {**job, "state": 2}), {"if_match_etag": job["_etag"]}),
        ("create", ({"id": "record", "jobId": "j"},)),
        ("read", ("record",)),
        ("delete", ("record",)),
    )
    assert [each["statusCode"] for each in results] == [200, 201, 200, 204]
    read = await client.read("j")
    assert read["state"] == 2
    assert results[0]["eTag"] == read["_etag"]


async def test_a_batch_that_fails_applies_nothing(client: Client) -> None:
    job = await client.create("j", state=1)
    before = await replace(client, job, job["_etag"])
    statuses = await failed_batch(
        client,
        ("create", ({"id": "record", "jobId": "j"},)),
        ("replace", ("job", {**job, "state": 2}), {"if_match_etag": job["_etag"]}),
        ("delete", ("job",)),
    )
    assert statuses == [424, 412, 424]
    assert await client.query("SELECT * FROM c", "j") == [before]


async def test_a_batch_tells_what_its_failure_was(client: Client) -> None:
    await client.create("j")
    item = {"id": "job", "jobId": "j"}
    assert await failed_batch(client, ("create", (item,))) == [409]
    assert await failed_batch(client, ("delete", ("none",))) == [404]
    assert await failed_batch(client, ("create", ({**item, "jobId": "other"},))) == [400]
    # Of single items the client itself refuses such an id.
    assert await failed_batch(client, ("create", ({**item, "id": "a/b"},))) == [400]


async def test_an_item_expires_by_its_ttl(client: Client, double: Double) -> None:
    await client.create("j", ttl=60)
    await client.create("j", "lasting")
    double.clock.forward(seconds=58)
    await client.read("j")
    double.clock.forward(seconds=3)
    with pytest.raises(CosmosResourceNotFoundError):
        await client.read("j")
    assert await client.query("SELECT VALUE c.id FROM c") == ["lasting"]


async def test_a_write_starts_the_ttl_anew(client: Client, double: Double) -> None:
    item = await client.create("j", ttl=60)
    double.clock.forward(seconds=50)
    await replace(client, item, item["_etag"])
    double.clock.forward(seconds=50)
    assert (await client.read("j"))["ttl"] == 60


async def test_without_a_default_ttl_nothing_expires(client: Client, double: Double) -> None:
    container = await client.calls.call(
        client.database.create_container, "lasting", PartitionKey("/id")
    )
    await client.calls.call(container.create_item, {"id": "a", "ttl": 1})
    double.clock.forward(hours=1)
    assert (await client.calls.call(container.read_item, "a", "a"))["ttl"] == 1


async def test_one_of_many_writers_wins(client: Client) -> None:
    item = await client.create("j")
    writes = (replace(client, {**item, "writer": each}, item["_etag"]) for each in range(20))
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    lost = [each for each in outcomes if isinstance(each, CosmosAccessConditionFailedError)]
    assert len(lost) == 19


async def test_a_missing_container_is_told_from_a_missing_item(client: Client) -> None:
    container = client.database.get_container_client("none")
    with pytest.raises(CosmosResourceNotFoundError):
        await client.calls.call(container.read_item, "job", "j")
    with pytest.raises(CosmosResourceNotFoundError):
        await client.calls.call(container.create_item, {"id": "job", "jobId": "j"})


async def test_a_container_created_anew_is_empty(client: Client) -> None:
    await client.create("j")
    await client.calls.call(client.database.delete_container, "jobs")
    await client.calls.call(client.database.create_container, "jobs", PartitionKey("/jobId"))
    assert await client.query("SELECT * FROM c", "j") == []
    await client.create("j")


async def test_the_properties_of_a_container_are_kept(client: Client) -> None:
    properties = await client.calls.call(client.container.read)
    assert properties["partitionKey"]["paths"] == ["/jobId"]
    assert properties["defaultTtl"] == -1
    assert properties["indexingPolicy"]["excludedPaths"] == [{"path": '/"_etag"/?'}]


async def test_what_the_double_does_not_speak_is_refused(client: Client) -> None:
    await client.create("j")
    patch = [{"op": "set", "path": "/state", "value": 1}]
    unique = {"uniqueKeys": [{"paths": ["/a"]}]}
    key = PartitionKey("/id")
    for call in (
        lambda: client.calls.call(client.container.patch_item, "job", "j", patch),
        lambda: client.calls.all(client.container.read_all_items),
        lambda: client.calls.call(
            client.database.create_container, "unique", key, unique_key_policy=unique
        ),
    ):
        with pytest.raises(CosmosHttpResponseError) as error:
            await call()
        assert error.value.status_code == 501
