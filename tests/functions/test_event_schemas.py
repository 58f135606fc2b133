"""The description of the events, as the app serves it."""

import pytest

from shared.api.versions import SUPPORTED
from shared.eventgrid.json_schemas import describe_events
from tests.functions.api import HOST, VERSION, Api


@pytest.mark.parametrize("version", SUPPORTED)
async def test_it_is_served(api: Api, version: str) -> None:
    reply = await api.send("GET", "/events/schemas.json", version=version)
    assert (reply.status, reply.json) == (200, describe_events())


async def test_a_stranger_is_not_told(api: Api) -> None:
    target = f"/events/schemas.json?api-version={VERSION}"
    assert (await api.send_raw("GET", target, {"host": HOST})).status == 401
