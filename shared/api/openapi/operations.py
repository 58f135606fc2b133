"""What an operation declares of itself: enough to describe it, once, beside its function."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from shared.api.bodies import JSON, MERGE_PATCH
from shared.api.merge_patch import JsonObject
from shared.api.openapi.parameters import CONDITIONS, KNOWN_VERSION, PAGING, Parameter
from shared.api.versions import ALL, ApiVersion
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
    """``shape`` ``None``: there is no body. ``has_validators``: it tells the resource's version.

    ``is_given``: whether a version of the API knows this answer.
    """

    status: int
    meaning: str
    shape: Callable[[ApiVersion], Shape] | None = None
    has_validators: bool = False
    is_given: Callable[[ApiVersion], bool] = lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``refusals``: the statuses of errors, besides those that any operation may answer.

    ``versions``: of the API, those that have the operation. ``is_public``: answered to everybody,
    whatever the version; nothing can refuse it.
    """

    summary: str
    answers: tuple[Answer, ...]
    versions: Collection[ApiVersion] = ALL
    parameters: Callable[[ApiVersion], Iterable[Parameter]] = lambda _: ()
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
        parameters=lambda _: CONDITIONS,
        body=Body(
            media_types=(MERGE_PATCH, JSON),
            shape=lambda version: Patch(resource.model(version)),
            is_required=True,
        ),
        answers=(_whole(200, "Done", resource), _created(resource)),
        refusals=frozenset({409, 412, 415}),
    )


def reads(resource: Resource) -> Operation:
    unchanged = Answer(status=304, meaning="Not changed since", has_validators=True)
    return Operation(
        summary=f"Read a {resource.noun}",
        parameters=lambda _: (KNOWN_VERSION,),
        answers=(_whole(200, "Found", resource), unchanged),
        refusals=frozenset({404}),
    )


def lists(
    resource: Resource, filters: Callable[[ApiVersion], Iterable[Parameter]] = lambda _: ()
) -> Operation:
    return Operation(
        summary=f"List {resource.plural}",
        parameters=lambda version: (*PAGING, *filters(version)),
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
    """An action with options; the body may be left out if all of them may."""
    return replace(
        acts_without_options(summary, result),
        body=Body(media_types=(JSON,), shape=lambda _: options, is_required=_requires(options)),
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


def only_in(versions: Collection[ApiVersion], operation: Operation) -> Operation:
    """The operation, but in no other version of the API than these."""
    return replace(operation, versions=versions)


def _created(resource: Resource) -> Answer:
    created = _whole(201, "Created", resource)
    return replace(created, is_given=lambda version: resource.model(version).created_status == 201)


def _whole(status: int, meaning: str, resource: Resource) -> Answer:
    return Answer(status=status, meaning=meaning, shape=resource.answer, has_validators=True)


def works_out(summary: str, shape: Shape) -> Operation:
    """Something about a resource that is not kept, but found out when it is asked for."""
    return replace(tells(summary, shape), refusals=frozenset({404}))


def _requires(options: type[WireModel]) -> bool:
    return any(option.is_required() for option in options.model_fields.values())
