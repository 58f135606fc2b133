"""The one translation of what can go wrong with a request into the errors of the ports."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import ClientError
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from shared.ports import AlreadyExists, StoreBusy, StoreError, StoreUnavailable, TooLarge


class Refused(StoreError):
    """The item, or one of the items, is not in the state that the request asks for.

    ``status``: 404 there is none, 409 there is one, 412 it is another version.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"The request was refused with status {status}.")
        self.status = status

    @property
    def is_missing(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND


class Unanswered(StoreUnavailable):
    """The request may be sent again. ``pause``: seconds for which the database asks not to."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message, *(() if pause is None else (pause,)))
        self.pause = pause or 0.0


class Throttled(Unanswered, StoreBusy):
    """The database had no time for the request: it was not carried out."""


class Uncertain(Unanswered):
    """There was no answer, or none that tells whether the request was carried out."""


class MayStillArrive(AlreadyExists):
    """The id was taken; but an attempt that was not answered may still find it free again."""


class AccessDenied(StoreUnavailable):
    """The credentials are wrong or lack a right."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "Cosmos DB denies access: check the key of the account, or the roles of the identity."
            f" {_in_one_line(reason)}"
        )


class ContainerMissing(StoreUnavailable):
    """There is no such database or container."""


class RejectedRequest(StoreError):
    """The database does not understand the request: a defect, or a container made otherwise."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """:raises StoreError: one of this module's, instead of any error of the SDK or below it."""
    try:
        yield
    except (CosmosHttpResponseError, CosmosBatchOperationError) as error:
        raise _of_answer(error) from error
    except ClientAuthenticationError as error:
        raise AccessDenied(error.message) from error
    except (AzureError, ClientError, TimeoutError, OSError, KeyError) as error:
        # The SDK's KeyError: a second 404/1002 finds the session forgotten that it is to forget.
        raise Uncertain(f"Cosmos DB does not answer: {error!r}") from error
    except ValueError as error:  # So does the SDK tell that it was closed.
        raise StoreUnavailable(f"Cosmos DB cannot be asked: {error}") from error


def _of_answer(error: CosmosHttpResponseError | CosmosBatchOperationError) -> StoreError:
    status = error.status_code or _NO_STATUS
    reason = f"Cosmos DB: {_in_one_line(str(error.http_error_message))}"
    other_than_missing = _OTHER_THAN_MISSING.get(error.sub_status or 0)
    if status == HTTPStatus.NOT_FOUND and other_than_missing is not None:
        return other_than_missing(reason)
    if status in _NOT_AS_EXPECTED:
        return Refused(status)
    if status in _NOT_CARRIED_OUT:
        return Throttled(reason, _pause(error.headers))
    if status in _REJECTIONS:
        return _REJECTIONS[status](reason)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _IN_DOUBT:
        return Uncertain(reason, _pause(error.headers))
    return RejectedRequest(reason)


def _in_one_line(text: str) -> str:
    """Operators are told in one line; the identity library explains itself on a page."""
    return " ".join(text.split())


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds."""
    try:
        return int(headers[_PAUSE_MILLISECONDS]) / 1000
    except (KeyError, ValueError):
        return None


_PAUSE_MILLISECONDS = "x-ms-retry-after-ms"
_RETRY_WITH = 449
"""Another write of the same item is under way."""
_NO_STATUS = 0

_NOT_AS_EXPECTED = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}
_NOT_CARRIED_OUT = {HTTPStatus.TOO_MANY_REQUESTS, _RETRY_WITH}
_IN_DOUBT = {_NO_STATUS, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GONE}
_REJECTIONS: Mapping[int, type[StoreError]] = {
    HTTPStatus.UNAUTHORIZED: AccessDenied,
    HTTPStatus.FORBIDDEN: AccessDenied,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,  # 2 MB, of an item or of its batch
}
_OTHER_THAN_MISSING: Mapping[int, type[StoreError]] = {
    1002: Throttled,  # A replica lags behind what this client has seen.
    1003: ContainerMissing,
}
