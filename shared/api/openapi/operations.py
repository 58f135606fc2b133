"""What an operation declares of itself: enough to describe it, once, beside its function."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from shared.api.bodies import JSON, MERGE_PATCH
from shared.api.merge_patch import JsonObject
from shared.api.openapi.parameters import CONDITIONS, KNOWN_VERSION, PAGING, Parameter
from shared.api.versions import ApiVersion
from shared.api.wire import Definition, WireModel


class Resource(NamedTuple):
    """``model``: by the version of the API."""

    noun: str
    plural: str
    model: Callable[[ApiVersion], type[Definition[Any, Any]]]

    def answer(self, version: ApiVersion) -> type[Any]:
        return self.model(version).answer  # type: ignore[no-any-return]


class Listed(NamedTuple):
    """The shape of a page of a list; ``item`` is that of what is listed."""

    item: type[Any]


class Patch(NamedTuple):
    """The shape of a merge patch of what ``model`` describes."""

    model: type[WireModel]


type Shape = type[Any] | Patch | Listed | JsonObject
"""What a body looks like: a wire model or a TypedDict to derive a schema from, or the schema."""

EMPTY: Final[JsonObject] = {"type": "object", "maxProperties": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """``is_required``: whether the body may not be left out."""

    media_types: tuple[str, ...]
    shape: Callable[[ApiVersion], Shape]
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``shape`` ``None``: there is no body. ``has_validators``: it tells the resource's version."""

    status: int
    meaning: str
    shape: Callable[[ApiVersion], Shape] | None = None
    has_validators: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``refusals``: the statuses of errors, besides those that any operation may answer.

    ``is_public``: answered to everybody, in no version of the API; nothing can refuse it.
    """

    summary: str
    answers: tuple[Answer, ...]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    refusals: frozenset[int] = frozenset()
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an operation is: ``name`` is that of its function."""

    name: str
    method: str
    template: str
    operation: Operation


def upserts(resource: Resource) -> Operation:
    return Operation(
        summary=f"Create or change a {resource.noun}",
        parameters=CONDITIONS,
        body=Body(
            media_types=(MERGE_PATCH, JSON),
            shape=lambda version: Patch(resource.model(version)),
            is_required=True,
        ),
        answers=(_whole(200, "Changed", resource), _whole(201, "Created", resource)),
        refusals=frozenset({409, 412, 415}),
    )


def reads(resource: Resource) -> Operation:
    unchanged = Answer(status=304, meaning="Not changed since", has_validators=True)
    return Operation(
        summary=f"Read a {resource.noun}",
        parameters=(KNOWN_VERSION,),
        answers=(_whole(200, "Found", resource), unchanged),
        refusals=frozenset({404}),
    )


def lists(resource: Resource, filters: Iterable[Parameter] = ()) -> Operation:
    return Operation(
        summary=f"List {resource.plural}",
        parameters=(*PAGING, *filters),
        answers=(
            Answer(
                status=200, meaning="A page", shape=lambda version: Listed(resource.answer(version))
            ),
        ),
    )


def deletes(resource: Resource) -> Operation:
    return Operation(
        summary=f"Delete a {resource.noun}",
        answers=(Answer(status=204, meaning="Deleted"),),
        refusals=frozenset({404, 409}),
    )


def acts(summary: str, options: type[WireModel], result: Shape = EMPTY) -> Operation:
    """An action with options, all of which may be left out."""
    return replace(
        acts_without_options(summary, result),
        body=Body(media_types=(JSON,), shape=lambda _: options, is_required=False),
        refusals=frozenset({404, 409, 415}),
    )


def acts_without_options(summary: str, result: Shape = EMPTY) -> Operation:
    """An action that does not look at what it is sent."""
    return Operation(
        summary=summary,
        answers=(Answer(status=200, meaning="Done", shape=lambda _: result),),
        refusals=frozenset({404, 409}),
    )


def tells(summary: str, shape: Shape) -> Operation:
    """Something about the router that is always there."""
    return Operation(
        summary=summary,
        answers=(Answer(status=200, meaning="Told", shape=lambda _: shape),),
    )


def _whole(status: int, meaning: str, resource: Resource) -> Answer:
    return Answer(status=status, meaning=meaning, shape=resource.answer, has_validators=True)
