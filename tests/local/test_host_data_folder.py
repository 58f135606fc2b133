import asyncio
import itertools
import os
import ssl
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from infra.local.certificates import (
    LIFETIME,
    LOCAL_NAMES,
    RENEW_BEFORE,
    CertificateFiles,
    kept_certificate,
)
from infra.local.data_folder import kept_secret, locked, write_file
from tests.local.host_rig import strict_context

NOW = datetime.now(UTC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert kept_secret(path, lambda: "first") == "first"
    assert kept_secret(path, lambda: "second") == "first"
    assert mode(path) == 0o600


def test_hosts_that_start_at_once_agree_on_a_secret(tmp_path: Path) -> None:
    made = itertools.count()

    def start(_: int) -> str:
        with locked(tmp_path / "data"):
            return kept_secret(tmp_path / "data" / "key", lambda: str(next(made)))

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(start, range(16))) == {"0"}


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "data"):
        assert mode(tmp_path / "a" / "data") == 0o700


def test_a_write_that_fails_leaves_the_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_file(path, b"old", 0o600)

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_file(path, b"new", 0o600)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


def keep(folder: Path, now: datetime = NOW, names: Sequence[str] = LOCAL_NAMES) -> bytes:
    return kept_certificate(folder, names, now).server.read_bytes()


def test_a_certificate_is_kept_until_it_is_about_to_end(tmp_path: Path) -> None:
    first = keep(tmp_path)
    end = NOW - timedelta(hours=1) + LIFETIME
    assert keep(tmp_path, end - RENEW_BEFORE - timedelta(minutes=1)) == first
    assert keep(tmp_path, end - RENEW_BEFORE + timedelta(minutes=1)) != first


def test_a_certificate_from_the_future_is_renewed(tmp_path: Path) -> None:
    first = keep(tmp_path, NOW + timedelta(days=1))
    assert keep(tmp_path, NOW) != first


def test_a_name_that_is_missing_renews_the_certificate(tmp_path: Path) -> None:
    first = keep(tmp_path)
    second = keep(tmp_path, names=(*LOCAL_NAMES, "192.0.2.1"))
    assert second != first
    assert keep(tmp_path) == second


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
@pytest.mark.parametrize("damage", ["missing", "broken", "of another"])
def test_a_damaged_file_renews_the_certificate(tmp_path: Path, name: str, damage: str) -> None:
    first = keep(tmp_path / "certs")
    keep(tmp_path / "other")
    damaged = tmp_path / "certs" / name
    if damage == "missing":
        damaged.unlink()
    elif damage == "broken":
        damaged.write_text("-----BEGIN CERTIFICATE-----\n")
    else:
        damaged.write_bytes((tmp_path / "other" / name).read_bytes())
    renewed = keep(tmp_path / "certs")
    assert renewed != first
    assert keep(tmp_path / "certs") == renewed


def test_only_the_servers_key_is_stored_and_it_is_private(tmp_path: Path) -> None:
    keep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "server.pem", "server.key"}
    assert mode(tmp_path / "server.key") == 0o600
    certificates = [(tmp_path / name).read_bytes() for name in ("ca.pem", "server.pem")]
    assert not any(b"PRIVATE" in content for content in certificates)


def test_the_authority_can_sign_servers_only(tmp_path: Path) -> None:
    files = kept_certificate(tmp_path, LOCAL_NAMES, NOW)
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


@pytest.mark.parametrize("name", [*LOCAL_NAMES, "192.0.2.1"])
async def test_the_certificate_passes_strict_verification(tmp_path: Path, name: str) -> None:
    files = kept_certificate(tmp_path, (*LOCAL_NAMES, "192.0.2.1"), NOW)
    await shake_hands(files, name)


async def test_another_name_does_not_pass(tmp_path: Path) -> None:
    files = kept_certificate(tmp_path, LOCAL_NAMES, NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not valid for"):
        await shake_hands(files, "example.org")


async def shake_hands(files: CertificateFiles, name: str) -> None:
    """A TLS handshake in memory, as a client that trusts the authority alone does it."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(files.server, files.key)
    upstream, downstream = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(upstream, downstream, server_side=True)
    client = strict_context(str(files.ca)).wrap_bio(downstream, upstream, server_hostname=name)
    unfinished = [client, server]
    async with asyncio.timeout(5):
        while unfinished:
            unfinished = [side for side in unfinished if not shook(side)]
            await asyncio.sleep(0)


def shook(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
