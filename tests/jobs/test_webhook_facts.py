"""What becomes true of a shop's outreach is posted to those of its webhooks that want it: each fact once, in order, to no other shop."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Receiver

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.send_webhooks import send_webhooks
from local.mailbox import Mailbox
from models import audience, consent, delivery, message, webhook
from models import database as db
from models.clock import Clock, now
from models.coupon import claim
from models.coupon.redemption import redeem
from models.identifier import customer_id, external_uuid, global_id
from models.message import MessageKey
from models.plan import Plan, PlanChannel, advance
from models.webhook import Wish, fact
from models.webhook.fact import WebhookFact
from tests.factories import make_coupon, make_customers, make_resolved, make_running, make_shop
from tests.http_sink import HttpSink
from tests.webhooks import listen, waiting


def told(receiver: HttpSink) -> list[tuple[str, dict[str, Any]]]:
    """What was posted, in order: type and data."""
    return [(request.json["type"], request.json["data"]) for request in receiver.requests]


async def test_the_life_of_a_chat_plan_is_told_in_order_to_who_wants_it_and_can_be_checked(
    ctx: Context, receiver: HttpSink, clock: Clock
):
    clock.reset()
    shop = await make_shop()
    own = await listen(shop, receiver)
    (customer,) = await make_customers(shop, 1)
    coupon = await make_coupon(shop)
    plan = await make_resolved(shop, coupon_id=coupon.id)
    await advance.finish(plan.id)
    key = MessageKey(plan.id, customer)
    await message.mark_read(key)
    await message.click(key)
    await message.click(key)
    await claim.claim(customer, coupon.id)
    await consent.block(shop.id, customer)
    await consent.block(shop.id, customer)
    await send_webhooks(ctx)

    assert own.secret is not None
    for request in receiver.requests:
        Receiver(own.secret).verify(request.body, dict(request.headers))
    plan_id, message_id = global_id("Plan", plan.id), global_id("Message", plan.id, customer, "")
    touched = {"plan": plan_id, "message": message_id, "customer": "c0"}
    assert told(receiver) == [
        ("plan.status_changed", {"from": "DRAFT", "to": "ONGOING", "reason": None, "plan": plan_id}),
        ("messages.sent", {"messages": [
            {"id": message_id, "plan": plan_id, "customer": "c0", "channel": "CHAT", "language": "en"},
        ]}),
        ("plan.status_changed", {"from": "ONGOING", "to": "SENT", "reason": None, "plan": plan_id}),
        ("message.read", touched),
        ("message.clicked", touched),
        ("coupon.claimed", {
            "number": 1, "coupon": global_id("Coupon", coupon.id), "message": message_id, "customer": "c0",
        }),
        ("customer.unsubscribed", {"channel": "CHAT", "plan": plan_id, "customer": "c0"}),
    ]  # fmt: skip
    assert [request.json["timestamp"] for request in receiver.requests] == sorted(
        request.json["timestamp"] for request in receiver.requests
    )
    assert await waiting() == 0


async def test_each_message_of_an_audience_is_told_of_once_however_small_its_ranges(ctx: Context, receiver: HttpSink):
    shop = await make_shop()
    customers = await make_customers(shop, 25)
    await listen(shop, receiver, WebhookFact.MESSAGES_SENT)
    plan = await make_running(shop)
    while await audience.resolve_range(plan.id, size=10):
        pass

    found = await db.fetch("SELECT jsonb_array_elements(data -> 'messages') ->> 1 AS customer FROM posting")
    assert sorted(row["customer"] for row in found) == sorted(map(str, customers))


async def test_a_disabled_webhook_is_told_of_no_message_and_the_others_are(ctx: Context, receiver: HttpSink):
    shop = await make_shop()
    await make_customers(shop, 2)
    own, off = await listen(shop, receiver), await listen(shop, receiver)
    await webhook.edit(shop, off.id, Wish(is_enabled=False), targets="any")
    await make_resolved(shop)
    mailed = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver_slice(ctx, mailed.id, 1)
    await consent.block(shop.id, (await make_customers(shop, 1, prefix="other"))[0])

    assert {row["webhook_id"] for row in await db.fetch("SELECT DISTINCT webhook_id FROM posting")} == {own.id}


async def test_who_unsubscribes_after_no_plan_is_told_of_without_one(ctx: Context, receiver: HttpSink):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await listen(shop, receiver, WebhookFact.CUSTOMER_UNSUBSCRIBED)
    await consent.unsubscribe(shop.id, customer, source="customer")
    await send_webhooks(ctx)

    assert [request.json["data"] for request in receiver.requests] == [{"channel": "EMAIL", "customer": "c0"}]


async def test_mails_are_told_of_when_they_are_settled_and_a_redemption_with_its_order(
    ctx: Context, receiver: HttpSink, mailbox: Mailbox
):
    shop = await make_shop()
    (customer, *_) = await make_customers(shop, 3)
    await db.execute("UPDATE customer SET email = 'no address' WHERE name = 'c2'")
    coupon = await make_coupon(shop)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    taken = await claim.claim(customer, coupon.id)
    await db.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " VALUES ($1, $2, $3, 'o1', $4, 900, 'PLACED', $4)",
        customer, external_uuid("order", shop.external_id, "o1"), shop.id, now(),
    )  # fmt: skip
    await listen(shop, receiver, WebhookFact.MESSAGES_SENT, WebhookFact.MESSAGES_FAILED, WebhookFact.COUPON_REDEEMED)
    await deliver_slice(ctx, plan.id, 1)
    await redeem(shop, customer, taken.code, order="o1", discount=100)
    await send_webhooks(ctx)

    by_type: dict[str, list[Any]] = {}
    for kind, data in told(receiver):
        by_type.setdefault(kind, []).extend(data.get("messages", [data]))
    assert {each["customer"] for each in by_type["messages.sent"]} == {"c0", "c1"}
    assert [(each["customer"], each["reason"]) for each in by_type["messages.failed"]] == [("c2", "5.1.3")]
    redeemed = by_type["coupon.redeemed"][0]
    assert (redeemed["order"], redeemed["discount"], redeemed["currency"]) == ("o1", 100, "USD")
    assert taken.code not in str(told(receiver))
    assert "@" not in str(told(receiver))


async def test_many_messages_share_requests_of_a_hundred_and_each_is_told_once(ctx: Context, receiver: HttpSink):
    shop = await make_shop()
    await listen(shop, receiver, WebhookFact.MESSAGES_SENT)
    await make_customers(shop, 250)
    await make_resolved(shop)
    await send_webhooks(ctx)

    sizes = [len(data["messages"]) for _, data in told(receiver)]
    customers = [each["customer"] for _, data in told(receiver) for each in data["messages"]]
    assert sorted(sizes) == [50, 100, 100]
    assert sorted(customers) == sorted(f"c{number}" for number in range(250))


async def test_what_waited_for_the_contact_limit_is_told_when_it_goes(ctx: Context, receiver: HttpSink, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop)
    await listen(shop, receiver, WebhookFact.MESSAGES_SENT)
    clock.move(timedelta(days=1))
    await deliver_slice(ctx, plan.id, 1)
    await send_webhooks(ctx)

    assert [each["plan"] for _, data in told(receiver) for each in data["messages"]] == [global_id("Plan", plan.id)] * 2


async def test_a_message_that_the_deadline_ends_after_refusals_is_told_as_failed(
    ctx: Context, receiver: HttpSink, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await listen(shop, receiver, WebhookFact.MESSAGES_FAILED)
    await db.execute("UPDATE delivery SET reason = '4.2.2' WHERE customer_id = $1", customer_id("c0"))
    clock.move(timedelta(days=4))
    await delivery.expire(plan.id, now())
    await send_webhooks(ctx)

    assert [each["customer"] for _, data in told(receiver) for each in data["messages"]] == ["c0"]


async def test_a_shop_is_told_of_its_own_only_and_who_wants_nothing_costs_no_row(ctx: Context, receiver: HttpSink):
    shop, other = await make_shop(), await make_shop("other")
    await listen(shop, receiver, WebhookFact.COUPON_CLAIMED)
    await make_customers(other, 3)
    await make_customers(shop, 3)
    await make_resolved(other)
    await make_resolved(shop)

    assert await waiting() == 0


async def test_by_whatever_way_a_message_is_settled_no_other_shop_is_told(
    ctx: Context, receiver: HttpSink, mailbox: Mailbox, clock: Clock
):
    """By a range, by an intent's commit, by loading a slice, by the deadline."""
    shop, other = await make_shop(), await make_shop("other")
    await listen(other, receiver)
    (customer, *_) = await make_customers(shop, 3)
    await make_resolved(shop)
    mail = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver_slice(ctx, mail.id, 1)
    late = await make_resolved(shop)
    clock.move(timedelta(days=1))
    await deliver_slice(ctx, late.id, 1)
    await message.mark_read(MessageKey(late.id, customer))
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE delivery SET reason = '4.2.2' WHERE state = 'PENDING'")
    clock.move(timedelta(days=4))
    for plan in await Plan.all():
        await delivery.expire(plan.id, now())

    states = {row["state"] for row in await db.fetch("SELECT DISTINCT state FROM delivery")}
    assert states == {"SENT", "FAILED"}
    assert await waiting() == 0


async def test_a_fact_that_is_rolled_back_is_never_told(receiver: HttpSink, database: None):
    shop = await make_shop()
    await listen(shop, receiver)

    async def fail() -> None:
        async with db.transaction():
            await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {"customer": UUID(int=1)}, now())
            assert await waiting() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await waiting() == 0
