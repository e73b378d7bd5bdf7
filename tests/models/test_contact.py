"""The contact limit: two marketing messages a customer and day, whoever sends them."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import audience, consent, delivery
from models import database as db
from models import slice as slices
from models.clock import Clock, now
from models.customer import suppress
from models.delivery import Reason
from models.estimate import estimate
from models.plan import PlanChannel
from models.shop import Shop
from tests import oracle
from tests.factories import make_customers, make_known, make_resolved, make_running, make_shop
from tests.ledger import states
from tests.outside import Outside
from tests.slices import hold, mail_plan, make_worker
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


async def test_the_third_message_of_a_day_waits_for_the_plans_hour_of_the_customers_next_day():
    shop = await make_shop(time_zone="Europe/Berlin")
    await make_customers(shop, 1, prefix="tokyo", time_zone="Asia/Tokyo")
    await make_customers(shop, 1, prefix="berlin")

    await make_resolved(shop)
    await make_resolved(shop)
    third = await make_resolved(shop)

    assert await states(third) == {"PENDING CONTACT_LIMIT": 2}
    rows = await db.fetch("SELECT not_before FROM delivery WHERE plan_id = $1 ORDER BY 1", third.id)
    expected = [datetime(2026, 1, 16, 4, tzinfo=UTC), datetime(2026, 1, 16, 12, tzinfo=UTC)]
    assert expected == [row["not_before"] for row in rows]  # 13:00 in Tokyo, 13:00 in Berlin


async def test_the_contact_limit_counts_over_all_shops():
    first, second = await make_shop("first"), await make_shop("second")
    customers = await make_customers(first, 3)
    await make_known(second, customers)
    await make_resolved(first)
    await make_resolved(second)

    third = await make_resolved(second)

    assert {"PENDING CONTACT_LIMIT": len(customers)} == await states(third)


@pytest.mark.parametrize("channel", [PlanChannel.CHAT, PlanChannel.EMAIL])
async def test_who_has_no_time_zone_has_one_day_for_shops_of_all_zones(channel: PlanChannel, clock: Clock):
    first = await make_shop("first", time_zone="America/New_York")
    second = await make_shop("second", time_zone="Asia/Tokyo")
    for shop in (first, second):
        await make_customers(shop, 1)
    clock.freeze(datetime(2026, 1, 15, 20, tzinfo=UTC))  # the 15th in New York, in Tokyo the 16th
    for _ in range(2):
        await make_resolved(first)

    third = await make_resolved(second, channel=channel)
    assert (await estimate(second, third)).capped_today == 1
    if channel is PlanChannel.EMAIL:
        mail, messages = await hold(third)
        await slices.release(mail)
        assert messages == []

    assert await states(third) == {"PENDING CONTACT_LIMIT": 1}
    at = await db.fetch_value("SELECT not_before FROM delivery WHERE plan_id = $1", third.id)
    assert at == datetime(2026, 1, 16, 20, tzinfo=UTC)  # five in the morning in Tokyo, as today
    clock.freeze(at)
    await hold(third)
    assert await db.fetch_value("SELECT day FROM contact WHERE plan_id = $1", third.id) == date(2026, 1, 16)
    await oracle.check_contacts()


async def test_plans_that_compete_for_the_same_customers_never_exceed_two_a_day():
    shop = await make_shop()
    await make_customers(shop, 60)
    plans = [await make_running(shop) for _ in range(5)]

    await asyncio.gather(*(audience.resolve_range(plan.id) for plan in plans))

    worst = await db.fetch_value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM delivery WHERE state = 'SENT' GROUP BY customer_id) t"
    )
    sent = await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'")
    contacts = await db.fetch_value("SELECT count(*) FROM contact")
    assert (worst, sent, contacts) == (2, 120, 120)


async def test_a_cancelled_plan_and_a_blocking_customer_give_their_contacts_back(clock: Clock):
    shop = await make_shop()
    blocking, _ = await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    _, waiting = await hold(plan)
    assert len(waiting) == 2

    await consent.unsubscribe(shop.id, blocking, source="mail")
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1
    await plan.cancel()

    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def unsubscribed(shop: Shop, customer: UUID) -> None:
    await consent.unsubscribe(shop.id, customer, source="mail")


async def told_so_by_the_platform(shop: Shop, customer: UUID) -> None:
    await delivery.suppress_customers(shop.id, [customer], "EMAIL", Reason.NO_CONSENT)


async def refused_at_their_address(shop: Shop, customer: UUID) -> None:
    (key,) = (row["email_key"] for row in await db.fetch("SELECT email_key FROM customer WHERE id = $1", customer))
    await suppress([key], reason="BOUNCED", at=now())
    await delivery.suppress_addresses([customer])


async def withdrawn(shop: Shop, customer: UUID) -> None:
    await delivery.withdraw_customer(customer, Reason.ERASED)


@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (unsubscribed, Reason.NO_CONSENT),
        (told_so_by_the_platform, Reason.NO_CONSENT),
        (refused_at_their_address, Reason.ADDRESS_SUPPRESSED),
        (withdrawn, Reason.ERASED),
    ],
)
async def test_who_leaves_while_a_slice_is_being_loaded_gives_back_the_contact_that_it_reserves(
    leave: Callable[[Shop, UUID], Coroutine[Any, Any, None]], reason: Reason
):
    shop, plan = await mail_plan(1)
    (customer,) = [row["id"] for row in await db.fetch("SELECT id FROM customer")]
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    outside = Outside()

    async with db.transaction():
        assert len(await slices.load(held)) == 1
        leaving = outside.begin(leave(shop, customer))
        await until_a_lock_is_waited_for(unless=leaving)
    await leaving

    assert await states(plan) == {f"SUPPRESSED {reason}": 1}
    assert await db.fetch("SELECT * FROM contact") == []
