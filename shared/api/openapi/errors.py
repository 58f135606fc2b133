"""The shape of errors, in every version of the API."""

from typing import NotRequired, TypedDict

from pydantic import ConfigDict, with_config

_CLOSED = ConfigDict(extra="forbid")


@with_config(_CLOSED)
class InnerError(TypedDict):
    code: str


@with_config(_CLOSED)
class ErrorDetail(TypedDict):
    code: str
    message: str
    target: NotRequired[str]


@with_config(_CLOSED)
class Error(TypedDict):
    code: str
    message: str
    target: NotRequired[str]
    details: NotRequired[list[ErrorDetail]]
    innererror: NotRequired[InnerError]


@with_config(_CLOSED)
class ErrorResponse(TypedDict):
    error: Error
