import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.routes import (
    RouteError,
    Router,
    http_routes,
    overlapping_routes,
    route_prefix,
)
from tests.local.host_rig import http_function, timer_function


def params(template: str, path: str) -> dict[str, str] | None:
    match = Router([http_function("f", template)]).match("GET", path)
    return None if match is None else dict(match.params)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("jobs", "/jobs", {}),
        ("jobs", "/JOBS", {}),
        ("jobs", "/jobs/", {}),
        ("Jobs", "/jobs", {}),
        ("jobs", "/", None),
        ("jobs", "/jobs//", None),
        ("jobs", "/job", None),
        ("jobs", "//jobs", None),
        ("/", "/", {}),
        ("jobs/{id}", "/jobs/a", {"id": "a"}),
        ("jobs/{id}", "/Jobs/A", {"id": "A"}),
        ("jobs/{id}", "/jobs", None),
        ("jobs/{id}", "/jobs/", None),
        ("jobs/{id}", "/jobs/a/b", None),
        ("jobs/{id}", "/jobs/a:cancel", {"id": "a:cancel"}),
        ("jobs/{id}", "/jobs/a%2Fb", {"id": "a%2Fb"}),
        ("jobs/{id}:cancel", "/jobs/a:cancel", {"id": "a"}),
        ("jobs/{id}:cancel", "/jobs/a:CANCEL", {"id": "a"}),
        ("jobs/{id}:cancel", "/jobs/a:b:cancel", {"id": "a:b"}),
        ("jobs/{id}:cancel", "/jobs/:cancel:cancel", {"id": ":cancel"}),
        ("jobs/{id}:cancel", "/jobs/:cancel", None),
        ("jobs/{id}:cancel", "/jobs/a:cancel2", None),
        ("jobs/{id}:cancel", "/jobs/a", None),
        ("jobs/{id}/offers/{o}:accept", "/jobs/j/offers/o:accept", {"id": "j", "o": "o"}),
        ("{a}-{b}", "/1-2-3", {"a": "1-2", "b": "3"}),
        ("{a}-{b}", "/1--", {"a": "1", "b": "-"}),
        ("{a}-{b}", "/-1", None),
        ("{a}-{b}", "/-", None),
        ("v{a}", "/V12", {"a": "12"}),
        ("v{a}", "/v", None),
        ("v{a}", "/12", None),
        # The host takes the rightmost place for a literal and does not try another one.
        ("ab{a}", "/ababc", None),
        ("x{a}y", "/y", None),
        ("x{a}y", "/xzy", {"a": "z"}),
        # U+0130 is longer in lower case: positions must not shift.
        ("{a}:x", "/İ:x", {"a": "İ"}),
    ],
)
def test_a_path_matches_as_in_azure(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    assert params(template, path) == expected


def test_functions_are_tried_in_the_order_of_their_names_ignoring_case() -> None:
    router = Router([http_function("b", "jobs/{id}"), http_function("A", "jobs/{name}")])
    match = router.match("GET", "/jobs/1")
    assert match is not None
    assert (match.function.name, match.params) == ("A", {"name": "1"})


def test_an_underscore_sorts_after_the_letters() -> None:
    names = [route.function.name for route in http_routes(map(http_function, ("a_b", "ab")))]
    assert names == ["ab", "a_b"]


def test_a_literal_has_no_precedence_over_a_parameter() -> None:
    router = Router([http_function("any", "jobs/{id}"), http_function("one", "jobs/stats")])
    match = router.match("GET", "/jobs/stats")
    assert match is not None
    assert match.function.name == "any"


def test_a_wrong_method_goes_on_to_the_next_route_or_matches_nothing() -> None:
    functions = [
        http_function("get", "jobs/{id}", ["GET", "DELETE"]),
        http_function("post", "jobs/{id}", ["post"]),
    ]
    router = Router(functions)
    found = {m: router.match(m, "/jobs/1") for m in ("GET", "DELETE", "POST", "PUT", "HEAD")}
    names = {method: match and match.function.name for method, match in found.items()}
    assert names == {"GET": "get", "DELETE": "get", "POST": "post", "PUT": None, "HEAD": None}


def test_without_methods_a_route_answers_to_all_that_azure_knows() -> None:
    router = Router([http_function("f", "f", [])])
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        assert router.match(method, "/f")
    assert router.match("TRACE", "/f") is None


def test_without_a_route_the_name_is_the_route() -> None:
    assert Router([http_function("Stats")]).match("GET", "/stats")


def test_the_prefix_goes_before_every_route() -> None:
    router = Router([http_function("f", "jobs/{id}")], prefix="/api/v1/")
    assert router.match("GET", "/api/v1/jobs/1")
    assert router.match("GET", "/jobs/1") is None


def test_other_triggers_have_no_route() -> None:
    assert http_routes([timer_function("sweep", "0 * * * * *")]) == []


@pytest.mark.parametrize("route", ["admin", "admin/jobs", "Administration", "runtime/x", "/admin"])
def test_a_reserved_route_is_refused(route: str) -> None:
    with pytest.raises(RouteError, match="reserved"):
        Router([http_function("f", route)], prefix="api")


@pytest.mark.parametrize(
    "route",
    ["a//b", "{a}{b}", "{a}/{a}", "{a", "a}", "{}", "{*rest}", "{id?}", "{id:int}", "{id=1}"],
)
def test_a_malformed_or_unsupported_template_is_refused(route: str) -> None:
    with pytest.raises(RouteError, match="The route"):
        Router([http_function("f", route)])


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(RouteError, match="BREW"):
        Router([http_function("f", "f", ["BREW"])])


def test_the_same_route_twice_is_refused_as_in_azure() -> None:
    functions = [http_function("a", "jobs/{id}"), http_function("b", "JOBS/{id}")]
    with pytest.raises(RouteError, match="'a' and 'b' have the same route"):
        Router(functions)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("jobs/{id}", "jobs/{name}", True),
        ("jobs/{id}", "jobs/stats", True),
        ("jobs/{id}", "jobs/{id}:cancel", True),
        ("jobs/{id}:close", "jobs/{id}:cancel", False),
        ("jobs/{id}:close", "jobs/a{id}", True),
        ("{a}x", "x{a}", True),
        ("{a}ab", "{a}b", True),
        ("a{x}c", "ab{x}", True),
        ("a{x}c", "ac", False),
        ("jobs", "JOBS", True),
        ("jobs", "workers", False),
        ("jobs/{id}", "workers/{id}", False),
        ("jobs/{id}", "jobs", False),
        ("{a}/{b}", "jobs/{b}", True),
        ("{a}/x", "jobs/y", False),
    ],
)
def test_overlapping_routes_are_found(one: str, other: str, overlap: bool) -> None:
    functions = [http_function("a", one), http_function("b", other)]
    found = [(x.function.name, y.function.name) for x, y in overlapping_routes(functions)]
    assert found == ([("a", "b")] if overlap else [])


def test_routes_with_different_methods_do_not_overlap() -> None:
    functions = [
        http_function("a", "jobs/{id}", ["GET", "PATCH"]),
        http_function("b", "jobs/{id}:cancel", ["POST"]),
    ]
    assert overlapping_routes(functions) == []


segments = st.lists(st.sampled_from(["a", "b", "ab", "{}"]), min_size=1, max_size=4).filter(
    lambda parts: all(pair != ("{}", "{}") for pair in itertools.pairwise(parts))
)


def template(parts: list[str]) -> str:
    names = (f"{{p{n}}}" for n in itertools.count())
    return "".join(next(names) if part == "{}" else part for part in parts)


@given(segments, segments, st.text("ab", min_size=1, max_size=6))
def test_no_text_matches_two_templates_that_are_said_not_to_overlap(
    one: list[str], other: list[str], text: str
) -> None:
    both = [params(template(parts), f"/{text}") is not None for parts in (one, other)]
    functions = [http_function("a", template(one)), http_function("b", template(other))]
    assert not all(both) or overlapping_routes(functions)


@pytest.mark.parametrize(
    ("content", "prefix"),
    [
        ('{"version": "2.0"}', "api"),
        ('{"extensions": {"http": {}}}', "api"),
        ('{"extensions": {"http": {"routePrefix": ""}}}', ""),
        ('{"extensions": {"http": {"routePrefix": "v1"}}}', "v1"),
    ],
)
def test_the_prefix_comes_from_host_json(tmp_path: Path, content: str, prefix: str) -> None:
    file = tmp_path / "host.json"
    file.write_text(content)
    assert route_prefix(file) == prefix


def test_without_host_json_the_prefix_is_azures_own(tmp_path: Path) -> None:
    assert route_prefix(tmp_path / "host.json") == "api"


@pytest.mark.parametrize("content", ["", "[]", '{"extensions": []}'])
def test_a_broken_host_json_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "host.json"
    file.write_text(content)
    with pytest.raises(RouteError, match=r"not a valid host\.json"):
        route_prefix(file)
