"""The latest events, as JSON and as a page."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from infra.local.topic.http import prefers_html
from tests.local.topic_rig import Served, answer, receiver, served

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HOSTILE = "</script><img src=x onerror=alert(1)>"


def ids(page: dict[str, Any]) -> list[str]:
    return [event["id"] for event in page["events"]]


async def html(topic: Served) -> tuple[str, str]:
    """The page and its Content-Security-Policy."""
    url = topic.url + "/_local/events"
    async with topic.http.get(url, headers={"Accept": BROWSER}) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["x-content-type-options"] == "nosniff"
        return await response.text(), response.headers["content-security-policy"]


async def test_events_come_as_delivered_with_what_the_topic_knows(tmp_path: Path) -> None:
    async with receiver() as webhook, served(tmp_path, webhook.url) as topic:
        assert await topic.history() == {"events": [], "cursor": 0}
        await topic.publish("a")
        (event,) = await topic.settled(1)
    local = event.pop("_local")
    assert event == webhook.accepted[0]
    assert local["cursor"] == 1
    assert local["schema"] == "EventGridSchema"
    (delivery,) = local["deliveries"]
    assert local["publishTime"] <= delivery.pop("lastAttemptTime")
    assert delivery == {
        "webhook": webhook.url,
        "state": "delivered",
        "attempts": 1,
        "lastOutcome": "OK",
        "nextAttemptTime": None,
    }


async def test_cursor_pages_through_all_events(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        await topic.publish(*"abcdefg")
        assert ids(await topic.history(limit=3)) == ["e", "f", "g"]

        seen, cursor = list[str](), 0
        while page := await topic.history(after=cursor, limit=3):
            seen += ids(page)
            cursor = page["cursor"]
            if not page["events"]:
                break
        assert seen == list("abcdefg")
        await topic.publish("h")
        assert ids(await topic.history(after=cursor)) == ["h"]


async def test_events_are_filtered_by_the_end_of_their_type(tmp_path: Path) -> None:
    full = "Microsoft.Communication.RouterJobClosed"
    async with served(tmp_path) as topic:
        await topic.publish("queued")
        await topic.publish("closed", event_type=full)
        await topic.publish("queued again")
        for name in ("RouterJobClosed", full):
            page = await topic.history(type=name)
            assert ids(page) == ["closed"]
            assert page["cursor"] == 3
        assert ids(await topic.history(type="JobQueued", after=1, limit=1)) == ["queued again"]
        assert ids(await topic.history(type="%")) == []


async def test_limit_has_a_default_and_a_maximum(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        await topic.publish(*(str(n) for n in range(1_001)))
        assert len((await topic.history())["events"]) == 100
        assert len((await topic.history(limit=5_000))["events"]) == 1_000


async def test_invalid_paging_is_refused(tmp_path: Path) -> None:
    queries = ["limit=0", "limit=-1", "limit=x", "limit=", "after=-1", "after=1.5"]
    queries += ["after=9223372036854775808", "limit=" + "9" * 5_000, "after=%C2%B2"]
    async with served(tmp_path) as topic:
        for query in queries:
            async with topic.http.get(f"{topic.url}/_local/events?{query}") as response:
                assert response.status == 400, query
                assert query.partition("=")[0] in (await response.json())["error"]["message"]


async def test_head_is_get_without_the_body(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        url = topic.url + "/_local/events"
        async with topic.http.head(url) as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            assert int(response.headers["content-length"]) > 0
        async with topic.http.head(url, headers={"Accept": BROWSER}) as response:
            assert response.content_type == "text/html"


async def test_keys_of_webhooks_are_not_shown(tmp_path: Path) -> None:
    async with receiver(answer=answer(400)) as webhook:
        secret_url = webhook.url.replace("http://", "http://user:word@") + "?code=secret"
        async with served(tmp_path, secret_url) as topic:
            await topic.publish("a")
            (event,) = await topic.settled(1)
    assert event["_local"]["deliveries"][0]["webhook"] == webhook.url
    assert topic.dead()[0]["webhook"] == webhook.url


async def test_foreign_site_bound_to_this_machine_reads_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        url = topic.url + "/_local/events"
        for host, status in {
            "localhost:7071": 200,
            "127.0.0.1": 200,
            "[::1]:7071": 200,
            "evil.example": 403,
            "127.0.0.1.evil.example:7071": 403,
            "localhost.": 403,
            "[": 403,
            "": 403,
        }.items():
            async with topic.http.get(url, headers={"Host": host}) as response:
                assert response.status == status, host


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML; q=0.5", True),
        ("text/html, application/json", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_accept_header_decides_the_form(accept: str, expected: bool) -> None:
    assert prefers_html(accept) is expected


async def test_page_carries_no_event_and_runs_no_script_but_its_own(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        before, policy = await html(topic)
        await topic.publish("a", subject=HOSTILE, data={HOSTILE: HOSTILE}, event_type=HOSTILE)
        after, _ = await html(topic)
        url = topic.url + "/_local/events"
        async with topic.http.get(url) as response:
            assert response.content_type == "application/json"
            assert response.headers["x-content-type-options"] == "nosniff"
            (event,) = (await response.json())["events"]
    assert after == before
    assert event["subject"] == HOSTILE

    (script,) = re.findall(r"<script>(.*?)</script>", before, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_page_sets_events_as_text_only_and_loads_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as topic:
        page, _ = await html(topic)
    # The ways of a script to turn text into markup or code.
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment"
    assert not re.search(sinks + r"|eval\(|new Function|\.srcdoc|setAttribute|\.href", page)
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=|@import|url\(", page)
    assert not re.search(r"\son\w+=", page)
