"""A store with a gate before and after each of its operations, for crashes and interleaving."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from shared.ports import Store

WRITES = ("create", "replace", "delete", "bar_offers", "remove_records")


def is_write(operation: str) -> bool:
    return operation.endswith(WRITES)


class Gate(Protocol):
    """``operation`` is e.g. ``jobs.replace``."""

    async def before(self, operation: str, /) -> None: ...
    async def after(self, operation: str, /) -> None: ...


class _Gated:
    """Forwards every method of a store's part, through the gate."""

    def __init__(self, inner: object, name: str, gate: Gate) -> None:
        self._inner = inner
        self._name = name
        self._gate = gate

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, operation)

        async def through(*args: object, **kwargs: object) -> object:
            await self._gate.before(f"{self._name}.{operation}")
            result = await method(*args, **kwargs)
            await self._gate.after(f"{self._name}.{operation}")
            return result

        return through


class GatedStore:
    def __init__(self, inner: Store, gate: Gate) -> None:
        self.inner = inner
        self.jobs: Any = _Gated(inner.jobs, "jobs", gate)
        self.workers: Any = _Gated(inner.workers, "workers", gate)
        self.queues: Any = _Gated(inner.queues, "queues", gate)
        self.distribution_policies: Any = _Gated(
            inner.distribution_policies, "distribution_policies", gate
        )
        self.classification_policies: Any = _Gated(
            inner.classification_policies, "classification_policies", gate
        )
        self.exception_policies: Any = _Gated(inner.exception_policies, "exception_policies", gate)
        self.changed_conditions: Any = _Gated(inner.changed_conditions, "changed_conditions", gate)

    async def close(self) -> None:
        await self.inner.close()
