"""Erasing what was in flight, by a worker; and that nothing of a person is in any log of a run."""

import logging
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.smtp import Envelope

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.erase_customers import erase_customers
from jobs.resolve_audience import resolve_audience
from jobs.sweep import sweep
from local.mailbox import Mailbox
from models import database as databases
from models import erasure, ingest
from models.identifier import customer_id
from models.mail.return_path import ReturnKey, write_return_key
from models.plan import PlanChannel
from models.shop import Shop
from models.signed_link import keys_of
from operations.bounces import Reception
from tests.factories import make_customers, make_resolved, make_running, make_shop
from tests.operations.test_bounces import bounce

SECRET = b"a secret for tests, of 32 bytes!"


async def test_a_worker_finishes_what_was_in_flight(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await databases.execute("UPDATE delivery SET state = 'COMMITTING', attempt = 1")
    assert (await erasure.erase("c0", secret=SECRET, actor="test")).done_at is None

    await erase_customers(ctx)
    assert await erasure.is_waiting()
    await databases.execute("UPDATE delivery SET state = 'SENT' WHERE plan_id = $1", plan.id)
    await erase_customers(ctx)

    assert not await erasure.is_waiting()


def row(**changes: object) -> dict[str, object]:
    return {
        "type": "customer", "externalId": "person-quux", "name": "Zebulon", "email": "zebulon@quux.example",
        "emailConsent": {"state": "SUBSCRIBED", "source": "form", "at": "2026-01-01T00:00:00Z"}, **changes,
    }  # fmt: skip


async def a_run(ctx: Context, shop: Shop) -> UUID:
    """A plan's way from resolving to a bounce and an erasure, with some trouble on it."""
    order = {
        "type": "order", "customer": "person-quux", "orderedAt": "2026-01-14T10:00:00Z", "amount": 1, "currency": "USD",
        "status": "PLACED",
    }  # fmt: skip
    rows = [row(), {**order, "externalId": "quux-1"}, {**order, "externalId": "quux-2"}, row(email="no address quux")]
    await ingest.ingest(shop, rows, secret=SECRET)
    plan = await make_running(shop, channel=PlanChannel.CHAT_THEN_EMAIL)
    person = customer_id("person-quux")
    await databases.execute("UPDATE relationship SET chat_blocked_at = now()")
    await resolve_audience(ctx, plan.id)
    await sweep(ctx)
    await deliver_slice(ctx, plan.id, 1)
    await take_bounce(ctx, plan.id, person)
    await databases.execute("UPDATE delivery SET state = 'COMMITTING'")
    await erasure.erase("person-quux", secret=SECRET, actor="test")
    await databases.execute("UPDATE delivery SET state = 'SENT'")
    await erase_customers(ctx)
    return person


async def take_bounce(ctx: Context, plan_id: int, person: UUID) -> None:
    """A bounce comes back by mail."""
    key = write_return_key(keys_of(ctx["settings"])[0], ReturnKey(plan_id, person, ""))
    envelope = Envelope()
    envelope.rcpt_tos = [f"{key}@{ctx['settings'].mail_domain}"]
    envelope.content = bounce(envelope.rcpt_tos[0]).replace(b"ana@example.com", b"zebulon@quux.example")
    server, session = cast("Any", None), cast("Any", None)
    assert (await Reception(ctx["settings"]).handle_DATA(server, session, envelope)).startswith("250")


async def test_no_log_of_a_run_tells_who_anybody_is(ctx: Context, mailbox: Mailbox, caplog: pytest.LogCaptureFixture):
    with (
        caplog.at_level(logging.INFO),
        caplog.at_level(logging.DEBUG, "jobs"),
        caplog.at_level(logging.DEBUG, "models"),
        caplog.at_level(logging.DEBUG, "operations"),
    ):
        person = await a_run(ctx, await make_shop())

    assert [entry.recipients for entry in mailbox.entries()] == [("zebulon@quux.example",)]
    assert {"operations.bounces", "jobs.erase_customers"} <= {record.name for record in caplog.records}
    said = "\n".join([logging.Formatter("%(message)s %(args)s").format(record) for record in caplog.records])
    assert [mark for mark in ("quux", "Zebulon", str(person), person.hex) if mark in said] == []
