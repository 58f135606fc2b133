"""The commands of the Azure CLI in the documentation exist, as does every option they are given."""

from pathlib import Path

import pytest

from tests.infra.az.documented import documented_commands
from tests.infra.az.known import complaints_about, signatures
from tests.infra.files import ROOT

PAGES = sorted(ROOT.glob("docs/**/*.md"))
RIGHT = """\
Stop it (`az functionapp stop --name <app> --resource-group <group>`), see `az functionapp start`.

   ```text
   az keyvault secret set --vault-name <vault> --name secondary-access-key \\
     --value "$(openssl rand -base64 32)" --output none
   az rest --method POST --body '{
     "id": "$(az ad signed-in-user show --query id)"}' --url https://x
   ```
"""
FAULTS = {
    "functionapp stop --name": "functionapp halt --name",
    "--vault-name": "--vault",
    "--output": "--out-put",
    "--name <app> ": "",
    "functionapp start": "functionapp restarted",
    "--url": "-z",
    "signed-in-user show": "signed-in-user view",
}


def complaints(page: Path) -> list[str]:
    return [text for command in documented_commands(page) for text in complaints_about(command)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_known_to_the_cli(page: Path) -> None:
    assert complaints(page) == []


@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_a_wrong_command_is_found(tmp_path: Path, fault: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(RIGHT.replace(fault, FAULTS[fault]) if fault else RIGHT)
    assert bool(complaints(page)) is bool(fault)


def test_no_command_is_kept_that_is_not_documented() -> None:
    documented = {command.words for page in PAGES for command in documented_commands(page)}
    assert signatures().keys() == documented
