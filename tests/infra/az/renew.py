"""Record the commands anew: `python -m tests.infra.az.renew`, where `azure-cli` is installed.

Needed only for another command in the documentation, or to see what a newer release has changed.
The tests do without the package: it is far larger than everything else that they need.
"""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from azure.cli.core import get_default_cli

from tests.infra.az.documented import documented_commands
from tests.infra.az.known import RECORD

DOCS = Path(__file__).parents[3] / "docs"
OF_EVERY_COMMAND = (
    *("--debug", "--help", "--only-show-errors", "--output", "--query", "--subscription"),
    "--verbose",
)
INTERNAL = ["--cmd"]


def renew() -> None:
    pages = sorted(DOCS.glob("**/*.md"))
    words = sorted({command.words for page in pages for command in documented_commands(page)})
    signatures = {one: signature for one in words if (signature := _signature(one)) is not None}
    RECORD.write_text(_dumped(signatures), encoding="utf-8")


def _signature(words: str) -> dict[str, list[list[str]]] | None:
    command = _loaded(words)
    if command is None:
        return None
    options = list(_options(command))
    return {
        "required": [names for is_required, names in options if is_required],
        "optional": [names for is_required, names in options if not is_required],
    }


def _loaded(words: str) -> Any:
    """The command with its arguments, as the CLI loads it before it parses a line."""
    cli = get_default_cli()
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli,
        parser_cls=cli.parser_cls,
        commands_loader_cls=cli.commands_loader_cls,
        help_cls=cli.help_cls,
    )
    cli.invocation.data["command_string"] = words
    loader = cli.invocation.commands_loader
    command = loader.load_command_table(words.split()).get(words)
    if command is not None:
        loader.load_arguments(words)
    return command


def _options(command: Any) -> Iterator[tuple[bool, list[str]]]:
    for argument in command.arguments.values():
        settings = argument.type.settings
        names = [str(getattr(name, "target", name)) for name in settings.get("options_list") or ()]
        if names and names != INTERNAL:
            yield bool(settings.get("required")), names


def _dumped(signatures: dict[str, dict[str, list[list[str]]]]) -> str:
    """One command a line, so that a renewal shows what changed."""
    lines = ",\n".join(f"  {json.dumps(w)}: {json.dumps(s)}" for w, s in signatures.items())
    return (
        f'{{\n"source": "azure-cli {version("azure-cli")}",\n'
        f'"options": {json.dumps(OF_EVERY_COMMAND)},\n"commands": {{\n{lines}\n}}\n}}\n'
    )


if __name__ == "__main__":
    renew()
