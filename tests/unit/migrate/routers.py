"""A router in memory that the migration tool writes to."""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.migrate.documents import Document, Kind
from infra.migrate.endpoint import Endpoint, Operations, Refused
from infra.migrate.errors import MigrationError
from infra.migrate.snapshot import Snapshot


def snapshot(**kinds: dict[str, Document]) -> Snapshot:
    """Kinds by the names of their enumeration, in lower case."""
    return Snapshot({kind: kinds.get(kind.name.lower(), {}) for kind in Kind})


class Router(Endpoint):
    """Merges as the API does, and checks that what a definition names exists.

    ``patches``: what was written, in order. ``room``: writes until the connection breaks.
    """

    def __init__(self, present: Snapshot, room: int | None = None) -> None:
        operations: dict[Kind, Operations] = {}
        super().__init__("https://router.example", operations)
        self.documents = {kind: dict(present.of(kind)) for kind in Kind}
        self.patches: list[tuple[Kind, str, Document]] = []
        self._room = room

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.documents)

    def write(self, kind: Kind, id: str, patch: Document) -> Document:
        if self._room is not None and len(self.patches) >= self._room:
            raise MigrationError("The connection broke.")
        merged: Document = merge(self.documents[kind].get(id, {}), patch)
        for named, name in references(kind, merged):
            if name not in self.documents[named]:
                raise Refused(f"There is no {named}/{name}.")
        self.documents[kind][id] = merged
        self.patches.append((kind, id, patch))
        return merged


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, member in patch.items():
        if member is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), member)
    return merged


def references(kind: Kind, document: Document) -> Iterator[tuple[Kind, str]]:
    members = {
        "distributionPolicyId": Kind.DISTRIBUTION_POLICIES,
        "exceptionPolicyId": Kind.EXCEPTION_POLICIES,
        "classificationPolicyId": Kind.CLASSIFICATION_POLICIES,
        "fallbackQueueId": Kind.QUEUES,
        "queueId": Kind.QUEUES,
    }
    yield from ((named, document[name]) for name, named in members.items() if name in document)
    if kind is Kind.WORKERS:
        yield from ((Kind.QUEUES, queue) for queue in document.get("queues", []))
    for rule in document.get("exceptionRules", []):
        for action in rule["actions"]:
            yield from references(kind, action)


def untracked[T](items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:  # noqa: ARG001
    return iter(items)
