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


async def test_a_sweep_adds_what_others_submitted_and_nothing_twice() -> None:
    rig = await Rig().ready()
    other = Rig(rig.store)
    for number in range(3):
        await other.job(f"job-{number}", channel="voice")
    await rig.worker()
    assert len(rig.router.backlog) == 0
    for _ in range(2):
        await rig.sweep()
        assert len(rig.router.backlog) == 3
