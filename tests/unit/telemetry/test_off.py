"""Telemetry that is off: nothing is done for it, and nothing of it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared import bootstrap
from shared.services import sweeps
from shared.services.no_telemetry import NO_TELEMETRY
from shared.storage.memory import MemoryStore
from shared.telemetry.observability import OFF
from shared.telemetry.targets import TelemetryTarget
from tests.rig import CatchingPublisher, Rig

ROOT = Path(__file__).parents[3]


async def test_nothing_is_looked_at() -> None:
    rig = await Rig().ready()
    assert rig.router.telemetry is NO_TELEMETRY
    assert rig.router.telemetry.is_on is False

    class Unasked:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"the store was asked for {name}")

    object.__setattr__(rig.router, "store", Unasked())
    await sweeps.observe_queues(rig.router)


async def test_nothing_is_wrapped() -> None:
    store, publisher = MemoryStore(), CatchingPublisher()
    assert OFF.store(store) is store
    assert OFF.publisher(publisher) is publisher
    assert OFF.on_charge is None
    assert OFF.telemetry is NO_TELEMETRY
    await OFF.close()


def test_nothing_of_open_telemetry_is_imported() -> None:
    code = (
        "import sys, function_app; from shared import bootstrap; bootstrap.observability();"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {"PATH": "", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


@pytest.fixture
def _afresh() -> None:
    bootstrap.observability.cache_clear()


@pytest.mark.usefixtures("_afresh")
@pytest.mark.parametrize("setting", ["none", "", "unheard-of"])
def test_it_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("JOBROUTER_TELEMETRY", setting)
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    assert bootstrap.observability() is OFF
    bootstrap.observability.cache_clear()


@pytest.mark.usefixtures("_afresh")
def test_what_cannot_be_sent_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("JOBROUTER_TELEMETRY", TelemetryTarget.AZURE)
    monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "nonsense")
    assert bootstrap.observability() is OFF
    assert "telemetry is off" in caplog.text
    bootstrap.observability.cache_clear()
