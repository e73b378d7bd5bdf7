"""The global stop: once it is answered nothing begins, of any plan, by any channel, until it is taken back."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from models import audience, delivery, intent, sending, trial
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.errors import Refused
from models.experiment import Experiment, ExperimentMetric, Variant, winner
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.progress import progress
from models.slice import Slice
from tests import oracle
from tests.conftest import NOON
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_running, make_shop
from tests.outside import Outside
from tests.slices import mail_plan, make_worker, spread
from tests.waiting import until_a_lock_is_waited_for, until_locks_are_waited_for_by

pytestmark = pytest.mark.usefixtures("database")

OTHER = Variant({"texts": {tag: {"text": "Hello {name}"} for tag in ("en", "es")}})


async def acquired(plan: Plan) -> Slice | None:
    return await slices.acquire(plan.id, 1, await make_worker(), uuid4())


async def test_what_was_loaded_before_a_stop_is_granted_no_intent_after_it():
    _, plan = await mail_plan()
    held = await acquired(plan)
    assert held is not None
    first, *others = await slices.load(held)
    granted = await intent.commit([], [first])

    await sending.stop("a leak", actor="test")

    assert granted == [1] and await intent.commit([], others) == [None] * len(others)
    assert not await intent.may_go_on(others[0])
    found = await sending.read()
    assert (found.stop is not None and found.stop.reason, found.in_flight) == ("a leak", 1)
    await oracle.check(at_rest=False)


async def test_while_stopped_no_slice_range_or_trial_is_begun_and_afterwards_all_are(settings):
    _, plan = await mail_plan()
    running = await make_running(await make_shop("other"))
    shop = await make_shop("third")
    draft = await make_draft(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE shop SET postal_address = '1 Street'")
    await trial.ask(shop, draft, ["one@example.com"], tag=None, actor="test", secret=b"key")
    await sending.stop("a drill", actor="test")

    assert await slices.due(10) == []
    assert await acquired(plan) is None
    assert await audience.resolve_range(running.id) is None
    assert await trial.take() == []
    told = await progress(plan.id)
    assert told is not None and told.is_stopped

    await sending.resume(actor="test")

    assert [each.plan_id for each in await slices.due(10)] == [plan.id]
    assert await acquired(plan) is not None
    assert await audience.resolve_range(running.id) is not None
    assert len(await trial.take()) == 1
    told = await progress(plan.id)
    assert told is not None and not told.is_stopped


async def test_a_stop_waits_for_who_is_just_beginning_and_finds_their_token():
    _, plan = await mail_plan()
    begun: asyncio.Future[Slice | None] = asyncio.get_running_loop().create_future()
    go_on = asyncio.Event()

    async def begin() -> None:
        async with db.transaction():
            begun.set_result(await acquired(plan))
            await go_on.wait()

    beginning = asyncio.create_task(begin())
    held = await begun
    assert held is not None
    stopping = asyncio.create_task(sending.stop("a drill", actor="test"))
    await asyncio.wait([stopping], timeout=0.5)
    assert not stopping.done()
    go_on.set()
    await asyncio.gather(beginning, stopping)

    assert await slices.load(held) == []


async def test_the_time_of_a_stop_does_not_count_to_a_deadline_nor_does_anything_expire_in_it(clock: Clock):
    _, plan = await mail_plan()
    deadline = await db.fetch_value("SELECT deadline FROM plan")
    await sending.stop("a drill", actor="test")
    clock.move(DEADLINE + timedelta(hours=1))

    assert await delivery.expire(plan.id, now()) == 0
    await sending.resume(actor="test")

    assert await db.fetch_value("SELECT deadline FROM plan") == deadline + DEADLINE + timedelta(hours=1)
    assert await delivery.expire(plan.id, now()) == 0
    assert await acquired(plan) is not None


async def test_a_pause_within_a_stop_counts_to_no_deadline_either(clock: Clock):
    _, plan = await mail_plan()
    deadline = await db.fetch_value("SELECT deadline FROM plan")
    await sending.stop("a drill", actor="test")
    clock.move(timedelta(hours=5))
    assert await plan.pause()
    clock.move(timedelta(hours=5))
    await sending.resume(actor="test")
    clock.move(timedelta(hours=1))

    await plan.resume(await make_shop_of(plan))

    assert await db.fetch_value("SELECT deadline FROM plan") == deadline + timedelta(hours=11)


@pytest.mark.parametrize("paused_before", [timedelta(), timedelta(hours=2)])
async def test_time_in_which_a_plan_was_both_paused_and_stopped_is_left_out_once(
    clock: Clock, paused_before: timedelta
):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, experiment=Experiment((OTHER,), 50, ExperimentMetric.READ, 4))
    before = await db.fetch_one("SELECT deadline, decides_at FROM plan")
    assert before is not None
    assert await plan.pause()
    clock.move(paused_before)
    await sending.stop("a drill", actor="test")
    clock.move(timedelta(hours=5))
    await plan.resume(shop)
    clock.move(timedelta(hours=5))

    await sending.resume(actor="test")

    after = await db.fetch_one("SELECT deadline, decides_at FROM plan")
    assert after is not None
    held = paused_before + timedelta(hours=10)
    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [held, held]


@pytest.mark.parametrize("paused", [False, True])
async def test_of_a_stop_only_what_is_left_of_it_at_a_retry_is_added_to_the_deadline_of_that(
    clock: Clock, *, paused: bool
):
    shop, plan = await mail_plan()
    await db.execute("UPDATE delivery SET state = 'FAILED', reason = '5.6.0'")
    await db.execute("UPDATE slice SET done_at = $1", now())
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    await sending.stop("a drill", actor="test")
    clock.move(timedelta(hours=40))
    await plan.retry_failed(shop, include_unknown=False, deadline_after=DEADLINE)
    retried_at = now()
    if paused:
        await plan.pause()
    clock.move(timedelta(hours=2))
    if paused:
        await plan.resume(shop)

    await sending.resume(actor="test")

    assert await db.fetch_value("SELECT deadline FROM plan") == retried_at + timedelta(hours=2) + DEADLINE


async def test_a_pause_after_a_winner_was_declared_moves_its_decision_no_more(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, experiment=Experiment((OTHER,), 50, ExperimentMetric.READ, 4))
    decides_at = await db.fetch_value("SELECT decides_at FROM plan")
    clock.move(timedelta(hours=4))
    assert await winner.declare(plan.id) is not None
    await plan.refresh_from_db()
    await plan.pause()
    clock.move(timedelta(hours=5))

    await plan.resume(shop)

    assert await db.fetch_value("SELECT decides_at FROM plan") == decides_at


async def test_the_time_of_a_stop_does_not_count_to_an_experiment_and_no_winner_is_declared_in_it(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, experiment=Experiment((OTHER,), 100, ExperimentMetric.READ, 4))
    await sending.stop("a drill", actor="test")
    clock.move(timedelta(hours=5))

    assert await winner.due() == []
    assert await winner.declare(plan.id) is None
    await sending.resume(actor="test")

    assert await winner.due() == []
    clock.move(timedelta(hours=4))
    assert await winner.due() == [plan.id]


async def make_shop_of(plan: Plan):
    await plan.fetch_related("shop")
    return plan.shop


async def test_stopping_twice_answers_the_first_stop_and_resuming_twice_changes_nothing():
    first = await sending.stop("one", actor="a")
    assert await sending.stop("two", actor="b") == first

    assert await sending.resume(actor="b") == first
    assert await sending.resume(actor="b") is None
    second = await sending.stop("two", actor="b")

    assert (second.reason, second.stopped_at) == ("two", NOON)
    assert await db.fetch_value("SELECT count(*) FROM sending_stop") == 2


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_a_stop_needs_a_reason_and_without_one_nothing_is_stopped(reason: str):
    with pytest.raises(Refused, match="reason"):
        await sending.stop(reason, actor="test")

    assert not await sending.is_stopped()


async def test_all_sending_is_stopped_while_a_plan_is_paused_whose_slices_were_taken_in_another_order():
    _, plan = await mail_plan(3)
    await spread(plan)
    worker = await make_worker()
    for number in (3, 2, 1):
        assert await slices.acquire(plan.id, number, worker, uuid4())
    outside = Outside()

    async with db.transaction():
        await db.execute("SELECT FROM slice WHERE plan_id = $1 AND number = 2 FOR UPDATE", plan.id)
        stopping = outside.begin(sending.stop("a leak", actor="test"))
        await until_locks_are_waited_for_by(1)
        pausing = outside.begin(plan.pause())
        await until_locks_are_waited_for_by(2)

    assert (await stopping).reason == "a leak"
    assert PlanStatus.PAUSED is (await pausing).status
    assert await db.fetch_value("SELECT count(token) FROM slice") == 0


async def test_a_stop_that_is_given_up_for_another_transaction_is_done_again():
    _, plan = await mail_plan(1)
    assert await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    outside = Outside()

    async with db.transaction():
        await db.execute("SET LOCAL deadlock_timeout = '1h'")  # so that it is the other that is given up
        await db.execute("SELECT FROM slice FOR UPDATE")
        stopping = outside.begin(sending.stop("a leak", actor="test"))
        await until_a_lock_is_waited_for(unless=stopping)
        await db.execute("SELECT FROM plan FOR UPDATE")

    assert (await stopping).reason == "a leak"
    assert await db.fetch_value("SELECT count(token) FROM slice") == 0
    assert await db.fetch_value("SELECT count(*) FROM sending_stop") == 1
