"""Which operation a request is. What the double does not speak is refused here."""

from tests.cosmos.errors import CosmosError, not_spoken
from tests.cosmos.messages import Operation, Request

_BY_KINDS = {
    (): Operation.ACCOUNT,
    ("dbs",): Operation.DATABASE,
    ("dbs", "colls"): Operation.CONTAINER,
    ("dbs", "colls", "pkranges"): Operation.RANGES,
}
_ITEMS = ("dbs", "colls", "docs")
_ON_ONE_ITEM = {"GET": Operation.READ, "PUT": Operation.REPLACE, "DELETE": Operation.DELETE}
# How a client marks what it posts to the items of a container, if it is not a new item.
_MARKS = {
    "x-ms-cosmos-is-query-plan-request": Operation.PLAN,
    "x-ms-documentdb-isquery": Operation.QUERY,
    "x-ms-cosmos-is-batch-request": Operation.BATCH,
    "x-ms-documentdb-is-upsert": Operation.UPSERT,
}


def operation_of(request: Request) -> Operation:
    """
    :raises CosmosError: the double does not speak it.
    """
    if request.kinds in _BY_KINDS:
        return _BY_KINDS[request.kinds]
    if request.kinds != _ITEMS:
        raise not_spoken_of(request)
    if len(request.ids) == len(_ITEMS):
        return _on_one_item(request)
    return _on_items(request)


def not_spoken_of(request: Request) -> CosmosError:
    return not_spoken(f"{request.method} /{'/'.join(request.path)}")


def _on_one_item(request: Request) -> Operation:
    if request.method not in _ON_ONE_ITEM:
        raise not_spoken_of(request)
    return _ON_ONE_ITEM[request.method]


def _on_items(request: Request) -> Operation:
    if request.method != "POST":
        raise not_spoken_of(request)
    marked = [operation for mark, operation in _MARKS.items() if request.says(mark)]
    return marked[0] if marked else Operation.CREATE
