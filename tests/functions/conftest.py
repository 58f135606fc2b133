from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from shared import bootstrap
from shared.services.router import Router
from tests.functions.api import KEY, SECONDARY_KEY, Api
from tests.local.host_rig import ROOT, loaded


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The whole function app over a store in memory, with a clock that the test moves."""
    async with loaded(ROOT) as worker:
        api = Api(worker)

        async def router() -> Router:
            return api.rig.router

        settings = SimpleNamespace(access_keys=(KEY, SECONDARY_KEY))
        monkeypatch.setattr(bootstrap, "router", router)
        monkeypatch.setattr(bootstrap, "settings", lambda: settings)
        yield api
