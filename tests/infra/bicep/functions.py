"""Bicep's functions and decorators: how many arguments they take, and what they give."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.infra.bicep.value_types import (
    ANYTHING,
    ARRAY,
    BOOL,
    INT,
    OBJECT,
    STRING,
    Sequence,
    Shape,
    Type,
    known,
)

ANY_NUMBER = 255


@dataclass(frozen=True, slots=True)
class Function:
    """``fewest`` and ``most``: of arguments."""

    fewest: int
    most: int
    result: Type


def _shape(**types: Type) -> Shape:
    return Shape({name: known(type) for name, type in types.items()})


_PLACE = _shape(id=STRING, name=STRING, location=STRING, type=STRING, tags=OBJECT)
_SUBSCRIPTION = _shape(id=STRING, displayName=STRING, subscriptionId=STRING, tenantId=STRING)
_DEPLOYMENT = _shape(name=STRING, properties=OBJECT)
_ENVIRONMENT = _shape(
    name=STRING,
    resourceManager=STRING,
    authentication=_shape(loginEndpoint=STRING, tenant=STRING),
    suffixes=_shape(storage=STRING, keyvaultDns=STRING, sqlServerHostname=STRING),
)

FUNCTIONS: Mapping[str, Function] = {
    "any": Function(1, 1, ANYTHING),
    "array": Function(1, 1, ARRAY),
    "base64": Function(1, 1, STRING),
    "bool": Function(1, 1, BOOL),
    "concat": Function(1, ANY_NUMBER, ANYTHING),
    "contains": Function(2, 2, BOOL),
    "deployment": Function(0, 0, _DEPLOYMENT),
    "empty": Function(1, 1, BOOL),
    "endsWith": Function(2, 2, BOOL),
    "environment": Function(0, 0, _ENVIRONMENT),
    "first": Function(1, 1, ANYTHING),
    "format": Function(1, ANY_NUMBER, STRING),
    "guid": Function(1, ANY_NUMBER, STRING),
    "int": Function(1, 1, INT),
    "items": Function(1, 1, Sequence(_shape(key=STRING, value=ANYTHING))),
    "join": Function(2, 2, STRING),
    "json": Function(1, 1, ANYTHING),
    "last": Function(1, 1, ANYTHING),
    "length": Function(1, 1, INT),
    "loadJsonContent": Function(1, 3, ANYTHING),
    "loadTextContent": Function(1, 2, STRING),
    "max": Function(1, ANY_NUMBER, INT),
    "min": Function(1, ANY_NUMBER, INT),
    "newGuid": Function(0, 0, STRING),
    "range": Function(2, 2, Sequence(INT)),
    "replace": Function(3, 3, STRING),
    "resourceGroup": Function(0, 2, _PLACE),
    "resourceId": Function(2, ANY_NUMBER, STRING),
    "split": Function(2, 2, Sequence(STRING)),
    "startsWith": Function(2, 2, BOOL),
    "string": Function(1, 1, STRING),
    "subscription": Function(0, 1, _SUBSCRIPTION),
    "subscriptionResourceId": Function(2, ANY_NUMBER, STRING),
    "substring": Function(2, 3, STRING),
    "take": Function(2, 2, ANYTHING),
    "tenant": Function(0, 0, _shape(tenantId=STRING)),
    "toLower": Function(1, 1, STRING),
    "toUpper": Function(1, 1, STRING),
    "trim": Function(1, 1, STRING),
    "union": Function(2, ANY_NUMBER, ANYTHING),
    "uniqueString": Function(1, ANY_NUMBER, STRING),
    "uri": Function(2, 2, STRING),
}
ONLY_AS_DEFAULT = {"newGuid", "utcNow"}
"""Functions whose value changes: Bicep has them in the defaults of parameters alone."""
READS_A_FILE = {"loadJsonContent", "loadTextContent"}

_LIMITS = frozenset({"maxLength", "maxValue", "minLength", "minValue"})
DECORATORS: Mapping[str, frozenset[str]] = {
    "parameter_declaration": frozenset({"allowed", "description", "metadata", "secure"}) | _LIMITS,
    "variable_declaration": frozenset(["description"]),
    "output_declaration": frozenset(["description", "metadata", "secure"]),
    "resource_declaration": frozenset(["batchSize", "description", "onlyIfNotExists"]),
    "module_declaration": frozenset(["batchSize", "description"]),
}
"""Which decorators go with which declaration."""
