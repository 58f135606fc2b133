"""Where applications may rely on either answer, a setting chooses it."""

from dataclasses import replace

import pytest

from shared.domain.behaviour import Behaviour
from shared.domain.errors import Conflict
from shared.domain.statuses import JobStatus
from shared.services.jobs import cancel_job, close_job, complete_job
from shared.services.workers import delete_worker
from tests.rig import Rig


async def assigned(behaviour: Behaviour) -> tuple[Rig, str]:
    """The job ``job`` is assigned to ``worker``; with the assignment's id."""
    rig = await Rig().ready()
    rig.router = replace(rig.router, behaviour=behaviour)
    await rig.worker()
    await rig.job()
    return rig, (await rig.accept()).assignment_id


async def test_to_close_an_assigned_job_is_refused() -> None:
    rig, assignment_id = await assigned(Behaviour())
    with pytest.raises(Conflict):
        await close_job(rig.router, "job", assignment_id, None, None, None)


async def test_or_completes_it_first() -> None:
    rig, assignment_id = await assigned(Behaviour(close_completes=True))
    await close_job(rig.router, "job", assignment_id, None, None, None)
    assert rig.events.names("job")[-2:] == ["JobCompleted", "JobClosed"]
    assert (await rig.read_worker()).reservations == ()


async def test_a_completed_job_is_not_completed_again() -> None:
    rig, assignment_id = await assigned(Behaviour(close_completes=True))
    await complete_job(rig.router, "job", assignment_id, None)
    await close_job(rig.router, "job", assignment_id, None, None, None)
    assert rig.events.names("job").count("JobCompleted") == 1


async def test_an_assigned_job_is_cancelled() -> None:
    rig, _ = await assigned(Behaviour())
    await cancel_job(rig.router, "job", None, None)
    assert (await rig.read_job()).status is JobStatus.CANCELLED


async def test_or_not() -> None:
    rig, _ = await assigned(Behaviour(cancels_assigned=False))
    with pytest.raises(Conflict):
        await cancel_job(rig.router, "job", None, None)
    await rig.job("waiting")
    await cancel_job(rig.router, "waiting", None, None)
    assert (await rig.read_job()).status is JobStatus.ASSIGNED


async def test_a_busy_worker_is_not_deleted() -> None:
    rig, _ = await assigned(Behaviour())
    with pytest.raises(Conflict):
        await delete_worker(rig.router, "worker")


async def test_or_is_and_its_job_can_still_be_finished() -> None:
    rig, assignment_id = await assigned(Behaviour(deletes_busy_workers=True))
    await delete_worker(rig.router, "worker")
    await complete_job(rig.router, "job", assignment_id, None)
    await close_job(rig.router, "job", assignment_id, None, None, None)
    assert (await rig.read_job()).status is JobStatus.CLOSED
