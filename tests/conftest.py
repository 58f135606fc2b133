"""What tests of several kinds need."""

from collections.abc import Iterator

import pytest

from tests.azurite.process import azurite_queues


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a storage account in Azurite, for all tests of the session."""
    with azurite_queues(tmp_path_factory.mktemp("azurite")) as connection_string:
        yield connection_string
