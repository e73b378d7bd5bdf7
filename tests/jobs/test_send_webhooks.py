"""What becomes true of a shop's outreach is posted to its webhooks: at least once, in order, signed, and no further."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Receiver

from jobs.channels.http.poster import Poster
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.send_webhooks import AT_ONCE, send_webhooks
from local.mailbox import Mailbox
from models import audience, consent, delivery, message, webhook
from models import database as db
from models.clock import Clock, now
from models.coupon import claim
from models.coupon.redemption import redeem
from models.identifier import customer_id, external_uuid, global_id
from models.message import MessageKey
from models.plan import Plan, PlanChannel, advance
from models.shop import Shop
from models.webhook import Webhook, Wish, fact, posting
from models.webhook.fact import Fact
from models.webhook.posting import DELAYS, DISABLED_AFTER
from tests.conftest import NOON
from tests.factories import make_coupon, make_customers, make_resolved, make_running, make_shop
from tests.http_sink import Act, HttpSink

KEY = b"another secret for tests, long enough too"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[HttpSink]:
    """A scripted receiver that listens."""
    sink = HttpSink(tmp_path / "requests")
    sink.start()
    yield sink
    sink.stop()


async def listen(shop: Shop, sink: HttpSink, *facts: Fact) -> Webhook:
    """A webhook of the shop that leads to the sink."""
    wish = Wish(url=f"http://127.0.0.1:{sink.port}/{shop.external_id}", facts=facts or tuple(fact.WANTED))
    return await webhook.create(shop, wish, targets="any", key=KEY, actor="anna")


def told(sink: HttpSink) -> list[tuple[str, dict[str, Any]]]:
    """What was posted, in order: type and data."""
    return [(request.json["type"], request.json["data"]) for request in sink.requests]


async def waiting() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM posting WHERE state = 'PENDING'")
    return count


async def test_the_life_of_a_chat_plan_is_told_in_order_to_who_wants_it_and_can_be_checked(
    ctx: Context, sink: HttpSink, clock: Clock
):
    clock.reset()
    shop = await make_shop()
    own = await listen(shop, sink)
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
    for request in sink.requests:
        Receiver(own.secret).verify(request.body, dict(request.headers))
    plan_id, message_id = global_id("Plan", plan.id), global_id("Message", plan.id, customer, "")
    touched = {"plan": plan_id, "message": message_id, "customer": "c0"}
    assert told(sink) == [
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
    assert [request.json["timestamp"] for request in sink.requests] == sorted(
        request.json["timestamp"] for request in sink.requests
    )
    assert await waiting() == 0


async def test_each_message_of_an_audience_is_told_of_once_however_small_its_ranges(ctx: Context, sink: HttpSink):
    shop = await make_shop()
    customers = await make_customers(shop, 25)
    await listen(shop, sink, Fact.MESSAGES_SENT)
    plan = await make_running(shop)
    while await audience.resolve_range(plan.id, size=10):
        pass

    found = await db.fetch("SELECT jsonb_array_elements(data -> 'messages') ->> 1 AS customer FROM posting")
    assert sorted(row["customer"] for row in found) == sorted(map(str, customers))


async def test_a_disabled_webhook_is_told_of_no_message_and_the_others_are(ctx: Context, sink: HttpSink):
    shop = await make_shop()
    await make_customers(shop, 2)
    own, off = await listen(shop, sink), await listen(shop, sink)
    await webhook.edit(shop, off.id, Wish(is_enabled=False), targets="any")
    await make_resolved(shop)
    mailed = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver_slice(ctx, mailed.id, 1)
    await consent.block(shop.id, (await make_customers(shop, 1, prefix="other"))[0])

    assert {row["webhook_id"] for row in await db.fetch("SELECT DISTINCT webhook_id FROM posting")} == {own.id}


async def test_who_unsubscribes_after_no_plan_is_told_of_without_one(ctx: Context, sink: HttpSink):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await listen(shop, sink, Fact.CUSTOMER_UNSUBSCRIBED)
    await consent.unsubscribe(shop.id, customer, source="customer")
    await send_webhooks(ctx)

    assert [request.json["data"] for request in sink.requests] == [{"channel": "EMAIL", "customer": "c0"}]


async def test_mails_are_told_of_when_they_are_settled_and_a_redemption_with_its_order(
    ctx: Context, sink: HttpSink, mailbox: Mailbox
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
    await listen(shop, sink, Fact.MESSAGES_SENT, Fact.MESSAGES_FAILED, Fact.COUPON_REDEEMED)
    await deliver_slice(ctx, plan.id, 1)
    await redeem(shop, customer, taken.code, order="o1", discount=100)
    await send_webhooks(ctx)

    by_type: dict[str, list[Any]] = {}
    for kind, data in told(sink):
        by_type.setdefault(kind, []).extend(data.get("messages", [data]))
    assert {each["customer"] for each in by_type["messages.sent"]} == {"c0", "c1"}
    assert [(each["customer"], each["reason"]) for each in by_type["messages.failed"]] == [("c2", "5.1.3")]
    redeemed = by_type["coupon.redeemed"][0]
    assert (redeemed["order"], redeemed["discount"], redeemed["currency"]) == ("o1", 100, "USD")
    assert taken.code not in str(told(sink))
    assert "@" not in str(told(sink))


async def test_after_a_rotation_a_request_holds_by_the_old_secret_and_by_the_new(
    ctx: Context, sink: HttpSink, clock: Clock
):
    clock.reset()
    shop = await make_shop()
    own = await ask(shop, sink)
    turned = await webhook.rotate(shop, own.id, key=KEY)
    await send_webhooks(ctx)

    assert own.secret and turned.secret and own.secret != turned.secret
    for secret in (own.secret, turned.secret):
        Receiver(secret).verify(sink.requests[0].body, dict(sink.requests[0].headers))


async def test_many_messages_share_requests_of_a_hundred_and_each_is_told_once(ctx: Context, sink: HttpSink):
    shop = await make_shop()
    await listen(shop, sink, Fact.MESSAGES_SENT)
    await make_customers(shop, 250)
    await make_resolved(shop)
    await send_webhooks(ctx)

    sizes = [len(data["messages"]) for _, data in told(sink)]
    customers = [each["customer"] for _, data in told(sink) for each in data["messages"]]
    assert sorted(sizes) == [50, 100, 100]
    assert sorted(customers) == sorted(f"c{number}" for number in range(250))


async def test_what_waited_for_the_contact_limit_is_told_when_it_goes(ctx: Context, sink: HttpSink, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop)
    await listen(shop, sink, Fact.MESSAGES_SENT)
    clock.move(timedelta(days=1))
    await deliver_slice(ctx, plan.id, 1)
    await send_webhooks(ctx)

    assert [each["plan"] for _, data in told(sink) for each in data["messages"]] == [global_id("Plan", plan.id)] * 2


async def test_a_message_that_the_deadline_ends_after_refusals_is_told_as_failed(
    ctx: Context, sink: HttpSink, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await listen(shop, sink, Fact.MESSAGES_FAILED)
    await db.execute("UPDATE delivery SET reason = '4.2.2' WHERE customer_id = $1", customer_id("c0"))
    clock.move(timedelta(days=4))
    await delivery.expire(plan.id, now())
    await send_webhooks(ctx)

    assert [each["customer"] for _, data in told(sink) for each in data["messages"]] == ["c0"]


async def test_a_shop_is_told_of_its_own_only_and_who_wants_nothing_costs_no_row(ctx: Context, sink: HttpSink):
    shop, other = await make_shop(), await make_shop("other")
    await listen(shop, sink, Fact.COUPON_CLAIMED)
    await make_customers(other, 3)
    await make_customers(shop, 3)
    await make_resolved(other)
    await make_resolved(shop)

    assert await waiting() == 0


async def test_by_whatever_way_a_message_is_settled_no_other_shop_is_told(
    ctx: Context, sink: HttpSink, mailbox: Mailbox, clock: Clock
):
    """By a range, by an intent's commit, by loading a slice, by the deadline."""
    shop, other = await make_shop(), await make_shop("other")
    await listen(other, sink)
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


async def test_a_fact_that_is_rolled_back_is_never_told(sink: HttpSink, database: None):
    shop = await make_shop()
    await listen(shop, sink)

    async def fail() -> None:
        async with db.transaction():
            await fact.tell(shop.id, Fact.COUPON_CLAIMED, {"customer": UUID(int=1)}, now())
            assert await waiting() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await waiting() == 0


async def ask(shop: Shop, sink: HttpSink, count: int = 1) -> Webhook:
    """A webhook for which so many facts wait."""
    own = await listen(shop, sink, Fact.PLAN_STATUS_CHANGED)
    for number in range(count):
        await fact.tell(shop.id, Fact.PLAN_STATUS_CHANGED, {"number": number}, now())
    return own


async def test_what_is_not_taken_comes_again_later_and_later_under_the_same_id_until_it_has_failed(
    ctx: Context, sink: HttpSink, clock: Clock
):
    sink.script = lambda _number: 500
    own = await ask(await make_shop(), sink)
    tries = []
    for delay in DELAYS:
        await send_webhooks(ctx)
        (found,) = await db.fetch("SELECT * FROM posting")
        tries.append(found["not_before"] - now())
        await send_webhooks(ctx)
        clock.move(delay)
    await send_webhooks(ctx)

    assert tries == list(DELAYS)
    assert sink.begun == len(DELAYS) + 1
    (found,) = await db.fetch("SELECT * FROM posting")
    assert (found["state"], found["attempts"], found["answer"]) == ("FAILED", len(DELAYS) + 1, "500")
    assert (await Webhook.get(id=own.id)).failing_since is not None


async def test_the_same_id_comes_at_every_try(ctx: Context, sink: HttpSink, clock: Clock):
    sink.script = lambda number: Act.TAKE_AND_RESET if number == 1 else None
    own = await ask(await make_shop(), sink)
    await send_webhooks(ctx)
    assert (await db.fetch_value("SELECT answer FROM posting")) == "NO_ANSWER"
    clock.move(DELAYS[0])
    await send_webhooks(ctx)

    assert len(sink.taken()) == 2
    assert len(set(sink.taken())) == 1
    assert (await Webhook.get(id=own.id)).failing_since is None
    assert await db.fetch_value("SELECT state FROM posting") == "DELIVERED"


async def test_a_receiver_that_is_down_gets_one_request_a_look_and_everything_when_it_is_back(
    ctx: Context, sink: HttpSink, clock: Clock
):
    sink.script = lambda number: 503 if number <= 2 else None
    await ask(await make_shop(), sink, 5)
    await send_webhooks(ctx)
    assert sink.begun == 1
    await send_webhooks(ctx)
    assert sink.begun == 2
    clock.move(DELAYS[0])
    await send_webhooks(ctx)

    assert [request.json["data"]["number"] for request in sink.requests] == [0, 1, 2, 3, 4]


async def test_a_request_that_is_refused_as_such_holds_nothing_up(ctx: Context, sink: HttpSink):
    sink.script = lambda number: 400 if number == 1 else None
    await ask(await make_shop(), sink, 3)
    await send_webhooks(ctx)

    assert [request.json["data"]["number"] for request in sink.requests] == [1, 2]
    assert await waiting() == 1


async def test_what_goes_wrong_with_one_shop_s_webhooks_keeps_no_other_s_waiting(ctx: Context, sink: HttpSink):
    odd = await make_shop("odd")
    for _ in range(AT_ONCE):
        await listen(odd, sink, Fact.CUSTOMER_UNSUBSCRIBED)
    await fact.tell(odd.id, Fact.CUSTOMER_UNSUBSCRIBED, {"customer": "nobody"}, now())
    await ask(await make_shop("other"), sink, 1)
    with pytest.RaisesGroup(*[pytest.RaisesExc(ValueError, match="UUID")] * AT_ONCE):
        await send_webhooks(ctx)

    assert [request.path for request in sink.requests] == ["/other"]


async def test_a_webhook_that_answers_gone_is_disabled_and_nothing_waits_for_it_any_more(ctx: Context, sink: HttpSink):
    sink.script = lambda _number: 410
    shop = await make_shop()
    own = await ask(shop, sink, 3)
    await send_webhooks(ctx)
    await fact.tell(shop.id, Fact.PLAN_STATUS_CHANGED, {}, now())

    gone = await Webhook.get(id=own.id)
    assert (gone.disabled_reason, gone.disabled_at) == ("GONE", NOON)
    assert sink.begun == 1
    rows = await db.fetch("SELECT state, answer FROM posting ORDER BY id")
    assert [tuple(row) for row in rows] == [("FAILED", "DISABLED")] * 3


@pytest.mark.parametrize(("status", "state"), [(204, "DELIVERED"), (400, "FAILED")])
@pytest.mark.parametrize("is_removed", [False, True])
async def test_a_webhook_that_is_disabled_or_deleted_while_it_is_posted_to_is_told_nothing_more(
    ctx: Context, sink: HttpSink, status: int, state: str, is_removed: bool
):
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer(_number: int) -> int:
        is_asked.set()
        may_answer.wait(60)
        return status

    sink.script = answer
    shop = await make_shop()
    own = await ask(shop, sink, 3)
    posting_it = asyncio.create_task(send_webhooks(ctx))
    await asyncio.to_thread(is_asked.wait, 60)
    if is_removed:
        await webhook.remove(shop, own.id)
    else:
        await webhook.edit(shop, own.id, Wish(is_enabled=False), targets="any")
    may_answer.set()
    await posting_it

    assert sink.begun == 1
    states = [row["state"] for row in await db.fetch("SELECT state FROM posting ORDER BY id")]
    assert states == ([] if is_removed else [state, "FAILED", "FAILED"])


async def test_a_webhook_that_takes_nothing_for_days_is_disabled(ctx: Context, sink: HttpSink, clock: Clock):
    sink.script = lambda _number: 500
    shop = await make_shop()
    own = await ask(shop, sink)
    await send_webhooks(ctx)
    clock.move(DISABLED_AFTER)
    await send_webhooks(ctx)

    assert (await Webhook.get(id=own.id)).disabled_reason == "FAILING"
    assert await waiting() == 0


async def test_a_webhook_for_which_too_much_waits_is_disabled(
    ctx: Context, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(posting, "MOST_WAITING", 2)
    own = await ask(await make_shop(), sink, 3)
    await send_webhooks(ctx)

    assert (await Webhook.get(id=own.id)).disabled_reason == "BACKLOG"
    assert sink.begun == 0


async def test_jobs_at_once_post_nothing_twice(ctx: Context, sink: HttpSink):
    sink.delay = 0.01
    for name in ("one", "two", "three"):
        await ask(await make_shop(name), sink, 10)
    await asyncio.gather(*(send_webhooks(ctx) for _ in range(4)))

    assert len(sink.taken()) == len(set(sink.taken())) == 30
    for name in ("one", "two", "three"):
        numbers = [each.json["data"]["number"] for each in sink.requests if each.path == f"/{name}"]
        assert numbers == list(range(10))


async def test_a_lost_worker_s_webhook_is_another_s_after_a_while(ctx: Context, sink: HttpSink):
    own = await ask(await make_shop(), sink)
    assert [each.id for each in await posting.take(5, but=[])] == [own.id]
    await send_webhooks(ctx)
    assert sink.begun == 0
    await db.execute("UPDATE webhook SET held_until = clock_timestamp() - interval '1 second'")
    await send_webhooks(ctx)

    assert sink.begun == 1


async def test_a_webhook_at_a_private_address_is_never_connected_to(ctx: Context, sink: HttpSink):
    await ask(await make_shop(), sink)
    poster = Poster("public")
    await send_webhooks({**ctx, "poster": poster})
    await poster.close()

    assert sink.begun == 0
    assert await db.fetch_value("SELECT answer FROM posting") == "ADDRESS_REFUSED"


async def test_settled_postings_are_forgotten_after_a_week(ctx: Context, sink: HttpSink, clock: Clock):
    await ask(await make_shop(), sink)
    await send_webhooks(ctx)
    assert not await posting.is_due()
    clock.move(posting.KEPT + timedelta(seconds=1))
    assert await posting.is_due()
    await send_webhooks(ctx)

    assert await db.fetch_value("SELECT count(*) FROM posting") == 0
