"""What the models of every version of the API are made of.

Input is strict: no text is taken for a number, no number for a boolean. Members that are unknown or
set by the router alone are ignored, and ``null`` is as good as a missing member.
"""

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, from_json, to_json

from shared.api.errors import InvalidRequest, Problem
from shared.api.http_messages import MAX_BODY_BYTES
from shared.api.merge_patch import JsonObject, merge
from shared.api.timestamps import parse_time
from shared.domain.labels import Labels, LabelValue, is_number
from shared.domain.limits import MAX_PRIORITY, MIN_PRIORITY
from shared.ports import Stored

MAX_ID_LENGTH = 128
MAX_KEY_LENGTH = 500
MAX_TEXT_LENGTH = 2000
MAX_LABELS = 200
MAX_ITEMS = 500
MAX_DEPTH = 32
INT32_MAX = 2**31 - 1
LARGEST_EXACT_INTEGER = 2**53 - 1
"""Beyond this, a JSON number does not survive a reader that takes numbers for doubles."""

VARIANT: Final = "\0"
"""Begins a step of an error's location that is no member, but which model of a union was tried."""

ID_LABEL = "Id"
"""The label by which the router itself names a queue or a worker."""


# -- scalars ----------------------------------------------------------------------------------


def refuse(
    message: str, *, code: str = "invalid", member: str | None = None
) -> PydanticCustomError:
    """What a validator raises. ``member`` of the validated object is at fault, if not all of it."""
    # The message must not be a template: what a client sent may be part of it.
    return PydanticCustomError(code, "{message}", {"message": message, "member": member})


def _printable(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise refuse("Control characters are not allowed")
    return text


def _identifying(text: str) -> str:
    if "/" in text or "\\" in text:
        raise refuse("An id must not contain a slash or backslash")
    if text.strip() != text:
        raise refuse("An id must not begin or end with white space")
    if not text.strip("."):
        raise refuse("An id must not consist of dots")
    return text


def _without_null_character(text: str) -> str:
    if "\0" in text:
        raise refuse("The null character is not allowed")
    return text


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise refuse("Input should be a date and time as a string in ISO 8601")
    try:
        return parse_time(value)
    except ValueError as error:
        raise refuse(str(error)) from None


def _primitive(value: object) -> LabelValue:
    if isinstance(value, str):
        return _short(_without_null_character(value))
    if not isinstance(value, bool | int | float):
        raise refuse("Input should be a string, a number or a boolean")
    if isinstance(value, float) and not math.isfinite(value):
        raise refuse("Input should be a finite number")
    if isinstance(value, int) and abs(value) > LARGEST_EXACT_INTEGER:
        raise refuse(f"Integers should be within ±{LARGEST_EXACT_INTEGER}, where they are exact")
    return value


def _short(text: str) -> str:
    if len(text) > MAX_TEXT_LENGTH:
        raise refuse(f"Text should have at most {MAX_TEXT_LENGTH} characters")
    return text


def _writable(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON as it can be answered and stored."""
    if depth == 0:
        raise refuse(f"Input should not be nested deeper than {MAX_DEPTH} levels")
    match value:
        case dict():
            for member in value.values():
                _writable(member, depth - 1)
        case list():
            for item in value:
                _writable(item, depth - 1)
        case float() if not math.isfinite(value):
            raise refuse("Numbers should be finite")
    return value


def _few(labels: Mapping[str, LabelValue]) -> Mapping[str, LabelValue]:
    if len(labels.keys() - {ID_LABEL}) > MAX_LABELS:
        raise refuse(f"There should be at most {MAX_LABELS} entries")
    return labels


@dataclass(frozen=True, slots=True)
class _Described:
    """Says in JSON Schema what a validator checks: for the API's description alone."""

    schema: JsonObject

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonObject:
        return {**handler(core_schema), **self.schema}


_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_PRINTABLE = _Described({"pattern": f"^[^{_CONTROL}]+$"})
_IDENTIFYING = _Described(
    {
        "pattern": rf"^[^\s/\\{_CONTROL}]([^/\\{_CONTROL}]*[^\s/\\{_CONTROL}])?$",
        "not": {"pattern": r"^\.+$"},
    }
)
_NO_NULL_CHARACTER = {"pattern": r"^[^\u0000]*$"}

type Id = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID_LENGTH),
    AfterValidator(_printable),
    AfterValidator(_identifying),
    _IDENTIFYING,
]
type ChannelId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_printable), _PRINTABLE
]
type Key = Annotated[
    str, Field(min_length=1, max_length=MAX_KEY_LENGTH), AfterValidator(_printable), _PRINTABLE
]
type Text = Annotated[
    str,
    Field(max_length=MAX_TEXT_LENGTH),
    AfterValidator(_without_null_character),
    _Described(_NO_NULL_CHARACTER),
]
type Time = Annotated[
    datetime, PlainValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
type LocalId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_printable), _PRINTABLE
]
"""Of something within a resource: no path names it."""
type Priority = Annotated[int, Field(ge=MIN_PRIORITY, le=MAX_PRIORITY)]
type PositiveInt32 = Annotated[int, Field(ge=1, le=INT32_MAX)]
type Seconds = Annotated[float, Field(gt=0, le=INT32_MAX)]
type Primitive = Annotated[
    LabelValue,
    PlainValidator(_primitive),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean"],
            "maxLength": MAX_TEXT_LENGTH,
            **_NO_NULL_CHARACTER,
        }
    ),
]
type AnyJson = Annotated[Any, AfterValidator(_writable)]
type LabelMap = Annotated[dict[Key, Primitive], AfterValidator(_few)]


def distinct[T](key: Callable[[T], Hashable], what: str) -> AfterValidator:
    """No two items of a list may have the same key."""

    def check(items: list[T]) -> list[T]:
        if len({key(item) for item in items}) < len(items):
            raise refuse(f"{what} are given more than once")
        return items

    return AfterValidator(check)


def require_number(value: LabelValue) -> LabelValue:
    if not is_number(value):
        raise refuse("The operator compares numbers: the value should be a number")
    return value


def with_id_label(labels: Labels, id: str) -> Labels:
    return {**labels, ID_LABEL: id}


# -- models -----------------------------------------------------------------------------------


class WireModel(BaseModel):
    """A JSON object as clients send it; read one with :meth:`parse`."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
    )

    @classmethod
    def parse(cls, document: JsonObject) -> Self:
        """:raises InvalidRequest: with every problem of the document."""
        text = to_json(_without_nulls(document))
        if len(text) > MAX_BODY_BYTES:
            raise InvalidRequest(
                [Problem(code="TooLarge", message=f"The resource exceeds {MAX_BODY_BYTES} bytes.")]
            )
        try:
            return cls.model_validate_json(text, by_alias=True, by_name=False)
        except ValidationError as error:
            raise InvalidRequest([_problem(found) for found in error.errors()]) from None


class Definition[D, R](WireModel, ABC):
    """What an application decides about a resource: ``D`` in the domain, a part of ``R``."""

    polymorphic: ClassVar[tuple[str, ...]] = ()
    """Members whose meaning depends on their ``kind``."""

    answer: ClassVar[Any]
    """The TypedDict that describes what :meth:`resource` returns."""

    created_status: ClassVar[int] = 201
    """The status with which a new resource is answered."""

    @abstractmethod
    def to_domain(self, id: str, current: D | None, now: datetime) -> D:
        """``current``: keep from it what this version of the API cannot say.

        :raises InvalidReference: it names something that does not exist.
        """

    @classmethod
    @abstractmethod
    def from_domain(cls, definition: D) -> JsonObject:
        """The definition as a client would send it whole."""

    @classmethod
    @abstractmethod
    def resource(cls, stored: Stored[R]) -> JsonObject:
        """The whole resource as it is answered."""

    @classmethod
    def patched(cls, id: str, patch: JsonObject, now: datetime) -> Callable[[D | None], D]:
        """How a merge patch changes a definition (``None``: makes a new one).

        The function raises InvalidRequest or InvalidReference.
        """

        def define(current: D | None) -> D:
            before = {} if current is None else cls.from_domain(current)
            document = merge(before, patch, cls.polymorphic)
            return cls.parse(document).to_domain(id, current, now)

        return define


# -- JSON -------------------------------------------------------------------------------------


def read_object(body: bytes) -> JsonObject:
    """:raises InvalidRequest: the body is not a JSON object."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(
            [Problem(code="InvalidJson", message=f"The body is not valid JSON: {error}.")]
        ) from None
    if not isinstance(document, dict):
        raise InvalidRequest(
            [Problem(code="InvalidJson", message="The body should be a JSON object.")]
        )
    return document


def write_json(document: JsonObject) -> bytes:
    return to_json(document)


def present(**members: object) -> JsonObject:
    """The members that are set: answers leave out the others."""
    return {name: value for name, value in members.items() if value is not None}


_VERBATIM: Final = "value"
"""What is in a member of this name is the client's own: no part of the API."""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: v if name == _VERBATIM else _without_nulls(v)
            for name, v in value.items()
            if v is not None
        }
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


_CODES = {"missing": "Required"}


def _problem(found: ErrorDetails) -> Problem:
    member = found.get("ctx", {}).get("member")
    location = found["loc"] if member is None else (*found["loc"], member)
    return Problem(
        code=_CODES.get(found["type"], "Invalid"),
        message=found["msg"].rstrip(".") + ".",
        target=_json_path(location) or None,
    )


def _json_path(location: Iterable[int | str]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step == "[key]":
            # What is wrong is the name of the member that was reached.
            return path
        elif step.startswith(VARIANT):
            continue
        else:
            path += f".{step}" if path else step
    return path
