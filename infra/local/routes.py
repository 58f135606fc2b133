"""Routes, matched as Azure Functions' host matches them (with the rules of ASP.NET Core).

Functions are tried in the order of their names and the first match wins: a literal has no
precedence over a parameter, and a wrong method is no match (404, never 405). A segment is
matched from right to left, so `{jobId}:cancel` gives `a:b` for `a:b:cancel`.
"""

import json
import re
import string
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

from infra.local.worker import HTTP_TRIGGER, Function

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
RESERVED = ("admin", "runtime")
DEFAULT_PREFIX = "api"

_PART = re.compile(r"\{(?P<parameter>[A-Za-z_]\w*)\}|(?P<literal>[^{}]+)")
# Case is ignored as .NET's ordinal comparison does for the ASCII of a template; unlike
# str.lower() this keeps the length, so that positions in the folded text stay valid.
_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class RouteError(ValueError):
    """A route that the host refuses, or two that it cannot tell apart."""


class Literal(NamedTuple):
    """Text to be met, in lower case."""

    text: str


class Parameter(NamedTuple):
    """One or more characters, given to the function under this name."""

    name: str


type Segment = tuple[Literal | Parameter, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The path and the methods that lead to a function."""

    function: Function
    template: str
    methods: frozenset[str]
    segments: tuple[Segment, ...]


class RouteMatch(NamedTuple):
    function: Function
    params: Mapping[str, str]


class Router:
    """Finds the function for a request among the HTTP functions of an app."""

    def __init__(self, functions: Iterable[Function], prefix: str = "") -> None:
        """:raises RouteError: as `http_routes` does, and if two routes are the same."""
        routes = http_routes(functions, prefix)
        _refuse_identical(routes)
        self._routes: dict[tuple[str, int], list[Route]] = defaultdict(list)
        for route in routes:
            for method in route.methods:
                self._routes[method, len(route.segments)].append(route)

    def match(self, method: str, path: str) -> RouteMatch | None:
        """The function that answers for a decoded path, if there is one."""
        texts = path.removesuffix("/").split("/")[1:]
        for route in self._routes.get((method, len(texts)), ()):
            params = _match_segments(route.segments, texts)
            if params is not None:
                return RouteMatch(route.function, params)
        return None


def http_routes(functions: Iterable[Function], prefix: str = "") -> list[Route]:
    """The routes of the functions with an HTTP trigger, in the order they are tried.

    :raises RouteError: for a reserved or malformed template, or an unknown method.
    """
    http = [f for f in functions if f.trigger["type"] == HTTP_TRIGGER]
    # .NET compares in upper case: `_` sorts after the letters.
    return [_route(function, prefix) for function in sorted(http, key=lambda f: f.name.upper())]


def overlapping_routes(
    functions: Iterable[Function], prefix: str = ""
) -> list[tuple[Route, Route]]:
    """Pairs of routes that some request matches both of: only their names' order tells them apart.

    :raises RouteError: as `http_routes` does.
    """
    routes = http_routes(functions, prefix)
    return [(a, b) for a, b in combinations(routes, 2) if _overlap(a, b)]


def route_prefix(host_json: Path) -> str:
    """The prefix of all routes, `api` unless the file says otherwise.

    :raises RouteError: if the file is not a JSON object of the expected shape.
    """
    try:
        settings = json.loads(host_json.read_text("utf-8"))
        http = settings.get("extensions", {}).get("http", {})
        return str(http.get("routePrefix", DEFAULT_PREFIX))
    except FileNotFoundError:
        return DEFAULT_PREFIX
    except (ValueError, AttributeError) as error:
        raise RouteError(f"{host_json} is not a valid host.json: {error}") from error


def _route(function: Function, prefix: str) -> Route:
    template = str(function.trigger.get("route") or function.name).strip("/")
    if template.lower().startswith(RESERVED):
        raise RouteError(f"Function '{function.name}': the route '{template}' is reserved.")
    whole = "/".join(part for part in (prefix.strip("/"), template) if part)
    segments = tuple(_segment(text, whole) for text in whole.split("/")) if whole else ()
    _refuse_repeated_names(segments, whole)
    return Route(function, whole, _methods(function), segments)


def _methods(function: Function) -> frozenset[str]:
    methods = frozenset(str(name).upper() for name in function.trigger.get("methods") or METHODS)
    if unknown := methods - METHODS:
        raise RouteError(f"Function '{function.name}': unknown methods {sorted(unknown)}.")
    return methods


def _segment(text: str, template: str) -> Segment:
    """Splits a segment into its parts. Optional, constrained, default and catch-all
    parameters are refused: the host supports them, this one does not need to."""
    found = list(_PART.finditer(text))
    if "".join(part[0] for part in found) != text or not found:
        raise RouteError(f"The route '{template}' has an unsupported segment '{text}'.")
    parts = tuple(
        Parameter(part["parameter"]) if part["parameter"] else Literal(part[0].translate(_FOLD))
        for part in found
    )
    if any(isinstance(a, Parameter) and isinstance(b, Parameter) for a, b in pairwise(parts)):
        raise RouteError(f"The route '{template}' has two parameters with nothing between them.")
    return parts


def _refuse_repeated_names(segments: Iterable[Segment], template: str) -> None:
    names = [part.name for parts in segments for part in parts if isinstance(part, Parameter)]
    if len(set(names)) != len(names):
        raise RouteError(f"The route '{template}' has two parameters of the same name.")


def _refuse_identical(routes: Iterable[Route]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for route in routes:
        for method in route.methods:
            other = taken.setdefault((route.template.lower(), method), route.function.name)
            if other != route.function.name:
                raise RouteError(f"'{other}' and '{route.function.name}' have the same route.")


def _match_segments(segments: Sequence[Segment], texts: Sequence[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for parts, text in zip(segments, texts, strict=True):
        found = _match_segment(parts, text)
        if found is None:
            return None
        params.update(found)
    return params


def _match_segment(parts: Segment, text: str) -> dict[str, str] | None:
    if len(parts) == 1:
        return _match_only_part(parts[0], text)
    return _match_from_right(parts, text)


def _match_only_part(part: Literal | Parameter, text: str) -> dict[str, str] | None:
    if isinstance(part, Parameter):
        return {part.name: text} if text else None
    return {} if text.translate(_FOLD) == part.text else None


def _match_from_right(parts: Segment, text: str) -> dict[str, str] | None:
    """Gives each literal its rightmost place, never to try another one, as the host does."""
    folded = text.translate(_FOLD)
    params: dict[str, str] = {}
    waiting: Parameter | None = None
    end = len(text)
    for part in reversed(parts):
        if isinstance(part, Parameter):
            waiting = part
            continue
        at = folded.rfind(part.text, 0, end if waiting is None else max(end - 1, 0))
        after = at + len(part.text)
        if at < 0 or (waiting is None and after != end):
            return None
        if waiting is not None:
            params[waiting.name] = text[after:end]
        waiting, end = None, at
    if waiting is not None:
        params[waiting.name] = text[:end]
    # A leading parameter needs a character; a leading literal must begin the segment.
    return params if (end > 0) == (waiting is not None) else None


def _overlap(a: Route, b: Route) -> bool:
    return (
        not a.methods.isdisjoint(b.methods)
        and len(a.segments) == len(b.segments)
        and all(map(_segments_overlap, a.segments, b.segments))
    )


def _segments_overlap(a: Segment, b: Segment) -> bool:
    """Whether some text matches both: each is a pattern of characters and non-empty gaps."""
    return _patterns_meet(_pattern(a), _pattern(b))


type _Pattern = tuple[str, ...]
_ANY = "any character"
_MORE = "any further characters"


def _pattern(parts: Segment) -> _Pattern:
    return tuple(
        token
        for part in parts
        for token in ((_ANY, _MORE) if isinstance(part, Parameter) else part.text)
    )


@cache
def _patterns_meet(a: _Pattern, b: _Pattern) -> bool:
    if not a or not b:
        return set(a + b) <= {_MORE}
    if _MORE in (a[0], b[0]):
        return _patterns_meet(*_stop_more(a, b)) or _patterns_meet(*_take_more(a, b))
    return (a[0] == b[0] or _ANY in (a[0], b[0])) and _patterns_meet(a[1:], b[1:])


def _stop_more(a: _Pattern, b: _Pattern) -> tuple[_Pattern, _Pattern]:
    return (a[1:], b) if a[0] == _MORE else (a, b[1:])


def _take_more(a: _Pattern, b: _Pattern) -> tuple[_Pattern, _Pattern]:
    return (a, b[1:]) if a[0] == _MORE else (a[1:], b)
