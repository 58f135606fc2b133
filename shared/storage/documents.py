"""The stored shape: JSON objects with the domain's own member names, shared by all adapters.

It follows from the domain's type annotations. Where these allow several classes, a member ``type``
holds the class name. So the names of stored members and classes may never change.

Unknown members are ignored and missing ones get the domain's defaults, so that documents written by
an older or a slightly newer release can be read.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeAliasType, get_args, get_origin, get_type_hints

from shared.domain.distribution import DistributionPolicy
from shared.domain.jobs import Job
from shared.domain.queues import Queue
from shared.domain.workers import Worker
from shared.ports import OutboxRecord, StoreError

type Members = dict[str, Any]
type Conversion = Callable[[Any], Any]

_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class UnreadableDocument(StoreError):
    """A stored document is damaged, or a newer release wrote it."""


@dataclass(frozen=True, slots=True)
class Codec[D]:
    """Translates between a value and its document; the round trip is exact."""

    encode: Callable[[D], Members]
    _decode: Callable[[Members], D]

    def decode(self, document: Members) -> D:
        """:raises UnreadableDocument: the document is none of this kind."""
        try:
            return self._decode(document)
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableDocument(f"A stored document cannot be read: {error}") from error

    def to_json(self, value: D) -> str:
        return _JSON.encode(self.encode(value))

    def from_json(self, text: str) -> D:
        """:raises UnreadableDocument: the text is no document of this kind."""
        try:
            document = json.loads(text)
        except ValueError as error:
            raise UnreadableDocument(f"A stored document is not JSON: {error}") from error
        return self.decode(document)


class _Shape(NamedTuple):
    """How values of one type are turned into JSON values, and back."""

    encode: Conversion
    decode: Conversion


def _same(value: Any) -> Any:
    return value


_AS_IS = _Shape(_same, _same)
_DATETIME = _Shape(
    lambda at: at.isoformat(timespec="microseconds"),
    datetime.fromisoformat,
)


@cache
def _shape_of(hint: Any) -> _Shape:
    if isinstance(hint, TypeAliasType):
        return _shape_of(hint.__value__)
    if get_origin(hint) is UnionType:
        return _union(get_args(hint))
    if get_origin(hint) is tuple:
        item, _ = get_args(hint)
        return _tuple(_shape_of(item))
    if get_origin(hint) is Mapping:
        return _Shape(dict, _same)
    return _class(hint)


def _class(kind: type) -> _Shape:
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return _Shape(attrgetter("value"), kind)
    if kind is datetime:
        return _DATETIME
    assert kind in {str, int, float, bool}, f"{kind} has no stored shape"
    return _AS_IS


def _union(kinds: Iterable[Any]) -> _Shape:
    variants = {kind: _shape_of(kind) for kind in kinds if kind is not NoneType}
    if all(shape is _AS_IS for shape in variants.values()):
        return _AS_IS
    if len(variants) == 1:
        return _optional(*variants.values())
    return _tagged(variants)


def _optional(shape: _Shape) -> _Shape:
    encode, decode = shape
    return _Shape(
        lambda value: None if value is None else encode(value),
        lambda stored: None if stored is None else decode(stored),
    )


def _tagged(variants: Mapping[type, _Shape]) -> _Shape:
    encoders = {kind: shape.encode for kind, shape in variants.items()}
    decoders = {kind.__name__: shape.decode for kind, shape in variants.items()}

    def encode(value: Any) -> Members:
        return {"type": type(value).__name__, **encoders[type(value)](value)}

    def decode(members: Members) -> Any:
        decoder = decoders.get(members["type"])
        if decoder is None:
            raise ValueError(f"the type '{members['type']}' is none of {', '.join(decoders)}.")
        return decoder(members)

    return _Shape(encode, decode)


def _tuple(item: _Shape) -> _Shape:
    encode, decode = item
    if item is _AS_IS:
        return _Shape(list, tuple)
    return _Shape(
        lambda values: [encode(value) for value in values],
        lambda stored: tuple([decode(value) for value in stored]),
    )


def _dataclass(kind: type[Any]) -> _Shape:
    hints = get_type_hints(kind)
    shapes = {field.name: _shape_of(hints[field.name]) for field in fields(kind)}
    encoders = [(name, s.encode) for name, s in shapes.items() if s.encode is not _same]
    decoders = [(name, s.decode) for name, s in shapes.items() if s.decode is not _same]

    def encode(value: Any) -> Members:
        members = {name: getattr(value, name) for name in shapes}
        for name, convert in encoders:
            members[name] = convert(members[name])
        return members

    def decode(stored: Members) -> Any:
        members = {name: stored[name] for name in shapes if name in stored}
        for name, convert in decoders:
            if name in members:
                members[name] = convert(members[name])
        return kind(**members)

    return _Shape(encode, decode)


def _codec[D](kind: type[D]) -> Codec[D]:
    return Codec(*_class(kind))


JOBS = _codec(Job)
WORKERS = _codec(Worker)
QUEUES = _codec(Queue)
DISTRIBUTION_POLICIES = _codec(DistributionPolicy)
OUTBOX_RECORDS = _codec(OutboxRecord)
