"""The dialect: what queries mean, and that a tree's text is parsed into the same tree."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cosmos.errors import CosmosError
from tests.cosmos.indexing import IndexingPolicy
from tests.cosmos.sql.evaluation import truth_of
from tests.cosmos.sql.parser import RESERVED, parse_query
from tests.cosmos.sql.paths import filtered_paths
from tests.cosmos.sql.syntax import (
    AllOf,
    Always,
    AnyOf,
    ArrayContains,
    Comparison,
    Condition,
    Constant,
    Count,
    Everything,
    Exists,
    In,
    IsDefined,
    Member,
    Not,
    Order,
    Parameter,
    Path,
    Query,
)
from tests.cosmos.sql.values import UNDEFINED, Truth, sort_key

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.lower() not in RESERVED
)
PATHS = st.builds(lambda names: Path("c", tuple(names)), st.lists(NAMES, min_size=1, max_size=3))
PARAMETERS = st.builds(lambda name: Parameter(f"@{name}"), NAMES)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="'\"\\", exclude_categories=["C"]))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6).filter(lambda x: not x.is_integer())
CONSTANTS = st.builds(Constant, st.none() | st.booleans() | NUMBERS | TEXTS)
OPERANDS = PATHS | PARAMETERS | CONSTANTS
OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])

SIMPLE: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, OPERATORS, OPERANDS, OPERANDS),
    st.builds(In, OPERANDS, st.lists(OPERANDS, min_size=1, max_size=3).map(tuple)),
    st.builds(ArrayContains, PATHS | PARAMETERS, OPERANDS),
    st.builds(IsDefined, PATHS),
    st.just(Always()),
)


def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, several),
        st.builds(AnyOf, several),
        st.builds(Exists, st.just(Path("n")), st.just("n"), PATHS, inner),
    )


QUERIES = st.builds(
    Query,
    st.builds(Everything) | st.builds(Count) | st.builds(Member, PATHS),
    st.just("c"),
    st.booleans(),
    st.none() | st.integers(0, 99) | PARAMETERS,
    st.none() | st.recursive(SIMPLE, combined, max_leaves=6),
    st.none() | st.builds(Order, PATHS, st.sampled_from(["ASC", "DESC"])),
)


@given(QUERIES)
def test_the_text_of_a_query_is_parsed_into_that_query(query: Query) -> None:
    assert parse_query(str(query)) == query


def truth(condition: str, document: dict[str, Any], **parameters: Any) -> Truth:
    query = parse_query(f"SELECT * FROM c WHERE {condition}")
    assert query.condition is not None
    named = {f"@{name}": value for name, value in parameters.items()}
    return truth_of(query.condition, named)({"c": document})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("c.n = 1", True),
        ("c.n = 1.0", True),
        ("c.n = '1'", False),
        ("c.n != '1'", True),
        ("c.n = true", False),
        ("c.nothing = null", True),
        ("c.nothing != 1", True),
        ("c.none = null", UNDEFINED),
        ("c.none != 1", UNDEFINED),
        ("c.n.deeper = 1", UNDEFINED),
        ("c.n > '0'", UNDEFINED),
        ("c.n >= 1", True),
        ("c.n < 1", False),
        ("c.text > 'Z'", True),
        ("c.nothing <= null", True),
        ("c.list < c.list", UNDEFINED),
        ("c.list = @list", True),
        ("c.object = @object", True),
        ("NOT c.none = 1", UNDEFINED),
        ("NOT c.n > '0'", UNDEFINED),
        ("NOT c.n = 2", True),
        ("c.none = 1 AND c.n = 2", False),
        ("c.none = 1 AND c.n = 1", UNDEFINED),
        ("c.none = 1 OR c.n = 1", True),
        ("c.none = 1 OR c.n = 2", UNDEFINED),
        ("c.n IN (2, @one)", True),
        ("c.n IN ('1', 2)", False),
        ("c.none IN (1)", UNDEFINED),
        ("ARRAY_CONTAINS(c.list, 'a')", True),
        ("ARRAY_CONTAINS(c.list, true)", False),
        ("ARRAY_CONTAINS(c.list, @object)", True),
        ("ARRAY_CONTAINS(@list, c.text)", True),
        ("ARRAY_CONTAINS(c.none, 1)", UNDEFINED),
        ("ARRAY_CONTAINS(c.text, 'a')", UNDEFINED),
        ("IS_DEFINED(c.nothing)", True),
        ("IS_DEFINED(c.none)", False),
        ("EXISTS(SELECT VALUE n FROM n IN c.pairs WHERE n.k = 'x' AND n.v >= 2)", True),
        ("EXISTS(SELECT VALUE n FROM n IN c.pairs WHERE n.k = 'y' AND n.v >= 2)", False),
        ("EXISTS(SELECT VALUE n FROM n IN c.pairs WHERE n.v = c.n)", True),
        ("EXISTS(SELECT VALUE n.none FROM n IN c.pairs WHERE n.k = 'x')", False),
        ("EXISTS(SELECT VALUE n FROM n IN c.none WHERE true)", False),
        ("c.n = 1 OR c.n = 2 AND c.n = 3", True),
        ("(c.n = 1 OR c.n = 2) AND c.n = 3", False),
        ("NOT (c.n = 2) AND c.n = 1", True),
    ],
)
def test_truth(condition: str, expected: Truth) -> None:
    element = {"deep": [1, None]}
    document = {
        "n": 1,
        "text": "a",
        "nothing": None,
        "list": ["a", 1, element],
        "object": element,
        "pairs": [{"k": "x", "v": 2}, {"k": "y", "v": 1}],
    }
    parameters = {"one": 1, "list": ["a", 1, element], "object": element}
    assert truth(condition, document, **parameters) is expected


def test_values_are_in_the_order_of_their_types() -> None:
    ordered = [UNDEFINED, None, False, True, -1, 0.5, 2, "", "A", "a", "ž", [1], {"a": 1}]
    descending = ordered[::-1]
    assert sorted(descending, key=sort_key) == ordered


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT * FROM c WHERE",
        "SELECT * FROM c ORDER BY c.a, c.b",
        "SELECT * FROM c OFFSET 1 LIMIT 1",
        "SELECT TOP 1.5 * FROM c",
        "SELECT VALUE COUNT(2) FROM c",
        "SELECT c.a FROM c",
        "SELECT * FROM c JOIN n IN c.numbers",
        "SELECT * FROM c WHERE c['a'] = 1",
        "SELECT * FROM c WHERE c.a + 1 = 2",
        "SELECT * FROM c WHERE c.a = 'it''s'",
        "SELECT * FROM c WHERE c.order = 1",
        "SELECT VALUE c.value FROM c",
        "SELECT * FROM c; DROP",
    ],
)
def test_what_is_no_query(text: str) -> None:
    with pytest.raises(CosmosError) as error:
        parse_query(text)
    assert (error.value.status, error.value.code) == (400, "SyntaxError")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c WHERE d.a = 1",
        "SELECT VALUE d.a FROM c",
        "SELECT * FROM c ORDER BY d.a",
        "SELECT * FROM c WHERE EXISTS(SELECT VALUE m FROM n IN c.a WHERE n = 1)",
        "SELECT * FROM c WHERE n = 1 AND EXISTS(SELECT VALUE n FROM n IN c.a WHERE n = 1)",
    ],
)
def test_names_have_to_be_introduced(text: str) -> None:
    with pytest.raises(CosmosError, match="could not be resolved"):
        parse_query(text)


def test_keywords_are_known_in_any_case_and_only_as_whole_words() -> None:
    query = parse_query("select distinct value c.selected from root as c order by c.ordered desc")
    assert query == Query(
        Member(Path("c", ("selected",))),
        "c",
        distinct=True,
        order=Order(Path("c", ("ordered",)), "DESC"),
    )


def test_the_paths_that_a_filter_looks_up() -> None:
    query = parse_query(
        "SELECT * FROM c WHERE c.a.b = @x AND (@y < c.d OR NOT IS_DEFINED(c.e)) AND c.f IN (1, c.g)"
        " AND ARRAY_CONTAINS(c.h, c.i) AND ARRAY_CONTAINS(@z, c.j)"
        " AND EXISTS(SELECT VALUE n FROM n IN c.k WHERE n.l = c.m)"
    )
    assert {"/".join(path) for path in filtered_paths(query)} == {
        *("a/b", "d", "e", "f", "g", "h/[]", "i", "j", "k/[]/l", "m")
    }


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("id", True),
        ("_ts", True),
        ("_etag", False),
        ("other", False),
        ("a", True),
        ("a/b", False),
        ("a/b/c", True),
        ("a/b/d", False),
        ("list/[]", True),
        ("list/[]/key", False),
    ],
)
def test_the_most_precise_rule_decides(path: str, covered: bool) -> None:
    policy = IndexingPolicy.of(
        {
            "includedPaths": [{"path": each} for each in ("/a/?", '/"a"/b/c/?', "/list/[]/?")],
            "excludedPaths": [{"path": each} for each in ("/*", "/a/b/*")],
        }
    )
    assert policy.covers(tuple(path.split("/"))) is covered


def test_without_an_index_nothing_is_covered() -> None:
    policy = IndexingPolicy.of({"indexingMode": "none"})
    assert not policy.covers(("id",))
