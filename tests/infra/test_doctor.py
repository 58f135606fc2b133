"""Another's checks of function apps find nothing that would keep this one from running in Azure."""

import shutil
from pathlib import Path

import pytest
from azure_functions_doctor.api import run_diagnostics

from tests.infra.files import ROOT

DEPLOYED = (
    "function_app.py",
    "functions",
    "shared",
    "host.json",
    "requirements.txt",
    "constraints.txt",
    ".funcignore",
    "azure.yaml",
    "infra/app",
    "infra/main.bicep",
)
ACCEPTED = {
    # Our decorators are those of blueprints, with names of their own.
    "check_programming_model_v2",
    # Its wheels are made for Linux x86-64: the test of the deployment package installs them.
    "check_native_dependency_risk",
    # It is set by infra/app/api.bicep, and no local.settings.json is there to be read.
    "check_app_insights",
    # Our own log is more verbose than the host's on purpose.
    "check_host_json_log_level_conflict",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """What is deployed, and how, without what else lies about in the folder of a developer."""
    for name in DEPLOYED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def test_the_doctor_has_no_complaint_that_is_not_known(app: Path) -> None:
    sections = run_diagnostics(str(app), profile="deploy", target_python="3.13")
    items = [item for section in sections for item in section["items"]]
    assert len(items) > 20
    complaints = {
        item["rule_id"]: item["value"] for item in items if item["status"] not in {"pass", "skip"}
    }
    assert {id: value for id, value in complaints.items() if id not in ACCEPTED} == {}
