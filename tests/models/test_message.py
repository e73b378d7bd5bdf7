"""The inbox and what a shopper does in it: what of the ledger is in it, whose it is, and that the first time counts (R20)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import database, message
from models.clock import Clock, now
from models.identifier import customer_id
from models.message import NEWEST_FIRST, MessageKey
from models.page import page_of
from models.plan import Plan, PlanChannel
from models.shop import Shop
from tests.factories import make_customers, make_resolved, make_shop, make_webhook

pytestmark = pytest.mark.usefixtures("database")


async def seen(customer: UUID, size: int = 20) -> tuple[int, list[int]]:
    """How much is unread, and the plans whose messages the shopper sees, newest first, the same in whatever way it is asked."""
    page = await message.inbox(customer, page_of(NEWEST_FIRST, first=size))
    live = (await message.inboxes({customer: now() - timedelta(days=9)}, size))[customer]
    assert live.newest == page[:size]
    return live.unread, [each.plan_id for each in live.newest]


async def test_an_inbox_holds_the_chat_that_was_sent_to_its_reader_newest_first(clock: Clock):
    shop = await make_shop()
    ana, ben = await make_customers(shop, 2)
    first = await make_resolved(shop)
    clock.move(timedelta(hours=1))
    second = await make_resolved(shop)
    await make_resolved(shop)  # the third of the day waits
    mailed = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute("UPDATE delivery SET state = 'SENT', sent_at = $1 WHERE plan_id = $2", now(), mailed.id)
    await database.execute(
        "UPDATE delivery SET state = 'UNKNOWN' WHERE customer_id = $1 AND plan_id = $2", ben, first.id
    )

    assert (await seen(ana), await seen(ana, 1)) == ((2, [second.id, first.id]), (2, [second.id]))
    assert await seen(ben) == (1, [second.id])
    await message.mark_read(MessageKey(first.id, ana))
    assert await seen(ana) == (1, [second.id, first.id])
    assert [await message.count(each) for each in (ana, ben, uuid4())] == [2, 1, 0]


@pytest.mark.parametrize("change", ["channel = 'EMAIL'", "state = 'PENDING', sent_at = NULL", "state = 'FAILED'"])
async def test_what_is_in_no_inbox_is_neither_read_nor_clicked_there(change: str):
    shop = await make_shop()
    ana, ben = await make_customers(shop, 2)
    plan = await make_resolved(shop)
    await database.execute(f"UPDATE delivery SET {change} WHERE customer_id = $1", ana)
    before = await database.fetch("SELECT * FROM delivery ORDER BY customer_id")

    for key in (MessageKey(plan.id, ana), MessageKey(plan.id, ben, "another:1"), MessageKey(plan.id + 1, ben)):
        assert await message.mark_read(key) is None
        assert await message.click(key) is None
        assert await message.messages([key]) == {}

    assert await database.fetch("SELECT * FROM delivery ORDER BY customer_id") == before
    assert not await database.fetch_value("SELECT count(last_message_read_at) FROM relationship")


async def test_of_a_plan_s_messages_about_several_occasions_the_one_that_is_read_is_read():
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    plan = await make_resolved(shop)
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, variant, created_at,"
        " sent_at) SELECT plan_id, customer_id, 'cart:7:1', shop_id, state, channel, language, variant, created_at, sent_at"
        " FROM delivery"
    )

    await message.click(MessageKey(plan.id, ana, "cart:7:1"))

    rows = await database.fetch("SELECT reference, read_at, clicked_at FROM delivery ORDER BY reference")
    assert [tuple(row) for row in rows] == [("", None, None), ("cart:7:1", now(), now())]


async def two_messages(clock: Clock) -> tuple[UUID, Plan, Plan]:
    """A customer, and two messages of a shop to them, an hour apart; another shop knows the customer, too."""
    shop = await make_shop()
    [ana, _] = await make_customers(shop, 2)
    await make_customers(await make_shop("other"), 1)
    first = await make_resolved(shop)
    clock.move(timedelta(hours=1))
    return ana, first, await make_resolved(shop)


async def test_the_latest_read_and_click_of_a_shop_s_messages_stay_the_latest_whichever_is_touched_again(clock: Clock):
    ana, first, second = await two_messages(clock)
    read_at = now()
    await message.mark_read(MessageKey(first.id, ana))
    clock.move(timedelta(hours=1))
    await message.click(MessageKey(second.id, ana))
    clock.move(timedelta(hours=1))
    clicked_at = now()
    await message.click(MessageKey(first.id, ana))
    clock.move(timedelta(hours=1))

    await message.click(MessageKey(second.id, ana))
    again = await message.mark_read(MessageKey(first.id, ana))

    assert again is not None
    assert (again.plan_id, again.read_at, again.clicked_at) == (first.id, read_at, clicked_at)
    found = await database.fetch(
        "SELECT last_message_read_at, last_message_clicked_at FROM relationship WHERE last_message_read_at IS NOT NULL"
    )
    assert [tuple(row) for row in found] == [(read_at + timedelta(hours=1), clicked_at)]


async def test_webhooks_are_told_of_the_first_touch_of_each_message_whatever_became_of_another(clock: Clock):
    ana, first, second = await two_messages(clock)
    await make_webhook(await Shop.get(id=first.shop_id), "message.read", "message.clicked")
    one, other, another_s = (
        MessageKey(first.id, ana),
        MessageKey(second.id, ana),
        MessageKey(first.id, customer_id("c1")),
    )

    for touch, key in ((message.click, one), (message.mark_read, other), (message.click, other), (message.click, one)):
        await touch(key)

    await message.click(another_s)

    rows = await database.fetch("SELECT fact, (data ->> 'plan')::int AS plan FROM posting ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("message.read", first.id), ("message.clicked", first.id),
        ("message.read", second.id), ("message.clicked", second.id),
        ("message.read", first.id), ("message.clicked", first.id),
    ]  # fmt: skip
