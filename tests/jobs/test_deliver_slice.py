"""Slices of e-mail reach the mailbox once each, in their customer's language, and the ledger knows it."""

import asyncio
from datetime import timedelta

from jobs.channels.email import EmailChannel
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models import consent
from models import database as db
from models.clock import Clock
from models.plan import Plan, PlanChannel, PlanStatus
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop


async def test_each_recipient_gets_one_mail_in_their_language(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    await make_customers(shop, 30)
    await make_customers(shop, 10, prefix="mexican", language="es-MX")
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await deliver_slice(ctx, plan.id, 1)

    rows = await db.fetch("SELECT state, language, attempt, count(*) FROM delivery GROUP BY 1, 2, 3 ORDER BY 2")
    assert [tuple(row) for row in rows] == [("SENT", "en", 1, 30), ("SENT", "es", 1, 10)]
    assert len({entry.recipients for entry in mailbox.entries(limit=100)}) == mailbox.count() == 40
    assert [entry.subject for entry in mailbox.entries(search="mexican3@example.com")] == ["Hola mexican3"]


async def test_a_message_id_is_the_ledger_rows_own_and_a_bounce_would_name_it(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await deliver_slice(ctx, plan.id, 1)

    (entry,) = mailbox.find(f"<{plan.id}.{customer.hex}@rekindle.localhost>")
    assert entry.sender.startswith(f"b+{plan.id}-") and entry.sender.endswith("@rekindle.localhost")


async def test_a_slice_run_many_times_at_once_sends_each_mail_once(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    await make_customers(shop, 50)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await asyncio.gather(*(deliver_slice(ctx, plan.id, 1) for _ in range(5)))

    assert mailbox.count() == 50
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT


async def test_what_waits_for_another_day_makes_its_slice_due_then(ctx: Context, mailbox: Mailbox, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await deliver_slice(ctx, plan.id, 1)
    assert mailbox.count() == 0
    assert await db.fetch_value("SELECT due_at FROM slice") == NOON + timedelta(days=1)
    clock.move(timedelta(days=1))
    await deliver_slice(ctx, plan.id, 1)

    assert mailbox.count() == 3
    assert await db.fetch_value("SELECT done_at IS NOT NULL FROM slice")


async def test_a_customer_who_blocks_before_a_waiting_chat_message_goes_never_gets_it(ctx: Context, clock: Clock):
    shop = await make_shop()
    staying, leaving = await make_customers(shop, 2)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop)

    await consent.block(shop.id, leaving)
    clock.move(timedelta(days=1))
    await deliver_slice(ctx, plan.id, 1)

    rows = await db.fetch("SELECT customer_id, state, reason FROM delivery WHERE plan_id = $1", plan.id)
    assert {tuple(row) for row in rows} == {(staying, "SENT", None), (leaving, "SUPPRESSED", "BLOCKED")}


async def test_without_a_relay_every_mail_waits_and_nothing_is_lost(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 5)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    settings = ctx["settings"].model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    ctx["channels"]["EMAIL"] = EmailChannel(settings, ctx["tally"])

    await deliver_slice(ctx, plan.id, 1)

    rows = await db.fetch("SELECT state, attempt, count(*) FROM delivery GROUP BY 1, 2")
    assert [tuple(row) for row in rows] == [("PENDING", 0, 5)]
    due_at = await db.fetch_value("SELECT due_at FROM slice WHERE token IS NULL AND done_at IS NULL")
    assert NOON < due_at <= NOON + timedelta(seconds=5)


async def test_a_mail_to_an_impossible_address_fails_and_the_others_go(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    await make_customers(shop, 3)
    await db.execute("UPDATE customer SET email = 'no address' WHERE external_id = 'c1'")
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await deliver_slice(ctx, plan.id, 1)

    rows = await db.fetch("SELECT state, reason, count(*) FROM delivery GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("SENT", None, 2), ("FAILED", "5.1.3", 1)]
    assert mailbox.count() == 2
    assert await db.fetch_value("SELECT count(*) FROM contact") == 2
