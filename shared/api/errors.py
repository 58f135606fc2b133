"""Why the API itself refuses a request, before or instead of a use case.

ApiError
├── InvalidRequest            something in it is wrong; one problem each
├── MissingApiVersion         it does not say which version of the API it speaks
├── UnsupportedApiVersion     it speaks one that is not served
├── OperationNotInVersion     it speaks one that does not have the operation
├── Unauthorized              it has neither a valid signature nor a valid token
├── Forbidden                 its token gives no role, or too low a one
├── SigningKeysUnavailable    its token cannot be checked now
├── TooManyRequests           there were too many before it
├── BodyTooLarge              its body exceeds the limit
└── UnsupportedMediaType      its body is of a type that the operation does not take
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SIGNATURE_SCHEME: Final = "HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request.

    ``target`` is where: the path of a body's member (``channels[0].channelId``), or the name of a
    header or of a parameter of the path or the query.
    """

    code: str
    message: str
    target: str | None = None


class ApiError(Exception):
    """The request is refused. Nothing was changed."""


class InvalidRequest(ApiError):
    """``problems``: all that were found, at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("One or more validation errors occurred.")
        self.problems = tuple(problems)


class MissingApiVersion(ApiError):
    def __init__(self, supported: Sequence[str]) -> None:
        super().__init__(
            "The query parameter 'api-version' is required. "
            f"Supported versions: {', '.join(supported)}."
        )


class UnsupportedApiVersion(ApiError):
    def __init__(self, requested: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"The api-version '{requested}' is not supported. "
            f"Supported versions: {', '.join(supported)}."
        )


class OperationNotInVersion(ApiError):
    def __init__(self, requested: str, supported: Sequence[str]) -> None:
        super().__init__(
            f"The api-version '{requested}' does not have this operation. "
            f"Versions that have it: {', '.join(supported)}."
        )


class Unauthorized(ApiError):
    """Says no more than a client may know that does not have the key.

    ``schemes``: of authentication, those that the client may use.
    """

    def __init__(
        self,
        message: str = "The request is not signed with a valid access key.",
        schemes: Sequence[str] = (SIGNATURE_SCHEME,),
    ) -> None:
        super().__init__(message)
        self.schemes = tuple(schemes)


class Forbidden(ApiError):
    """``required``: the name of the least role that may do this."""

    def __init__(self, required: str) -> None:
        super().__init__(f"The operation needs the role {required} or a higher one.")


class SigningKeysUnavailable(ApiError):
    """The keys that tokens are signed with are not known, and whoever knows does not answer."""


class TooManyRequests(ApiError):
    """``retry_after``: seconds until there is room for a request."""

    def __init__(self, limit: int, period: timedelta, wait: timedelta) -> None:
        super().__init__(
            f"There were {limit} requests within {period.total_seconds():g} seconds;"
            " try again later."
        )
        self.retry_after = wait.total_seconds()


class BodyTooLarge(ApiError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The body of a request may be {limit} bytes long at most.")


class UnsupportedMediaType(ApiError):
    def __init__(self, accepted: Sequence[str]) -> None:
        super().__init__(f"The body's Content-Type must be {' or '.join(accepted)}.")


def invalid(target: str, message: str, code: str = "Invalid") -> InvalidRequest:
    """The request has this one problem."""
    return InvalidRequest([Problem(code=code, message=message, target=target)])
