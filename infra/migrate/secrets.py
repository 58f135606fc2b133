"""Keys and client secrets of rules: no endpoint tells them, so they come from elsewhere."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.migrate.documents import SECRET_MEMBERS, Document, Kind
from infra.migrate.errors import MigrationError
from infra.migrate.snapshot import Snapshot, read_json

_CREDENTIALS: Final = {"function": "credential", "webhook": "clientCredential"}
"""Kinds of rules that have some, and the member that holds them."""

_MEMBERS: Final = SECRET_MEMBERS | {"clientId"}

type Secrets = Mapping[str, Mapping[str, str]]
"""Members of a rule's credential, by the rule's place."""


@dataclass(frozen=True, slots=True)
class Need:
    """A rule that calls somebody. ``place`` names it in the file of secrets."""

    place: str
    member: str
    is_certain: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.member}{'' if self.is_certain else ', if it asks for one'}"


def needs(kind: Kind, id: str, document: Document) -> Iterator[Need]:
    """A need of each rule in the document that calls a function or webhook."""
    for pointer, rule in _calling_rules(document):
        credential = rule.get(_CREDENTIALS[rule["kind"]])
        member = _member(rule["kind"], credential)
        yield Need(f"{kind}/{id}#{pointer}", member, is_certain=credential is not None)


def all_needs(snapshot: Snapshot) -> Iterator[Need]:
    for kind in Kind:
        for id, document in snapshot.of(kind).items():
            yield from needs(kind, id, document)


def load_secrets(file: Path, snapshot: Snapshot) -> Secrets:
    """:raises MigrationError: it names a rule that there is not, or another member."""
    secrets = read_json(file)
    unknown = secrets.keys() - {need.place for need in all_needs(snapshot)}
    if unknown:
        raise MigrationError(f"{file} names rules that do not exist: {', '.join(sorted(unknown))}.")
    for place, credential in secrets.items():
        if not _is_credential(credential):
            raise MigrationError(f"{file}: {place} may have {', '.join(sorted(_MEMBERS))} only.")
    return secrets


def with_secrets(kind: Kind, id: str, document: Document, secrets: Secrets) -> Document:
    """The document with those that are meant for it."""
    filled = deepcopy(document)
    for pointer, rule in _calling_rules(filled):
        found = secrets.get(f"{kind}/{id}#{pointer}")
        if found:
            member = _CREDENTIALS[rule["kind"]]
            rule[member] = {**rule.get(member, {}), **found}
    return filled


def _calling_rules(value: Any, pointer: str = "") -> Iterator[tuple[str, Document]]:
    match value:
        case {"kind": "function", "functionUri": _} | {"kind": "webhook", "webhookUri": _}:
            yield pointer, value
        case dict():
            # What a static rule gives is data, whatever it looks like.
            for name in value.keys() - {"value"}:
                yield from _calling_rules(value[name], f"{pointer}/{name}")
        case list():
            for index, item in enumerate(value):
                yield from _calling_rules(item, f"{pointer}/{index}")


def _member(kind: str, credential: Document | None) -> str:
    if kind == "webhook":
        return "clientSecret"
    return "appKey" if credential and "clientId" in credential else "functionKey"


def _is_credential(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        return False
    return all(isinstance(text, str) for text in value.values())
