"""The access keys are changed as docs/how-to/rotate-keys.md says, while a client goes on asking.

A router reads its settings when it starts, and Azure starts it again when a secret has changed. So
for a while an instance that knows the new keys serves beside one that does not.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from tests.e2e.crowd import meanwhile
from tests.e2e.fleet import NO_SWEEPS, Fleet, fleet_on, sqlite_store

ENOUGH = 20
NO_WEBHOOK = ""
FIRST, SECOND, NEW_FIRST, NEW_SECOND = (bytes([number]) * 32 for number in range(4))

type Keys = tuple[bytes, bytes]


@dataclass
class Client:
    """Asks all instances in turn, signing with its key. ``statuses``: the answers so far."""

    fleet: Fleet
    key: bytes
    statuses: list[int] = field(default_factory=list)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask_for_ever(self) -> None:
        for turn in count():
            names = [*self.fleet.alive]
            self.statuses.append(await status(self.fleet, names[turn % len(names)], self.key))
            self._answered.set()

    async def is_answered(self, times: int = ENOUGH) -> None:
        """Wait until it has been answered as often as this from now on."""
        for _ in range(times):
            self._answered.clear()
            await self._answered.wait()


async def status(fleet: Fleet, name: str, key: bytes) -> int:
    client = replace(fleet.alive[name].client, key=key)
    return (await client.send("GET", "/routing/jobs")).status


def settings(keys: Keys) -> Mapping[str, str]:
    first, second = (base64.b64encode(key).decode() for key in keys)
    return {"JOBROUTER_ACCESS_KEY": first, "JOBROUTER_SECONDARY_ACCESS_KEY": second, **NO_SWEEPS}


@asynccontextmanager
async def fleet_with(keys: Keys, folder: Path) -> AsyncIterator[Fleet]:
    async with fleet_on(sqlite_store, folder, NO_WEBHOOK) as fleet:
        fleet.alive["old"] = await fleet.start("old", settings(keys))
        yield fleet


async def take_up(fleet: Fleet, client: Client, name: str, keys: Keys) -> None:
    """Replace the only instance, without a moment in which there is none."""
    (old,) = fleet.alive
    fleet.alive[name] = await fleet.start(name, settings(keys))
    await client.is_answered()
    ending = fleet.alive.pop(old).process
    await client.is_answered(2)  # Then it does not ask the old one any more.
    ending.terminate()
    assert await ending.wait() == 0


async def test_keys_are_rotated_and_no_request_is_refused(tmp_path: Path) -> None:
    async with fleet_with((FIRST, SECOND), tmp_path) as fleet:
        client = Client(fleet, FIRST)
        async with asyncio.timeout(60), meanwhile(client.ask_for_ever()):
            await client.is_answered()
            await take_up(fleet, client, "new", (FIRST, NEW_SECOND))
            client.key = NEW_SECOND
            await client.is_answered()
            await take_up(fleet, client, "newer", (NEW_FIRST, NEW_SECOND))
            await client.is_answered()
        assert set(client.statuses) == {200}
        for key in (FIRST, SECOND):
            assert await status(fleet, "newer", key) == 401
        for key in (NEW_FIRST, NEW_SECOND):
            assert await status(fleet, "newer", key) == 200
