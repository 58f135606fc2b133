"""The tours of the documentation, run as a reader runs them."""

import pytest

from tests.e2e.conftest import RunningRouter
from tests.e2e.pages import Reader, examples_of
from tests.local.host_rig import ROOT

TOURS = ("README.md", "docs/tutorial/first-job.md")


@pytest.mark.parametrize("name", TOURS)
def test_a_tour_does_what_it_says(
    name: str, running_router: RunningRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBROUTER_CONNECTION_STRING", running_router.connection_string)
    monkeypatch.setenv("JOBROUTER_CA_CERTIFICATE", running_router.ca_certificate)
    page = ROOT / name
    assert any(example.printed is not None for example in examples_of(page))
    Reader(page).follow_to_end()
