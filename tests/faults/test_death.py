"""Workers die, at every named moment and at random ones: nobody is lost, nobody gets a message twice."""

import asyncio
import random

import pytest

from models import database as db
from models.progress import progress
from tests.faults.failpoints import BEFORE_ANY_INTENT, MOMENTS
from tests.faults.rig import FULL, Rig

CONNECTIONS = 4


def dying(moment: str, nth: int = 3) -> dict[str, object]:
    """The fault of a worker that dies when it comes to a moment: at once where nothing was sent yet, else later."""
    return {"at": moment, "nth": 1 if moment in BEFORE_ANY_INTENT else nth, "do": "kill"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", MOMENTS if FULL else ["after the dot"])
async def test_a_worker_dies_at_a_moment_and_another_finishes_its_work(rig: Rig, moment: str):
    plan = await rig.mail_plan(400)
    rig.range_size = 200

    assert await rig.start(dying(moment)).ended() == -9
    rig.figures.faults += 1
    await rig.forget_dead()
    rig.start()
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(400)
    assert verdict.states["SENT"] + verdict.states["UNKNOWN"] == 400
    assert verdict.states["UNKNOWN"] <= (0 if moment in BEFORE_ANY_INTENT else CONNECTIONS)


@pytest.mark.timeout(300)
async def test_workers_die_one_after_another_each_at_another_moment(rig: Rig):
    plan = await rig.mail_plan(1_500)
    moments = list(MOMENTS)[:: 1 if FULL else 2]
    for moment in moments:
        assert await rig.start(dying(moment)).ended() == -9
        rig.figures.faults += 1
        await rig.forget_dead()
    rig.start()
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(1_500)
    assert verdict.states["SENT"] + verdict.states["UNKNOWN"] == 1_500
    assert verdict.states["UNKNOWN"] <= len(moments) * CONNECTIONS


@pytest.mark.timeout(600)
async def test_four_workers_die_at_random_moments_again_and_again(rig: Rig):
    recipients = 20_000 if FULL else 600
    plan = await rig.mail_plan(recipients)
    rig.sink.delay = 0.005
    dice = random.Random(20260115)
    workers = [rig.start() for _ in range(4)]
    crashes = stored = 0
    while not await _is_sent(plan.id):
        await asyncio.sleep(dice.uniform(0.2, 1))
        if rig.sink.stored < min(stored + recipients // 200, recipients):
            continue  # however slow the machine is, each death comes after some work
        stored = rig.sink.stored
        told = await progress(plan.id)
        assert told is not None and (not told.is_resolved or told.recipients == recipients)  # at any moment
        place = dice.randrange(4)
        crashes += workers[place].kill()
        await workers[place].ended()
        if dice.random() < 0.5:
            await rig.forget_dead()
        workers[place] = rig.start()
    await rig.stop_all()

    verdict = await rig.check(recipients)
    assert verdict.states["SENT"] + verdict.states["UNKNOWN"] == recipients
    assert verdict.states["UNKNOWN"] <= crashes * CONNECTIONS


async def _is_sent(plan_id: int) -> bool:
    return bool(await db.fetch_value("SELECT status = 'SENT' FROM plan WHERE id = $1", plan_id))


@pytest.mark.timeout(300)
async def test_a_worker_dies_in_the_middle_of_every_range_and_the_audience_is_whole(rig: Rig):
    recipients = 200_000 if FULL else 3_000
    rig.slice_size, rig.range_size = 1_000, recipients // 10
    plan = await rig.mail_plan(recipients)
    await db.execute("UPDATE plan SET channel = 'CHAT' WHERE id = $1", plan.id)
    for moment in ("before a range is committed", "after a range is committed") * 5:
        assert await rig.start(dying(moment), LEASE="PT1S").ended() == -9
        rig.figures.faults += 1
    rig.start()
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(recipients)
    assert verdict.states == {"SENT": recipients}
