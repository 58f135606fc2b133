"""Event Grid being down loses nothing and fails no request."""

import pytest

from tests.rig import Rig


@pytest.fixture
async def rig() -> Rig:
    return await Rig().ready()


async def test_requests_succeed_while_the_publisher_is_down(rig: Rig) -> None:
    rig.events.down = True
    await rig.worker()
    await rig.job()
    await rig.finish(await rig.accept())
    assert rig.events.published == []
    assert rig.events.attempts == 1, "after a failure, requests leave it to the sweep"

    rig.events.down = False
    rig.clock.forward(seconds=20)
    await rig.sweep()
    assert rig.events.names("job") == [
        "JobReceived",
        "JobQueued",
        "OfferIssued",
        "OfferAccepted",
        "JobCompleted",
        "JobClosed",
    ]


async def test_requests_publish_again_once_the_pause_is_over(rig: Rig) -> None:
    rig.events.down = True
    await rig.worker()
    rig.events.down = False
    await rig.job("during")
    assert rig.events.published == []
    rig.clock.forward(seconds=6)
    await rig.job("after")
    assert "JobReceived" in rig.events.names("after")


async def test_a_published_event_is_not_published_again(rig: Rig) -> None:
    await rig.worker()
    await rig.job()
    count = len(rig.events.published)
    rig.clock.forward(seconds=30)
    await rig.sweep()
    assert len(rig.events.published) == count


async def test_more_records_than_a_batch_all_leave_the_outbox(rig: Rig) -> None:
    rig.events.down = True
    for number in range(250):
        await rig.job(f"job-{number}")
    rig.events.down = False
    rig.clock.forward(seconds=20)
    await rig.sweep()
    assert len(rig.events.published) == 500
