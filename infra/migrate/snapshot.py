"""All definitions of a router at one time, and the file that holds them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from infra.migrate.documents import Document, Kind
from infra.migrate.errors import MigrationError

FORMAT: Final = "job-router-definitions"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``definitions``: of every kind, by id."""

    definitions: Mapping[Kind, Mapping[str, Document]]

    def of(self, kind: Kind) -> Mapping[str, Document]:
        return self.definitions[kind]

    @classmethod
    def load(cls, file: Path) -> Self:
        """:raises MigrationError: the file cannot be read, or is none of this version."""
        content = read_json(file)
        if (content.get("format"), content.get("version")) != (FORMAT, VERSION):
            raise MigrationError(f"{file} is no {FORMAT} file of version {VERSION}.")
        definitions: dict[Kind, Any] = {kind: content.get(kind, {}) for kind in Kind}
        if not all(_is_by_id(documents) for documents in definitions.values()):
            raise MigrationError(f"{file} is damaged: a member does not hold definitions by id.")
        return cls(definitions)

    def save(self, file: Path, *, endpoint: str, now: datetime) -> None:
        """Whole or not at all: an export that is interrupted leaves the file as it was.

        :raises MigrationError: it cannot be written.
        """
        head = {"format": FORMAT, "version": VERSION, "endpoint": endpoint}
        body = {kind.value: dict(sorted(self.of(kind).items())) for kind in Kind}
        content = {**head, "exportedAt": now.isoformat(timespec="seconds"), **body}
        part = file.with_name(f"{file.name}.part")
        try:
            part.write_text(_json(content), encoding="utf-8")
            os.replace(part, file)
        except OSError as error:
            raise MigrationError(f"{file} cannot be written: {error.strerror}.") from error


def read_json(file: Path) -> dict[str, Any]:
    """:raises MigrationError: the file cannot be read, or holds no JSON object."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MigrationError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise MigrationError(f"{file} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise MigrationError(f"{file} holds no JSON object.")
    return content


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _is_by_id(documents: object) -> bool:
    return isinstance(documents, dict) and all(isinstance(d, dict) for d in documents.values())
