"""The platform around a deployed app: starts instances of it, and gives them work."""

import importlib.util
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, override

from infra.local.worker import (
    Function,
    FunctionWorker,
    HttpRequest,
    HttpResponse,
    InvocationError,
    QueueMessage,
)
from tests.deployment.instance import Invocation, Outcome, Started
from tests.deployment.package import ROOT, DeployedApp

ISOLATED = ("-I", "-S", "-B")
"""Neither the environment's packages nor its settings for Python; no bytecode kept, as the app's
folder cannot be written to on the platform."""

_RUN = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
sys.path.append(sys.argv[3])
from tests.deployment.instance import main
main(Path(sys.argv[2]))
"""
_IMPORT = """
import importlib, sys
sys.path[:0] = sys.argv[1:3]
for name in sys.argv[3:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""
_OWN_MODULES = ("infra/local/worker.py", "tests/deployment/instance.py")


def worker_library(folder: Path) -> Path:
    """A folder with what the platform brings along, and nothing else of this environment."""
    folder.mkdir()
    for name in ("azure_functions_runtime", "azurefunctions"):
        (folder / name).symlink_to(_package(name))
    for module in _OWN_MODULES:
        (folder / module).parent.mkdir(parents=True)
        (folder / module).symlink_to(ROOT / module)
    return folder


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.submodule_search_locations, f"{name} is not a package"
    return Path(next(iter(spec.submodule_search_locations)))


class Instance(FunctionWorker):
    """A running instance. ``invoked`` are the functions that it was given work for.

    ``messages``: what the last invocation put on the storage queue. ``origins``: where its modules
    came from, once it has stopped.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        started: Started = self._answer()
        self.load_seconds = started.load_seconds
        self.invoked: set[str] = set()
        self.messages: list[str] = []
        self.origins: Mapping[str, str] = {}
        super().__init__(started.functions)

    @override
    async def invoke_http(self, function: Function, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self._given(function, request)
        return response

    @override
    async def invoke_timer(self, function: Function, *, past_due: bool = False) -> None:
        assert not past_due, "an instance is told of timers that are in time"
        self._given(function, None)

    @override
    async def invoke_queue(self, function: Function, message: QueueMessage) -> None:
        self._given(function, message)

    def stop(self) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.close()
        self.origins = self._answer()
        assert self._process.wait() == 0

    def _given(self, function: Function, payload: HttpRequest | QueueMessage | None) -> Any:
        assert self._process.stdin is not None, "it is a pipe"
        pickle.dump(Invocation(function.name, payload), self._process.stdin)
        self._process.stdin.flush()
        outcome: Outcome = self._answer()
        self.invoked.add(function.name)
        if outcome.error:
            raise InvocationError(function.name, outcome.error, "")
        self.messages = outcome.messages
        return outcome.returned

    def _answer(self) -> Any:
        assert self._process.stdout is not None, "it is a pipe"
        return pickle.load(self._process.stdout)


@contextmanager
def instance_of(app: DeployedApp, library: Path, settings: Mapping[str, str]) -> Iterator[Instance]:
    """An instance with the app settings, stopped in the end."""
    process = subprocess.Popen(
        [sys.executable, *ISOLATED, "-c", _RUN, app.site_packages, app.folder, library],
        cwd=app.folder,
        env=settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            instance = Instance(process)
            yield instance
            instance.stop()
        finally:
            process.kill()


def imported_in_vain(app: DeployedApp, modules: list[str]) -> list[str]:
    """Those of the modules that the app and its dependencies alone cannot import, and why."""
    run = subprocess.run(
        [sys.executable, *ISOLATED, "-c", _IMPORT, app.site_packages, app.folder, *modules],
        cwd=app.folder,
        env={},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()
