"""The folder that holds the host's state, and the secrets kept in it.

Several hosts may share a folder and start at once: whatever is made once is made under a
lock, and a file is either complete or not there, even after a kill in the midst of it.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

LOCK = ".lock"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder if it is not there, and keeps other processes out of this block."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Replaces the file as a whole: a reader sees the old content or the new one."""
    new = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in the file; made and kept there if there is none. To be called under the lock."""
    if path.exists():
        return path.read_text("ascii", errors="replace").strip()
    secret = make()
    write_file(path, f"{secret}\n".encode("ascii"), PRIVATE_FILE)
    return secret
