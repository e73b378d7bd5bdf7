"""The inbox and what a shopper does in it: what of the ledger is in it, whose it is, and that the first time counts (R20)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import database, message
from models.clock import Clock, now
from models.message import NEWEST_FIRST, MessageKey
from models.page import page_of
from models.plan import Plan, PlanChannel
from tests.factories import make_customers, make_resolved, make_shop

pytestmark = pytest.mark.usefixtures("database")


async def seen(customer: UUID, size: int = 20) -> list[int]:
    """The plans whose messages the shopper sees, newest first, which is the same in whatever way it is asked."""
    page = await message.inbox(customer, page_of(NEWEST_FIRST, first=size))
    live = (await message.inboxes({customer: now() - timedelta(days=9)}, size))[customer]
    assert live.newest == page[:size]
    assert live.unread == await message.count(customer, unread=True)
    return [each.plan_id for each in live.newest]


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

    assert (await seen(ana), await seen(ana, 1), await seen(ben)) == ([second.id, first.id], [second.id], [second.id])
    assert [await message.count(each) for each in (ana, ben, uuid4())] == [2, 1, 0]
    await message.mark_read(MessageKey(first.id, ana))
    assert await message.count(ana, unread=True) == 1
    assert await seen(ana) == [second.id, first.id]


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


async def two_messages(clock: Clock) -> tuple[UUID, Plan, Plan]:
    """A customer, and two messages of a shop to them, an hour apart; another shop knows the customer, too."""
    shop = await make_shop()
    [ana, _] = await make_customers(shop, 2)
    await make_customers(await make_shop("other"), 1)
    first = await make_resolved(shop)
    clock.move(timedelta(hours=1))
    return ana, first, await make_resolved(shop)


async def test_the_latest_read_and_click_of_a_shop_s_messages_stay_the_latest_whichever_is_read_again(clock: Clock):
    ana, first, second = await two_messages(clock)
    await message.mark_read(MessageKey(first.id, ana))
    clock.move(timedelta(hours=1))
    clicked_at = now()
    await message.click(MessageKey(second.id, ana))
    clock.move(timedelta(hours=1))

    again = await message.mark_read(MessageKey(first.id, ana))

    assert again is not None
    assert (again.plan_id, again.read_at) == (first.id, clicked_at - timedelta(hours=1))
    found = await database.fetch(
        "SELECT last_message_read_at, last_message_clicked_at FROM relationship WHERE last_message_read_at IS NOT NULL"
    )
    assert [tuple(row) for row in found] == [(clicked_at, clicked_at)]
