"""The tool's commands.

Exit codes: 0 done, or no difference; 1 differences, or definitions that were refused; 2 it could
not be done at all; 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from infra.migrate.differences import Sign, differences
from infra.migrate.documents import AVAILABILITY
from infra.migrate.endpoint import NEWEST_VERSION
from infra.migrate.errors import MigrationError
from infra.migrate.importing import Import, Outcome
from infra.migrate.places import Places
from infra.migrate.progress import tracking
from infra.migrate.secrets import Need, all_needs, load_secrets

DONE: Final = 0
UNLIKE: Final = 1
IMPOSSIBLE: Final = 2
INTERRUPTED: Final = 130

_PLACE: Final = "a file, env:NAME of a variable with a connection string, or the string itself"
_ENDPOINT: Final = "env:NAME of a variable with a connection string, or the string itself"


@dataclass(frozen=True, slots=True)
class Report:
    """What a command tells in the end."""

    lines: Sequence[str]
    code: int = DONE


type Command = Callable[[argparse.Namespace, Places], Report]


def main(
    arguments: Sequence[str] | None = None,
    output: TextIO = sys.stdout,
    errors: TextIO = sys.stderr,
) -> int:
    """Runs a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        with tracking(errors) as track:
            report = command(
                options, Places(os.environ, options.api_version, options.ca_certificate, track)
            )
    except MigrationError as error:
        errors.write(f"{error}\n")
        return IMPOSSIBLE
    except KeyboardInterrupt:
        errors.write("Interrupted. Start it again to go on.\n")
        return INTERRUPTED
    output.writelines(f"{line}\n" for line in report.lines)
    return report.code


# -- commands ---------------------------------------------------------------------------------


def export_to_file(options: argparse.Namespace, places: Places) -> Report:
    with places.endpoint(options.source) as endpoint:
        snapshot = places.read(endpoint)
        snapshot.save(options.file, endpoint=endpoint.name, now=datetime.now(UTC))
    return Report(_told("No router tells the secrets of rules", all_needs(snapshot)))


def import_to_endpoint(options: argparse.Namespace, places: Places) -> Report:
    wanted = places.snapshot(options.source)
    secrets = load_secrets(options.secrets, wanted) if options.secrets else {}
    ignoring = _ignored(options)
    with places.endpoint(options.target) as endpoint:
        present = places.read(endpoint)
        if options.dry_run:
            found = differences(present, wanted, ignoring)
            ahead = [str(each) for each in found if each.sign is not Sign.ONLY_IN_FIRST]
            return Report([*ahead, *(f"secret of {place}" for place in sorted(secrets))])
        work = Import(endpoint, present, secrets, ignoring)
        work.run(wanted, places.track)
    return _report(work.outcome)


def compare(options: argparse.Namespace, places: Places) -> Report:
    first, second = places.snapshot(options.first), places.snapshot(options.second)
    found = [str(difference) for difference in differences(first, second, _ignored(options))]
    return Report(found, UNLIKE if found else DONE)


def _ignored(options: argparse.Namespace) -> Collection[str]:
    return () if options.availability else (AVAILABILITY,)


def _report(outcome: Outcome) -> Report:
    lines = [
        f"{len(outcome.written)} written, {len(outcome.refused)} refused",
        *(f"  {kind}/{id}: {reason}" for (kind, id), reason in outcome.refused.items()),
        *_told("Written or refused without their secrets", outcome.unmet.values()),
    ]
    return Report(lines, UNLIKE if outcome.refused else DONE)


def _told(heading: str, found: Iterable[Need]) -> Sequence[str]:
    lines = [f"  {need}" for need in found]
    return [f"{heading}. Give them to the import with --secrets:", *lines] if lines else []


# -- arguments --------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.migrate",
        description="Copies policies, queues and workers between endpoints that speak the API.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = _command(commands, "export", export_to_file, "write the definitions to a file")
    export.add_argument("source", metavar="FROM", help=_ENDPOINT)
    export.add_argument("file", metavar="FILE", type=Path, help="replaced if it is there")

    into = _command(commands, "import", import_to_endpoint, "write to an endpoint what differs")
    into.add_argument("source", metavar="FROM", help=_PLACE)
    into.add_argument("target", metavar="TO", help=_ENDPOINT)
    into.add_argument("--secrets", metavar="FILE", type=Path, help="keys and secrets of rules")
    into.add_argument("--dry-run", action="store_true", help="only tell what would be written")
    _add_availability(into, "also register and deregister workers as they are at FROM")

    diff = _command(commands, "diff", compare, "tell in what two places differ")
    diff.add_argument("first", metavar="ONE", help=_PLACE)
    diff.add_argument("second", metavar="OTHER", help=_PLACE)
    _add_availability(diff, "also compare whether workers are registered")
    return parser


type _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _command(commands: _Commands, name: str, run: Command, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=f"{help.capitalize()}.")
    parser.set_defaults(command=run)
    parser.add_argument(
        "--api-version", default=NEWEST_VERSION, help="of all endpoints (default: %(default)s)"
    )
    parser.add_argument(
        "--ca-certificate",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="trust this authority too, such as that of a local host; may be repeated",
    )
    return parser


def _add_availability(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("--availability", action="store_true", help=help)
