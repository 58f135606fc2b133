"""Definitions as JSON: what of them travels, and when two of them mean the same."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

type Document = dict[str, Any]
"""A definition in the words of the API, without what only a router sets."""


class Kind(StrEnum):
    """What is copied; the values are the API's, and the members of the file."""

    DISTRIBUTION_POLICIES = "distributionPolicies"
    CLASSIFICATION_POLICIES = "classificationPolicies"
    EXCEPTION_POLICIES = "exceptionPolicies"
    QUEUES = "queues"
    WORKERS = "workers"


AVAILABILITY: Final = "availableForOffers"
"""Member of workers: whether they are registered."""

SECRET_MEMBERS: Final = frozenset({"functionKey", "appKey", "clientSecret"})

_OPAQUE: Final = frozenset({"labels", "tags", "labelsToUpsert", "value"})
"""Members whose insides are the application's own: no name in them means anything."""

_DEFAULTS: Final[Mapping[str, object]] = {
    AVAILABILITY: False,
    "offerExpiresAfterSeconds": 60,
    "minConcurrentOffers": 1,
    "bypassSelectors": False,
    "expedite": False,
    "language": "powerFx",
    "batchSize": 20,
    "scoringParameters": ["jobLabels", "workerSelectors"],
    "isBatchScoringEnabled": False,
    "descendingOrder": True,
}
_DEFAULT_MODE: Final = {"kind": "longestIdle"}


# -- what travels -----------------------------------------------------------------------------


def portable(document: Document) -> Document:
    """The document without secrets, members that are not set, and the router's own label."""
    made: Document = _known(document)
    labels = {k: v for k, v in made.get("labels", {}).items() if k != "Id"}
    return made | {"labels": labels} if "labels" in made else made


def _known(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: member if name in _OPAQUE else _known(member)
                for name, member in value.items()
                if member is not None and name not in SECRET_MEMBERS
            }
        case list():
            return [_known(item) for item in value]
        case _:
            return value


# -- what is the same -------------------------------------------------------------------------


def canonical(document: Document) -> Document:
    """The one way to say it: no member that may be left out, sets in order. For comparisons."""
    return _without_defaults(_in_order(document))


def is_same(one: Any, other: Any) -> bool:
    """Equality of JSON: 60 is 60.0, but true is not 1."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(is_same(one[k], other[k]) for k in one)
        case list(), list():
            return len(one) == len(other) and all(map(is_same, one, other))
        case _:
            return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _in_order(document: Document) -> Document:
    """A worker's queues and channels are sets, written as lists."""
    orders: dict[str, Callable[[Any], str]] = {
        "queues": str,
        "channels": lambda channel: str(channel.get("channelId")),
    }
    sets = {n: sorted(document[n], key=order) for n, order in orders.items() if n in document}
    return document | sets


def _without_defaults(document: Document) -> Document:
    return dict(_telling_members(document))


def _telling_members(document: Document) -> Iterator[tuple[str, Any]]:
    for name, member in document.items():
        told = member if name in _OPAQUE else _telling(name, member)
        # A credential whose secret is not told is more than none.
        is_empty = told in ({}, []) and name not in ("credential", "value")
        if not is_empty and not (name in _DEFAULTS and is_same(told, _DEFAULTS[name])):
            yield name, told


def _telling(name: str, value: Any) -> Any:
    match value:
        case dict():
            told = _without_defaults(value)
            return _telling_mode(told) if name == "mode" else told
        case list():
            return [_telling("", item) for item in value]
        case _:
            return value


def _telling_mode(mode: Document) -> Document:
    """One offer at a time is the default of modes; as a limit of workers it tells something."""
    told = {k: v for k, v in mode.items() if k != "maxConcurrentOffers" or v != 1}
    return {} if told == _DEFAULT_MODE else told


# -- how one becomes the other ----------------------------------------------------------------


def merge_patch(present: Document, wanted: Document) -> Document | None:
    """What makes the present document the wanted one; ``None``: it is that already."""
    left, right = canonical(present), canonical(wanted)
    names = sorted(left.keys() | right.keys())
    changed = [name for name in names if not is_same(left.get(name), right.get(name))]
    return {name: _patch(present.get(name), wanted.get(name)) for name in changed} or None


def _patch(present: Any, wanted: Any) -> Any:
    """Whole, so that the patch makes sense by itself; what is no more is ``None``."""
    if not (isinstance(present, dict) and isinstance(wanted, dict)):
        return wanted
    gone = dict.fromkeys(present.keys() - wanted.keys())
    return {name: _patch(present.get(name), value) for name, value in wanted.items()} | gone


def without(document: Document, names: Collection[str]) -> Document:
    return {name: member for name, member in document.items() if name not in names}


def as_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
