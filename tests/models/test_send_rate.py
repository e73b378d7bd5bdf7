"""Send rates: a shop's bucket in the database, shared by all workers; and shops take turns."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from models import database as db
from models import send_rate
from models import slice as slices
from models.clock import Clock
from models.errors import Refused
from models.plan import Plan, PlanChannel
from models.slice import Waiting
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop
from tests.slices import make_worker

pytestmark = pytest.mark.usefixtures("database")

WINDOW = send_rate.WINDOW.total_seconds()


async def paced(
    per_minute: int, *, count: int = 40, name: str = "bloom", channel: PlanChannel = PlanChannel.EMAIL
) -> Plan:
    """A plan of a shop with a rate, whose bucket is full."""
    shop = await make_shop(name)
    await make_customers(shop, count, prefix=f"{name}-")
    await send_rate.change(shop, per_minute)
    await db.execute("UPDATE send_rate SET paid_until = $1", NOON - timedelta(hours=1))
    return await make_resolved(shop, channel=channel)


async def turn(plan: Plan, number: int = 1) -> list[Waiting]:
    """One turn of a slice: taken, loaded, sent and given back; what went."""
    held = await slices.acquire(plan.id, number, await make_worker(), uuid4())
    if held is None:
        return []
    gone = await slices.load(held)
    await db.execute(
        "UPDATE delivery SET state = 'SENT' WHERE plan_id = $1 AND customer_id = ANY($2)",
        plan.id,
        [m.customer_id for m in gone],
    )
    await slices.release(held)
    return gone


async def test_no_more_goes_than_the_rate_brings_and_in_the_end_everything(clock: Clock):
    plan = await paced(60)
    counts = []
    for _ in range(4):
        counts.append(len(await turn(plan)))
        assert await turn(plan) == []
        clock.move(timedelta(seconds=10))

    assert counts == [WINDOW, 10, 10, 5]
    assert await db.fetch_value("SELECT done_at IS NOT NULL FROM slice")


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 5, 7])
async def test_at_a_low_rate_an_hour_brings_an_hour_of_messages_and_no_minute_much_more_than_its_own(rate: int):
    plan = await paced(rate, count=60 * rate + 30)
    looks, random = [NOON], Random(rate)
    while looks[-1] < NOON + timedelta(hours=1):
        looks.append(looks[-1] + timedelta(seconds=random.uniform(1, send_rate.LATE.total_seconds())))

    async with db.kept_connection():
        drawn = [(at, await send_rate.draw(plan.id, 1, at) or 0) for at in looks]

    assert 60 * rate - 2 <= sum(count for _, count in drawn) <= 60 * rate + 3
    minutes = [[count for at, count in drawn if 0 <= (at - look).total_seconds() <= 60] for look in looks]
    assert max(map(sum, minutes)) <= 1.25 * rate + 1


async def test_chat_to_the_inbox_keeps_to_it_as_well():
    plan = await paced(60, channel=PlanChannel.CHAT)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 0

    await turn(plan)

    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == WINDOW


async def test_ten_workers_at_once_draw_no_more_than_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("models.slice.SLICE_SIZE", 4)
    plan = await paced(60)

    gone = await asyncio.gather(*(turn(plan, number) for number in range(1, 11)))

    assert sum(map(len, gone)) == WINDOW


async def test_who_may_not_be_written_to_now_takes_nothing_of_the_rate_from_others():
    plan = await paced(60, count=20)
    await db.execute(
        "INSERT INTO contact (customer_id, day, slot, plan_id, reference)"
        " SELECT customer_id, $1, slot, 999, '' FROM delivery, generate_series(1, 2) AS slot"
        " WHERE customer_id IN (SELECT customer_id FROM delivery ORDER BY customer_id LIMIT 10)",
        NOON.date(),
    )

    gone = [len(await turn(plan)) for _ in range(3)]

    assert gone == [5, 5, 0]
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE reason = 'CONTACT_LIMIT'") == 10
    assert await send_rate.draw(plan.id, 1, NOON) == 0
    assert await db.fetch_value("SELECT paid_until FROM send_rate") == NOON - timedelta(seconds=WINDOW - 10)


async def test_what_is_not_used_for_a_while_is_lost(clock: Clock):
    plan = await paced(60)
    clock.move(timedelta(days=1))

    assert len(await turn(plan)) == WINDOW


async def test_a_shop_without_rate_sends_everything_at_once():
    shop = await make_shop()
    await make_customers(shop, 40)
    assert len(await turn(await make_resolved(shop, channel=PlanChannel.EMAIL))) == 40


async def test_a_shop_at_its_rate_is_not_due_and_others_are_not_kept_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("models.slice.SLICE_SIZE", 4)
    first, second = await paced(60), await paced(6_000, name="other")

    turns = [each.plan_id for each in await slices.due(4)]
    await turn(first)
    for number in range(2, 6):
        await turn(first, number)

    assert turns == [first.id, second.id, first.id, second.id]
    assert {each.plan_id for each in await slices.due(20)} == {second.id}


@pytest.mark.parametrize("rate", [0, -1, send_rate.MOST + 1])
async def test_what_is_no_rate_is_refused_and_changes_nothing(rate: int):
    shop = await make_shop()
    await send_rate.change(shop, 60)

    with pytest.raises(Refused, match="messagesPerMinute"):
        await send_rate.change(shop, rate)

    assert await send_rate.of_shop(shop.id) == 60
    assert await send_rate.change(shop, None) is None
    assert await send_rate.of_shop(shop.id) is None
