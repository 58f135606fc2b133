"""The files of the infrastructure, as they are on the disk."""

from collections.abc import Mapping
from pathlib import Path

from tests.infra.bicep.declarations import Template, read_template

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
API = INFRA / "app" / "api.bicep"
ALERTS = INFRA / "app" / "alerts.bicep"


def sources() -> Mapping[Path, str]:
    """Every Bicep file."""
    return {path: path.read_text("utf-8") for path in sorted(INFRA.rglob("*.bicep"))}


def template(path: Path) -> Template:
    return read_template(path, path.read_text("utf-8"))
