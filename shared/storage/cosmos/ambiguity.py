"""Writes whose outcome is in doubt: a time-out or a lost connection does not tell what happened.

Every write is conditional and has an id which it leaves behind, in the item and its records. So
it can be sent again at will: if it was applied already, that is refused, and what is stored shows
why. The item keeps the ids of its latest writes, since others may have written it again before
anybody looks.
"""

from asyncio import CancelledError
from http import HTTPStatus

from shared.ports import AlreadyExists, ConcurrencyConflict, StoreError, StoreUnavailable
from shared.storage.cosmos.access import Container, Item
from shared.storage.cosmos.errors import MayStillArrive, Refused, Uncertain, translated_errors
from shared.storage.cosmos.items import record_id
from shared.storage.cosmos.writes import Write, send, unquoted


async def commit(container: Container, write: Write) -> str:
    """The item's etag after the write; one that matches nothing if others wrote it since.

    :raises AlreadyExists, ConcurrencyConflict: nothing was written.
    :raises StoreUnavailable: nothing is known to be written.
    """
    sending = _Sending(container, write)
    failure: StoreError
    try:
        return await container.persist(sending.attempt)
    except Refused as refusal:
        failure = _meaning(refusal, write, in_doubt=sending.in_doubt)
    except StoreError as error:
        is_known = isinstance(error, StoreUnavailable) or not sending.in_doubt
        failure = error if is_known else StoreUnavailable(str(error))
    etag = await _etag_if_applied(container, write) if sending.in_doubt else None
    if etag is None:
        raise failure
    return etag


class _Sending:
    """``in_doubt``: the write may have been applied by an attempt that was not answered."""

    def __init__(self, container: Container, write: Write) -> None:
        self._container = container
        self._write = write
        self.in_doubt = False

    async def attempt(self) -> str:
        requests: list[object] = []
        try:
            with translated_errors():
                return await send(self._container.proxy, self._write, requests.append)
        except (Uncertain, CancelledError):
            self.in_doubt = True
            raise
        finally:
            # The SDK tries some failures again on its own, of which 503 is in doubt.
            self.in_doubt = self.in_doubt or len(requests) > 1


async def _etag_if_applied(container: Container, write: Write) -> str | None:
    """What a write that is in doubt has led to; ``None`` if it was not applied."""
    item = await container.read(write.item_id, write.partition)
    if item is not None and write.id in item["writes"]:
        is_newest = write.id == item["writes"][0]
        return unquoted(item["_etag"]) if is_newest else write.id
    if write.record is not None:
        return write.id if await _left_record(container, write, item) else None
    deleted = write.body is None and item is None
    return write.id if deleted else None


async def _left_record(container: Container, write: Write, item: Item | None) -> bool:
    """Whether the write's record is in the item, as others may have written it since, or beside."""
    if item is not None and any(kept["write"] == write.id for kept in item.get("outbox", ())):
        return True
    assert write.record is not None, "it is looked for"
    beside = await container.read(record_id(write.record), write.partition)
    return beside is not None and beside["write"] == write.id


def _meaning(refusal: Refused, write: Write, *, in_doubt: bool) -> StoreError:
    if refusal.status == HTTPStatus.CONFLICT:
        kind = MayStillArrive if in_doubt else AlreadyExists
        return kind(f"'{write.name}' or its record exists already.")
    return ConcurrencyConflict(f"'{write.name}' was changed or removed.")
