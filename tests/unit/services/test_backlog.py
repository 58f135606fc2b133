"""What a process remembers of waiting jobs."""

from shared.services.backlog import Backlog
from tests.rig import Rig


async def test_it_knows_the_jobs_for_which_nobody_was_there() -> None:
    rig = await Rig().ready()
    await rig.job("one")
    await rig.job("two")
    assert len(rig.router.backlog) == 2
    await rig.worker()
    assert len(rig.router.backlog) == 1, "the first one was offered"


async def test_it_never_holds_more_than_it_may() -> None:
    rig = await Rig().ready()
    backlog = Backlog(most_known=3)
    for number in range(10):
        await rig.job(f"job-{number}")
        backlog.notice(await rig.read_job(f"job-{number}"))
        assert len(backlog) <= 3
