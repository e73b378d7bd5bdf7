"""Whatever ends a slice early, a plan, a worker or a job, what was begun is settled and nothing more is begun."""

import asyncio
from collections.abc import Callable

import pytest

from jobs.channels.platform import PlatformChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import consent
from models import slice as slices
from models.plan import Plan
from tests import oracle
from tests.http_sink import HttpSink
from tests.jobs.channels.platform.plan import make_platform_plan, states
from tests.waiting import until


async def test_a_cancelled_plan_s_messages_stop_before_their_last_byte(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], monkeypatch: pytest.MonkeyPatch
):
    platform(webhook_connections=1)
    _, plan, _ = await make_platform_plan(receiver, 20)
    load = slices.load

    async def cancelled_after_load(held: slices.Slice) -> list[slices.Waiting]:
        messages = await load(held)
        await (await Plan.get(id=held.plan_id)).cancel()
        return messages

    monkeypatch.setattr(slices, "load", cancelled_after_load)
    await deliver_slice(ctx, plan.id, 1)

    assert receiver.taken() == []
    assert receiver.begun == 1
    assert await states() == {("CANCELLED", None, 0): 20}


async def test_a_database_lost_while_it_is_asked_whether_a_slice_goes_on_leaves_no_message_unknown(
    ctx: Context,
    receiver: HttpSink,
    platform: Callable[..., PlatformChannel],
    monkeypatch: pytest.MonkeyPatch,
    lost_when_asked: list[slices.Waiting],
):
    platform(webhook_connections=4)
    shop, plan, _ = await make_platform_plan(receiver, 8)
    receiver.delay = 0.5  # the others have their last byte behind them by then, and no answer yet
    load = slices.load

    async def blocked_after_load(held: slices.Slice) -> list[slices.Waiting]:
        messages = await load(held)
        await consent.block(shop.id, messages[0].customer_id)
        return messages

    monkeypatch.setattr(slices, "load", blocked_after_load)
    await deliver_slice(ctx, plan.id, 1)

    assert len(lost_when_asked) == 1
    assert await states() == {("SENT", None, 1): 7, ("SUPPRESSED", "BLOCKED", 0): 1}
    await oracle.check(receiver.accepted(), channel="CHAT")


async def test_a_draining_worker_begins_nothing_more_and_the_rest_still_waits(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    channel = platform(webhook_connections=1)
    receiver.delay = 0.05
    _, plan, _ = await make_platform_plan(receiver, 50)
    delivering = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: len(receiver.taken()) >= 1)
    channel.drain()
    await delivering

    found = await states()
    assert found["SENT", None, 1] == len(receiver.taken()) < 50
    assert found["PENDING", None, 0] == 50 - len(receiver.taken())


async def test_a_cancelled_job_settles_what_it_knows(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel]
):
    platform(webhook_connections=2)
    receiver.delay = 0.05
    _, plan, _ = await make_platform_plan(receiver, 50)
    delivering = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: len(receiver.taken()) >= 4)
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering

    found = await states()
    assert set(found) <= {
        ("SENT", None, 1),
        ("UNKNOWN", "CONNECTION_LOST", 1),
        ("PENDING", None, 0),
        ("PENDING", None, 1),
    }
    assert found["UNKNOWN", "CONNECTION_LOST", 1] <= 2
    await oracle.check(receiver.accepted(), channel="CHAT")
