"""What the service refuses, with the status and code it puts on the wire."""

from http import HTTPStatus

CROSS_PARTITION_NOT_SERVABLE = 1004
"""Sub-status: the gateway cannot merge this query, the client has to ask for a query plan."""


class CosmosError(Exception):
    """An answer that is an error; ``sub_status`` tells errors of one status apart."""

    def __init__(self, status: int, code: str, message: str, sub_status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.sub_status = sub_status


def bad_request(message: str, sub_status: int | None = None) -> CosmosError:
    return CosmosError(HTTPStatus.BAD_REQUEST, "BadRequest", message, sub_status)


def syntax_error(message: str) -> CosmosError:
    return CosmosError(HTTPStatus.BAD_REQUEST, "SyntaxError", message)


def unauthorized() -> CosmosError:
    message = "The input authorization token can't serve the request."
    return CosmosError(HTTPStatus.UNAUTHORIZED, "Unauthorized", message)


def not_found(sub_status: int | None = None) -> CosmosError:
    message = "Entity with the specified id does not exist in the system."
    return CosmosError(HTTPStatus.NOT_FOUND, "NotFound", message, sub_status)


def conflict() -> CosmosError:
    message = "Entity with the specified id already exists in the system."
    return CosmosError(HTTPStatus.CONFLICT, "Conflict", message)


def precondition_failed() -> CosmosError:
    message = "One of the specified pre-condition is not met."
    return CosmosError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", message)


def too_large(message: str) -> CosmosError:
    return CosmosError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)


def gone(sub_status: int) -> CosmosError:
    message = "The requested partition key range is no longer available."
    return CosmosError(HTTPStatus.GONE, "Gone", message, sub_status)


def not_spoken(what: str) -> CosmosError:
    """The service may know it, but this double does not: better refused than answered wrongly."""
    message = f"The double does not speak {what}."
    return CosmosError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", message)
