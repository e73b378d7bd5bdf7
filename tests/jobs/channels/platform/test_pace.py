"""What a platform can take: so many requests at once, none while it cannot be reached, turns for other shops' slices."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs.back_off import FIRST_WAIT
from jobs.channels import platform as platforms
from jobs.channels.platform import IN_A_ROW, PlatformChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.plan import Plan, PlanStatus
from tests.conftest import NOON
from tests.factories import make_resolved
from tests.http_sink import HttpSink
from tests.jobs.channels.platform.plan import make_platform_plan, states
from tests.waiting import until


async def test_a_platform_that_refuses_connections_costs_no_try_and_the_slice_comes_back(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    _, plan, _ = await make_platform_plan(receiver, 20)
    receiver.stop()

    await deliver_slice(ctx, plan.id, 1)
    assert await states() == {("PENDING", None, 0): 20}
    due = await db.fetch_value("SELECT due_at FROM slice")
    assert NOON + timedelta(seconds=5) <= due <= NOON + timedelta(seconds=60)
    receiver.start()
    clock.freeze(due)
    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None, 1): 20}
    assert len(set(receiver.taken())) == 20


async def test_a_platform_that_still_cannot_be_reached_rests_twice_as_long_until_it_is(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock
):
    platform()
    shop, plan, _ = await make_platform_plan(receiver, 20)
    receiver.stop()
    pauses = []
    for _ in range(4):
        await deliver_slice(ctx, plan.id, 1)
        due = await db.fetch_value("SELECT due_at FROM slice")
        pauses.append((due - now()).total_seconds())
        clock.freeze(due)
    assert pauses == [5, 10, 20, 40]

    receiver.start()
    await deliver_slice(ctx, plan.id, 1)
    receiver.stop()
    later = await make_resolved(shop)
    await deliver_slice(ctx, later.id, 1)

    due = await db.fetch_value("SELECT due_at FROM slice WHERE plan_id = $1", later.id)
    assert due - now() == timedelta(seconds=5)


async def test_a_platform_that_asks_to_wait_gets_nothing_more_until_then(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=1)
    receiver.script = lambda _number: "429\nretry-after: 600\r\n"
    _, plan, _ = await make_platform_plan(receiver, 20)

    await deliver_slice(ctx, plan.id, 1)

    assert receiver.begun == 1
    assert await states() == {("PENDING", "429", 1): 1, ("PENDING", None, 0): 19}
    assert await db.fetch_value("SELECT due_at FROM slice") == NOON + timedelta(minutes=10)


async def test_a_platform_that_takes_nothing_pauses_the_plan_and_most_still_wait(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=1)
    receiver.script = lambda _number: 401
    _, plan, _ = await make_platform_plan(receiver, 100)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("FAILED", "401", 1): IN_A_ROW, ("PENDING", None, 0): 100 - IN_A_ROW}
    paused = await Plan.get(id=plan.id)
    assert (paused.status, paused.status_reason) == (PlanStatus.PAUSED, "RELAY_REFUSES:401")


async def test_messages_that_are_not_taken_are_counted_from_one_small_slice_to_the_next(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", IN_A_ROW // 4)
    platform(webhook_connections=1)
    receiver.script = lambda _number: 401
    _, plan, _ = await make_platform_plan(receiver, 2 * IN_A_ROW)

    for number in range(1, 9):
        await deliver_slice(ctx, plan.id, number)

    assert await states() == {("FAILED", "401", 1): IN_A_ROW, ("PENDING", None, 0): IN_A_ROW}
    assert (await Plan.get(id=plan.id)).status_reason == "RELAY_REFUSES:401"


async def test_as_many_requests_as_allowed_are_on_the_wire_at_once(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", 10)
    platform()
    receiver.delay = 0.02
    _, plan, _ = await make_platform_plan(receiver, 40)

    await asyncio.gather(*(deliver_slice(ctx, plan.id, number) for number in range(1, 5)))

    assert await states() == {("SENT", None, 1): 40}
    assert receiver.most_open == 4


async def test_a_slow_platform_s_slice_takes_turns_and_loses_nothing(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    platform(webhook_connections=1)
    _, plan, _ = await make_platform_plan(receiver, 5)
    receiver.delay = 0.2
    monkeypatch.setattr(platforms, "TURN", 0.1)
    await deliver_slice(ctx, plan.id, 1)
    after_one = await states()
    receiver.delay = 0
    monkeypatch.setattr(platforms, "TURN", 60.0)
    await deliver_slice(ctx, plan.id, 1)

    assert after_one["PENDING", None, 0] >= 4
    assert set(after_one) <= {("PENDING", None, 0), ("SENT", None, 1)}
    assert await states() == {("SENT", None, 1): 5}
    assert len(set(receiver.taken())) == 5


async def test_one_shop_s_slices_leave_places_for_others(
    ctx: Context,
    receiver: HttpSink,
    platform: Callable[..., PlatformChannel],
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
):
    monkeypatch.setattr(platforms, "AT_ONCE_OF_SHOP", 1)
    platform()
    shop, plan, _ = await make_platform_plan(receiver, 3)
    second = await make_resolved(shop)
    receiver.delay = 0.5
    first = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: receiver.begun > 0)
    await deliver_slice(ctx, second.id, 1)
    waiting = await db.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1 AND state = 'PENDING'", second.id)
    await first
    clock.move(timedelta(seconds=FIRST_WAIT))
    await deliver_slice(ctx, second.id, 1)

    assert waiting == 3
    assert await states() == {("SENT", None, 1): 6}
