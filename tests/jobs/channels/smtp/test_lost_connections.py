"""Connections that are lost, at every point of the conversation, and what the ledger says afterwards.

Only a connection that is lost after the dot leaves a message UNKNOWN.
"""

import asyncio
from datetime import timedelta

import pytest

from jobs.channels.email import EmailChannel
from jobs.channels.smtp import session
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from models import database as db
from tests import oracle
from tests.conftest import NOON
from tests.jobs.channels.mailing import AtSink, State, states
from tests.slices import mail_plan
from tests.smtp_sink import Act, Conversation, Sink, Stage, always, once


def commit_slowly(channel: EmailChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what the relay says of a body arrive before the intent's answer."""
    exchange = channel._commits.exchange

    def slowly(*arguments: object) -> "asyncio.Future[object]":
        async def wait() -> object:
            await asyncio.sleep(0.2)
            return await asked

        asked = exchange(*arguments)  # type: ignore[arg-type]
        return asyncio.ensure_future(wait())

    monkeypatch.setattr(channel._commits, "exchange", slowly)


@pytest.mark.parametrize("act", [Act.RESET, Act.HANG_UP, "421 4.3.2 going down"])
async def test_a_connection_lost_in_the_body_makes_its_letter_wait_at_most(
    ctx: Context, sink: Sink, at_sink: AtSink, act
):
    _, plan = await mail_plan(5)
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
    _, plan = await mail_plan(5)
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
    _, plan = await mail_plan(5)
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
    usual = session.DOT_WAIT
    monkeypatch.setattr(session, "DOT_WAIT", 0.5)
    _, plan = await mail_plan(3)

    def script(stage: Stage, conversation: Conversation) -> Act | None:
        if conversation.connection == 1:
            return (Act.STORE_AND_STALL if stored else Act.STALL) if stage is Stage.DOT else None
        session.DOT_WAIT = usual  # what is answered may take as long as a disk does
        return None

    sink.script = script
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("UNKNOWN", "CONNECTION_LOST"): 1}
    assert (await oracle.check(sink.accepted())).accepted == (3 if stored else 2)


async def test_a_relay_that_never_answers_the_envelope_is_tried_on_a_fresh_connection(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "REPLY_WAIT", 0.2)
    _, plan = await mail_plan(3)
    sink.script = once(Stage.RCPT, Act.STALL)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert (await oracle.check(sink.accepted())).accepted == 3


async def test_a_letter_whose_connection_is_always_lost_waits_like_one_refused_for_now(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    _, plan = await mail_plan(3)

    def script(stage: Stage, conversation: Conversation) -> Act | None:
        return Act.RESET if stage is Stage.BODY and conversation.recipient.startswith("c1@") else None

    sink.script = script
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 2, ("PENDING", "4.4.2"): 1}
    assert (await oracle.check(sink.accepted())).accepted == 2
    assert await db.fetch_value("SELECT due_at FROM slice") == NOON + timedelta(minutes=5)


async def test_a_word_of_refusal_while_the_intent_is_committed_counts_and_keeps_the_dot_back(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    _, plan = await mail_plan(1)
    sink.script = once(Stage.BODY, "552 5.3.4 too big")
    commit_slowly(at_sink(smtp_connections=1), monkeypatch)

    await deliver_slice(ctx, plan.id, 1)

    # The sink goes on reading and accepts at the dot: a word out of turn means that no dot was sent.
    assert sink.accepted() == []
    assert await states() == {("FAILED", "5.3.4"): 1}
    await oracle.check([])


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT])
async def test_what_comes_after_a_farewell_is_said_of_no_letter(
    ctx: Context, sink: Sink, at_sink: AtSink, stage: Stage
):
    _, plan = await mail_plan(3)
    sink.script = once(stage, "421 4.7.0 too many of you\r\n503 5.5.1 no sender, no recipient")
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {("SENT", None): 3}
    assert sink.connections == 2
    await oracle.check(sink.accepted())


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("word", "became"),
    [("550 5.1.1 nobody of that name", ("FAILED", "5.1.1")), ("450 4.2.1 later", ("PENDING", "4.2.1"))],
)
async def test_a_refusal_of_the_recipient_stands_when_the_relay_hangs_up_after_it(
    ctx: Context, sink: Sink, at_sink: AtSink, *, word: str, became: State, pipelining: bool
):
    _, plan = await mail_plan(1)
    sink.pipelining, sink.hangs_up_after = pipelining, word
    sink.script = always(Stage.RCPT, word)
    at_sink(smtp_connections=1)

    await deliver_slice(ctx, plan.id, 1)

    assert await states() == {became: 1}
    assert sink.connections == 1
    assert (await oracle.check([])).states["SENT"] == 0


async def test_a_farewell_while_the_intent_is_committed_keeps_the_dot_back(
    ctx: Context, sink: Sink, at_sink: AtSink, monkeypatch: pytest.MonkeyPatch
):
    _, plan = await mail_plan(1)
    sink.script = once(Stage.BODY, "421 4.4.2 idle for too long")
    commit_slowly(at_sink(smtp_connections=1), monkeypatch)

    await deliver_slice(ctx, plan.id, 1)

    assert (await oracle.check(sink.accepted())).accepted == len(sink.accepted())
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'UNKNOWN'") == 0


async def test_a_connection_whose_task_is_cancelled_is_dropped_and_the_next_letter_is_whole(
    ctx: Context, sink: Sink, at_sink: AtSink
):
    _, plan = await mail_plan(6)
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
