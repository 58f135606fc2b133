"""Conditions over documents, with three truths: true, false and undefined."""

from collections.abc import Callable, Mapping, Sequence

from tests.cosmos.documents import Json
from tests.cosmos.errors import bad_request
from tests.cosmos.sql.syntax import (
    AllOf,
    Always,
    AnyOf,
    ArrayContains,
    Comparison,
    Condition,
    Constant,
    Exists,
    In,
    IsDefined,
    Not,
    Operand,
    Parameter,
    Path,
)
from tests.cosmos.sql.values import UNDEFINED, Truth, Value, compare, same

type Parameters = Mapping[str, Json]
type Scope = Mapping[str, Value]
"""Values by alias."""
type Test = Callable[[Scope], Truth]
type Expression = Callable[[Scope], Value]


def member(path: Path) -> Expression:
    names = path.names

    def evaluate(scope: Scope) -> Value:
        value = scope[path.alias]
        for name in names:
            if not isinstance(value, dict) or name not in value:
                return UNDEFINED
            value = value[name]
        return value

    return evaluate


def parameter(name: str, parameters: Parameters) -> Json:
    """
    :raises CosmosError: the request does not have it.
    """
    if name not in parameters:
        raise bad_request(f"The parameter '{name}' is not specified.")
    return parameters[name]


def truth_of(condition: Condition, parameters: Parameters) -> Test:
    """The condition as a function of a document in its scope.

    :raises CosmosError: it uses a parameter that the request does not have.
    """
    match condition:
        case Comparison(operator, left, right):
            return _comparison(operator, _operand(left, parameters), _operand(right, parameters))
        case In(operand, choices):
            equal = tuple(Comparison("=", operand, choice) for choice in choices)
            return truth_of(AnyOf(equal), parameters)
        case ArrayContains(array, element):
            return _array_contains(_operand(array, parameters), _operand(element, parameters))
        case IsDefined(path):
            value = member(path)
            return lambda scope: value(scope) is not UNDEFINED
        case Exists():
            return _exists(condition, parameters)
        case Not(inner):
            return _not(truth_of(inner, parameters))
        case AllOf(conditions):
            return _decided_by(False, [truth_of(each, parameters) for each in conditions])
        case AnyOf(conditions):
            return _decided_by(True, [truth_of(each, parameters) for each in conditions])
        case Always():
            return lambda _: True


def _operand(operand: Operand, parameters: Parameters) -> Expression:
    match operand:
        case Path():
            return member(operand)
        case Parameter(name):
            given = parameter(name, parameters)
            return lambda _: given
        case Constant(value):
            return lambda _: value


def _comparison(operator: str, left: Expression, right: Expression) -> Test:
    return lambda scope: compare(operator, left(scope), right(scope))


def _array_contains(array: Expression, element: Expression) -> Test:
    def contains(scope: Scope) -> Truth:
        elements, wanted = array(scope), element(scope)
        if not isinstance(elements, list) or wanted is UNDEFINED:
            return UNDEFINED
        return any(same(each, wanted) for each in elements)

    return contains


def _exists(exists: Exists, parameters: Parameters) -> Test:
    array, value = member(exists.array), member(exists.value)
    fits = truth_of(exists.condition, parameters)

    def has(scope: Scope, element: Json) -> bool:
        within = {**scope, exists.alias: element}
        return fits(within) is True and value(within) is not UNDEFINED

    def any_has(scope: Scope) -> bool:
        elements = array(scope)
        return isinstance(elements, list) and any(has(scope, each) for each in elements)

    return any_has


def _not(inner: Test) -> Test:
    def negated(scope: Scope) -> Truth:
        truth = inner(scope)
        return UNDEFINED if truth is UNDEFINED else not truth

    return negated


def _decided_by(decisive: bool, tests: Sequence[Test]) -> Test:
    """AND is decided by one false, OR by one true; otherwise one undefined makes it undefined."""

    def evaluate(scope: Scope) -> Truth:
        truth: Truth = not decisive
        for each in tests:
            found = each(scope)
            if found is decisive:
                return decisive
            if found is UNDEFINED:
                truth = UNDEFINED
        return truth

    return evaluate
