"""What tests of several kinds need."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.azurite.process import azurite_queues

# How fast the machine is, and what else it does, is not what the tests are about.
settings.register_profile(
    "router", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("router")


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a storage account in Azurite, for all tests of the session."""
    with azurite_queues(tmp_path_factory.mktemp("azurite")) as connection_string:
        yield connection_string
