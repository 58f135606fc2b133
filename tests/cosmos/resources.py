"""Resource ids and the members which the service adds to everything it keeps."""

from base64 import b64decode, b64encode
from itertools import count
from typing import Any


class ResourceIds:
    """Hands out resource ids and etags: never the same twice."""

    def __init__(self) -> None:
        self._databases = count(1)
        self._containers = count(1)
        self._items = count(1)
        self._etags = count(1)

    def database(self) -> str:
        return _encode(next(self._databases).to_bytes(4))

    def container(self, database: str) -> str:
        # The highest bit tells a container from a user.
        return _encode(_decode(database), (next(self._containers) | 1 << 31).to_bytes(4))

    def next_sequence(self) -> int:
        """Items are scanned in the order of these numbers."""
        return next(self._items)

    def item(self, container: str, sequence: int) -> str:
        return _encode(_decode(container), sequence.to_bytes(8))

    def etag(self, now: int) -> str:
        return f'"{next(self._etags):08x}-0000-0d00-0000-{now:08x}0000"'


def system_properties(rid: str, link: str, etag: str, now: int) -> dict[str, Any]:
    return {"_rid": rid, "_self": link, "_etag": etag, "_ts": now}


def _encode(*parts: bytes) -> str:
    return b64encode(b"".join(parts), altchars=b"+-").decode()


def _decode(rid: str) -> bytes:
    return b64decode(rid, altchars=b"+-")
