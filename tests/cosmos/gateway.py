"""What the service answers to requests."""

from collections.abc import Callable

from tests.cosmos.account import Account
from tests.cosmos.containers import Container
from tests.cosmos.control import Control, answer_ranges
from tests.cosmos.errors import bad_request
from tests.cosmos.item_requests import (
    answer_batch,
    answer_create,
    answer_delete,
    answer_read,
    answer_replace,
    answer_upsert,
)
from tests.cosmos.messages import Operation, Reply, Request
from tests.cosmos.queries import answer_plan, answer_query

_RID_MISMATCH = 1024
"""Sub-status: the container is not the one that the client knows by this name."""

_IN_CONTAINER: dict[Operation, Callable[[Container, Request], Reply]] = {
    Operation.RANGES: answer_ranges,
    Operation.READ: answer_read,
    Operation.CREATE: answer_create,
    Operation.UPSERT: answer_upsert,
    Operation.REPLACE: answer_replace,
    Operation.DELETE: answer_delete,
    Operation.BATCH: answer_batch,
    Operation.QUERY: answer_query,
    Operation.PLAN: answer_plan,
}


class Gateway:
    """``strict_indexing``: refuse queries that the index of their container does not cover."""

    def __init__(self, account: Account, endpoint: str, *, strict_indexing: bool) -> None:
        self._account = account
        self._strict_indexing = strict_indexing
        control = Control(account, endpoint)
        self._elsewhere = {
            Operation.ACCOUNT: control.answer_account,
            Operation.DATABASE: control.answer_database,
            Operation.CONTAINER: control.answer_container,
        }

    def answer(self, operation: Operation, request: Request) -> Reply:
        """
        :raises CosmosError: the answer is an error.
        """
        if operation in self._elsewhere:
            return self._elsewhere[operation](request)
        reply = _IN_CONTAINER[operation](self._container(request), request)
        if self._strict_indexing and reply.query and reply.query.unindexed:
            raise bad_request(f"The index does not cover {reply.query.unindexed}.")
        return reply

    def _container(self, request: Request) -> Container:
        container = self._account.owner_of_items(*request.ids[:2])
        known = request.headers.get("x-ms-cosmos-intended-collection-rid")
        if known not in (None, container.rid):
            raise bad_request("The container was created anew.", _RID_MISMATCH)
        return container
