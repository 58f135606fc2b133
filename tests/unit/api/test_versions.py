import pytest

from shared.api.errors import MissingApiVersion, OperationNotInVersion, UnsupportedApiVersion
from shared.api.versions import (
    BY_NAME,
    IN_2021,
    SINCE_2023,
    SUPPORTED,
    V2021_10_20_PREVIEW2,
    V2023_11_01,
    V2024_01_18_PREVIEW,
    requested,
)


def test_versions_are_chosen_by_name() -> None:
    assert SUPPORTED == ("2021-10-20-preview2", "2023-11-01", "2024-01-18-preview")
    assert requested({"api-version": "2021-10-20-preview2"}) is V2021_10_20_PREVIEW2
    assert requested({"api-version": "2023-11-01"}) is V2023_11_01
    assert requested({"api-version": "2024-01-18-preview"}) is V2024_01_18_PREVIEW


def test_the_preview_differs_in_its_workers_alone() -> None:
    assert V2024_01_18_PREVIEW.job is V2023_11_01.job
    assert V2024_01_18_PREVIEW.queue is V2023_11_01.queue
    assert V2024_01_18_PREVIEW.distribution_policy is V2023_11_01.distribution_policy
    assert issubclass(V2024_01_18_PREVIEW.worker, V2023_11_01.worker)


def test_a_missing_version_is_refused_with_the_choice() -> None:
    with pytest.raises(MissingApiVersion, match="2023-11-01, 2024-01-18-preview"):
        requested({})


@pytest.mark.parametrize("version", ["2023-11-01-preview", "2021-04-07-preview1", "x"])
def test_an_unknown_version_is_refused_with_the_choice(version: str) -> None:
    with pytest.raises(UnsupportedApiVersion, match=f"'{version}'.*2023-11-01, 2024-01-18"):
        requested({"api-version": version})


@pytest.mark.parametrize("name", SUPPORTED)
def test_an_operation_may_be_of_some_versions_only(name: str) -> None:
    version = BY_NAME[name]
    own, others = (IN_2021, SINCE_2023) if version in IN_2021 else (SINCE_2023, IN_2021)
    assert requested({"api-version": name}, own) is version
    with pytest.raises(OperationNotInVersion, match=f"'{name}'.*{others[-1].name}"):
        requested({"api-version": name}, others)
