"""Indexing policies: which paths of a document the index of a container covers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.cosmos.documents import Document, Json
from tests.cosmos.errors import bad_request, not_spoken

type Path = tuple[str, ...]
"""Names from the root of a document; ``[]`` stands for the elements of an array."""

type Term = tuple[Path, str]
"""A value, as text, at a path."""

ELEMENTS = "[]"
_SCALAR, _ANYTHING = "?", "*"
_ROOT: Path = (_ANYTHING,)
_ALWAYS_INDEXED: frozenset[Path] = frozenset({("id",), ("_ts",)})
_ETAG = {"path": '/"_etag"/?'}
_MEMBERS = {"indexingMode", "automatic", "includedPaths", "excludedPaths", "compositeIndexes"}


@dataclass(frozen=True)
class IndexingPolicy:
    consistent: bool
    included: frozenset[Path]
    excluded: frozenset[Path]
    composites: tuple[tuple[Path, ...], ...]
    _covered: dict[Path, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Self:
        """
        :raises CosmosError: the policy contradicts itself or does not say what happens to the root.
        """
        _check_members(definition)
        included = frozenset(_paths(definition.get("includedPaths", [])))
        excluded = frozenset(_paths(definition.get("excludedPaths", [])))
        consistent = str(definition.get("indexingMode", "consistent")).lower() == "consistent"
        if consistent and _ROOT not in included | excluded:
            raise bad_request("The special mandatory indexing path '/' is missing.")
        if included & excluded:
            raise bad_request("A path is both included in the index and excluded from it.")
        return cls(consistent, included, excluded, _composites(definition))

    def covers(self, path: Path) -> bool:
        """Whether the index holds the scalar values at the path: its most precise rule decides."""
        if path not in self._covered:
            self._covered[path] = self.consistent and self._includes(path)
        return self._covered[path]

    def terms(self, document: Document) -> frozenset[Term]:
        """What the index holds of a document: every distinct scalar value of a covered path, and
        for each composite index the values of its paths together."""
        scalars = list(_scalars(document, ()))
        single = {(path, repr(value)) for path, value in scalars if self.covers(path)}
        values = dict(scalars)
        together = {
            (("composite", *map(str, paths)), repr([values.get(path) for path in paths]))
            for paths in self.composites
        }
        return frozenset(single | together)

    def _includes(self, path: Path) -> bool:
        if path in _ALWAYS_INDEXED:
            return True
        included = max((_precision(rule, path) for rule in self.included), default=0)
        excluded = max((_precision(rule, path) for rule in self.excluded), default=0)
        return included > excluded


def completed_policy(definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """The policy as the service keeps it: with its defaults, and never with the etag indexed."""
    given = definition or {"includedPaths": [{"path": "/*"}]}
    excluded = list(given.get("excludedPaths", []))
    if all(_parse(entry["path"]) != ("_etag", _SCALAR) for entry in excluded):
        excluded.append(_ETAG)
    defaults = {"indexingMode": "consistent", "automatic": True, "includedPaths": []}
    return {**defaults, **given, "excludedPaths": excluded}


def _check_members(definition: Mapping[str, Any]) -> None:
    for member in definition.keys() - _MEMBERS:
        if definition[member]:
            raise not_spoken(f"the member '{member}' of an indexing policy")


def _composites(definition: Mapping[str, Any]) -> tuple[tuple[Path, ...], ...]:
    """Queries of the double order by one path, so these only add to what writes cost."""
    indexes = definition.get("compositeIndexes", [])
    return tuple(tuple(_names(entry["path"]) for entry in index) for index in indexes)


def _paths(entries: list[Mapping[str, Any]]) -> Iterator[Path]:
    return (_parse(entry["path"]) for entry in entries)


def _parse(text: str) -> Path:
    names = _names(text)
    if not text.startswith("/") or names[-1] not in (_SCALAR, _ANYTHING):
        raise bad_request(f"The indexing path '{text}' could not be accepted.")
    return names


def _names(text: str) -> Path:
    return tuple(name.strip('"') for name in text.removeprefix("/").split("/"))


def _precision(rule: Path, path: Path) -> int:
    """How precisely a rule names the path; 0: not at all."""
    *names, ending = rule
    if ending == _SCALAR:
        return 2 * len(rule) + 1 if tuple(names) == path else 0
    return 2 * len(rule) if path[: len(names)] == tuple(names) else 0


def _scalars(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _scalars(member, (*path, name))
    elif isinstance(value, list):
        for element in value:
            yield from _scalars(element, (*path, ELEMENTS))
    else:
        yield path, value
