"""The topic in a process of its own, as the local host runs it: `python -m infra.local.topic`.

The first line of standard input says how, in JSON; `ready` on standard output says that it serves.
It ends when standard input does, so it does not outlive the host, however that dies.
"""

import asyncio
import json
import logging
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import uvloop

from infra.local.listeners import serving_http
from infra.local.topic import LocalTopic

GRACE_SECONDS = 2.0


async def main() -> None:
    host = await _standard_input()
    how = json.loads(await host.readline())
    logging.basicConfig(level=how["log_level"], format="%(levelname)s %(name)s: %(message)s")
    topic = _topic(how)
    with socket.socket(fileno=how["socket"]) as bound:
        await _start(topic)
        try:
            async with serving_http(topic, bound, GRACE_SECONDS):
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                await host.read()
        finally:
            await topic.stop()


def _topic(how: dict[str, Any]) -> LocalTopic:
    return LocalTopic(
        Path(how["database"]),
        how["key"],
        how["webhooks"],
        Path(how["dead_letters"]),
        public_url=how["public_url"],
    )


async def _start(topic: LocalTopic) -> None:
    try:
        await topic.start()
    except sqlite3.Error as error:
        sys.exit(f"The topic's database: {error}")


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


if __name__ == "__main__":
    # A signal to the process group is the host's to answer: its last events still come here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    uvloop.run(main())
