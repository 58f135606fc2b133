"""Answers to requests that were refused: one table from errors to statuses and codes."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.api.answers import json_answer
from shared.api.errors import (
    BodyTooLarge,
    Forbidden,
    InvalidRequest,
    MissingApiVersion,
    OperationNotInVersion,
    Problem,
    SigningKeysUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedApiVersion,
    UnsupportedMediaType,
)
from shared.api.http_messages import Request, Response
from shared.api.merge_patch import JsonObject
from shared.api.paging import CONTINUATION
from shared.api.wire import present
from shared.domain.errors import Conflict, InvalidReference, InvalidRules, NotFound
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    InvalidContinuation,
    PublishFailed,
    StoreBusy,
    StoreUnavailable,
    TooLarge,
)
from shared.services.preconditions import PreconditionFailed
from shared.services.router import TooMuchContention


class Refusal(NamedTuple):
    status: int
    code: str


REFUSALS: Final[Mapping[type[Exception], Refusal]] = {
    InvalidRequest: Refusal(400, "BadRequest"),
    InvalidReference: Refusal(400, "BadRequest"),
    InvalidRules: Refusal(400, "BadRequest"),
    InvalidContinuation: Refusal(400, "BadRequest"),
    MissingApiVersion: Refusal(400, "MissingApiVersionParameter"),
    UnsupportedApiVersion: Refusal(400, "UnsupportedApiVersion"),
    OperationNotInVersion: Refusal(400, "UnsupportedApiVersion"),
    Unauthorized: Refusal(401, "Unauthorized"),
    Forbidden: Refusal(403, "Forbidden"),
    NotFound: Refusal(404, "NotFound"),
    Conflict: Refusal(409, "Conflict"),
    AlreadyExists: Refusal(409, "Conflict"),
    ConcurrencyConflict: Refusal(409, "Conflict"),
    PreconditionFailed: Refusal(412, "PreconditionFailed"),
    BodyTooLarge: Refusal(413, "RequestEntityTooLarge"),
    TooLarge: Refusal(413, "RequestEntityTooLarge"),
    UnsupportedMediaType: Refusal(415, "UnsupportedMediaType"),
    TooManyRequests: Refusal(429, "TooManyRequests"),
    StoreBusy: Refusal(429, "TooManyRequests"),
    StoreUnavailable: Refusal(503, "ServiceUnavailable"),
    PublishFailed: Refusal(503, "ServiceUnavailable"),
    SigningKeysUnavailable: Refusal(503, "ServiceUnavailable"),
    TooMuchContention: Refusal(503, "ServiceUnavailable"),
}
UNFORESEEN: Final = Refusal(500, "InternalServerError")

_NONE: Final[Mapping[str, str]] = {}
_FIRST_MEMBER: Final = re.compile(r"^\w+")
_LATER: Final = {429, 503}
_VALIDATION_FAILED: Final = "One or more validation errors occurred."


def refusal_of(error: Exception) -> Refusal:
    """``UNFORESEEN`` if the error, or what it is a kind of, is not in the table."""
    kinds = (REFUSALS[kind] for kind in type(error).__mro__ if kind in REFUSALS)
    return next(kinds, UNFORESEEN)


def refused(error: Exception, request: Request, words: Mapping[str, str] = _NONE) -> Response:
    """The answer in the API's error format.

    ``words``: what the request's version of the API calls members that use cases call otherwise.
    """
    refusal = refusal_of(error)
    problems = _problems(error)
    body = present(
        code=refusal.code,
        message=_message(error, refusal),
        target=request.path if isinstance(error, NotFound) else None,
        details=[_detail(problem, words) for problem in problems] or None,
        innererror={"code": error.code} if isinstance(error, Conflict) else None,
    )
    headers = {"x-ms-error-code": refusal.code, **_headers(error, refusal)}
    return json_answer({"error": body}, refusal.status, headers)


def _message(error: Exception, refusal: Refusal) -> str:
    match error:
        case _ if refusal is UNFORESEEN:
            return "The router failed unexpectedly. Its log tells why, by this answer's trace-id."
        case InvalidRequest() | InvalidReference() | InvalidRules() | InvalidContinuation():
            return _VALIDATION_FAILED
        case NotFound():
            return f"The item was not found: {error.kind} '{error.id}'."
        case TooManyRequests():
            return str(error)
        case _ if refusal.status in _LATER:
            return "The router cannot answer right now; try again later."
        case _:
            return str(error)


def _problems(error: Exception) -> Sequence[Problem]:
    match error:
        case InvalidRequest():
            return error.problems
        case InvalidReference():
            return [Problem(code=error.code, message=str(error), target=error.target)]
        case InvalidRules():
            return [
                Problem(code="InvalidRule", message=problem.message, target=problem.target)
                for problem in error.problems
            ]
        case InvalidContinuation():
            message = "The continuation token does not belong to this list."
            return [Problem(code="Invalid", message=message, target=CONTINUATION)]
        case _:
            return []


def _detail(problem: Problem, words: Mapping[str, str]) -> JsonObject:
    target = problem.target and _FIRST_MEMBER.sub(
        lambda member: words.get(member[0], member[0]), problem.target, count=1
    )
    return present(code=problem.code, message=problem.message, target=target)


def _headers(error: Exception, refusal: Refusal) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": ", ".join(error.schemes)}
    if refusal.status in _LATER:
        seconds = (
            error.retry_after if isinstance(error, StoreUnavailable | TooManyRequests) else 1.0
        )
        return {"Retry-After": str(max(1, math.ceil(seconds)))}
    return {}
