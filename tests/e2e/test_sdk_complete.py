"""Nothing of the official SDK is forgotten by the tests which drive it."""

import ast
import inspect
from pathlib import Path
from typing import TypeGuard

import pytest
from azure.communication import jobrouter
from azure.communication.jobrouter import aio

from tests.e2e.sdk_clients import KINDS

HERE = Path(__file__).parent
CLIENTS = {"client": "JobRouterClient", "administration": "JobRouterAdministrationClient"}
FIXTURES = {"sdk", "preview", "collection"}
"""Each runs a test once for each kind of clients."""

OPENED_BY_THE_FIXTURE = {"from_connection_string", "close"}


def methods_of(client: type[object]) -> set[str]:
    """Its public methods, inherited ones too."""
    members = inspect.getmembers(client, callable)
    return {name for name, _ in members if not name.startswith("_")}


def methods_used(module: Path, client: str) -> set[str]:
    """What the module takes from whatever is called ``client``."""
    used = [node for node in ast.walk(parse(module)) if isinstance(node, ast.Attribute)]
    return {node.attr for node in used if ast.unparse(node.value).split(".")[-1] == client}


def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text(), module.name)


def modules() -> list[Path]:
    return [module for module in sorted(HERE.glob("test_sdk_*.py")) if module != Path(__file__)]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_public_method_is_used(client: str) -> None:
    used = set[str]().union(*(methods_used(module, client) for module in modules()))
    for module in (jobrouter, aio):
        methods = methods_of(getattr(module, CLIENTS[client])) - OPENED_BY_THE_FIXTURE
        assert methods - used == set()


def test_every_scenario_runs_with_both_kinds_of_clients() -> None:
    assert KINDS == ("sync", "aio")
    for module in modules():
        tests = [node for node in parse(module).body if is_test(node)]
        assert tests
        for test in tests:
            assert FIXTURES & {argument.arg for argument in test.args.args}, test.name


def is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, functions) and node.name.startswith("test_")
