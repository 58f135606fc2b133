"""The host as a user starts it: a process, real sockets, signals."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.local.host_rig import (
    ECHO,
    HostProcess,
    host_process,
    port_of,
    strict_context,
    write_app,
)

OTHERS = """
import os
import pathlib

@app.route("settings")
async def settings(req: func.HttpRequest) -> func.HttpResponse:
    found = {k: v for k, v in os.environ.items() if k.startswith("JOBROUTER_")}
    return func.HttpResponse(json.dumps(found))

@app.route("slow/{seconds}")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    pathlib.Path("slow.started").touch()
    await asyncio.sleep(float(req.route_params["seconds"]))
    return func.HttpResponse("done")

@app.route("fails")
async def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("no")
"""

TIMER = """
import pathlib

@app.timer_trigger(schedule="* * * * * *", arg_name="timer", run_on_startup=True)
async def sweep(timer: func.TimerRequest) -> None:
    with pathlib.Path("ticks").open("a") as file:
        file.write("tick\\n")
"""

BOOTSTRAP = """
import pathlib

async def start() -> None:
    pathlib.Path("started").touch()

async def close() -> None:
    pathlib.Path("closed").touch()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = write_app(tmp_path_factory.mktemp("app"), ECHO, OTHERS)
    with host_process(folder) as host:
        yield host.wait_until_ready()


def send(
    announced: Mapping[str, str],
    target: str,
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port_of(announced, "http"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()


def send_secretly(announced: Mapping[str, str], target: str) -> HTTPSConnection:
    """Leaves the connection open, as a client that keeps connections does."""
    connection = HTTPSConnection(
        "localhost",
        port_of(announced, "https"),
        timeout=10,
        context=strict_context(announced["CA certificate"]),
    )
    connection.request("GET", target)
    return connection


def seen(announced: Mapping[str, str], target: str, **arguments: Any) -> dict[str, Any]:
    status, body = send(announced, target, **arguments)
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def test_http_is_answered(running: dict[str, str]) -> None:
    found = seen(running, "/echo/1")
    assert found["url"] == f"http://127.0.0.1:{port_of(running, 'http')}/echo/1"


def test_https_is_answered_to_a_client_that_verifies_strictly(running: dict[str, str]) -> None:
    with contextlib.closing(send_secretly(running, "/echo/1")) as connection:
        found = json.loads(connection.getresponse().read())
    assert found["url"] == f"https://localhost:{port_of(running, 'https')}/echo/1"


def test_the_raw_target_is_that_of_the_wire(running: dict[str, str]) -> None:
    target = "/ECHO/a%3ab%2F%41?x=%20&y=&x=+"
    found = seen(running, target, headers={"x-waws-unencoded-url": "/forged"})
    assert found["headers"]["x-waws-unencoded-url"] == target
    assert found["params"] == {"id": "a:b%2FA"}


def test_a_chunked_body_arrives_empty_as_in_azure(running: dict[str, str]) -> None:
    found = seen(running, "/echo/1", method="POST", body=iter([b"lost", b"too"]))
    assert found["headers"]["transfer-encoding"] == "chunked"
    assert found["body"] == ""


def test_the_connection_survives_a_chunked_body(running: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", port_of(running, "http"), timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/echo/1", iter([b"x" * 100_000]))
        connection.getresponse().read()
        connection.request("POST", "/echo/1", b"whole")
        assert json.loads(connection.getresponse().read())["body"] == "whole"


def test_a_body_that_is_too_large_is_refused(running: dict[str, str]) -> None:
    headers = {"Content-Length": str(4 * 1024 * 1024 + 1)}
    assert send(running, "/echo/1", method="POST", headers=headers) == (413, b"")


def test_a_failing_function_answers_500_and_the_host_goes_on(running: dict[str, str]) -> None:
    assert send(running, "/fails") == (500, b"")
    assert send(running, "/nowhere") == (404, b"")
    assert send(running, "/")[0] == 404


@pytest.mark.parametrize(
    "request_line", [b"GET /echo/\xff HTTP/1.1", b"GET * HTTP/1.1", b"nonsense"]
)
def test_a_broken_request_is_refused_and_the_host_goes_on(
    running: dict[str, str], request_line: bytes
) -> None:
    address = ("127.0.0.1", port_of(running, "http"))
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request_line + b"\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    assert seen(running, "/echo/1")


async def test_requests_are_served_side_by_side(running: dict[str, str]) -> None:
    started = time.monotonic()

    async def status(client: aiohttp.ClientSession) -> int:
        async with client.get("/slow/0.2") as answer:
            return answer.status

    async with aiohttp.ClientSession(running["HTTP endpoint"]) as client:
        statuses = await asyncio.gather(*(status(client) for _ in range(50)))
    assert statuses == [200] * 50
    assert time.monotonic() - started < 5


def test_the_app_is_pointed_at_the_local_store_and_topic(running: dict[str, str]) -> None:
    found = seen(running, "/settings")
    data = Path(running["CA certificate"]).parents[1]
    assert found["JOBROUTER_STORE"] == f"sqlite:{data}/router.db"
    assert found["JOBROUTER_RATE_LIMIT"] == "0"
    assert running["Connection string"].endswith(f"/;accesskey={found['JOBROUTER_ACCESS_KEY']}")
    topic = r"http://127\.0\.0\.1:\d+/_local/topic/api/events"
    assert re.fullmatch(topic, found["JOBROUTER_EVENTGRID_ENDPOINT"])
    assert found["JOBROUTER_EVENTGRID_KEY"] == (data / "topic.key").read_text().strip()
    assert found["JOBROUTER_SECRETS_KEY"] == (data / "secrets.key").read_text().strip()


def test_the_topic_is_served_too(running: dict[str, str]) -> None:
    assert send(running, "/_local/events")[0] == 200
    assert send(running, "/_local/topic/api/events", method="POST", body=b"[]")[0] == 401


def test_keys_are_private(running: dict[str, str]) -> None:
    data = Path(running["CA certificate"]).parents[1]
    for name in ("access.key", "topic.key", "secrets.key", "certs/server.key"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600


def test_an_app_told_otherwise_keeps_its_own_settings(tmp_path: Path) -> None:
    told = {
        "JOBROUTER_ACCESS_KEY": "a2V5",
        "JOBROUTER_STORE": "sqlite:/elsewhere.db",
        "JOBROUTER_RATE_LIMIT": "7",
        "JOBROUTER_SECRETS_KEY": "YSBrZXk=",
        "JOBROUTER_EVENTGRID_ENDPOINT": "https://topic.example.org/api/events",
        "JOBROUTER_DATA": str(tmp_path / "elsewhere"),
    }
    with host_process(write_app(tmp_path, OTHERS), **told) as host:
        announced = host.wait_until_ready()
        assert told.items() <= seen(announced, "/settings").items()
        assert "JOBROUTER_EVENTGRID_KEY" not in seen(announced, "/settings")
    assert announced["Connection string"].endswith(";accesskey=a2V5")
    assert announced["CA certificate"] == str(tmp_path / "elsewhere" / "certs" / "ca.pem")
    assert not (tmp_path / "elsewhere" / "access.key").exists()


def test_a_second_start_uses_the_same_key_and_certificate(tmp_path: Path) -> None:
    write_app(tmp_path, ECHO)
    announced, certificates = [], []
    for _ in range(2):
        with host_process(tmp_path) as host:
            announced.append(host.wait_until_ready())
            certificates.append(Path(announced[-1]["CA certificate"]).read_bytes())
            host.signal(signal.SIGTERM)
            assert host.result() == (0, "", "")
    keys = {found["Connection string"].split("accesskey=")[1] for found in announced}
    assert len(keys) == len(set(certificates)) == 1


def test_two_hosts_may_share_a_folder_and_start_at_once(tmp_path: Path) -> None:
    write_app(tmp_path, ECHO)
    with host_process(tmp_path) as one, host_process(tmp_path) as other:
        announced = [host.wait_until_ready() for host in (one, other)]
        for found in announced:
            with contextlib.closing(send_secretly(found, "/echo/1")) as connection:
                assert connection.getresponse().status == 200
    keys = {found["Connection string"].split("accesskey=")[1] for found in announced}
    assert len(keys) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_finish_and_closes_the_app(tmp_path: Path, number: int) -> None:
    write_app(tmp_path, OTHERS, TIMER, "import shared.bootstrap")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "__init__.py").touch()
    (tmp_path / "shared" / "bootstrap.py").write_text(BOOTSTRAP)
    with host_process(tmp_path) as host:
        announced = host.wait_until_ready()
        assert (tmp_path / "started").exists()
        connection = send_secretly(announced, "/slow/0.5")
        wait_for(tmp_path / "slow.started")
        wait_for(tmp_path / "ticks")
        host.signal(number)
        assert connection.getresponse().read() == b"done"
        assert host.result() == (0, "", "")
        connection.close()
    assert (tmp_path / "closed").exists()


def test_an_idle_connection_does_not_delay_the_end(tmp_path: Path) -> None:
    with host_process(write_app(tmp_path, ECHO)) as host:
        announced = host.wait_until_ready()
        connection = send_secretly(announced, "/echo/1")
        connection.getresponse().read()
        started = time.monotonic()
        host.signal(signal.SIGTERM)
        assert host.result() == (0, "", "")
        assert time.monotonic() - started < 3
        connection.close()


def test_a_second_signal_ends_the_host_at_once(tmp_path: Path) -> None:
    with host_process(write_app(tmp_path, OTHERS)) as host:
        connection = send_secretly(host.wait_until_ready(), "/slow/60")
        wait_for(tmp_path / "slow.started")
        host.signal(signal.SIGINT)
        time.sleep(0.3)
        host.signal(signal.SIGINT)
        assert host.result()[0] == 130
        connection.close()


def test_the_same_signal_twice_over_is_one(tmp_path: Path) -> None:
    with host_process(write_app(tmp_path, OTHERS)) as host:
        connection = send_secretly(host.wait_until_ready(), "/slow/0.5")
        wait_for(tmp_path / "slow.started")
        host.signal(signal.SIGTERM)
        time.sleep(0.02)
        host.signal(signal.SIGTERM)
        assert connection.getresponse().read() == b"done"
        assert host.result() == (0, "", "")
        connection.close()


def test_a_timer_ticks_in_the_host(tmp_path: Path) -> None:
    with host_process(write_app(tmp_path, TIMER)) as host:
        host.wait_until_ready()
        deadline = time.monotonic() + 10
        while len(ticks(tmp_path)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        host.signal(signal.SIGTERM)
        assert host.result()[0] == 0
    assert len(ticks(tmp_path)) >= 3


def ticks(folder: Path) -> list[str]:
    path = folder / "ticks"
    return path.read_text().splitlines() if path.exists() else []


def test_a_port_in_use_is_said_in_one_line(running: dict[str, str], tmp_path: Path) -> None:
    for name, scheme in (("JOBROUTER_PORT", "http"), ("JOBROUTER_TLS_PORT", "https")):
        port = port_of(running, scheme)
        host = HostProcess(tmp_path, {name: str(port)})
        message = f"Port {port} is already in use; set {name} to another one.\n"
        assert host.result() == (1, "", message)


def test_an_address_of_another_machine_is_refused_in_one_line(tmp_path: Path) -> None:
    code, out, errors = HostProcess(tmp_path, {"JOBROUTER_HOST": "192.0.2.1"}).result()
    assert (code, out) == (1, "")
    assert errors.startswith("Cannot listen on 192.0.2.1:0: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("JOBROUTER_PORT", "http"), ("JOBROUTER_DATA", os.devnull)],
)
def test_a_setting_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, name: str, value: str
) -> None:
    code, out, errors = HostProcess(tmp_path, {name: value}).result()
    assert (code, out) == (2, "")
    assert errors.startswith(name)
    assert errors.count("\n") == 1


def test_a_kept_key_that_is_broken_is_refused(tmp_path: Path) -> None:
    data = tmp_path / ".jobrouter"
    data.mkdir()
    (data / "access.key").write_bytes(b"\xff\n")
    code, _, errors = HostProcess(tmp_path).result()
    assert (code, errors) == (2, f"{data / 'access.key'} does not hold a base64 key.\n")


@pytest.mark.parametrize(
    ("functions", "error"),
    [
        (["import no_such_module"], "ModuleNotFoundError"),
        ([], "There are no functions in "),
        ([ECHO.replace('"echo/{id}"', '"admin/echo"')], "the route 'admin/echo' is reserved"),
        ([TIMER.replace("* * * * * *", "* * * * *")], "does not have six fields"),
    ],
)
def test_an_app_that_azure_would_refuse_is_refused(
    tmp_path: Path, functions: list[str], error: str
) -> None:
    code, out, errors = HostProcess(write_app(tmp_path, *functions)).result()
    assert (code, out) == (1, "")
    assert error in errors


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.01)
