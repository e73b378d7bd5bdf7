"""What happens days later is counted on the day that it belongs to, and once."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from models import database as db
from models import intent, mail_report, touch
from models import slice as slices
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.intent import Settlement
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey
from models.metric import day as metric_day
from models.metric import of_plans
from models.metric.day import FACTS
from models.plan import Plan, PlanChannel, advance
from models.shop import Shop
from models.signed_link import Link
from models.touch.machine import TouchKind, Visit
from tests.factories import DEADLINE, make_customers, make_resolved, make_shop
from tests.models.metric.daily import ZONE, anew, rows
from tests.outreach import PRODUCTS, Bought, Claimed, Outreach, Place, Sent, at
from tests.slices import hold


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone=ZONE)


async def test_what_bounced_and_was_tried_again_counts_once_on_the_day_it_went_at_last(database: None, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    ana, ben, _ = await deliver(plan, 1)
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 3}
    for customer in (ana, ben):
        await mail_report.take(Report(ReturnKey(plan.id, customer, ""), Outcome.FAILED, "5.2.2"))
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1}
    clock.move(timedelta(days=2))

    await plan.retry_failed(shop, include_unknown=False, deadline_after=DEADLINE)
    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1}
    await deliver(plan, 2)

    assert await days(shop.id) == {(date(2026, 1, 15), "sent"): 1, (date(2026, 1, 17), "sent"): 2}


async def test_clicks_on_products_count_for_as_long_as_their_mail_has_arrived(database: None, clock: Clock):
    shop = await make_shop()
    ana, ben = await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver(plan, 1)
    clock.move(timedelta(hours=1))
    await click(shop, plan, ana, PRODUCTS[0])
    await click(shop, plan, ben, PRODUCTS[0])
    clock.move(timedelta(days=1))
    await click(shop, plan, ana, PRODUCTS[1])
    first, second = date(2026, 1, 15), date(2026, 1, 16)
    both = {(first, metric_day.WHOLE): 2, (first, PRODUCTS[0]): 2, (second, PRODUCTS[1]): 1}
    assert await clicked(shop.id) == both

    await mail_report.take(Report(ReturnKey(plan.id, ana, ""), Outcome.FAILED, "5.2.2"))
    assert await clicked(shop.id) == {(first, metric_day.WHOLE): 1, (first, PRODUCTS[0]): 1}
    clock.move(timedelta(hours=1))
    await click(shop, plan, ana, PRODUCTS[2])
    assert await clicked(shop.id) == {(first, metric_day.WHOLE): 1, (first, PRODUCTS[0]): 1}

    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    await plan.retry_failed(shop, include_unknown=False, deadline_after=DEADLINE)
    await deliver(plan, 2)
    assert await clicked(shop.id) == {**both, (second, PRODUCTS[2]): 1}


async def test_a_click_on_a_product_proves_its_mail_s_arrival_and_counts(database: None, clock: Clock):
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await deliver(plan, 1, DeliveryState.UNKNOWN)
    assert await days(shop.id) == {}

    await click(shop, plan, ana, PRODUCTS[0])

    day = date(2026, 1, 15)
    assert await clicked(shop.id) == {(day, metric_day.WHOLE): 1, (day, PRODUCTS[0]): 1}


async def click(shop: Shop, plan: Plan, customer: UUID, product: UUID) -> None:
    """A person follows the link of a product in a mail."""
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    visit = Visit(now(), "GET", agent, None)
    assert await touch.note(Link(shop.id, plan.id, customer), TouchKind.CLICK, visit, product) is None


async def clicked(shop_id: int) -> dict[tuple[object, object], int]:
    """Clicks by day and product, that of a whole message too; the same however the days came about."""
    await days(shop_id)
    return {(key[0], key[4]): amount for key, amount in (await rows(shop_id)).items() if key[-1] == "clicked"}


async def deliver(plan: Plan, number: int, outcome: DeliveryState = DeliveryState.SENT) -> list[UUID]:
    """Send what waits in a slice; to whom."""
    held, waiting = await hold(plan, number)
    assert await intent.commit([], waiting) == [each.attempt + 1 for each in waiting]
    await intent.commit([Settlement(each, each.attempt + 1, outcome) for each in waiting], [])
    await slices.release(held)
    return [each.customer_id for each in waiting]


async def days(shop_id: int) -> dict[tuple[object, object], int]:
    """The shop's figures by day; the same whether changes are folded, or the days are made anew."""
    found = await rows(shop_id)
    await metric_day.fold_all()
    assert await rows(shop_id, "metric_day") == found
    await metric_day.rebuild(shop_id)
    assert await rows(shop_id, "metric_day") == found
    return {(key[0], key[-1]): amount for key, amount in found.items()}


YESTERDAYS = Outreach(
    sent=[
        Sent(0, "ana", "SENT", None, "CHAT", "en", 10, 11, None),
        Sent(1, "ben", "SENT", None, "EMAIL", "es", 10, None, None),
    ],
    bought=[Bought(0, "ana", 12, 0, 500, "PLACED", None, PRODUCTS[:1])],
    claimed=[Claimed(0, "ana", 11, None)],
)
LATE_CHANGES = {
    "an order is cancelled": (
        "UPDATE orders SET status = 'CANCELLED', cancelled_at = $1", 90, {"orders": -1, "gmv": -500}
    ),
    "an order is corrected": ("UPDATE orders SET amount = 700 WHERE $1::timestamptz > ordered_at", 90, {"gmv": 200}),
    "a message bounces": (
        "UPDATE delivery SET state = 'FAILED', sent_at = NULL WHERE channel = 'EMAIL' AND $1::timestamptz > sent_at",
        90, {"sent": -1},
    ),
    "a message is read": ("UPDATE delivery SET read_at = $1 WHERE channel = 'EMAIL'", 90, {"read": 1}),
    "a machine reads": ("UPDATE delivery SET machine_read_at = $1 WHERE channel = 'EMAIL'", 90, {"machine_read": 1}),
    "a machine reads what was read": ("UPDATE delivery SET machine_read_at = $1 WHERE channel = 'CHAT'", 90, {}),
    "a claim is redeemed": (
        "UPDATE claim SET redeemed_at = $1, order_id = (SELECT id FROM orders)", 90, {"redeemed": 1}
    ),
}  # fmt: skip
"""What may happen days later, and what it adds to the whole messages' figures."""


@pytest.mark.parametrize("change", LATE_CHANGES)
async def test_what_happens_days_later_is_counted_on_the_day_it_belongs_to(place: Place, change: str):
    statement, hour, expected = LATE_CHANGES[change]
    shop = place.shops[0].id
    await place.store(YESTERDAYS)
    await metric_day.fold_all()
    before = await sums(shop)
    await db.execute(statement, at(hour))
    after = await sums(shop)
    await metric_day.rebuild(shop)

    assert {fact: after[fact] - before[fact] for fact in FACTS if after[fact] != before[fact]} == expected
    assert await sums(shop) == after


async def sums(shop_id: int) -> dict[str, int]:
    """The figures of the shop's whole messages."""
    found = dict.fromkeys(FACTS, 0)
    for (*_, product, fact), amount in (await rows(shop_id)).items():
        if product == metric_day.WHOLE:
            found[str(fact)] += amount
    return found


async def test_who_leaves_again_and_again_after_a_plan_counts_once_on_the_day_they_first_did(place: Place):
    shop, plan, other = place.shops[0], place.plans[0], place.plans[1]
    [ana, ben] = await make_customers(shop, 2)

    async def leave(customer: UUID, channel: str, day: int, plan_id: int | None = plan.id) -> None:
        await db.execute(
            "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at, plan_id) VALUES ($1, $2, $3, $4, $5)",
            customer, shop.id, channel, at(24 * day), plan_id,
        )  # fmt: skip

    async def days() -> dict[tuple[object, object], int]:
        """How many left on which day after which plan: the same however it came about."""
        noted = await rows(shop.id)
        assert noted == await anew(shop.id)
        return {(key[0], key[1]): amount for key, amount in noted.items() if key[-1] == "unsubscribed"}

    day = {number: at(24 * number).astimezone(ZoneInfo(ZONE)).date() for number in range(9)}

    await leave(ana, "EMAIL", 3)
    assert await days() == {(day[3], plan.id): 1}
    await leave(ana, "CHAT", 3)
    await leave(ana, "EMAIL", 5)
    await leave(ana, "EMAIL", 6, None)
    assert await days() == {(day[3], plan.id): 1}
    await leave(ben, "CHAT", 5)
    await leave(ana, "CHAT", 6, other.id)
    assert await days() == {(day[3], plan.id): 1, (day[5], plan.id): 1, (day[6], other.id): 1}
    await leave(ben, "EMAIL", 4)
    expected = {(day[3], plan.id): 1, (day[4], plan.id): 1, (day[6], other.id): 1}
    assert await days() == expected

    await metric_day.fold_all()
    assert await days() == expected
    await metric_day.rebuild(shop.id)
    assert await days() == expected
    assert [figures.unsubscribed for figures in await of_plans([plan.id, other.id]) if figures] == [2, 1]
