"""Where definitions are: in a file, or at an endpoint."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.migrate.documents import Kind
from infra.migrate.endpoint import Endpoint, connected
from infra.migrate.errors import MigrationError
from infra.migrate.progress import Track
from infra.migrate.snapshot import Snapshot

VARIABLE: Final = "env:"
_BEGINNING: Final = "endpoint="


@dataclass(frozen=True, slots=True)
class Places:
    """How the words of a command lead to files and endpoints."""

    environment: Mapping[str, str]
    api_version: str
    authorities: Sequence[Path]
    track: Track

    def snapshot(self, word: str) -> Snapshot:
        """What is there now.

        :raises MigrationError: it cannot be read.
        """
        if not self._is_endpoint(word):
            return Snapshot.load(Path(word))
        with self.endpoint(word) as endpoint:
            return self.read(endpoint)

    @contextlib.contextmanager
    def endpoint(self, word: str) -> Iterator[Endpoint]:
        """:raises MigrationError: the word does not name one."""
        text = self._connection_string(word)
        with connected(text, self.api_version, self.authorities) as endpoint:
            yield endpoint

    def read(self, endpoint: Endpoint) -> Snapshot:
        """:raises MigrationError: the endpoint cannot be reached or does not let us in."""
        found = {
            kind: dict(self.track(endpoint.read(kind), f"reading {_words(kind)}")) for kind in Kind
        }
        return Snapshot(found)

    def _connection_string(self, word: str) -> str:
        if not self._is_endpoint(word):
            raise MigrationError(f"{word} is no endpoint: say {VARIABLE} and a variable's name.")
        if not word.startswith(VARIABLE):
            return word
        name = word.removeprefix(VARIABLE)
        text = self.environment.get(name, "").strip()
        if not text:
            raise MigrationError(f"The environment variable {name} holds no connection string.")
        return text

    def _is_endpoint(self, word: str) -> bool:
        return word.startswith(VARIABLE) or word.lower().startswith(_BEGINNING)


def _words(kind: Kind) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.value)
