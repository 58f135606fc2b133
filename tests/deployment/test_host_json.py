"""host.json has only members that Azure's host knows, with values that it takes and we mean."""

import copy
import json
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest

from functions.fan_out import MESSAGE_LIFETIME
from tests.deployment.package import ROOT
from tests.local.host_rig import loaded

DURATION = {"type": "string", "pattern": r"^\d\d:[0-5]\d:[0-5]\d$"}
LEASE = {"enum": [f"00:00:{seconds}" for seconds in range(15, 60)] + ["00:01:00"]}
"""What Azure Storage lets a blob be leased for: 15 to 60 seconds."""
LIMIT = {"type": "integer", "anyOf": [{"const": -1}, {"minimum": 1}]}
LEVEL = {
    "enum": ["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"],
}
LONGEST_REQUEST = timedelta(seconds=230)
"""When Azure's load balancer gives up a request, whatever the function's own limit is."""


def _closed(*required: str, **members: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": False,
    }


SCHEMA = _closed(
    "version",
    "extensionBundle",
    version={"const": "2.0"},
    telemetryMode={"enum": ["OpenTelemetry", "ApplicationInsights"]},
    functionTimeout={"anyOf": [DURATION, {"const": "-1"}]},
    extensionBundle=_closed(
        "id",
        "version",
        id={"const": "Microsoft.Azure.Functions.ExtensionBundle"},
        version={"type": "string", "pattern": r"^[\[(][\d.*]+, *[\d.]+[\])]$"},
    ),
    extensions=_closed(
        http=_closed(
            routePrefix={"type": "string"},
            maxConcurrentRequests=LIMIT,
            maxOutstandingRequests=LIMIT,
            dynamicThrottlesEnabled={"type": "boolean"},
            hsts={"type": "object"},
            customHeaders={"type": "object"},
        ),
        queues=_closed(
            batchSize={"type": "integer", "minimum": 1, "maximum": 32},
            newBatchThreshold={"type": "integer", "minimum": 0, "maximum": 1000},
            maxDequeueCount={"type": "integer", "minimum": 1},
            maxPollingInterval=DURATION,
            visibilityTimeout=DURATION,
            messageEncoding={"enum": ["base64", "none"]},
        ),
    ),
    singleton=_closed(
        lockPeriod=LEASE,
        listenerLockPeriod=LEASE,
        listenerLockRecoveryPollingInterval=DURATION,
        lockAcquisitionTimeout=DURATION,
        lockAcquisitionPollingInterval=DURATION,
    ),
    logging=_closed(
        fileLoggingMode={"enum": ["never", "always", "debugOnly"]},
        logLevel={"type": "object", "required": ["default"], "additionalProperties": LEVEL},
    ),
)
"""The members of docs.microsoft.com's reference, as far as an app like this could have them."""


@pytest.fixture
def host_json() -> Any:
    return json.loads((ROOT / "host.json").read_text("utf-8"))


def test_every_member_is_known(host_json: Any) -> None:
    jsonschema_rs.validate(SCHEMA, host_json)


@pytest.mark.parametrize(
    ("section", "member", "value"),
    [
        ("", "functionTimeOut", "00:05:00"),
        ("", "functionTimeout", "5 minutes"),
        ("", "telemetryMode", "openTelemetry"),
        ("extensionBundle", "version", "4"),
        ("extensions.http", "routeprefix", ""),
        ("extensions.http", "maxConcurrentRequests", 0),
        ("extensions.queues", "batchSize", 33),
        ("extensions.queues", "messageEncoding", "base-64"),
        ("singleton", "listenerLockPeriod", "00:00:14"),
        ("logging.logLevel", "default", "Info"),
    ],
)
def test_a_mistake_would_be_seen(host_json: Any, section: str, member: str, value: object) -> None:
    wrong = copy.deepcopy(host_json)
    target = wrong
    for name in section.split(".") if section else ():
        target = target[name]
    target[member] = value
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(SCHEMA, wrong)


def test_a_function_may_take_longer_than_any_request(host_json: Any) -> None:
    assert _duration(host_json["functionTimeout"]) > LONGEST_REQUEST


def test_a_message_that_failed_comes_back_when_it_is_old(host_json: Any) -> None:
    assert _duration(host_json["extensions"]["queues"]["visibilityTimeout"]) == MESSAGE_LIFETIME


async def test_what_functions_log_is_kept_and_what_the_host_tells_of_each_run_is_not(
    host_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions that no request triggers log what they do at the level ``Information``."""
    monkeypatch.setenv("JOBROUTER_MATCH_FAN_OUT", "true")
    async with loaded(ROOT) as worker:
        background = {f.name for f in worker.functions if f.trigger["type"] != "httpTrigger"}
    levels = {f"Function.{name}.User": "Information" for name in background}
    assert host_json["logging"]["logLevel"] == {"default": "Warning", **levels}


def _duration(text: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
