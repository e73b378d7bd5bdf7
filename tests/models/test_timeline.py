"""A customer's timeline: everything that happened with this shop, once, in order, and nothing of another's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import consent, message, partition, timeline
from models import database as db
from models.clock import TOLERANCE, Clock, now
from models.coupon import claim
from models.coupon.redemption import redeem
from models.identifier import external_uuid
from models.message import MessageKey
from models.page import page_of
from models.shop import Shop
from models.timeline import NEWEST_FIRST, TimelineEntry, TimelineKind
from resolvers.connection import connect
from tests.factories import make_coupon, make_customers, make_resolved, make_shop


@dataclass
class Life:
    """A shop and a customer with a life in it."""

    shop: Shop
    customer: UUID
    started: datetime


async def buy(shop: Shop, customer: UUID, name: str) -> None:
    await db.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at, arrived_at)"
        " VALUES ($1, $2, $3, $4, $5, 900, 'REFUNDED', $5::timestamptz + interval '1 hour', $5)",
        customer, external_uuid("order", shop.external_id, name), shop.id, name, now(),
    )  # fmt: skip


async def view(shop: Shop, customer: UUID, name: str) -> None:
    await db.execute(
        "INSERT INTO event (customer_id, id, shop_id, kind, occurred_at, arrived_at, category, seconds)"
        " VALUES ($1, $2, $3, 'LIVE_WATCHED', $4, $4, 'beauty', 60)",
        customer, external_uuid("event", shop.external_id, name), shop.id, now(),
    )  # fmt: skip


async def live(clock: Clock, name: str = "bloom") -> Life:
    """One after another, a minute apart: two chats, a third over the limit, a read, a click, a claim, an order, a block."""
    async with db.transaction():
        await partition.ensure([(2026, 1)])
    shop, started = await make_shop(name), now()
    (customer,) = await make_customers(shop, 1)
    coupon = await make_coupon(shop)
    steps: list[Callable[[], Awaitable[Any]]] = [
        lambda: make_resolved(shop, coupon_id=coupon.id),
        lambda: make_resolved(shop),
        lambda: make_resolved(shop),
        lambda: view(shop, customer, "e1"),
        lambda: claim.claim(customer, coupon.id),
        lambda: buy(shop, customer, "o1"),
        lambda: consent.block(shop.id, customer),
    ]
    for step in steps:
        clock.move(timedelta(minutes=1))
        made = await step()
        if step is steps[0]:
            clock.move(timedelta(minutes=1))
            await message.click(MessageKey(made.id, customer))
    return Life(shop, customer, started)


async def told(life: Life, **arguments: object) -> list[TimelineEntry]:
    page = page_of(NEWEST_FIRST, first=100)
    return await timeline.timeline(life.shop.id, life.customer, page, **arguments)  # type: ignore[arg-type]


@pytest.mark.usefixtures("database")
async def test_everything_is_told_newest_first_with_what_was_not_sent_and_why(clock: Clock):
    life = await live(clock)

    assert [(entry.kind.value, entry.what, entry.reason) for entry in await told(life)] == [
        ("ORDER_ENDED", "REFUNDED", None),
        ("CONSENT", "BLOCKED", None),
        ("ORDER", "PLACED", None),
        ("CLAIM", None, None),
        ("EVENT", "LIVE_WATCHED", "beauty"),
        ("MESSAGE", "SUPPRESSED", "BLOCKED"),
        ("MESSAGE", "SENT", None),
        ("READ", None, None),
        ("CLICK", None, None),
        ("MESSAGE", "SENT", None),
    ]
    entries = {entry.kind: entry for entry in await told(life)}
    assert (entries[TimelineKind.ORDER].order, entries[TimelineKind.ORDER].amount) == ("o1", 900)
    assert entries[TimelineKind.EVENT].seconds == 60
    assert entries[TimelineKind.CLAIM].coupon_id is not None
    assert entries[TimelineKind.CLAIM].plan_id == entries[TimelineKind.CLICK].plan_id


@pytest.mark.usefixtures("database")
async def test_another_shop_s_life_with_the_same_customer_is_not_in_it(clock: Clock):
    life = await live(clock)
    before = await told(life)
    other = await live(clock, "other")

    assert other.customer == life.customer
    assert await told(life) == before
    assert {entry.shop_id for entry in await told(other)} == {other.shop.id}
    assert len(await told(other)) == len(before) - 2  # the day's limit let no message through that could be read


@pytest.mark.usefixtures("database")
async def test_a_consent_given_and_withdrawn_is_told_with_its_source_once_each(clock: Clock):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await db.execute("UPDATE relationship SET email_consent_at = $1, email_consent_source = 'checkout'", now())
    life = Life(shop, customer, now())
    assert [(entry.what, entry.reason, entry.channel) for entry in await told(life)] == [
        ("SUBSCRIBED", "checkout", "EMAIL")
    ]
    clock.move(timedelta(hours=1))
    await consent.unsubscribe(shop.id, customer, source="mail of plan 7", plan_id=7)

    assert [(entry.what, entry.plan_id, entry.channel) for entry in await told(life)] == [("UNSUBSCRIBED", 7, "EMAIL")]


@pytest.mark.usefixtures("database")
async def test_a_consent_given_by_a_clock_that_is_ahead_and_withdrawn_is_told_as_withdrawn_once(clock: Clock):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await db.execute("UPDATE relationship SET email_consent_at = $1", now() + TOLERANCE)
    await consent.unsubscribe(shop.id, customer, source="mail of plan 7", plan_id=7)

    entries = await told(Life(shop, customer, now()))

    assert [(entry.what, entry.plan_id, entry.at) for entry in entries] == [("UNSUBSCRIBED", 7, now())]


@pytest.mark.usefixtures("database")
async def test_a_claim_that_was_used_is_told_with_its_order_and_what_it_took_off(clock: Clock):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    coupon = await make_coupon(shop, customer_limit=2)
    used, kept = await claim.claim(customer, coupon.id), await claim.claim(customer, coupon.id)
    for name in ("o1", "o2"):
        await buy(shop, customer, name)
    await db.execute("UPDATE orders SET status = 'PLACED', cancelled_at = NULL")
    clock.move(timedelta(minutes=1))
    await redeem(shop, customer, used.code, order="o2", discount=100)

    life = Life(shop, customer, now())
    claims = await told(life, kinds={TimelineKind.CLAIM})
    redeemed = await told(life, kinds={TimelineKind.REDEMPTION})
    assert {each.key for each in claims} == {f"{coupon.id}:{each.number}" for each in (used, kept)}
    assert [(each.at, each.key, each.coupon_id, each.order, each.amount) for each in redeemed] == [
        (now(), f"{coupon.id}:{used.number}", coupon.id, "o2", 100)
    ]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_any_size_are_the_whole_once(clock: Clock, size: int, backward: bool):
    life = await live(clock)
    whole, cursor = await told(life), None
    found: list[TimelineEntry] = []
    while True:
        given = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = page_of(NEWEST_FIRST, **given)  # type: ignore[arg-type]
        rows = await timeline.timeline(life.shop.id, life.customer, page)

        async def none() -> int:
            return 0

        connection = connect(page, rows, lambda entry: (entry.at, entry.kind.value, entry.key), none)
        found = [*connection.nodes, *found] if backward else [*found, *connection.nodes]
        info = connection.page_info
        if not (info.has_previous_page if backward else info.has_next_page):
            break
        cursor = info.start_cursor if backward else info.end_cursor

    assert found == whole
    assert len(whole) == await timeline.count(life.shop.id, life.customer)


@pytest.mark.usefixtures("database")
async def test_only_some_kinds_may_be_asked_for(clock: Clock):
    life = await live(clock)
    kinds = {TimelineKind.READ, TimelineKind.ORDER}

    assert {entry.kind for entry in await told(life, kinds=kinds)} == kinds
    assert await timeline.count(life.shop.id, life.customer, kinds=kinds) == 2


@given(st.sets(st.sampled_from(list(TimelineKind))))
def test_every_kind_has_its_part(kinds: set[TimelineKind]):
    asked = kinds or set(TimelineKind)

    assert len(timeline._parts(kinds)) == len(asked) + (TimelineKind.CONSENT in asked)
