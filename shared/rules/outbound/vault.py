"""Secrets at rest: AES-256-GCM, with a key that the stores do not have."""

import base64
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from shared.domain.rules import NewSecret, SealedSecret

KEY_BYTES: Final = 32

_NONCE_BYTES: Final = 12


class CannotOpen(Exception):
    """The secret was sealed with a key that the vault does not have, or for something else."""


class Vault:
    """Seals with the first of its keys, and opens what any of them sealed."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """``keys``: of ``KEY_BYTES`` each; with none, nothing can be sealed."""
        self._keys = tuple(keys)

    @property
    def can_seal(self) -> bool:
        return bool(self._keys)

    def seal(self, secret: NewSecret, purpose: Sequence[str]) -> SealedSecret:
        """``purpose``: without the same one, the secret cannot be opened."""
        # Who has no secrets need not wait for the cryptography to be imported.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._keys[0]).encrypt(nonce, secret.text.encode(), _bytes_of(purpose))
        return SealedSecret(base64.b64encode(nonce + sealed).decode())

    def open(self, secret: SealedSecret, purpose: Sequence[str]) -> str:
        """:raises CannotOpen: with none of the keys."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = base64.b64decode(secret.box)
        nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for key in self._keys:
            # A ValueError: what was stored is no box at all.
            with suppress(InvalidTag, ValueError):
                return AESGCM(key).decrypt(nonce, box, _bytes_of(purpose)).decode()
        raise CannotOpen


def _bytes_of(purpose: Sequence[str]) -> bytes:
    return json.dumps([*purpose]).encode()
