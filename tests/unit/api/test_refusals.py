import inspect
import json
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared import ports
from shared.api import errors as api_errors
from shared.api.errors import (
    BodyTooLarge,
    Forbidden,
    MissingApiVersion,
    SigningKeysUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedApiVersion,
    UnsupportedMediaType,
    invalid,
)
from shared.api.http_messages import Request
from shared.api.refusals import REFUSALS, UNFORESEEN, refusal_of, refused
from shared.domain import errors as domain_errors
from shared.domain.errors import (
    Conflict,
    InvalidReference,
    InvalidRules,
    NotFound,
    RuleProblem,
)
from shared.ports import (
    AlreadyExists,
    ConcurrencyConflict,
    InvalidContinuation,
    InvalidRule,
    PublishFailed,
    RuleFailed,
    StoreBusy,
    StoreUnavailable,
    TooLarge,
)
from shared.services import preconditions, router
from shared.services.preconditions import PreconditionFailed
from shared.services.router import TooMuchContention

NEVER_ANSWERED = {InvalidRule, RuleFailed}
"""Of the rule engine: use cases make `InvalidRules` and failed classifications of them."""

MODULES = [api_errors, domain_errors, ports, preconditions, router]
SECONDS = timedelta(seconds=10)
REQUEST = Request(method="GET", target="/routing/jobs/a%20b?api-version=2023-11-01")


def raisable(module: ModuleType) -> list[type[Exception]]:
    """The errors of a module, without those that only stand for their kinds."""
    own = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception) and member.__module__ == module.__name__
    ]
    bases = {base for error in own for base in error.__mro__[1:]}
    return [error for error in own if error not in bases]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_error_is_in_the_table(module: ModuleType) -> None:
    found = raisable(module)
    assert found
    assert set(found) - NEVER_ANSWERED <= REFUSALS.keys()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (invalid("queueId", "Bad."), 400, "BadRequest"),
        (InvalidReference("QueueNotFound", "No such queue.", "queueId"), 400, "BadRequest"),
        (InvalidRules([RuleProblem("prioritizationRule", "No.")]), 400, "BadRequest"),
        (InvalidContinuation("bad"), 400, "BadRequest"),
        (MissingApiVersion(["2023-11-01"]), 400, "MissingApiVersionParameter"),
        (UnsupportedApiVersion("1", ["2023-11-01"]), 400, "UnsupportedApiVersion"),
        (Unauthorized(), 401, "Unauthorized"),
        (Forbidden("JobRouter.Reader"), 403, "Forbidden"),
        (NotFound("job", "a b"), 404, "NotFound"),
        (Conflict("JobIsActive", "It is active."), 409, "Conflict"),
        (AlreadyExists("x"), 409, "Conflict"),
        (ConcurrencyConflict("x"), 409, "Conflict"),
        (PreconditionFailed("x"), 412, "PreconditionFailed"),
        (BodyTooLarge(10), 413, "RequestEntityTooLarge"),
        (UnsupportedMediaType(["application/json"]), 415, "UnsupportedMediaType"),
        (RuntimeError("secret"), 500, "InternalServerError"),
        (TooLarge("x"), 413, "RequestEntityTooLarge"),
        (TooManyRequests(1, SECONDS, SECONDS), 429, "TooManyRequests"),
        (StoreBusy("secret", 2.5), 429, "TooManyRequests"),
        (SigningKeysUnavailable("secret"), 503, "ServiceUnavailable"),
        (StoreUnavailable("secret", 2.5), 503, "ServiceUnavailable"),
        (PublishFailed("secret"), 503, "ServiceUnavailable"),
        (TooMuchContention("x"), 503, "ServiceUnavailable"),
    ],
)
def test_every_answer_has_the_error_format(error: Exception, status: int, code: str) -> None:
    response = refused(error, REQUEST)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["x-ms-error-code"] == code
    body = error_of(error)
    assert body["code"] == code
    assert body["message"]
    assert "secret" not in body["message"]


def error_of(error: Exception) -> dict[str, Any]:
    body = json.loads(refused(error, REQUEST).body or b"")
    assert list(body) == ["error"]
    found: dict[str, Any] = body["error"]
    return found


def test_validation_problems_are_told_one_by_one() -> None:
    assert error_of(invalid("queueId", "Bad.")) == {
        "code": "BadRequest",
        "message": "One or more validation errors occurred.",
        "details": [{"code": "Invalid", "message": "Bad.", "target": "queueId"}],
    }
    reference = InvalidReference("ActiveJobWithQueueExist", "There are jobs.")
    assert error_of(reference)["details"] == [
        {"code": "ActiveJobWithQueueExist", "message": "There are jobs."}
    ]
    rules = InvalidRules([RuleProblem("a.expression", "One."), RuleProblem("b", "Two.")])
    assert error_of(rules)["details"] == [
        {"code": "InvalidRule", "message": "One.", "target": "a.expression"},
        {"code": "InvalidRule", "message": "Two.", "target": "b"},
    ]
    assert error_of(InvalidContinuation("x"))["details"][0]["target"] == "continuationToken"


def test_what_is_not_found_is_named_with_its_path() -> None:
    assert error_of(NotFound("job", "a b")) == {
        "code": "NotFound",
        "message": "The item was not found: job 'a b'.",
        "target": "/routing/jobs/a b",
    }


def test_a_conflict_names_its_rule() -> None:
    assert error_of(Conflict("JobIsActive", "It is active.")) == {
        "code": "Conflict",
        "message": "It is active.",
        "innererror": {"code": "JobIsActive"},
    }


def test_a_kind_of_a_known_error_is_answered_like_it() -> None:
    class Special(NotFound):
        pass

    assert refusal_of(Special("job", "x")).status == 404
    assert refusal_of(KeyError("x")) is UNFORESEEN


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (StoreUnavailable("x", 2.5), "3"),
        (StoreBusy("x", 2.5), "3"),
        (StoreUnavailable("x", 0.01), "1"),
        (TooManyRequests(1, SECONDS, SECONDS * 0.41), "5"),
        (SigningKeysUnavailable(), "1"),
        (TooMuchContention("x"), "1"),
    ],
)
def test_who_is_told_to_come_back_is_told_when(error: Exception, seconds: str) -> None:
    assert refused(error, REQUEST).headers["Retry-After"] == seconds


def test_a_stranger_is_told_how_to_sign() -> None:
    assert refused(Unauthorized(), REQUEST).headers["WWW-Authenticate"] == "HMAC-SHA256"
    with_tokens = Unauthorized("No.", ("HMAC-SHA256", "Bearer"))
    assert refused(with_tokens, REQUEST).headers["WWW-Authenticate"] == "HMAC-SHA256, Bearer"


def test_who_asks_too_often_is_told_the_limit() -> None:
    message = error_of(TooManyRequests(1000, SECONDS, SECONDS))["message"]
    assert message == "There were 1000 requests within 10 seconds; try again later."


def test_the_reference_lists_every_status_and_code() -> None:
    reference = (Path(__file__).parents[3] / "docs/reference/http-api.md").read_text()
    rows = [row for row in reference.splitlines() if row.startswith("| ")]
    for refusal in {*REFUSALS.values(), UNFORESEEN}:
        assert any(
            row.startswith(f"| {refusal.status} |") and f"`{refusal.code}`" in row for row in rows
        )
