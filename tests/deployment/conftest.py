"""The deployed app, and a report of its measures at the end of the run."""

from pathlib import Path

import pytest

from tests.deployment.package import ROOT, DeployedApp, deploy
from tests.deployment.platform import worker_library

MEASURE = "measure of the deployment"


@pytest.fixture(scope="session")
def app(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> DeployedApp:
    assert pytestconfig.cache is not None, "pytest's cache is never switched off"
    dependencies = pytestconfig.cache.mkdir("deployed-dependencies")
    return deploy(ROOT, tmp_path_factory.mktemp("deployment"), dependencies)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worker_library(tmp_path_factory.mktemp("platform") / "worker")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests record measures as properties, which come from other processes too."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == MEASURE:
                terminalreporter.write_line(f"Deployment: {value}")
