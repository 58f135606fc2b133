"""Etags made by a store itself: GUID-shaped, counting up per document.

The count makes them readable; the random rest keeps a document that was removed and created again
from ever repeating an etag.
"""

from secrets import token_hex


def first_etag() -> str:
    return _etag(1)


def next_etag(etag: str) -> str:
    """The etag of the write that follows the one which ``etag`` stands for."""
    count, _, _ = etag.partition("-")
    try:
        return _etag(int(count, 16) + 1)
    except ValueError:  # Not made here: no stored document has it, so the write will conflict.
        return first_etag()


def _etag(count: int) -> str:
    random = token_hex(12)
    return f"{count:08x}-{random[:4]}-{random[4:8]}-{random[8:12]}-{random[12:]}"
