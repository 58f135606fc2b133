"""In what two snapshots differ."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.migrate.documents import Document, Kind, as_text, canonical, is_same, without
from infra.migrate.snapshot import Snapshot


class Sign(StrEnum):
    """How a difference is marked, as in other programs that show some."""

    ONLY_IN_FIRST = "-"
    ONLY_IN_SECOND = "+"
    CHANGED = "~"


@dataclass(frozen=True, slots=True)
class Change:
    """Of a member, by its path; ``None`` is a member that is not set."""

    path: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"    {self.path}: {_text(self.first)} -> {_text(self.second)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """``changes``: only of what is in both."""

    sign: Sign
    kind: Kind
    id: str
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.kind}/{self.id}", *map(str, self.changes)])


def differences(
    first: Snapshot, second: Snapshot, ignoring: Collection[str] = ()
) -> Iterator[Difference]:
    """By kind and id. ``ignoring``: members that are not compared."""
    for kind in Kind:
        ones, others = first.of(kind), second.of(kind)
        for id in sorted(ones.keys() | others.keys()):
            yield from _of(kind, id, ones.get(id), others.get(id), ignoring)


def _of(
    kind: Kind, id: str, one: Document | None, other: Document | None, ignoring: Collection[str]
) -> Iterator[Difference]:
    if one is None:
        yield Difference(Sign.ONLY_IN_SECOND, kind, id)
    elif other is None:
        yield Difference(Sign.ONLY_IN_FIRST, kind, id)
    else:
        first, second = (canonical(without(document, ignoring)) for document in (one, other))
        found = tuple(_changes(first, second))
        if found:
            yield Difference(Sign.CHANGED, kind, id, found)


def _changes(one: Document, other: Document, path: str = "") -> Iterator[Change]:
    """As deep as both have members; lists are one value."""
    for name in sorted(one.keys() | other.keys()):
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _changes(first, second, f"{path}{name}.")
        elif not is_same(first, second):
            yield Change(f"{path}{name}", first, second)


def _text(value: Any) -> str:
    return "(not set)" if value is None else as_text(value)
