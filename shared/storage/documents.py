"""The stored shape: JSON objects with the domain's own member names, shared by all adapters.

It follows from the domain's type annotations. Where these allow several classes, a member ``type``
holds the class name. So the names of stored members and classes may never change. The domain does
not know of that member, which is why the schemas are made here and not by Pydantic itself.

Unknown members are ignored and missing ones get the domain's defaults, so that documents written by
an older or a slightly newer release can be read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAliasType, Union, get_args, get_origin, get_type_hints

from pydantic_core import CoreSchema, SchemaSerializer, SchemaValidator, core_schema

from shared.domain.classification import ClassificationPolicy
from shared.domain.distribution import DistributionPolicy
from shared.domain.exception_policies import ExceptionPolicy
from shared.domain.jobs import Job
from shared.domain.queue_conditions import ChangedConditions
from shared.domain.queues import Queue
from shared.domain.workers import Worker
from shared.ports import OutboxRecord, StoreError

type Members = dict[str, Any]

_TYPE = "type"


class UnreadableDocument(StoreError):
    """A stored document is damaged, or a newer release wrote it."""


class Codec[D]:
    """Translates between a value and its document; the round trip is exact."""

    def __init__(self, kind: type[D]) -> None:
        schema = _class(kind)
        self._serializer = SchemaSerializer(schema)
        self._validator = SchemaValidator(schema)

    def encode(self, value: D) -> Members:
        members: Members = self._serializer.to_python(value, mode="json")
        return members

    def decode(self, document: Members) -> D:
        """:raises UnreadableDocument: the document is none of this kind."""
        return self._read(self._validator.validate_python, document)

    def to_json(self, value: D) -> str:
        return self._serializer.to_json(value).decode()

    def from_json(self, text: str) -> D:
        """:raises UnreadableDocument: the text is no document of this kind."""
        return self._read(self._validator.validate_json, text)

    def _read[S](self, validate: Callable[[S], Any], source: S) -> D:
        try:
            value: D = validate(source)
        except (ValueError, TypeError) as error:
            raise UnreadableDocument(f"A stored document cannot be read: {error}") from error
        return value


@cache
def _schema_of(hint: Any) -> CoreSchema:
    origin = get_origin(hint)
    if isinstance(hint, TypeAliasType):
        return _schema_of(hint.__value__)
    if isinstance(origin, TypeAliasType):
        return _schema_of(origin.__value__[get_args(hint)])
    if origin in {Union, UnionType}:
        return _union(get_args(hint))
    if origin is tuple:
        item, _ = get_args(hint)
        return core_schema.tuple_variable_schema(_schema_of(item))
    if origin is Mapping:
        return core_schema.dict_schema()
    if origin is not None:
        return _dataclass(origin, get_args(hint))
    return _primitive() if hint is Any else _class(hint)


def _class(kind: type) -> CoreSchema:
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return core_schema.enum_schema(kind, list(kind), sub_type="str")
    if kind is datetime:
        return _datetime()
    assert _is_primitive(kind), f"{kind} has no stored shape"
    return _primitive()


def _is_primitive(kind: type) -> bool:
    return kind in {str, int, float, bool}


def _primitive() -> CoreSchema:
    """As JSON has it: to check or convert it could change its type, which is part of a label."""
    return core_schema.any_schema()


def _datetime() -> CoreSchema:
    return core_schema.no_info_plain_validator_function(
        datetime.fromisoformat, serialization=core_schema.datetime_schema()
    )


def _union(kinds: Iterable[Any]) -> CoreSchema:
    variants = [kind for kind in kinds if kind is not NoneType]
    if all(map(_is_primitive, variants)):
        return _primitive()
    if len(variants) == 1:
        return core_schema.nullable_schema(_schema_of(*variants))
    return _tagged(variants)


def _tagged(variants: Iterable[Any]) -> CoreSchema:
    return core_schema.tagged_union_schema(
        {(get_origin(kind) or kind).__name__: _schema_of(kind) for kind in variants},
        discriminator=_type_name,
        serialization=core_schema.wrap_serializer_function_ser_schema(_with_type),
    )


def _type_name(value: Any) -> str | None:
    """Of a document's part, or of a value."""
    return value.get(_TYPE) if isinstance(value, dict) else type(value).__name__


def _with_type(value: object, members_of: core_schema.SerializerFunctionWrapHandler) -> Members:
    return {_TYPE: type(value).__name__, **members_of(value)}


def _dataclass(kind: type[Any], arguments: tuple[Any, ...] = ()) -> CoreSchema:
    """``arguments``: what a generic class is used with."""
    bound = dict(zip(kind.__type_params__, arguments, strict=True))
    hints = {name: _bind(hint, bound) for name, hint in get_type_hints(kind).items()}
    members = [_member(field, _schema_of(hints[field.name])) for field in fields(kind)]
    return core_schema.dataclass_schema(
        kind,
        core_schema.dataclass_args_schema(kind.__name__, members),
        [field.name for field in fields(kind)],
        frozen=True,
        slots=True,
        config=core_schema.CoreConfig(extra_fields_behavior="ignore"),
    )


def _bind(hint: Any, bound: Mapping[Any, Any]) -> Any:
    """The hint with types in place of its type parameters."""
    if hint in bound:
        return bound[hint]
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(bound[parameter] for parameter in parameters)] if parameters else hint


def _member(field: Field[Any], schema: CoreSchema) -> core_schema.DataclassField:
    if field.default is not MISSING:
        schema = core_schema.with_default_schema(schema, default=field.default)
    elif field.default_factory is not MISSING:
        schema = core_schema.with_default_schema(schema, default_factory=field.default_factory)
    return core_schema.dataclass_field(field.name, schema, kw_only=field.kw_only is True)


JOBS = Codec(Job)
WORKERS = Codec(Worker)
QUEUES = Codec(Queue)
DISTRIBUTION_POLICIES = Codec(DistributionPolicy)
CLASSIFICATION_POLICIES = Codec(ClassificationPolicy)
EXCEPTION_POLICIES = Codec(ExceptionPolicy)
CHANGED_CONDITIONS = Codec(ChangedConditions)
OUTBOX_RECORDS = Codec(OutboxRecord)
