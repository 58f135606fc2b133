"""What queues and waiting jobs tell of themselves."""

import pytest

from shared.api.versions import SUPPORTED
from tests.functions.api import JOB, WORKER, Api


async def test_the_position_of_a_job(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/first", JOB)
    api.rig.clock.forward(seconds=1)
    await api.patch("/routing/jobs/second", JOB)
    await api.patch("/routing/jobs/urgent", {**JOB, "priority": 9})
    found = await api.get("/routing/jobs/second/position")
    assert found.status == 200
    assert found.json == {
        "jobId": "second",
        "position": 3,
        "queueId": "queue",
        "queueLength": 3,
        "estimatedWaitTimeMinutes": 15,
    }


async def test_the_statistics_of_a_queue(api: Api) -> None:
    await api.ready()
    assert (await api.get("/routing/queues/queue/statistics")).json == {
        "queueId": "queue",
        "length": 0,
        "estimatedWaitTimeMinutes": {},
    }
    await api.patch("/routing/jobs/normal", JOB)
    await api.patch("/routing/jobs/low", {**JOB, "priority": -5})
    api.rig.clock.forward(seconds=283.44)
    found = await api.get("/routing/queues/queue/statistics")
    assert found.status == 200
    assert found.json == {
        "queueId": "queue",
        "length": 2,
        "estimatedWaitTimeMinutes": {"1": 10, "-5": 15},
        "longestJobWaitTimeMinutes": 4.724,
    }


async def test_minutes_are_rounded_up(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/workers/w", WORKER)
    await api.rig.job("served")
    api.rig.clock.forward(seconds=10)
    await api.rig.finish(await api.rig.accept("w", "served"))
    await api.patch("/routing/jobs/offered", JOB)
    found = await api.get("/routing/jobs/offered/position")
    assert (found.json["position"], found.json["estimatedWaitTimeMinutes"]) == (1, 1)


async def test_a_job_that_is_no_longer_waiting_is_not_found_in_its_queue(api: Api) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    await api.post("/routing/jobs/job:cancel")
    refused = await api.get("/routing/jobs/job/position")
    assert refused.status == 404
    assert refused.error["code"] == "NotFound"
    assert "queue position of the job 'job'" in refused.error["message"]


@pytest.mark.parametrize(
    "path", ["/routing/jobs/unknown/position", "/routing/queues/unknown/statistics"]
)
async def test_what_is_unknown_is_not_found(api: Api, path: str) -> None:
    await api.ready()
    assert (await api.get(path)).status == 404


@pytest.mark.parametrize("version", SUPPORTED)
async def test_every_version_tells_the_same(api: Api, version: str) -> None:
    await api.ready()
    await api.patch("/routing/jobs/job", JOB)
    position = await api.get("/routing/jobs/job/position", version=version)
    assert position.json["estimatedWaitTimeMinutes"] == 5
    queue = await api.get("/routing/queues/queue/statistics", version=version)
    assert queue.json["estimatedWaitTimeMinutes"] == {"1": 10}
