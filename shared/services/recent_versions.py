"""What this process wrote last, so that who changes it next need not read it before.

A version from here is a guess: another process may have changed it since. Only a conditional write
over it proves that it was current. Whatever is decided without one is decided on a fresh read.
"""

from shared.domain.jobs import Job
from shared.domain.workers import Worker
from shared.ports import Stored

MOST_VERSIONS = 1_000
"""Of each kind, which makes 4 MB: a job with ten labels takes 2.5 KB, its worker 1.5 KB. While
events cannot be published, a version may hold 32 KB of records as well, if the store keeps them so.

Beyond them, the one that was written longest ago is forgotten.
"""


class RecentVersions[A: (Job, Worker)]:
    def __init__(self, most: int = MOST_VERSIONS) -> None:
        self._most = most
        self._versions: dict[str, Stored[A]] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def take(self, id: str) -> Stored[A] | None:
        """The version, which is forgotten: whatever it is used for, it is not the latest then."""
        return self._versions.pop(id, None)

    def remember(self, written: Stored[A]) -> None:
        self.take(written.value.id)
        self._versions[written.value.id] = written
        if len(self._versions) > self._most:
            self.take(next(iter(self._versions)))
