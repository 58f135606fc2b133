from collections.abc import AsyncIterator

import pytest

from shared import bootstrap
from shared.api.authentication import Authenticator
from shared.api.rate_limit import RateLimit
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

        authenticator, unlimited = Authenticator((KEY, SECONDARY_KEY)), RateLimit(0)
        monkeypatch.setattr(bootstrap, "router", router)
        monkeypatch.setattr(bootstrap, "authenticator", lambda: authenticator)
        monkeypatch.setattr(bootstrap, "rate_limit", lambda: unlimited)
        yield api
