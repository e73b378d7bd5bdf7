"""The process's connections: several relays and their limits, domains and theirs, and plans that are refused."""

import asyncio
import logging
from datetime import timedelta
from uuid import uuid4

import pytest

from jobs.channels.smtp import refusals
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import consent
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.plan import Plan, PlanStatus
from tests import oracle
from tests.jobs.channels.mailing import AtSink, states
from tests.slices import mail_plan
from tests.smtp_sink import Conversation, Sink, Stage, always
from tests.waiting import until


async def test_a_relay_that_takes_only_two_connections_gets_everything_through_them(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    _, plan = await mail_plan(60)
    sink.most_connections, sink.delay = 2, 0.01
    at_sink(smtp_connections=8)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 60}
    assert (await oracle.check(sink.accepted())).accepted == 60


async def test_several_relays_share_the_work_and_one_may_be_away(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(30)
    url = sink.start()
    sink.start = lambda: url  # type: ignore[method-assign] # it runs already
    at_sink(smtp_url=f"smtp://127.0.0.1:1 {url}", smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 30}
    assert (await oracle.check(sink.accepted())).accepted == 30


@pytest.mark.parametrize(
    ("reply", "limit"),
    [
        ("550 no such thing", refusals.IN_A_ROW),
        ("550 5.7.1 no", refusals.BY_POLICY),
        ("550 5.1.1 no such sender", refusals.IN_A_ROW),
    ],
)
async def test_a_plan_that_is_refused_again_and_again_pauses_and_says_why(
    ctx: Context, sink: Sink, at_sink: AtSink, reply: str, limit: int
):
    _, plan = await mail_plan(200)
    sink.script = always(Stage.MAIL, reply)
    at_sink(smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    plan = await Plan.get(id=plan.id)
    status = reply.split()[1] if "." in reply else "550"
    assert (plan.status, plan.status_reason) == (PlanStatus.PAUSED, f"RELAY_REFUSES:{status}")
    touched = await db.fetch_value("SELECT count(*) FROM delivery WHERE attempt > 0")
    assert limit <= touched <= limit + 4
    assert await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL") == 0
    assert await db.fetch_value("SELECT count(*) FROM suppression") == 0
    await oracle.check([])


async def test_a_plan_of_which_the_relay_refused_the_last_mail_as_well_pauses(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    _, plan = await mail_plan(refusals.BY_POLICY)
    sink.script = always(Stage.MAIL, "550 5.7.26 not authenticated")
    at_sink(smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    plan = await Plan.get(id=plan.id)
    assert (plan.status, plan.status_reason) == (PlanStatus.PAUSED, "RELAY_REFUSES:5.7.26")
    assert await states() == {("PENDING", "5.7.26"): refusals.BY_POLICY}


async def test_letters_whose_day_is_over_while_they_wait_for_a_connection_do_not_touch_the_wire(
    ctx: Context, sink: Sink, at_sink: AtSink, clock: Clock
):
    _, plan = await mail_plan(20)
    clock.move(timedelta(hours=11, minutes=59))

    def midnight(stage: Stage, conversation: Conversation) -> None:
        if stage is Stage.DATA and conversation.connection == 1:
            clock.move(timedelta(minutes=5))

    sink.script = midnight
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("PENDING", None): 20}
    assert (sink.accepted(), sink.connections) == ([], 1)
    assert await db.fetch_value("SELECT due_at <= $1 FROM slice", clock.now())


async def test_a_domains_limit_holds_while_other_domains_go_on(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(24)
    await db.execute("UPDATE customer SET email = external_id || '@other.example' WHERE external_id > 'c2'")
    sink.delay = 0.02
    at_once: list[int] = []
    channel = at_sink(smtp_connections=8, smtp_domain_connections=2)

    async def watch() -> None:
        while not sending.done():
            at_once.append(max((each.on_wire for each in channel._outbox._domains.values()), default=0))
            await asyncio.sleep(0.002)

    sending = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await asyncio.gather(sending, watch())

    assert max(at_once) == 2
    assert await states() == {("SENT", None): 24}


async def test_a_domains_rate_holds(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(6)
    at_sink(smtp_connections=4, smtp_domain_rate=20.0)
    loop = asyncio.get_running_loop()

    begun = loop.time()
    await deliver_slice(ctx, plan.id, 1)

    assert loop.time() - begun >= 0.25  # the first at once, then one each 50 ms
    assert await states() == {("SENT", None): 6}


async def test_what_a_draining_channel_has_not_begun_stays_and_the_rest_is_settled(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    _, plan = await mail_plan(50)
    sink.delay = 0.05
    channel = at_sink(smtp_connections=2)

    sending = asyncio.create_task(deliver_slice(ctx, plan.id, 1))
    await until(lambda: len(sink.accepted()) >= 4)
    channel.drain()
    await sending

    verdict = await oracle.check(sink.accepted())
    assert verdict.states["SENT"] == verdict.accepted < 50
    assert verdict.states["PENDING"] == 50 - verdict.accepted
    assert await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NULL AND done_at IS NULL") == 1


async def test_a_database_lost_while_it_is_asked_whether_a_slice_goes_on_costs_no_letter_and_no_place(
    ctx: Context,
    sink: Sink,
    at_sink: AtSink,
    lost_when_asked: list[slices.Waiting],
    caplog: pytest.LogCaptureFixture,
):
    _, plan = await mail_plan(5)
    channel = at_sink(smtp_connections=1)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    messages = await slices.load(held)
    await consent.unsubscribe(plan.shop_id, messages[1].customer_id, source="mail")
    await consent.unsubscribe(plan.shop_id, messages[3].customer_id, source="mail")

    with caplog.at_level(logging.WARNING, "jobs.channels"):
        await asyncio.wait_for(channel.deliver(held, messages), 60)
    await channel.close()

    assert lost_when_asked == [messages[1], messages[3]]
    assert await states() == {("SENT", None): 3, ("SUPPRESSED", "NO_CONSENT"): 2}
    assert (await oracle.check(sink.accepted(), at_rest=False)).accepted == 3
    assert [(relay.open, relay.established) for relay in channel._relays] == [(0, 0)]
    (record,) = caplog.records
    assert record.levelname == "WARNING" and not record.exc_info
