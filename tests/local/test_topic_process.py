"""The topic's process: passed on to, started again, and never left behind."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from infra.local.listeners import serving_http
from infra.local.topic_process import TopicError, TopicProcess
from tests.local.topic_rig import free_socket, raw_event

KEY = "a2V5"
PATIENCE_SECONDS = 20.0


def topic_of(folder: Path) -> TopicProcess:
    return TopicProcess(
        folder / "topic.db",
        KEY,
        (),
        folder / "dead-letters.jsonl",
        public_url="http://127.0.0.1:7071",
        log_level=logging.CRITICAL,
    )


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncIterator[TopicProcess]:
    topic = topic_of(folder)
    await topic.start()
    try:
        yield topic
    finally:
        await topic.stop()


@contextlib.asynccontextmanager
async def passing_on(topic: TopicProcess) -> AsyncIterator[str]:
    """The URL of a server which has the topic as its application."""
    with contextlib.closing(free_socket()) as bound:
        async with serving_http(topic, bound, 1.0):
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"


async def publish(session: aiohttp.ClientSession, topic: TopicProcess, id: str) -> int:
    url = f"{topic.endpoint}?api-version=2018-01-01"
    headers = {"aeg-sas-key": KEY}
    async with session.post(url, json=[raw_event(id=id)], headers=headers) as answer:
        return answer.status


async def published(session: aiohttp.ClientSession, origin: str) -> list[str]:
    async with session.get(f"{origin}/_local/events?limit=5") as answer:
        assert answer.content_type == "application/json"
        return [found["id"] for found in (await answer.json())["events"]]


async def test_requests_are_passed_on(tmp_path: Path) -> None:
    async with (
        started(tmp_path) as topic,
        passing_on(topic) as origin,
        aiohttp.ClientSession() as session,
    ):
        assert await publish(session, topic, "direct") == HTTPStatus.OK
        passed_on = f"{origin}/_local/topic/api/events?api-version=2018-01-01"
        body = json.dumps([raw_event(id="passed-on")])
        headers = {"aeg-sas-key": KEY, "content-type": "application/json"}
        async with session.post(passed_on, data=body, headers=headers) as answer:
            assert answer.status == HTTPStatus.OK
        async with session.post(passed_on, data=body) as answer:
            assert answer.status == HTTPStatus.UNAUTHORIZED
            assert "aeg-sas-key" in (await answer.json())["error"]["message"]
        assert await published(session, origin) == ["direct", "passed-on"]
        async with session.get(f"{origin}/_local/events", headers={"host": "evil.example"}) as no:
            assert no.status == HTTPStatus.FORBIDDEN


async def test_a_killed_topic_is_started_again_and_loses_nothing(tmp_path: Path) -> None:
    async with started(tmp_path) as topic, aiohttp.ClientSession() as session:
        assert await publish(session, topic, "before") == HTTPStatus.OK
        os.kill(pid_of(topic), signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await attempt(session, topic, "after") != HTTPStatus.OK:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        origin = topic.endpoint.removesuffix("/_local/topic/api/events")
        assert (await published(session, origin))[0] == "before"
        assert "after" in await published(session, origin)


async def attempt(session: aiohttp.ClientSession, topic: TopicProcess, id: str) -> int | None:
    try:
        return await publish(session, topic, id)
    except aiohttp.ClientError:
        return None


async def test_a_publication_that_the_topic_did_not_answer_is_answered_503(tmp_path: Path) -> None:
    async with (
        started(tmp_path) as topic,
        passing_on(topic) as origin,
        aiohttp.ClientSession() as session,
    ):
        url = f"{origin}/_local/topic/api/events"
        async with session.post(url) as answer:
            assert answer.status == HTTPStatus.UNAUTHORIZED
        os.kill(pid_of(topic), signal.SIGSTOP)
        request = asyncio.create_task(session.post(url))
        await asyncio.sleep(0.2)
        os.kill(pid_of(topic), signal.SIGKILL)
        async with await request as answer:
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_stopping_ends_the_process_and_signals_do_not(tmp_path: Path) -> None:
    async with started(tmp_path) as topic, aiohttp.ClientSession() as session:
        pid = pid_of(topic)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert await publish(session, topic, "still") == HTTPStatus.OK
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_topic_that_cannot_start_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "topic.db").mkdir()
    topic = topic_of(tmp_path)
    with pytest.raises(TopicError):
        await topic.start()
    await topic.stop()
    assert capfd.readouterr().err == "The topic's database: unable to open database file\n"


def pid_of(topic: TopicProcess) -> int:
    process = topic._process
    assert process is not None
    return process.pid


async def test_a_topic_that_is_stopped_while_it_starts_again_leaves_no_process(
    tmp_path: Path,
) -> None:
    topic = topic_of(tmp_path)
    await topic.start()
    first = pid_of(topic)
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while pid_of(topic) == first:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    second = pid_of(topic)
    await topic.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)
