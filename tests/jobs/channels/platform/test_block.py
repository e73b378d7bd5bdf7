"""Who blocks the chat while a platform has their message put off: it goes by email, or not at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs.channels.platform import PlatformChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models import consent
from models import database as db
from models.clock import Clock
from models.plan import Plan, PlanChannel, PlanStatus, advance
from tests import oracle
from tests.http_sink import HttpSink
from tests.jobs.channels.platform.plan import make_platform_plan, states


async def test_what_a_platform_put_off_goes_by_email_when_its_customer_blocks_the_chat_meanwhile(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], clock: Clock, mailbox: Mailbox
):
    platform()
    receiver.script = lambda _number: "429\nretry-after: 600\r\n"
    shop, plan, _ = await make_platform_plan(receiver, 1, channel=PlanChannel.CHAT_THEN_EMAIL)
    await deliver_slice(ctx, plan.id, 1)
    customer = await db.fetch_value("SELECT customer_id FROM delivery")

    await consent.block(shop.id, customer)
    assert await states() == {("PENDING", "429", 1): 1}
    await deliver_slice(ctx, plan.id, 2)
    assert mailbox.count() == 0  # not before its time
    clock.move(timedelta(minutes=10))
    await deliver_slice(ctx, plan.id, 1)
    await deliver_slice(ctx, plan.id, 2)

    assert await states() == {("SENT", None, 2): 1}
    assert [row["channel"] for row in await db.fetch("SELECT channel FROM delivery")] == ["EMAIL"]
    assert (mailbox.count(), receiver.taken()) == (1, [])
    await oracle.check_contacts()
    await advance.finish(plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT


@pytest.mark.parametrize("channel", [PlanChannel.CHAT, PlanChannel.CHAT_THEN_EMAIL])
async def test_what_a_platform_put_off_is_suppressed_when_email_may_not_reach_who_blocks_the_chat(
    ctx: Context, receiver: HttpSink, platform: Callable[..., PlatformChannel], channel: PlanChannel
):
    platform()
    receiver.script = lambda _number: 429
    shop, plan, _ = await make_platform_plan(receiver, 1, channel=channel)
    await deliver_slice(ctx, plan.id, 1)
    customer = await db.fetch_value("SELECT customer_id FROM delivery")
    if channel is PlanChannel.CHAT_THEN_EMAIL:
        await consent.unsubscribe(shop.id, customer, source="mail")

    await consent.block(shop.id, customer)

    assert await states() == {("SUPPRESSED", "BLOCKED", 1): 1}
    await oracle.check_contacts()
