"""Fixtures of the store contract: each test runs once on each adapter."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.ports import Store
from tests.contract.cosmos_databases import remove_cosmos_database
from tests.contract.stores import OPENERS


@pytest.fixture(scope="session", autouse=True)
def _cosmos_database() -> Iterator[None]:
    yield
    remove_cosmos_database()


@pytest.fixture(params=OPENERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await OPENERS[request.param](tmp_path)
    yield opened
    await opened.close()
