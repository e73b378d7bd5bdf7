"""Who has the last contact of a customer's day: an automated message that is due, before any broadcast (B6)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from models import audience, contact
from models import database as db
from models.clock import Clock, now
from models.identifier import customer_id
from models.plan import Plan, PlanChannel
from models.segment import Segment
from models.shop import Shop
from models.trigger.fire import fire
from tests import oracle
from tests.automation import LIFE, Life, make_automated, send
from tests.factories import make_customers, make_known, make_resolved, make_running, make_shop
from tests.ledger import states
from tests.slices import hold

pytestmark = pytest.mark.usefixtures("database")

Broadcast = Callable[[Shop], Awaitable[Plan]]


async def by_mail(shop: Shop) -> Plan:
    """A broadcast whose mail is loaded, in its queue, at the time that the other message is due in another."""
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hold(plan)
    return plan


async def by_chat(shop: Shop) -> Plan:
    """A broadcast that is put into the inbox while its audience is chosen."""
    return await make_resolved(shop)


async def welcomes(shop: Shop, count: int = 1) -> list[Plan]:
    """Automated plans of which a message to the shop's only customer is due, and not loaded yet."""
    plans = [await make_automated(shop, "WELCOME_FOLLOWER") for _ in range(count)]
    await Life(shop).did("FOLLOWED", 0, "c0")
    for plan in plans:
        assert await fire(plan.id, life=LIFE) == 1
    return plans


async def one_customer() -> Shop:
    shop = await make_shop()
    await make_customers(shop, 1)
    return shop


async def contacts_of(plan: Plan) -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM contact WHERE plan_id = $1", plan.id)
    return count


@pytest.mark.parametrize("broadcast", [by_mail, by_chat])
async def test_a_broadcast_leaves_the_last_contact_of_the_day_to_an_automated_message_that_is_due(
    broadcast: Broadcast, clock: Clock
):
    shop = await one_customer()
    await make_resolved(shop)
    (welcome,) = await welcomes(shop)

    plan = await broadcast(shop)
    await send(welcome)

    assert await states(plan) == {"PENDING CONTACT_LIMIT": 1}
    at = await db.fetch_value("SELECT not_before FROM delivery WHERE plan_id = $1", plan.id)
    assert at == clock.now() + timedelta(days=1)
    assert await states(welcome) == {"SENT": 1}
    await oracle.check_contacts()


@pytest.mark.parametrize("broadcast", [by_mail, by_chat])
@pytest.mark.parametrize(("due", "goes"), [(1, 1), (2, 0)])
async def test_a_broadcast_goes_where_a_contact_is_left_beside_those_of_what_is_due(
    broadcast: Broadcast, due: int, goes: int
):
    shop = await one_customer()
    plans = await welcomes(shop, due)

    plan = await broadcast(shop)
    for each in plans:
        await send(each)

    assert await contacts_of(plan) == goes
    assert [await states(each) for each in plans] == [{"SENT": 1}] * due
    await oracle.check_contacts()


async def test_of_broadcasts_at_once_one_goes_beside_an_automated_message_that_is_due():
    shop = await one_customer()
    (welcome,) = await welcomes(shop)
    plans = [await make_running(shop) for _ in range(3)]

    await asyncio.gather(*(audience.resolve_range(plan.id) for plan in plans))
    await send(welcome)

    assert sum([await contacts_of(plan) for plan in plans]) == 1
    assert await states(welcome) == {"SENT": 1}


async def test_a_contact_that_was_given_back_is_left_to_what_is_due_where_it_is_the_last():
    shop = await one_customer()
    first, _ = await make_resolved(shop), await make_resolved(shop)
    await db.execute("DELETE FROM contact WHERE plan_id = $1", first.id)
    await db.execute("UPDATE delivery SET state = 'FAILED', contact_day = NULL WHERE plan_id = $1", first.id)
    (welcome,) = await welcomes(shop)

    plan = await by_chat(shop)
    await send(welcome)

    assert await states(plan) == {"PENDING CONTACT_LIMIT": 1}
    assert await states(welcome) == {"SENT": 1}


async def paused(welcome: Plan) -> None:
    await welcome.pause()


async def for_later(welcome: Plan) -> None:
    await db.execute("UPDATE delivery SET not_before = now() + interval '99 years' WHERE plan_id = $1", welcome.id)


async def expired(welcome: Plan) -> None:
    await db.execute("UPDATE delivery SET expires_at = created_at WHERE plan_id = $1", welcome.id)


@pytest.mark.parametrize("wait", [paused, for_later, expired])
async def test_what_is_not_about_to_go_holds_no_broadcast_back(wait: Callable[[Plan], Awaitable[None]]):
    shop = await one_customer()
    await make_resolved(shop)
    (welcome,) = await welcomes(shop)
    await wait(welcome)

    assert await states(await by_chat(shop)) == {"SENT": 1}


async def test_what_its_shop_s_rate_lets_wait_holds_no_broadcast_of_another_shop_back():
    paced, other = await one_customer(), await make_shop("other")
    await make_known(other, [customer_id("c0")])
    await make_resolved(other)
    await welcomes(paced)
    await db.execute("INSERT INTO send_rate (shop_id, per_minute, paid_until) VALUES ($1, 1, $2)", paced.id, now())

    assert await states(await by_chat(other)) == {"SENT": 1}


async def test_of_a_backlog_the_longest_due_are_left_room():
    shop = await one_customer()
    await make_resolved(shop)
    await welcomes(shop)
    await db.execute("UPDATE slice SET due_at = due_at - interval '1 hour' WHERE done_at IS NULL")
    older = await make_automated(shop, "WELCOME_FOLLOWER")
    numbers = range(2, contact.MOST_AHEAD + 1)
    await db.execute(
        "INSERT INTO slice (plan_id, number, channel, due_at) SELECT $1, n, 'CHAT', now() - interval '99 years'"
        " FROM unnest($2::int[]) n",
        older.id,
        list(numbers),
    )

    assert await states(await by_chat(shop)) == {"PENDING CONTACT_LIMIT": 1}
    await db.execute(
        "INSERT INTO slice (plan_id, number, channel, due_at) VALUES ($1, 999, 'CHAT', now() - interval '99 years')",
        older.id,
    )
    await db.execute("DELETE FROM contact WHERE slot = 2")
    assert await states(await by_chat(shop)) == {"SENT": 1}


async def test_an_order_confirmation_takes_no_contact_and_holds_no_broadcast_back():
    shop = await one_customer()
    await make_resolved(shop)
    confirmation = await make_automated(shop, "ORDER_CONFIRMATION")
    await Life(shop).bought(0, "c0")
    assert await fire(confirmation.id, life=LIFE) == 1
    recent = await Segment.get(shop_id=shop.id, preset="RECENT")

    assert await states(await make_resolved(shop, segment_id=recent.id)) == {"SENT": 1}


async def test_an_automated_message_leaves_nothing_to_another():
    shop = await one_customer()
    await make_resolved(shop)
    first, second = await welcomes(shop, 2)

    await send(first)

    assert await states(first) == {"SENT": 1}
    await send(second)
    assert await states(second) == {"PENDING CONTACT_LIMIT": 1}
