"""The process's connections: several relays and their limits, domains and theirs, and plans that are refused."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from jobs import back_off
from jobs.channels.smtp import refusals
from jobs.channels.smtp import relay as relays
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import consent
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.plan import Plan, PlanStatus
from tests import oracle
from tests.jobs.channels.mailing import AtSink, states
from tests.slices import mail_plan, spread
from tests.smtp_sink import Act, Conversation, Sink, Stage, always
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


@pytest.mark.parametrize(
    ("stage", "act"), [(Stage.MAIL, "421 4.7.0 too many of you"), (Stage.MAIL, Act.RESET), (Stage.DOT, Act.RESET)]
)
async def test_a_relay_that_loses_every_connection_rests_and_costs_few_letters(
    ctx: Context, sink: Sink, at_sink: AtSink, stage: Stage, act: str | Act
):
    _, plan = await mail_plan(200)
    sink.script = always(stage, act)
    at_sink(smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    assert relays.LOST_IN_A_ROW <= sink.connections <= relays.LOST_IN_A_ROW + 1
    assert (await states())["PENDING", None] >= 200 - sink.connections
    assert ctx["tally"].failing() == [f"127.0.0.1:{sink.port}"]
    assert await db.fetch_value("SELECT due_at > $1 FROM slice", now())
    await oracle.check([])


async def test_a_relay_that_lost_every_connection_is_tried_by_one_until_it_answers_and_then_by_all(
    ctx: Context, sink: Sink, at_sink: AtSink, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(back_off, "FIRST_WAIT", 0.1)
    _, plan = await mail_plan(100)
    sink.script, sink.delay = always(Stage.MAIL, Act.RESET), 0.02
    at_sink(smtp_connections=4)
    await deliver_slice(ctx, plan.id, 1)
    most: list[int] = []

    def well(stage: Stage, _conversation: Conversation) -> None:
        most.append(sink.open if sink.stored else -sink.open)

    for script, minutes in ((always(Stage.MAIL, Act.RESET), 1), (well, 10)):
        await asyncio.sleep(0.3)
        clock.move(timedelta(minutes=minutes))
        before, sink.script = sink.connections, script
        await deliver_slice(ctx, plan.id, 1)
        assert sink.connections - before == (1 if minutes == 1 else 4)

    assert (min(most), max(most)) == (-1, 4)
    assert await states() == {("SENT", None): 100}
    assert ctx["tally"].failing() == []
    await oracle.check(sink.accepted())


async def test_a_relay_that_loses_every_connection_leaves_the_letters_to_another(
    ctx: Context, sink: Sink, at_sink: AtSink, tmp_path: Path
):
    broken = Sink(tmp_path / "broken", script=always(Stage.MAIL, Act.RESET))
    url = sink.start()
    sink.start = lambda: url  # type: ignore[method-assign] # it runs already
    _, plan = await mail_plan(60)
    at_sink(smtp_url=f"{broken.start()} {url}", smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)
    broken.stop()

    found = await states()
    assert found["SENT", None] >= 60 - relays.LOST_IN_A_ROW // 3 - 1
    assert broken.connections <= relays.LOST_IN_A_ROW + 1
    await oracle.check(sink.accepted())


async def test_connections_that_a_relay_closed_while_they_were_idle_are_nothing_against_it(
    ctx: Context, sink: Sink, at_sink: AtSink, caplog: pytest.LogCaptureFixture
):
    many = relays.LOST_IN_A_ROW
    _, plan = await mail_plan(2 * many)
    await spread(plan)
    # Each letter has a connection of its own: none is free again before all are, on a busy machine too.
    sink.delay = 2.0
    channel = at_sink(smtp_connections=many)
    await asyncio.gather(*(deliver_slice(ctx, plan.id, 1 + number) for number in range(many)))
    await until(lambda: len(channel._waiting) == many)
    sink.delay = 0.3
    sink.stop()
    sink.start()

    await asyncio.gather(*(deliver_slice(ctx, plan.id, 1 + many + number) for number in range(many)))

    assert await states() == {("SENT", None): 2 * many}
    ours = [record for record in caplog.records if record.name.startswith("jobs.")]  # the sink's end is told of as well
    assert [record.getMessage() for record in ours if record.levelno >= logging.WARNING] == []
    await oracle.check(sink.accepted())


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
