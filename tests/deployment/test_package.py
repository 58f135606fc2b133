"""What is deployed is what is tested: the uploaded files, built for the platform, run alone."""

import ast
import base64
import importlib.util
import platform
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from statistics import median
from struct import unpack
from time import perf_counter
from uuid import UUID

import pytest

from infra.local.worker import TIMER_TRIGGER, QueueMessage
from tests.cosmos.double import Options, double_in_thread
from tests.deployment.conftest import MEASURE
from tests.deployment.package import ROOT, DeployedApp, uploaded_files
from tests.deployment.platform import Instance, imported_in_vain, instance_of
from tests.deployment.scenario import ok, run_every_timer, use_every_operation
from tests.e2e.webhook import Webhook
from tests.functions.api import JOB, KEY, WORKER, Api

MEGABYTE = 1_000_000
LARGEST_UPLOAD = 2 * MEGABYTE
LARGEST_DEPLOYMENT = 150 * MEGABYTE
STARTS = 3
LOCAL_EXPORTER = "opentelemetry.exporter.otlp."
"""Sends telemetry to a collector, and comes with the local host alone."""
INSIGHTS = f"InstrumentationKey={UUID(int=1)};IngestionEndpoint=http://127.0.0.1:9/"
"""Nobody listens there: telemetry is made, and not sent."""

UPLOADED = {
    "function_app.py",
    "functions",
    "shared",
    "host.json",
    "requirements.txt",
    "constraints.txt",
}
PRIVATE = (
    "local.settings.json",
    ".env",
    ".git/config",
    ".jobrouter/access.key",
    "data/router.db",
    "infra/main.bicep",
    "infra/functions/main.py",
)
OTHER_BYTECODE = (
    "__pycache__/function_app.cpython-313.pyc",
    ".venv/lib/module.cpython-313.pyc",
    "infra/__pycache__/costs.cpython-313.pyc",
    "shared/__pycache__/settings.cpython-312.pyc",
    "shared/__pycache__/settings.cpython-313-pytest-9.2.0.pyc",
)
CHECKED_HASH = 0b11
"""In bytecode: it is valid for the source with the hash that follows (PEP 552)."""

type Settings = dict[str, str]
type Record = Callable[[str, object], None]

on_the_platform = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="the dependencies are those for Linux on x86-64",
)


@pytest.fixture
def settings() -> Iterator[Settings]:
    """App settings like those in Azure, with doubles of Cosmos DB and of an Event Grid topic."""
    with double_in_thread(Options(strict_indexing=True)) as cosmos, Webhook() as topic:
        yield {
            "JOBROUTER_STORE": f"cosmos:{cosmos.endpoint}jobrouter",
            "JOBROUTER_COSMOS_KEY": cosmos.key,
            "JOBROUTER_COSMOS_PROVISION": "true",
            "JOBROUTER_ACCESS_KEY": base64.b64encode(KEY).decode(),
            "JOBROUTER_EVENTGRID_ENDPOINT": topic.url,
            "JOBROUTER_EVENTGRID_KEY": "key",
            "JOBROUTER_TELEMETRY": "azure",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": INSIGHTS,
            "JOBROUTER_SECRETS_KEY": base64.b64encode(b"s" * 32).decode(),
        }


def api_of(instance: Instance) -> Api:
    """Its requests are signed with the time that it is, for the instance has no other clock."""
    api = Api(instance)
    behind = datetime.now(UTC) - api.rig.clock()
    api.rig.clock.forward(seconds=behind.total_seconds())
    return api


def test_the_app_is_uploaded_and_nothing_else(app: DeployedApp) -> None:
    with zipfile.ZipFile(app.upload) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == UPLOADED
    sources = {
        str(p.relative_to(ROOT)) for f in ("functions", "shared") for p in ROOT.glob(f"{f}/**/*.py")
    }
    assert sources <= set(names)


def test_its_bytecode_is_uploaded_and_is_checked_by_its_source(app: DeployedApp) -> None:
    sources = [
        path for name in ("functions", "shared") for path in (app.folder / name).rglob("*.py")
    ]
    assert len(sources) == len([*app.folder.rglob("__pycache__/*")])
    for source in sources:
        magic, flags, source_hash = unpack(
            "<4sI8s", Path(cache_from_source(source)).read_bytes()[:16]
        )
        assert (magic, flags) == (MAGIC_NUMBER, CHECKED_HASH)
        assert source_hash == importlib.util.source_hash(source.read_bytes())


def test_what_lies_about_is_not_uploaded(tmp_path: Path) -> None:
    for name in (*PRIVATE, *OTHER_BYTECODE, "shared/settings.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    assert list(uploaded_files(tmp_path)) == [Path("shared/settings.py")]


def test_every_dependency_is_pinned(app: DeployedApp) -> None:
    files = ("requirements.txt", "constraints.txt")
    lines = [line for name in files for line in (app.folder / name).read_text().splitlines()]
    pinned = {_normal(line) for line in lines if "==" in line}
    installed = {_normal(f.stem.replace("-", "==")) for f in app.site_packages.glob("*.dist-info")}
    assert installed
    assert installed - pinned == set()


def _normal(requirement: str) -> str:
    """``Name[extra]==1`` as ``name==1``, however it is spelt (PEP 503)."""
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name.split('[')[0]).lower()}=={version}"


def test_it_is_small(app: DeployedApp, record_property: Record) -> None:
    uploaded, deployed = app.upload_bytes / MEGABYTE, app.deployed_bytes / MEGABYTE
    record_property(MEASURE, f"{uploaded:.1f} MB uploaded, {deployed:.0f} MB with dependencies")
    assert app.upload_bytes < LARGEST_UPLOAD
    assert app.deployed_bytes < LARGEST_DEPLOYMENT


@on_the_platform
def test_whatever_it_may_import_is_there(app: DeployedApp) -> None:
    """Also what is imported late, and what none of the tests below happens to need."""
    names = {name for source in app.sources for name in _imports(source)}
    assert {"azure.identity.aio", "jwt"} <= names
    deployed = sorted(name for name in names if not name.startswith(LOCAL_EXPORTER))
    assert imported_in_vain(app, deployed) == []


def _imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


@on_the_platform
async def test_every_function_runs_alone(
    app: DeployedApp, library: Path, settings: Settings
) -> None:
    with instance_of(app, library, settings) as instance:
        await use_every_operation(api_of(instance))
        await run_every_timer(instance)
    assert instance.invoked == {function.name for function in instance.functions}
    assert _foreign(instance, app, library) == {}


@on_the_platform
async def test_the_fan_out_runs_alone(app: DeployedApp, library: Path, settings: Settings) -> None:
    with instance_of(app, library, settings | {"JOBROUTER_MATCH_FAN_OUT": "true"}) as instance:
        await _miss_a_match(api_of(instance))
        await instance.invoke_timer(instance.function("match"))
        assert len(instance.messages) == 1
        now = datetime.now(UTC)
        message = QueueMessage("id", instance.messages[0], 1, "receipt", now, now, now)
        await instance.invoke_queue(instance.function("match_queue"), message)
    assert _foreign(instance, app, library) == {}


async def _miss_a_match(api: Api) -> None:
    """Leave a waiting job and a worker who is available for another one."""
    await api.ready()
    selector = {"key": "language", "labelOperator": "equal", "value": "fr"}
    await ok(api, "PATCH", "/routing/workers/worker", WORKER)
    await ok(api, "PATCH", "/routing/jobs/job", {**JOB, "requestedWorkerSelectors": [selector]})


def _foreign(instance: Instance, app: DeployedApp, library: Path) -> dict[str, str]:
    """Modules that are neither deployed, nor the platform's, nor Python's own."""
    homes = (app.folder, library, sys.base_prefix)
    return {
        name: file
        for name, file in instance.origins.items()
        if not file.startswith(tuple(f"{home}/" for home in homes))
    }


@on_the_platform
async def test_it_starts_soon(
    app: DeployedApp, library: Path, settings: Settings, record_property: Record
) -> None:
    """Measured and told, not judged: that depends on the machine."""
    ready, answered = [], []
    await _start(app, library, settings)
    for _ in range(STARTS):
        load, answer = await _start(app, library, settings | {"JOBROUTER_COSMOS_PROVISION": ""})
        ready.append(load)
        answered.append(answer)
    record_property(
        MEASURE,
        f"ready after {median(ready) * 1000:.0f} ms (the app's import and indexing), "
        f"first answer from the store after {median(answered) * 1000:.0f} ms more",
    )
    assert len(ready) == STARTS


async def _start(app: DeployedApp, library: Path, settings: Settings) -> tuple[float, float]:
    """Seconds that loading the app took, and the first request after that."""
    with instance_of(app, library, settings) as instance:
        began = perf_counter()
        await ok(api_of(instance), "GET", "/routing/queues")
        return instance.load_seconds, perf_counter() - began


@on_the_platform
def test_schedules_are_app_settings(app: DeployedApp, library: Path, settings: Settings) -> None:
    with instance_of(app, library, settings) as instance:
        timers = [f.name for f in instance.functions if f.trigger["type"] == TIMER_TRIGGER]
    schedules = {name: f"{second} * * * * *" for second, name in enumerate(timers)}
    changed = {f"JOBROUTER_{name.upper()}_SCHEDULE": text for name, text in schedules.items()}
    with instance_of(app, library, settings | changed) as instance:
        found = {name: instance.function(name).trigger["schedule"] for name in timers}
    assert found == schedules
