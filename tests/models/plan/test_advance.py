"""What the server does to plans by itself, and which of them it looks at."""

from datetime import timedelta
from uuid import uuid4

import pytest

from models import database, intent
from models import slice as slices
from models.clock import Clock, now
from models.plan import Plan, PlanStatus, advance, wording
from tests.automation import make_automated
from tests.factories import DEADLINE, make_draft, make_running, make_shop
from tests.outside import Outside
from tests.slices import mail_plan, make_worker, spread
from tests.waiting import until_locks_are_waited_for_by

pytestmark = pytest.mark.usefixtures("database")


async def looked_at() -> list[int]:
    """Ids of the plans that the sweep looks after, in its order."""
    return [each.id for each in await advance.alive()]


async def test_a_scheduled_plan_starts_when_its_time_has_come_and_not_before(clock: Clock):
    shop = await make_shop()
    plan = await make_draft(shop)
    await plan.submit(shop, send_at=now() + timedelta(hours=3), deadline_after=DEADLINE)
    assert PlanStatus.SCHEDULED is plan.status and await looked_at() == []

    clock.move(timedelta(hours=3))

    assert await looked_at() == [plan.id]
    assert [await advance.start(plan.id), await advance.start(plan.id)] == [True, False]


async def test_an_automated_plan_is_looked_at_until_its_texts_are_pinned_and_again_from_its_end_on(clock: Clock):
    shop = await make_shop()
    endless = await make_automated(shop, "WELCOME_FOLLOWER")
    ending = await make_automated(shop, "WELCOME_FOLLOWER", ends_at=now() + timedelta(days=1))
    await Plan.filter(id=endless.id).update(localised_at=None)
    assert await looked_at() == [endless.id]
    assert await wording.pin(endless.id)
    assert await looked_at() == []

    clock.move(timedelta(days=1))

    assert await looked_at() == [ending.id]
    assert await advance.end(ending.id) and not await advance.end(endless.id)
    assert await looked_at() == []


async def test_a_plan_that_is_sent_once_is_looked_at_until_it_is_over():
    shop = await make_shop()
    running, cancelled = await make_running(shop), await make_running(shop)
    assert await looked_at() == [running.id, cancelled.id]

    await cancelled.cancel()
    await running.pause()

    assert await looked_at() == []


async def test_a_plan_that_pauses_and_a_commit_over_several_of_its_slices_do_not_wait_for_each_other():
    _, plan = await mail_plan(3)
    await spread(plan)
    worker_id, waiting = await make_worker(), []
    for number in (3, 2, 1):  # so they lie on disk, and a pause that asks for no order takes them
        held = await slices.acquire(plan.id, number, worker_id, uuid4())
        assert held is not None
        waiting += await slices.load(held)
    outside = Outside()

    async with database.transaction():
        await database.execute("SELECT FROM slice WHERE plan_id = $1 AND number = 2 FOR UPDATE", plan.id)
        commit = outside.begin(intent.commit([], waiting))
        await until_locks_are_waited_for_by(1)
        pause = outside.begin(advance.pause(plan.id, "BOUNCES"))
        await until_locks_are_waited_for_by(2)

    assert await commit == [1, 1, 1]
    assert await pause is True
    assert await intent.may_go_on(waiting[0]) is False
