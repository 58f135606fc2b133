"""A store whose operations are seen, as parts of what asks for them."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Final

from opentelemetry.trace import SpanKind, Tracer, get_current_span

from shared.ports import Store, Stored
from shared.telemetry import names
from shared.telemetry.spans import span

type Operation = Callable[..., Awaitable[Any]]

_BY_ID: Final = ("get", "create", "replace", "delete", "bar_offers")
"""The operations whose first argument is or has the id of one document."""


class _ObservedCollection:
    """Adds a span to each operation of a collection, whichever it has."""

    def __init__(self, collection: object, name: str, id_attribute: str, tracer: Tracer) -> None:
        self._collection = collection
        self._name = name
        self._id_attribute = id_attribute
        self._tracer = tracer

    def __getattr__(self, operation: str) -> Operation:
        observed = self._observed(operation, getattr(self._collection, operation))
        setattr(self, operation, observed)
        return observed

    def _observed(self, operation: str, perform: Operation) -> Operation:
        @wraps(perform)
        async def observed(*arguments: Any, **options: Any) -> Any:
            ids = self._ids(arguments[0]) if operation in _BY_ID else {}
            with self._span(operation, ids):
                return await perform(*arguments, **options)

        return observed

    def _span(self, operation: str, ids: Mapping[str, str]) -> AbstractContextManager[object]:
        if not get_current_span().is_recording():
            return nullcontext()
        return span(
            self._tracer,
            f"{operation} {self._name}",
            ids,
            attributes={"db.operation.name": operation, "db.collection.name": self._name},
            kind=SpanKind.CLIENT,
        )

    def _ids(self, subject: Any) -> Mapping[str, str]:
        document = subject.value if isinstance(subject, Stored) else subject
        return {self._id_attribute: document if isinstance(document, str) else document.id}


class ObservedStore:
    def __init__(self, store: Store, tracer: Tracer) -> None:
        def observed(collection: object, name: str, id_attribute: str) -> Any:
            return _ObservedCollection(collection, name, id_attribute, tracer)

        self._store = store
        self.jobs = observed(store.jobs, "jobs", names.JOB_ID)
        self.workers = observed(store.workers, "workers", names.WORKER_ID)
        self.queues = observed(store.queues, "queues", names.QUEUE_ID)
        self.distribution_policies = observed(
            store.distribution_policies, "distribution_policies", names.POLICY_ID
        )
        self.classification_policies = observed(
            store.classification_policies, "classification_policies", names.POLICY_ID
        )
        self.exception_policies = observed(
            store.exception_policies, "exception_policies", names.POLICY_ID
        )
        self.changed_conditions = observed(
            store.changed_conditions, "changed_conditions", names.QUEUE_ID
        )

    async def close(self) -> None:
        await self._store.close()
