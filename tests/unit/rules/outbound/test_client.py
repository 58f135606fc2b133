"""The client against real servers: what it sends, when it gives up, and where it may not go."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from infra.local.certificates import kept_certificate
from shared.rules.outbound.addresses import AllowedHosts
from shared.rules.outbound.client import (
    MAX_ANSWER_BYTES,
    TIMEOUT_SECONDS,
    Answer,
    CallFailed,
    OutboundClient,
)
from tests.unit.rules.outbound.servers import (
    Names,
    Server,
    dropping,
    full_up,
    running,
    unused_port,
)

LOOPBACK = AllowedHosts.parse(["127.0.0.1"])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[OutboundClient]:
    client = OutboundClient(LOOPBACK)
    yield client
    await client.close()


async def post(
    uri: str,
    allowed: AllowedHosts = LOOPBACK,
    *,
    seconds: float = TIMEOUT_SECONDS,
    names: Names | None = None,
) -> Answer:
    client = OutboundClient(allowed, timeout=seconds, resolver=names)
    try:
        return await client.post(uri, b"{}", {})
    finally:
        await client.close()


async def failure(
    uri: str, allowed: AllowedHosts = LOOPBACK, *, seconds: float = TIMEOUT_SECONDS
) -> str:
    with pytest.raises(CallFailed) as failed:
        await post(uri, allowed, seconds=seconds)
    return str(failed.value)


async def test_a_body_is_posted_with_its_headers(server: Server, client: OutboundClient) -> None:
    server.body = b'"yes"'
    answer = await client.post(server.uri("/a?b=c"), b"[1]", {"X-Key": "k"})
    assert answer == Answer(200, b'"yes"')
    (seen,) = server.seen
    assert (seen.path, seen.body, seen.headers["x-key"]) == ("/a?b=c", b"[1]", "k")


async def test_every_status_is_an_answer(server: Server, client: OutboundClient) -> None:
    server.status, server.body = 503, b"later"
    assert await client.post(server.uri(), b"", {}) == Answer(503, b"later")


async def test_redirections_are_not_followed(server: Server, client: OutboundClient) -> None:
    server.status, server.headers = 307, {"Location": server.uri("/elsewhere")}
    assert (await client.post(server.uri(), b"", {})).status == 307
    assert len(server.seen) == 1


async def test_connections_are_used_again(server: Server, client: OutboundClient) -> None:
    peers = set()

    async def note_peer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    server.handler = note_peer
    for _ in range(3):
        await client.post(server.uri(), b"", {})
    assert len(peers) == 1


async def test_cookies_are_not_kept(server: Server, client: OutboundClient) -> None:
    server.headers = {"Set-Cookie": "a=b"}
    for _ in range(2):
        await client.post(server.uri(), b"", {})
    assert "cookie" not in server.seen[1].headers


async def test_the_environment_names_no_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    assert (await post(server.uri())).status == 200


async def test_a_large_answer_is_read(server: Server, client: OutboundClient) -> None:
    server.body = b"x" * MAX_ANSWER_BYTES
    assert len((await client.post(server.uri(), b"", {})).body) == MAX_ANSWER_BYTES


async def test_a_larger_one_is_given_up_while_it_comes(server: Server) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent += 65536

    server.handler = endless
    assert "more than 262144 bytes" in await failure(server.uri())
    assert sent < 100 * MAX_ANSWER_BYTES


async def test_a_packed_answer_is_not_unpacked(server: Server, client: OutboundClient) -> None:
    server.body, server.headers = b"packed", {"Content-Encoding": "gzip"}
    assert (await client.post(server.uri(), b"", {})).body == b"packed"
    assert server.seen[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("begins", [False, True], ids=["silent", "trickling"])
async def test_a_slow_answer_is_given_up(server: Server, begins: bool) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if begins:
            await response.prepare(request)
        for _ in range(200):
            if begins:
                await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    server.handler = slow
    told = await failure(server.uri(), seconds=0.1)
    assert told == "127.0.0.1 did not answer within 0.1 seconds."
    assert len(server.seen) == 1, "it may be at work, so it is not asked again"


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_call_that_breaks_off_is_not_repeated(sent: bytes) -> None:
    async with dropping(sent) as (uri, read):
        assert await failure(uri) == "127.0.0.1 broke off the connection."
        assert len(read) == 1


async def test_what_is_no_http_is_reported() -> None:
    async with dropping(b"220 mail.example ESMTP\r\n\r\n") as (uri, read):
        assert await failure(uri) == "127.0.0.1 did not answer in HTTP."
        assert len(read) == 1


@pytest.mark.parametrize(("failures", "succeeds"), [(1, True), (2, False)])
async def test_without_a_connection_it_is_tried_once_more(
    server: Server, failures: int, succeeds: bool
) -> None:
    names = Names({"late": ["127.0.0.1"]}, failures)
    if succeeds:
        assert (await post(server.uri(host="late"), names=names)).status == 200
    else:
        with pytest.raises(CallFailed):
            await post(server.uri(host="late"), names=names)
    assert (len(names.asked), len(server.seen)) == (2, int(succeeds))


async def test_a_refused_connection_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def note(_: AllowedHosts, address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(AllowedHosts, "let_through", note)
    uri = f"http://127.0.0.1:{unused_port()}/"
    assert await failure(uri) == "127.0.0.1 cannot be connected to."
    assert opened == ["127.0.0.1"] * 2


async def test_a_connection_that_takes_too_long_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.rules.outbound.client.CONNECT_SECONDS", 0.1)
    with full_up() as port:
        told = await failure(f"http://127.0.0.1:{port}/")
    assert told == "127.0.0.1 cannot be connected to."


async def test_a_name_without_address_is_reported() -> None:
    names = Names({})
    with pytest.raises(CallFailed, match=r"^nowhere\.example has no address"):
        await post("https://nowhere.example/", names=names)
    assert names.asked == ["nowhere.example"] * 2


@pytest.mark.parametrize(
    "uri", ["", "/path", "ftp://a.example/", "https:///x", "http://[::1", "https://a.example:x/"]
)
async def test_what_is_no_uri_of_http_is_reported(uri: str) -> None:
    assert await failure(uri) == "The URI is not one of http or https."


async def test_headers_that_cannot_be_sent_are_reported_without_them(
    server: Server, client: OutboundClient
) -> None:
    with pytest.raises(CallFailed) as failed:
        await client.post(server.uri(), b"", {"X-Key": "se\r\ncret"})
    assert "cret" not in str(failed.value)
    assert not server.seen


# -- where it may not go ----------------------------------------------------------------------

NOT_ALLOWED = "is not on the internet, and the router's settings do not allow to call it."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_private_address_is_not_called(server: Server, host: str) -> None:
    assert await failure(server.uri(host=host), AllowedHosts()) == f"{host} {NOT_ALLOWED}"
    assert not server.seen


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "168.63.129.16", "10.0.0.1", "fd00::1"],
)
async def test_a_name_does_not_lead_to_one(server: Server, address: str) -> None:
    names = Names({"public": [address]})
    with pytest.raises(CallFailed, match="not on the internet"):
        await post(server.uri(host="public"), AllowedHosts(), names=names)
    assert names.asked == ["public"], "what was checked is what would be connected to"
    assert not server.seen


FULL_WIDTH = "\uff11\uff12\uff17.0.0.1"


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "0x7f000001", FULL_WIDTH])
async def test_nor_does_another_spelling(server: Server, host: str) -> None:
    await failure(server.uri(host=host), AllowedHosts())
    assert not server.seen


async def test_of_several_addresses_only_those_are_called_that_may_be(server: Server) -> None:
    async with running("127.0.0.2", server.port) as other:
        names = Names({"both": ["127.0.0.1", "127.0.0.2"]})
        allowed = AllowedHosts.parse(["127.0.0.2"])
        assert (await post(server.uri(host="both"), allowed, names=names)).status == 200
        assert (len(server.seen), len(other.seen)) == (0, 1)


async def test_a_host_that_is_allowed_by_name_may_be_anywhere(server: Server) -> None:
    allowed = AllowedHosts.parse(["scores.internal"])
    names = Names({"scores.internal": ["127.0.0.1"], "other.internal": ["127.0.0.1"]})
    assert (await post(server.uri(host="Scores.Internal"), allowed, names=names)).status == 200
    with pytest.raises(CallFailed, match="not on the internet"):
        await post(server.uri(host="other.internal"), allowed, names=names)


async def test_certificates_are_verified(tmp_path: Path) -> None:
    files = kept_certificate(tmp_path, ["127.0.0.1"], datetime.now(UTC))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.server, files.key)
    async with running(tls=tls) as server:
        assert await failure(server.uri()) == "127.0.0.1 has no certificate that is trusted."
        assert not server.seen


async def test_a_closed_client_opens_again(server: Server, client: OutboundClient) -> None:
    await client.post(server.uri(), b"", {})
    await client.close()
    await client.post(server.uri(), b"", {})
    assert len(server.seen) == 2
