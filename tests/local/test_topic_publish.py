"""Publishing to the local topic, with the publisher SDK and with raw requests."""

import json
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent

from infra.local.topic import LocalTopic
from infra.local.topic.asgi import DEFAULT_TOPIC_ID
from infra.local.topic.schema import Event, EventSchema, parse_events
from tests.local.topic_rig import API_VERSION, EVENTS, KEY, event, raw_event, receiver, served

CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/router", "type": "RouterJobQueued"}
CLOUD_JSON = "application/cloudevents+json"


async def test_sdk_publishes_event_grid_events(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await webhook.receives("a")

    post = webhook.posts[0]
    assert post.content_type == "application/json"
    assert post.headers["aeg-event-type"] == "Notification"
    assert post.headers["aeg-delivery-count"] == "0"
    (delivered,) = post.body
    assert delivered["topic"] == DEFAULT_TOPIC_ID
    assert delivered["metadataVersion"] == "1"
    assert delivered["dataVersion"] == "1.0"
    assert delivered["eventType"] == "Microsoft.Communication.RouterJobQueued"
    assert delivered["data"] == {"jobId": "job-1", "labels": {"Skill": 11, "English": True}}


async def test_sdk_publishes_cloud_events(tmp_path: Path) -> None:
    events = [
        CloudEvent(id=id, source="/router", type="RouterJobQueued", data={"n": id})
        for id in ("a", "b")
    ]
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        async with topic.publisher() as publisher:
            await publisher.send(events)
        await webhook.receives("a", "b")

    # One event a POST, as Event Grid delivers when no batching is asked for.
    assert [post.content_type for post in webhook.posts] == [CLOUD_JSON] * 2
    assert [post.body["data"] for post in webhook.posts] == [{"n": "a"}, {"n": "b"}]
    assert webhook.posts[0].body["specversion"] == "1.0"


async def test_cloud_events_go_in_batches_when_asked_for(tmp_path: Path) -> None:
    async with (
        receiver() as webhook,
        served(tmp_path, webhook.url, max_cloud_events=10) as topic,
    ):
        batch = [CLOUD_EVENT | {"id": str(n)} for n in range(3)]
        assert await topic.post(json.dumps(batch), "application/cloudevents-batch+json") == (
            200,
            None,
        )
        await webhook.receives("0", "1", "2")
        assert await topic.post(json.dumps(CLOUD_EVENT), CLOUD_JSON) == (200, None)
        await webhook.until(lambda w: len(w.posts) == 2)

    assert {post.content_type for post in webhook.posts} == {"application/cloudevents-batch+json"}
    assert [post.ids for post in webhook.posts] == [["0", "1", "2"], ["1"]]


async def test_same_event_posted_twice_is_delivered_twice(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await topic.publish("a", "a")
        await webhook.until(lambda w: w.accepted_ids == ["a", "a", "a"])


async def test_wrong_key_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        async with topic.publisher("wrong") as publisher:
            with pytest.raises(ClientAuthenticationError) as refused:
                await publisher.send([event("a")])
        assert (await topic.history())["events"] == []

    assert refused.value.status_code == 401
    assert refused.value.error is not None
    assert refused.value.error.code == "Unauthorized"


async def test_missing_or_shortened_key_is_refused(tmp_path: Path) -> None:
    keys: list[dict[str, str]] = [{}, {"aeg-sas-key": ""}, {"aeg-sas-key": KEY[:-1]}]
    async with served(tmp_path) as topic:
        for headers in keys:
            url = topic.url + EVENTS
            async with topic.http.post(url, params=API_VERSION, headers=headers) as answer:
                assert answer.status == 401, headers
                error = (await answer.json())["error"]
            assert set(error) == {"code", "message", "details"}
            assert error["details"] == [{"code": "Unauthorized", "message": error["message"]}]


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # By the SDK's client.
async def test_body_over_one_megabyte_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        async with topic.publisher() as publisher:
            with pytest.raises(HttpResponseError) as refused:
                await publisher.send([event("a", data={"text": "x" * 1_048_576})])
            await publisher.send([event("b", data={"text": "x" * 1_000_000})])
        assert [stored["id"] for stored in (await topic.history())["events"]] == ["b"]
    assert refused.value.status_code == 413


async def test_too_many_events_are_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        status, error = await topic.post(json.dumps([raw_event()] * 5_001))
    assert status == 413
    assert error["error"]["code"] == "RequestEntityTooLarge"


async def test_malformed_bodies_are_refused(tmp_path: Path) -> None:
    one_event, cloud_batch = json.dumps([raw_event()]), "application/cloudevents-batch+json"
    cases: list[tuple[bytes | str, str, str]] = [
        (b"", "application/json", "not valid JSON"),
        (b"[{", "application/json", "not valid JSON"),
        (b'"\xff"', "application/json", "not valid JSON"),
        (b"[" * 100_000, "application/json", "nested too deeply"),
        (json.dumps(raw_event()), "application/json", "must be a JSON array"),
        (b"[1]", "application/json", "events[0] must be a JSON object"),
        (one_event, "text/plain", "Content-Type"),
        (one_event, CLOUD_JSON, "events[0] must be a JSON object"),
        (json.dumps(CLOUD_EVENT), cloud_batch, "must be a JSON array"),
    ]
    async with served(tmp_path) as topic:
        for body, content_type, reason in cases:
            status, error = await topic.post(body, content_type)
            assert (status, error["error"]["code"]) == (400, "BadRequest"), reason
            assert reason in error["error"]["message"]
        assert (await topic.history())["events"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, '"id" must be a string'),
        ({"id": 7}, '"id" must be a string'),
        ({"id": ""}, '"id" must not be empty'),
        ({"subject": None}, '"subject" must be a string'),
        ({"eventType": ""}, '"eventType" must not be empty'),
        ({"eventTime": None}, '"eventTime" must be a string'),
        ({"eventTime": "yesterday"}, '"eventTime" must be a date'),
        ({"eventTime": "2026-01-01"}, '"eventTime" must be a date'),
        ({"eventTime": "20260101T000000Z"}, '"eventTime" must be a date'),
        ({"dataVersion": 1}, '"dataVersion" must be a string'),
        ({"metadataVersion": "2"}, '"metadataVersion" must be left out'),
        ({"topic": "/subscriptions/else"}, '"topic" must be left out'),
    ],
)
def test_invalid_event_grid_event_is_named(changes: dict[str, Any], reason: str) -> None:
    body = json.dumps([raw_event(), raw_event(**changes)]).encode()
    if None in changes.values():
        assert set(changes) - set(json.loads(body)[1])
    with pytest.raises(ValueError, match="events") as refused:
        parse_events("application/json", body, "/topic")
    assert str(refused.value).startswith(f"events[1]: {reason}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": "0.3"}, '"specversion" must be "1.0"'),
        ({"specversion": None}, '"specversion" must be a string'),
        ({"id": ""}, '"id" must not be empty'),
        ({"source": None}, '"source" must be a string'),
        ({"type": 1}, '"type" must be a string'),
        ({"time": "noon"}, '"time" must be a date'),
        ({"data": 1, "data_base64": "MQ=="}, '"data_base64" must not stand beside'),
    ],
)
def test_invalid_cloud_event_is_named(changes: dict[str, Any], reason: str) -> None:
    body = json.dumps(CLOUD_EVENT | changes).encode()
    with pytest.raises(ValueError, match="events") as refused:
        parse_events(CLOUD_JSON, body, "/topic")
    assert str(refused.value).startswith(f"events[0]: {reason}")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_outside_json_are_refused(number: str) -> None:
    body = json.dumps([raw_event(data="?")]).replace('"?"', number).encode()
    with pytest.raises(ValueError, match=r"JSON|out of range"):
        parse_events("application/json", body, "/topic")


def test_optional_members_are_stamped_and_the_media_type_may_have_parameters() -> None:
    body = json.dumps([raw_event(dataVersion=None, topic="/topic")]).encode()
    (parsed,) = parse_events("Application/JSON; charset=utf-8", body, "/topic")
    stamps = {"dataVersion": "", "metadataVersion": "1", "topic": "/topic"}
    assert json.loads(parsed.body) == raw_event() | stamps


def test_lone_surrogates_survive_without_breaking_the_type() -> None:
    body = json.dumps([raw_event(eventType="\ud800", data="\udfff")]).encode()
    (parsed,) = parse_events("application/json", body, "/topic")
    assert parsed == Event(EventSchema.EVENT_GRID, "?", parsed.body)
    assert json.loads(parsed.body)["data"] == "\udfff"


@pytest.mark.parametrize("query", [{}, {"api-version": "2017-01-01"}])
async def test_unknown_api_version_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    async with served(tmp_path) as topic:
        headers = {"aeg-sas-key": KEY}
        async with topic.http.post(topic.url + EVENTS, params=query, headers=headers) as answer:
            assert answer.status == 400
            assert "api-version" in (await answer.json())["error"]["message"]


async def test_anything_else_is_not_found(tmp_path: Path) -> None:
    requests = [
        ("GET", EVENTS),
        ("PUT", EVENTS),
        ("OPTIONS", EVENTS),
        ("POST", "/_local/events"),
        ("DELETE", "/_local/events"),
        ("GET", "/_local"),
        ("GET", "/_local/topic"),
        ("GET", "/_local/topic/validate"),
        ("GET", "/_local/topic/validate?id=unknown"),
    ]
    headers = {"aeg-sas-key": KEY}
    async with served(tmp_path) as topic:
        for method, path in requests:
            async with topic.http.request(method, topic.url + path, headers=headers) as answer:
                assert answer.status == 404, (method, path)
                assert (await answer.json())["error"]["code"] == "NotFound"


@pytest.mark.parametrize(
    "url", ["", "hook", "/hook", "ftp://host/hook", "http:///hook", "http://host:99999/hook"]
)
def test_webhook_must_be_an_absolute_http_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match=r"absolute http or https URL|[Pp]ort"):
        LocalTopic(tmp_path / "topic.db", KEY, [url], tmp_path / "dead.jsonl")


def test_key_must_not_be_empty(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key"):
        LocalTopic(tmp_path / "topic.db", "", [], tmp_path / "dead.jsonl")
