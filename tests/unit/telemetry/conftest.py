from collections.abc import AsyncIterator

import pytest

from tests.rig import Rig
from tests.telemetry_rig import TelemetryRig, watched_rig

type Watched = tuple[Rig, TelemetryRig]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    """A router with one policy and one queue, and what is seen of it from then on."""
    rig, telemetry = watched_rig()
    await rig.ready()
    telemetry.clear()
    yield rig, telemetry
    await telemetry.observability.close()
