"""Delivery from the local topic to webhooks: handshake, batches, retries, dead letters."""

import asyncio
import json
import time
from itertools import pairwise
from pathlib import Path

from tests.local.topic_rig import (
    PATIENCE,
    Post,
    answer,
    free_socket,
    receiver,
    served,
    states,
)

# Handshake


async def test_validation_event_comes_before_any_other(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await topic.publish("b")
        await webhook.receives("a", "b")

    (validation,) = webhook.validations
    assert validation["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert validation["metadataVersion"] == "1"
    assert set(validation["data"]) == {"validationCode", "validationUrl"}
    assert webhook.options == []


async def test_webhook_may_agree_by_options(tmp_path: Path) -> None:
    async with (
        receiver(handshake="options") as webhook,
        served(tmp_path, webhook.url) as topic,
    ):
        await topic.publish("a")
        await webhook.receives("a")
    assert webhook.options[0]["webhook-request-origin"] == "eventgrid.local"
    assert webhook.options[0]["webhook-request-callback"].startswith(topic.url)


async def test_events_wait_for_a_webhook_that_refuses(tmp_path: Path) -> None:
    async with receiver(handshake="refused") as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await webhook.until(lambda w: len(w.validations) >= 3)
        assert webhook.posts == []
        assert states((await topic.history())["events"]) == {"pending": 1}

        webhook.handshake = "event"
        await webhook.receives("a")


async def test_webhook_may_be_validated_by_hand(tmp_path: Path) -> None:
    never_again = (60.0,)
    async with (
        receiver(handshake="silent") as webhook,
        served(tmp_path, webhook.url, validation_delays=never_again) as topic,
    ):
        await topic.publish("a")
        await webhook.until(lambda w: w.options)
        assert webhook.posts == []

        url = webhook.validations[0]["data"]["validationUrl"]
        assert url.startswith(topic.url)
        async with topic.http.get(url) as confirmed:
            assert confirmed.status == 200
        await webhook.receives("a")


async def test_handshake_is_remembered(tmp_path: Path) -> None:
    async with receiver() as webhook:
        for id in ("a", "b"):
            async with served(tmp_path, webhook.url) as topic:
                await topic.publish(id)
                await webhook.receives(id)
    assert len(webhook.validations) == 1


async def test_echo_of_another_code_is_no_agreement(tmp_path: Path) -> None:
    async with receiver(handshake="wrong code") as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await webhook.until(lambda w: len(w.validations) >= 2)
    assert webhook.posts == []


# Batches and order


async def test_waiting_events_share_posts_in_posting_order(tmp_path: Path) -> None:
    ids = [f"{n:03}" for n in range(120)]
    async with receiver(handshake="refused") as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish(*ids[:70])
        await topic.publish(*ids[70:])
        webhook.handshake = "event"
        await webhook.receives(*ids)
    assert webhook.accepted_ids == ids
    assert [len(post.events) for post in webhook.posts] == [50, 50, 20]


async def test_posts_are_bounded_in_bytes(tmp_path: Path) -> None:
    ids = ["a", "b", "c", "d"]
    async with (
        receiver(handshake="refused") as webhook,
        served(tmp_path, webhook.url, max_bytes=2_000) as topic,
    ):
        await topic.publish(*ids[:3], data={"text": "x" * 600})
        await topic.publish("d", data={"text": "x" * 6_000})
        webhook.handshake = "event"
        await webhook.receives(*ids)
    assert [post.ids for post in webhook.posts] == [["a", "b"], ["c"], ["d"]]


async def test_schemas_never_share_a_post(tmp_path: Path) -> None:
    cloud_event = {"specversion": "1.0", "id": "b", "source": "/r", "type": "T"}
    async with receiver(handshake="refused") as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        assert (await topic.post(json.dumps(cloud_event), "application/cloudevents+json"))[0] == 200
        await topic.publish("c")
        webhook.handshake = "event"
        await webhook.receives("a", "b", "c")
    types = ["application/json", "application/cloudevents+json", "application/json"]
    assert [post.content_type for post in webhook.posts] == types


async def test_delivery_follows_the_post_at_once(tmp_path: Path) -> None:
    slow_poll = 30.0
    async with (
        receiver() as webhook,
        served(tmp_path, webhook.url, poll_interval=slow_poll) as topic,
    ):
        for id in ("a", "b", "c"):
            await topic.publish(id)
            await webhook.receives(id)


# Failures


async def test_failed_delivery_is_retried(tmp_path: Path) -> None:
    async with (
        receiver(answer=answer(503, 500, 200)) as webhook,
        served(tmp_path, webhook.url) as topic,
    ):
        await topic.publish("a")
        (stored,) = await topic.settled(1)
    assert [post.headers["aeg-delivery-count"] for post in webhook.posts] == ["0", "1", "2"]
    assert webhook.accepted_ids == ["a"]
    (delivery,) = stored["_local"]["deliveries"]
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)
    assert topic.dead() == []


async def test_retries_follow_the_schedule(tmp_path: Path) -> None:
    at: list[float] = []

    async def refuse(_post: Post) -> int:
        at.append(time.monotonic())
        return 500

    async with (
        receiver(answer=refuse) as webhook,
        served(tmp_path, webhook.url, retry_delays=(0.02, 0.1), max_attempts=4) as topic,
    ):
        await topic.publish("a")
        await topic.settled(1)
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert len(waits) == 3
    assert waits[0] >= 0.02
    assert min(waits[1:]) >= 0.1


async def test_event_is_dead_lettered_after_the_last_attempt(tmp_path: Path) -> None:
    async with receiver(answer=answer(404)) as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        (stored,) = await topic.settled(1)
    assert len(webhook.posts) == 3
    assert states([stored]) == {"deadLettered": 1}

    (letter,) = topic.dead()
    assert letter["id"] == "a"
    assert letter["data"] == {"jobId": "job-1", "labels": {"Skill": 11, "English": True}}
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryAttempts"] == 3
    assert letter["lastDeliveryOutcome"] == "NotFound"
    assert letter["webhook"] == webhook.url
    assert letter["publishTime"] == stored["_local"]["publishTime"]
    assert letter["lastDeliveryAttemptTime"] > letter["publishTime"]


async def test_refused_event_is_dead_lettered_at_once(tmp_path: Path) -> None:
    reasons = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden"}
    reasons[413] = "RequestEntityTooLarge"
    async with (
        receiver(answer=answer(*reasons)) as webhook,
        served(tmp_path, webhook.url) as topic,
    ):
        for count, status in enumerate(reasons, start=1):
            await topic.publish(str(status))
            await topic.settled(count)
    assert [post.ids for post in webhook.posts] == [[str(status)] for status in reasons]
    letters = [(letter["id"], letter["deadLetterReason"]) for letter in topic.dead()]
    assert letters == [(str(s), f"UndeliverableDueToHttp{name}") for s, name in reasons.items()]
    assert {letter["deliveryAttempts"] for letter in topic.dead()} == {1}


async def test_dead_letters_of_cloud_events_are_in_lower_case(tmp_path: Path) -> None:
    cloud_event = {"specversion": "1.0", "id": "a", "source": "/r", "type": "T", "data": 1}
    async with receiver(answer=answer(400)) as webhook, served(tmp_path, webhook.url) as topic:
        await topic.post(json.dumps(cloud_event), "application/cloudevents+json")
        await topic.settled(1)
    (letter,) = topic.dead()
    assert set(letter) - set(cloud_event) == {
        "deadletterreason",
        "deliveryattempts",
        "lastdeliveryoutcome",
        "lastdeliveryattempttime",
        "publishtime",
        "webhook",
    }


async def test_one_bad_event_does_not_take_its_batch_to_the_dead_letters(tmp_path: Path) -> None:
    async def refuse_b(post: Post) -> int:
        return 400 if "b" in post.ids else 200

    async with (
        receiver(handshake="refused", answer=refuse_b) as webhook,
        served(tmp_path, webhook.url) as topic,
    ):
        await topic.publish("a", "b", "c")
        webhook.handshake = "event"
        await topic.settled(3)
    assert webhook.posts[0].ids == ["a", "b", "c"]
    assert sorted(webhook.accepted_ids) == ["a", "c"]
    assert [letter["id"] for letter in topic.dead()] == ["b"]


async def test_failing_event_does_not_block_newer_ones(tmp_path: Path) -> None:
    async def fail_a(post: Post) -> int:
        return 500 if "a" in post.ids else 200

    async with (
        receiver(answer=fail_a) as webhook,
        served(tmp_path, webhook.url, retry_delays=(60,)) as topic,
    ):
        await topic.publish("a")
        await webhook.until(lambda w: w.posts)
        await topic.publish("b")
        await webhook.receives("b")
        assert states((await topic.history())["events"]) == {"pending": 1, "delivered": 1}


async def test_hanging_event_does_not_block_newer_ones(tmp_path: Path) -> None:
    async def hang_on_a(post: Post) -> int:
        if "a" in post.ids:
            await asyncio.sleep(PATIENCE)
        return 200

    async with (
        receiver(answer=hang_on_a) as webhook,
        served(tmp_path, webhook.url, patience=0.05) as topic,
    ):
        await topic.publish("a")
        await webhook.until(lambda w: w.posts)
        await topic.publish("b")
        await webhook.receives("b")
    assert webhook.accepted_ids == ["b"]


async def test_no_answer_in_time_is_a_failure(tmp_path: Path) -> None:
    async def hang(_post: Post) -> int:
        await asyncio.sleep(PATIENCE)
        return 200

    async with (
        receiver(answer=hang) as webhook,
        served(tmp_path, webhook.url, answer_timeout=0.1, max_attempts=1) as topic,
    ):
        await topic.publish("a")
        await topic.settled(1)
    assert topic.dead()[0]["lastDeliveryOutcome"] == "TimedOut"


async def test_slow_webhook_slows_neither_another_one_nor_the_publisher(tmp_path: Path) -> None:
    async def hang(_post: Post) -> int:
        await asyncio.sleep(PATIENCE)
        return 200

    ids = [str(n) for n in range(30)]
    async with (
        receiver(answer=hang) as slow,
        receiver() as prompt,
        served(tmp_path, slow.url, prompt.url) as topic,
    ):
        for id in ids:
            await topic.publish(id)
        await prompt.receives(*ids)
        (first, *_) = (await topic.history())["events"]
    assert prompt.accepted_ids == ids
    assert slow.accepted == []
    assert [d["webhook"] for d in first["_local"]["deliveries"]] == [slow.url, prompt.url]
    assert states([first]) == {"pending": 1, "delivered": 1}


async def test_events_wait_for_a_webhook_that_comes_back(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await webhook.receives("a")

    bound = free_socket()  # Nobody listens yet: connections are refused.
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/hook"
    async with served(tmp_path, url, max_attempts=30) as topic:
        await topic.publish("b", "c")
        await asyncio.sleep(0.1)
        async with receiver(bound=bound) as webhook:
            await webhook.receives("b", "c")
    assert webhook.posts[0].ids == ["b", "c"]


async def test_unreachable_webhook_is_retried_in_batches(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("valid")
        await webhook.receives("valid")
    async with served(tmp_path, webhook.url, max_attempts=2) as topic:
        await topic.publish("a", "b")
        await topic.settled(3)
    letters = [(letter["id"], letter["lastDeliveryOutcome"]) for letter in topic.dead()]
    assert letters == [("a", "SocketError"), ("b", "SocketError")]


async def test_event_that_outlived_its_time_is_dead_lettered_untried(tmp_path: Path) -> None:
    async with (
        receiver(handshake="refused") as webhook,
        served(tmp_path, webhook.url, time_to_live=0.1) as topic,
    ):
        await topic.publish("a", "b")
        await topic.settled(2)
    assert webhook.posts == []
    assert [letter["id"] for letter in topic.dead()] == ["a", "b"]
    assert topic.dead()[0]["deadLetterReason"] == "TimeToLiveExceeded"
    assert topic.dead()[0]["deliveryAttempts"] == 0
    assert "lastDeliveryOutcome" not in topic.dead()[0]


async def test_no_attempt_is_planned_beyond_the_time_to_live(tmp_path: Path) -> None:
    async with (
        receiver(answer=answer(500)) as webhook,
        served(tmp_path, webhook.url, time_to_live=60, retry_delays=(0.01, 61)) as topic,
    ):
        await topic.publish("a")
        await topic.settled(1)
    (letter,) = topic.dead()
    assert letter["deadLetterReason"] == "TimeToLiveExceeded"
    assert (letter["deliveryAttempts"], letter["lastDeliveryOutcome"]) == (2, "InternalServerError")


async def test_event_of_a_webhook_no_longer_configured_expires(tmp_path: Path) -> None:
    async with receiver(handshake="refused") as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
    async with served(tmp_path, time_to_live=0.01) as topic:
        await topic.settled(1)
    assert topic.dead()[0]["webhook"] == webhook.url


async def test_expired_events_wait_for_a_writable_file(tmp_path: Path) -> None:
    (tmp_path / "dead-letters.jsonl").mkdir()
    async with (
        receiver(handshake="refused") as webhook,
        served(tmp_path, webhook.url, time_to_live=0.01) as topic,
    ):
        await topic.publish("a")
        await asyncio.sleep(0.2)
        assert states((await topic.history())["events"]) == {"pending": 1}
        (tmp_path / "dead-letters.jsonl").rmdir()
        await topic.settled(1)
    assert [letter["id"] for letter in topic.dead()] == ["a"]


async def test_dead_letters_wait_for_a_writable_file(tmp_path: Path) -> None:
    (tmp_path / "dead-letters.jsonl").mkdir()
    async with receiver(answer=answer(400)) as webhook, served(tmp_path, webhook.url) as topic:
        await topic.publish("a")
        await webhook.until(lambda w: w.posts)
        await asyncio.sleep(0.1)
        assert states((await topic.history())["events"]) == {"pending": 1}
        (tmp_path / "dead-letters.jsonl").rmdir()
        await topic.settled(1)
    assert [letter["id"] for letter in topic.dead()] == ["a"]
    assert len(webhook.posts) == 1
