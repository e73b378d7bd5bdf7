"""What a relay may say to a letter, and when a dot may leave; what the ledger says afterwards."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from jobs.channels.smtp.wire import Wire
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import consent, customer, delivery
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.errors import ErrorCode, refuse
from models.mail.letter import Writer
from tests import oracle
from tests.conftest import NOON
from tests.jobs.channels.mailing import AtSink, states
from tests.slices import mail_plan
from tests.smtp_sink import Act, Conversation, Sink, Stage, always, once


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("act", [None, Act.DRIBBLE])
async def test_every_letter_is_accepted_once(ctx: Context, sink: Sink, at_sink: AtSink, pipelining: bool, act):
    _, plan = await mail_plan(40)
    sink.pipelining, sink.script = pipelining, always(Stage.DOT, act)
    at_sink()

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 40}
    assert (await oracle.check(sink.accepted())).accepted == 40
    assert 1 <= sink.connections <= 4


async def test_all_dots_that_were_granted_leave_before_the_next_letters_are_written(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    _, plan = await mail_plan(60)
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
    _, plan = await mail_plan(12)
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
    _, plan = await mail_plan(5)
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


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_sender_who_is_refused_is_nothing_against_the_recipients_address(
    ctx: Context, sink: Sink, at_sink: AtSink, pipelining: bool
):
    _, plan = await mail_plan(3)
    sink.pipelining, sink.script = pipelining, once(Stage.MAIL, "550 5.1.1 no such sender")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("FAILED", "5.1.1"): 1}
    assert await db.fetch_value("SELECT count(*) FROM suppression") == 0
    await oracle.check(sink.accepted())


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("extra", ["250 2.0.0 and once more", "550 5.1.1 nobody", "421 4.4.2 farewell"])
async def test_a_reply_that_nobody_asked_for_is_about_no_letter(
    ctx: Context, sink: Sink, at_sink: AtSink, *, pipelining: bool, extra: str
):
    _, plan = await mail_plan(5)
    sink.pipelining, sink.script = pipelining, once(Stage.DOT, f"450 4.2.1 later\r\n{extra}")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 4, ("PENDING", "4.2.1"): 1}
    assert sink.connections == 2
    assert await db.fetch_value("SELECT count(*) FROM suppression") == 0
    await oracle.check(sink.accepted())


async def test_a_refusal_among_replies_that_are_out_of_step_does_not_stand(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(3)
    sink.script = once(Stage.RCPT, "550 5.1.1 nobody\r\n250 2.1.5 ok")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert sink.connections == 2
    await oracle.check(sink.accepted())


@pytest.mark.parametrize("what", ["unsubscribed", "bounced", "cancelled", "paused", "given up"])
async def test_what_may_not_go_any_more_when_its_turn_comes_is_not_sent(
    ctx: Context, sink: Sink, at_sink: AtSink, what: str
):
    _, plan = await mail_plan(5)
    channel = at_sink(smtp_connections=1)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    messages = await slices.load(held)
    if what == "unsubscribed":
        await consent.unsubscribe(plan.shop_id, messages[2].customer_id, source="mail")
    elif what == "bounced":
        assert messages[2].email_key is not None
        await customer.suppress([messages[2].email_key], reason="BOUNCED", at=now())
        await delivery.suppress_addresses([messages[2].customer_id])
    elif what == "cancelled":
        await plan.cancel()
    elif what == "paused":
        await plan.pause()
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
    _, plan = await mail_plan(2)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert sink.accepted() == []
    assert {state for state, _ in await states()} == {"PENDING"}
    await oracle.check([])


async def test_a_customers_midnight_keeps_the_dot_back_and_takes_a_contact_of_the_new_day(
    ctx: Context, sink: Sink, at_sink: AtSink, clock: Clock
):
    _, plan = await mail_plan(2)
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


async def test_an_address_beyond_ascii_needs_a_relay_that_takes_it(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(3)
    await db.execute("UPDATE customer SET email = 'josé@example.com' WHERE external_id = 'c1'")
    sink.smtputf8 = False
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("FAILED", "5.6.7"): 1}
    assert (await oracle.check(sink.accepted())).accepted == 2


async def test_an_address_beyond_ascii_goes_where_it_is_taken(ctx: Context, sink: Sink, at_sink: AtSink):
    _, plan = await mail_plan(3)
    await db.execute("UPDATE customer SET email = 'josé@example.com' WHERE external_id = 'c1'")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert "josé@example.com" in {message.recipient for message in sink.accepted()}
