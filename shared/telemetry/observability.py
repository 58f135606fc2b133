"""What the app asks of its telemetry, and the telemetry that is off."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from shared.api.http_messages import Request
from shared.ports import EventPublisher, Store, Telemetry
from shared.services.no_telemetry import NO_TELEMETRY

type OnCharge = Callable[[str, int, float], None]
"""Told of each request of a database: container, HTTP status, request units."""


class Serving(Protocol):
    """A request to the API, while it is answered."""

    @property
    def trace_id(self) -> str | None:
        """32 hexadecimal digits; ``None``: there is no trace of the request."""
        ...

    def admitted(self, ids: Mapping[str, str]) -> None:
        """``ids``: of the path, by the names of its parameters. A stranger's are not recorded."""
        ...

    def answered(self, status: int) -> None: ...


class Observability(Protocol):
    """``on_charge`` ``None``: nobody wants to know."""

    @property
    def telemetry(self) -> Telemetry: ...

    @property
    def on_charge(self) -> OnCharge | None: ...

    def serving(self, request: Request, template: str) -> AbstractContextManager[Serving]:
        """Continues the caller's trace. ``template``: of the route."""
        ...

    def store(self, store: Store) -> Store:
        """The store, observed."""
        ...

    def publisher(self, publisher: EventPublisher) -> EventPublisher:
        """The publisher, observed."""
        ...

    async def close(self) -> None:
        """Send what is recorded. Takes seconds if nobody receives it."""
        ...


class _Unseen:
    trace_id: Final = None

    def admitted(self, _ids: Mapping[str, str]) -> None:
        return

    def answered(self, _status: int) -> None:
        return


class _Off:
    telemetry: Final = NO_TELEMETRY
    on_charge: Final = None

    def serving(self, _request: Request, _template: str) -> AbstractContextManager[Serving]:
        return _UNSEEN

    def store(self, store: Store) -> Store:
        return store

    def publisher(self, publisher: EventPublisher) -> EventPublisher:
        return publisher

    async def close(self) -> None:
        return


_UNSEEN: Final[AbstractContextManager[Serving]] = nullcontext(_Unseen())
OFF: Final[Observability] = _Off()
