"""A router, through the official SDK."""

import base64
import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import certifi
from azure.communication.jobrouter import JobRouterAdministrationClient, JobRouterClient
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from infra.migrate.documents import Document, Kind, portable
from infra.migrate.errors import MigrationError

NEWEST_VERSION: Final = "2024-01-18-preview"
"""The only one that tells how many offers a worker may have at a time."""

PAGE_SIZE: Final = 100
NO_CONNECTION_STRING: Final = "A connection string is endpoint=https://...;accesskey=<base64>."


class Refused(Exception):
    """The router did not take a definition; the message tells why."""


class Definition(Protocol):
    """What the SDK's models have in common."""

    @property
    def id(self) -> str: ...

    def as_dict(self, *, exclude_readonly: bool = False) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Operations:
    """The SDK's methods for one kind."""

    list: Callable[..., Iterable[Definition]]
    upsert: Callable[[str, Document], Definition]


class Endpoint:
    """``name`` is fit to be shown: it has no key."""

    def __init__(self, name: str, operations: Mapping[Kind, Operations]) -> None:
        self.name = name
        self._operations = operations

    def read(self, kind: Kind) -> Iterator[tuple[str, Document]]:
        """All of a kind, each with its id.

        :raises MigrationError: the router cannot be reached or does not let us in.
        """
        with self._reached():
            for definition in self._operations[kind].list(results_per_page=PAGE_SIZE):
                yield definition.id, _document(definition)

    def write(self, kind: Kind, id: str, patch: Document) -> Document:
        """What became of it.

        :raises Refused: the router does not take this one.
        :raises MigrationError: the router cannot be reached or does not let us in.
        """
        with self._reached():
            try:
                return _document(self._operations[kind].upsert(id, patch))
            except ClientAuthenticationError:
                raise
            except HttpResponseError as error:
                raise Refused(_reason(error)) from error

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except ClientAuthenticationError as error:
            raise MigrationError(f"{self.name} does not accept the access key.") from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise MigrationError(f"{self.name} cannot be reached: {error.message}") from error
        except AzureError as error:
            raise MigrationError(f"{self.name}: {_reason(error)}") from error


@contextlib.contextmanager
def connected(
    connection_string: str, api_version: str, authorities: Sequence[Path]
) -> Iterator[Endpoint]:
    """``authorities``: certificates that are trusted beside the public ones.

    :raises MigrationError: it is no connection string, or a certificate cannot be read.
    """
    endpoint = _checked(connection_string)
    with contextlib.ExitStack() as stack:
        options: dict[str, Any] = {"api_version": api_version}
        if authorities:
            options["connection_verify"] = stack.enter_context(_bundle(authorities))
        administration = JobRouterAdministrationClient.from_connection_string(
            connection_string, **options
        )
        client = JobRouterClient.from_connection_string(connection_string, **options)
        stack.enter_context(administration)
        stack.enter_context(client)
        yield Endpoint(endpoint, _operations(administration, client))


def _checked(connection_string: str) -> str:
    """Its endpoint. The SDK's own messages may hold a part of the key.

    :raises MigrationError: it is no connection string.
    """
    parts = (part.partition("=") for part in connection_string.split(";"))
    members = {name.strip().lower(): value.strip() for name, _, value in parts}
    try:
        base64.b64decode(members["accesskey"], validate=True)
        return members["endpoint"].rstrip("/")
    except (KeyError, ValueError):
        raise MigrationError(NO_CONNECTION_STRING) from None


def _operations(
    administration: JobRouterAdministrationClient, client: JobRouterClient
) -> Mapping[Kind, Operations]:
    return {
        Kind.DISTRIBUTION_POLICIES: Operations(
            administration.list_distribution_policies, administration.upsert_distribution_policy
        ),
        Kind.CLASSIFICATION_POLICIES: Operations(
            administration.list_classification_policies, administration.upsert_classification_policy
        ),
        Kind.EXCEPTION_POLICIES: Operations(
            administration.list_exception_policies, administration.upsert_exception_policy
        ),
        Kind.QUEUES: Operations(administration.list_queues, administration.upsert_queue),
        Kind.WORKERS: Operations(client.list_workers, client.upsert_worker),
    }


def _document(definition: Definition) -> Document:
    return portable(definition.as_dict(exclude_readonly=True))


@contextlib.contextmanager
def _bundle(authorities: Sequence[Path]) -> Iterator[str]:
    """One file with all of them: the SDK takes no more than one."""
    try:
        texts = [Path(certifi.where()), *authorities]
        content = "\n".join(file.read_text(encoding="utf-8") for file in texts)
    except OSError as error:
        raise MigrationError(f"{error.filename} cannot be read: {error.strerror}.") from error
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="utf-8") as bundle:
        bundle.write(content)
        bundle.flush()
        yield bundle.name


def _reason(error: AzureError) -> str:
    """What is wrong, with each of the problems that the router names."""
    details = getattr(getattr(error, "error", None), "details", None) or []
    problems = [f"{detail.code} at {detail.target}: {detail.message}" for detail in details]
    return "; ".join(problems) or str(error.message).partition("\n")[0]
