"""A development certificate for https, signed by an authority made for it alone.

The authority's key is never stored: nobody can sign anything else with what a developer
has told a machine to trust. A renewal therefore brings a new authority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.local.data_folder import PRIVATE_FILE, PRIVATE_FOLDER, write_file

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
# The longest that Apple's systems accept for a certificate below an authority added by hand.
LIFETIME: Final = timedelta(days=825)
RENEW_BEFORE: Final = timedelta(days=7)
# A clock on another machine or in a container may be a little behind.
BACKDATED: Final = timedelta(hours=1)

_KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificate is: `ca` is what clients are to trust."""

    ca: Path
    server: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "CertificateFiles":
        return cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def kept_certificate(folder: Path, names: Sequence[str], now: datetime) -> CertificateFiles:
    """The certificate in the folder; made anew if it is not there, not whole, not for these
    names, or ends within RENEW_BEFORE. To be called under the data folder's lock."""
    files = CertificateFiles.in_folder(folder)
    if not _is_usable(files, names, now):
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        _make(files, names, now)
    return files


def _is_usable(files: CertificateFiles, names: Sequence[str], now: datetime) -> bool:
    try:
        ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = load_pem_private_key(files.key.read_bytes(), password=None)
        server.verify_directly_issued_by(ca)
        covered = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        server.public_key() == key.public_key()
        and set(_alternative_names(names)) <= set(covered)
        and server.not_valid_before_utc <= now < server.not_valid_after_utc - RENEW_BEFORE
    )


def _make(files: CertificateFiles, names: Sequence[str], now: datetime) -> None:
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _sign_ca(ca_key, now)
    server = _sign_server(server_key, names, ca, ca_key, now)
    private = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_file(files.key, private, PRIVATE_FILE)
    write_file(files.server, server.public_bytes(Encoding.PEM), 0o644)
    write_file(files.ca, ca.public_bytes(Encoding.PEM), 0o644)


def _sign_ca(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("Job Router development CA")
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(_authority_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _sign_server(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        _builder(_name(names[0]), ca.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(_authority_key(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(names)), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now - BACKDATED + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*granted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in granted for usage in _KEY_USAGES})


def _authority_key(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _alternative_names(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative_name(name) for name in names]


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
