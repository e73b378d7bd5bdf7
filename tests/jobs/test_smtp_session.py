"""What a relay may do to a letter, at every point of the conversation, and what the ledger says afterwards.

Only a connection that is lost after the dot leaves a message UNKNOWN.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from jobs.channels import email, smtp_session
from jobs.channels.email import EmailChannel
from jobs.channels.wire import Wire
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import consent, delivery
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.errors import ErrorCode, refuse
from models.mail.letter import Writer
from models.plan import Plan, PlanChannel, PlanStatus
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop
from tests.smtp_sink import Act, Conversation, Sink, Stage
from tests.waiting import until

AtSink = Callable[..., EmailChannel]
State = tuple[str, str | None]


async def mail_plan(count: int = 3) -> Plan:
    """A plan with `count` mails waiting in slice 1."""
    shop = await make_shop()
    await make_customers(shop, count)
    return await make_resolved(shop, channel=PlanChannel.EMAIL)


async def states() -> dict[State, int]:
    """How many rows are in each (state, reason)."""
    rows = await db.fetch("SELECT state, reason, count(*) AS count FROM delivery GROUP BY 1, 2")
    return {(row["state"], row["reason"]): row["count"] for row in rows}


def once(stage: Stage, act: str | Act) -> Callable[[Stage, Conversation], str | Act | None]:
    """A script that does `act` the first time a conversation comes to `stage`."""
    left = [act]

    def script(asked: Stage, _conversation: Conversation) -> str | Act | None:
        return left.pop() if asked is stage and left else None

    return script


def always(stage: Stage, act: str | Act) -> Callable[[Stage, Conversation], str | Act | None]:
    """A script that does `act` whenever a conversation comes to `stage`."""
    return lambda asked, _conversation: act if asked is stage else None


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("act", [None, Act.DRIBBLE])
async def test_every_letter_is_accepted_once(ctx: Context, sink: Sink, at_sink: AtSink, pipelining: bool, act):
    plan = await mail_plan(40)
    sink.pipelining, sink.script = pipelining, always(Stage.DOT, act)
    at_sink()

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 40}
    assert (await oracle.check(sink.accepted())).accepted == 40
    assert 1 <= sink.connections <= 4


async def test_all_dots_that_were_granted_leave_before_the_next_letters_are_written(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    plan = await mail_plan(60)
    at_sink(smtp_connections=8)
    done: list[str] = []
    write, body = Wire.write, Writer.body

    def spied_write(wire: Wire, data: bytes) -> None:
        done.append("dot" if data.startswith(b".\r\n") else "other")
        write(wire, data)

    def spied_body(writer: Writer, message: slices.Waiting) -> bytes:
        done.append("letter")
        return body(writer, message)

    monkeypatch.setattr(Wire, "write", spied_write)
    monkeypatch.setattr(Writer, "body", spied_body)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 60}
    letters = [index for index, what in enumerate(done) if what == "letter"]
    between = [done[first:then].count("dot") for first, then in pairwise(letters)]
    assert max(between) >= 2  # were each letter written with the dot before it, there would never be two


async def test_a_letter_that_cannot_be_written_holds_up_no_other_and_waits(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    plan = await mail_plan(12)
    at_sink(smtp_connections=2)
    unlucky = await db.fetch_value("SELECT customer_id FROM delivery ORDER BY customer_id OFFSET 5 LIMIT 1")
    body = Writer.body

    def failing(writer: Writer, message: slices.Waiting) -> bytes:
        if message.customer_id == unlucky:
            raise refuse("variables.order", "there is no value for {order}", ErrorCode.MISSING_CONTENT)
        return body(writer, message)

    monkeypatch.setattr(Writer, "body", failing)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 11, ("PENDING", "4.4.2"): 1}
    assert (await oracle.check(sink.accepted())).accepted == 11
    assert await db.fetch_value("SELECT count(*) FROM suppression") == 0


REFUSALS = {
    "450 4.2.1 later": ("PENDING", "4.2.1"),
    "451 greylisted": ("PENDING", "451"),
    "552 5.2.2 mailbox full": ("PENDING", "5.2.2"),
    "550 5.1.1 nobody": ("FAILED", "5.1.1"),
    "554 5.6.0 not that": ("FAILED", "5.6.0"),
    "550 5.7.1 not you": ("PENDING", "5.7.1"),
}


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        *((stage, reply) for stage in (Stage.RCPT, Stage.DOT) for reply in REFUSALS),
        *((stage, reply) for stage in (Stage.MAIL, Stage.DATA) for reply in ("450 4.2.1 later", "554 5.6.0 not that")),
    ],
)
async def test_a_refusal_concerns_its_letter_only(
    ctx: Context, sink: Sink, at_sink: AtSink, *, pipelining: bool, stage: Stage, reply: str
):
    expected = REFUSALS[reply]
    plan = await mail_plan(5)
    sink.pipelining, sink.script = pipelining, once(stage, reply)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 4, expected: 1}
    assert (await oracle.check(sink.accepted())).accepted == 4
    refused = await db.fetch_one("SELECT attempt, not_before, contact_day FROM delivery WHERE state <> 'SENT'")
    later = NOON + timedelta(minutes=5) if expected[0] == "PENDING" else None
    assert refused is not None and tuple(refused) == (1, later, None)
    suppressed = await db.fetch_value("SELECT count(*) FROM suppression")
    assert suppressed == (1 if expected == ("FAILED", "5.1.1") else 0)


@pytest.mark.parametrize("act", [Act.RESET, Act.HANG_UP, "421 4.3.2 going down"])
async def test_a_connection_lost_in_the_body_makes_its_letter_wait_at_most(
    ctx: Context, sink: Sink, at_sink: AtSink, act
):
    plan = await mail_plan(5)
    sink.script = once(Stage.BODY, act)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    # Whether the loss is noticed before the intent is a race; that nothing is in doubt is not.
    assert await states() in ({("SENT", None): 5}, {("SENT", None): 4, ("PENDING", "4.4.2"): 1})
    assert (await oracle.check(sink.accepted())).states["UNKNOWN"] == 0


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA])
@pytest.mark.parametrize("act", [Act.RESET, Act.HANG_UP, "421 4.3.2 going down"])
async def test_a_connection_lost_before_the_body_costs_nothing(
    ctx: Context, sink: Sink, at_sink: AtSink, stage: Stage, act
):
    plan = await mail_plan(5)
    sink.script = once(stage, act)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 5}
    assert (await oracle.check(sink.accepted())).accepted == 5
    assert sink.connections == 2


@pytest.mark.parametrize("act", [Act.RESET, Act.STORE_AND_RESET, Act.HANG_UP])
async def test_a_connection_lost_after_the_dot_leaves_one_message_unknown(
    ctx: Context, sink: Sink, at_sink: AtSink, act: Act
):
    plan = await mail_plan(5)
    sink.script = once(Stage.DOT, act)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 4, ("UNKNOWN", "CONNECTION_LOST"): 1}
    verdict = await oracle.check(sink.accepted())
    assert verdict.accepted == (5 if act is Act.STORE_AND_RESET else 4)


@pytest.mark.parametrize("stored", [True, False])
async def test_a_relay_that_never_answers_the_dot_leaves_one_message_unknown(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch, stored: bool
):
    monkeypatch.setattr(smtp_session, "DOT_WAIT", 0.3)
    plan = await mail_plan(3)
    sink.script = once(Stage.DOT, Act.STORE_AND_STALL if stored else Act.STALL)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("UNKNOWN", "CONNECTION_LOST"): 1}
    assert (await oracle.check(sink.accepted())).accepted == (3 if stored else 2)


async def test_a_relay_that_never_answers_the_envelope_is_tried_on_a_fresh_connection(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(smtp_session, "REPLY_WAIT", 0.2)
    plan = await mail_plan(3)
    sink.script = once(Stage.RCPT, Act.STALL)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert (await oracle.check(sink.accepted())).accepted == 3


async def test_a_letter_whose_connection_is_always_lost_waits_like_one_refused_for_now(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    plan = await mail_plan(3)

    def script(stage: Stage, conversation: Conversation) -> Act | None:
        return Act.RESET if stage is Stage.BODY and conversation.recipient.startswith("c1@") else None

    sink.script = script
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("PENDING", "4.4.2"): 1}
    assert (await oracle.check(sink.accepted())).accepted == 2
    assert await db.fetch_value("SELECT due_at FROM slice") == NOON + timedelta(minutes=5)


async def test_a_last_word_before_the_relay_hangs_up_counts(ctx: Context, sink: Sink, at_sink: AtSink):
    plan = await mail_plan(1)
    sink.script = always(Stage.BODY, "552 5.3.4 too big")
    at_sink(smtp_connections=1)

    async def hang_up_after_the_word() -> None:
        await until(lambda: sink.asked[Stage.BODY] > 0)

    await asyncio.gather(deliver_slice(ctx, plan.id, 1), hang_up_after_the_word())

    # The sink goes on reading and accepts at the dot: a word out of turn means that no dot was sent.
    assert sink.accepted() == []
    assert (await oracle.check([])).states["SENT"] == 0


async def test_a_farewell_while_the_intent_is_committed_keeps_the_dot_back(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    plan = await mail_plan(1)
    sink.script = once(Stage.BODY, "421 4.4.2 idle for too long")
    channel = at_sink(smtp_connections=1)
    exchange = channel._commits.exchange

    def slowly(*arguments: object) -> "asyncio.Future[object]":
        async def wait() -> object:
            await asyncio.sleep(0.2)
            return await asked

        asked = exchange(*arguments)  # type: ignore[arg-type]
        return asyncio.ensure_future(wait())

    monkeypatch.setattr(channel._commits, "exchange", slowly)

    await deliver_slice(ctx, plan.id, 1)

    assert (await oracle.check(sink.accepted())).accepted == len(sink.accepted())
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'UNKNOWN'") == 0


@pytest.mark.parametrize("what", ["unsubscribed", "bounced", "cancelled", "paused", "given up"])
async def test_what_may_not_go_any_more_when_its_turn_comes_is_not_sent(
    ctx: Context, sink: Sink, at_sink: AtSink, what: str
):
    plan = await mail_plan(5)
    channel = at_sink(smtp_connections=1)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    messages = await slices.load(held)
    if what == "unsubscribed":
        await consent.unsubscribe(plan.shop_id, messages[2].customer_id, source="mail")
    elif what == "bounced":
        await delivery.suppress_addresses([messages[2].customer_id])
    elif what == "cancelled":
        await plan.cancel()
    elif what == "paused":
        await plan.pause("BY_SELLER")
    else:
        await slices.release(held)

    await channel.deliver(held, messages)

    expected = 4 if what in {"unsubscribed", "bounced"} else 0
    assert len(sink.accepted()) == expected
    assert (await oracle.check(sink.accepted(), at_rest=False)).states["SENT"] == expected
    assert sink.connections == (2 if expected else 1)  # what cannot go is not even begun


async def test_a_grant_that_comes_after_the_lease_may_have_ended_sends_nothing(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("models.intent.MARGIN", timedelta(seconds=-1))
    plan = await mail_plan(2)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert sink.accepted() == []
    assert {state for state, _ in await states()} == {"PENDING"}
    await oracle.check([])


async def test_a_customers_midnight_keeps_the_dot_back_and_takes_a_contact_of_the_new_day(
    ctx: Context, sink: Sink, at_sink: AtSink, clock: Clock
):
    plan = await mail_plan(2)
    clock.move(timedelta(hours=11, minutes=59))

    def script(stage: Stage, _conversation: Conversation) -> None:
        if stage is Stage.DATA and not crossed:
            crossed.append(True)
            clock.move(timedelta(minutes=5))

    crossed: list[bool] = []
    sink.script = script
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)
    await oracle.check(sink.accepted())
    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2}
    assert (await oracle.check(sink.accepted())).accepted == 2
    days = {row["day"] for row in await db.fetch("SELECT day FROM contact")}
    assert days == {(NOON + timedelta(days=1)).date()}


async def test_a_connection_whose_task_is_cancelled_is_dropped_and_the_next_letter_is_whole(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    plan = await mail_plan(6)
    sink.keep_bodies = True
    channel = at_sink(smtp_connections=1)

    async def cancel_one() -> None:
        while not sink.asked[Stage.DATA]:
            await asyncio.sleep(0)
        for connection in list(channel._connections):
            connection.cancel()

    await asyncio.gather(deliver_slice(ctx, plan.id, 1), cancel_one())
    await channel._commits.flush()

    await oracle.check(sink.accepted())
    assert all(body.count(b"Message-ID:") == 1 and body.endswith(b"--=_rekindle--\r\n") for body in sink.bodies)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state IN ('SENT', 'UNKNOWN')") == 6


async def test_a_relay_that_takes_only_two_connections_gets_everything_through_them(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    plan = await mail_plan(60)
    sink.most_connections, sink.delay = 2, 0.01
    at_sink(smtp_connections=8)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 60}
    assert (await oracle.check(sink.accepted())).accepted == 60


async def test_several_relays_share_the_work_and_one_may_be_away(ctx: Context, sink: Sink, at_sink: AtSink):
    plan = await mail_plan(30)
    url = sink.start()
    sink.start = lambda: url  # type: ignore[method-assign] # it runs already
    at_sink(smtp_url=f"smtp://127.0.0.1:1 {url}", smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 30}
    assert (await oracle.check(sink.accepted())).accepted == 30


async def test_an_address_beyond_ascii_needs_a_relay_that_takes_it(ctx: Context, sink: Sink, at_sink: AtSink):
    plan = await mail_plan(3)
    await db.execute("UPDATE customer SET email = 'josé@example.com' WHERE external_id = 'c1'")
    sink.smtputf8 = False
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("FAILED", "5.6.7"): 1}
    assert (await oracle.check(sink.accepted())).accepted == 2


async def test_an_address_beyond_ascii_goes_where_it_is_taken(ctx: Context, sink: Sink, at_sink: AtSink):
    plan = await mail_plan(3)
    await db.execute("UPDATE customer SET email = 'josé@example.com' WHERE external_id = 'c1'")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert "josé@example.com" in {message.recipient for message in sink.accepted()}


@pytest.mark.parametrize(("reply", "limit"), [("550 no such thing", email.IN_A_ROW), ("550 5.7.1 no", email.BY_POLICY)])
async def test_a_plan_that_is_refused_again_and_again_pauses_and_says_why(
    ctx: Context, sink: Sink, at_sink: AtSink, reply: str, limit: int
):
    plan = await mail_plan(200)
    sink.script = always(Stage.MAIL, reply)
    at_sink(smtp_connections=2)

    await deliver_slice(ctx, plan.id, 1)

    plan = await Plan.get(id=plan.id)
    status = reply.split()[1] if "." in reply else "550"
    assert (plan.status, plan.status_reason) == (PlanStatus.PAUSED, f"RELAY_REFUSES:{status}")
    touched = await db.fetch_value("SELECT count(*) FROM delivery WHERE attempt > 0")
    assert limit <= touched <= limit + 4
    assert await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL") == 0
    await oracle.check([])


async def test_a_domains_limit_holds_while_other_domains_go_on(ctx: Context, sink: Sink, at_sink: AtSink):
    plan = await mail_plan(24)
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
    plan = await mail_plan(6)
    at_sink(smtp_connections=4, smtp_domain_rate=20.0)
    loop = asyncio.get_running_loop()

    begun = loop.time()
    await deliver_slice(ctx, plan.id, 1)

    assert loop.time() - begun >= 0.25  # the first at once, then one each 50 ms
    assert await states() == {("SENT", None): 6}


async def test_what_a_draining_channel_has_not_begun_stays_and_the_rest_is_settled(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    plan = await mail_plan(50)
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
