"""Events as they are written: once each, in the partition of their month."""

from datetime import UTC, datetime

import pytest

from models import database as db
from models.event import EventKind
from models.identifier import customer_id, external_uuid, product_id
from models.relationship import ENGAGED, LATEST, NO_INTERACTION
from tests.factories import make_shop
from tests.rows import event_row, tell

pytestmark = pytest.mark.usefixtures("database")


async def test_the_kinds_are_those_of_the_database():
    kinds = await db.fetch("SELECT unnest(enum_range(NULL::event_kind))::text AS kind")
    assert [row["kind"] for row in kinds] == list(EventKind)


def test_every_kind_is_rolled_up_or_moves_nothing():
    rolled_up = {kind for kinds in LATEST.values() for kind in kinds}
    assert rolled_up | {"CART_REMOVED", "CART_EMPTIED"} == set(EventKind)
    assert set(NO_INTERACTION) - rolled_up == {"CART_REMOVED", "CART_EMPTIED"}
    assert set(ENGAGED) == {kind for kind in EventKind if kind.startswith(("VIDEO", "LIVE"))} | {"PRODUCT_CARD_CLICKED"}


async def test_an_event_is_stored_whole(clock):
    shop = await make_shop()
    await tell(shop, event_row(kind="LIVE_WATCHED", product="p1", category="beauty", seconds=600, reference="live-1"))
    (row,) = await db.fetch("SELECT * FROM event")
    assert dict(row) == {
        "customer_id": customer_id("c1"), "id": external_uuid("event", "bloom", "e1"), "shop_id": shop.id,
        "kind": "LIVE_WATCHED", "occurred_at": datetime(2026, 1, 1, tzinfo=UTC), "arrived_at": clock.now(),
        "product_id": product_id("bloom", "p1"), "reference": "live-1", "category": "beauty", "seconds": 600,
    }  # fmt: skip


async def test_a_repeated_event_keeps_its_first_kind_also_in_the_roll_up():
    shop = await make_shop()
    await tell(shop, event_row(), event_row(kind="CART_ADDED"))
    await tell(shop, event_row(kind="FOLLOWED"))
    assert [row["kind"] for row in await db.fetch("SELECT kind FROM event")] == ["PRODUCT_VIEWED"]
    rolled = await db.fetch_one("SELECT last_viewed_at, last_carted_at, last_followed_at FROM relationship")
    assert rolled is not None
    assert tuple(rolled) == (datetime(2026, 1, 1, tzinfo=UTC), None, None)


async def test_a_repeated_event_touches_nothing():
    shop = await make_shop()
    await tell(shop, event_row())
    before = await db.fetch("SELECT xmin, * FROM relationship"), await db.fetch("SELECT xmin, * FROM event")
    await tell(shop, event_row())
    assert (await db.fetch("SELECT xmin, * FROM relationship"), await db.fetch("SELECT xmin, * FROM event")) == before


async def test_a_late_event_that_changes_nothing_of_the_roll_up_leaves_its_row_alone():
    shop = await make_shop()
    hours = {"e1": 9, "e2": 12, "e3": 10, "e4": 8}
    versions = []
    for name, hour in hours.items():
        row = event_row(name, occurredAt=f"2025-12-31T{hour:02}:00:00Z")
        await tell(shop, row)
        versions.append(await db.fetch_value("SELECT xmin::text FROM relationship"))
    assert await db.fetch_value("SELECT count(*) FROM event") == 4
    first, later, between, before = versions
    assert first != later == between != before  # the last is the first interaction


async def test_an_event_lies_in_the_partition_of_its_month_in_utc():
    shop = await make_shop()
    await tell(
        shop,
        event_row("e1", occurredAt="2026-01-01T00:30:00+01:00"),
        event_row("e2", occurredAt="2026-01-01T00:00:00Z"),
        event_row("e3", occurredAt="1990-01-01"),
    )
    places = await db.fetch("SELECT tableoid::regclass::text AS place FROM event ORDER BY occurred_at")
    assert [row["place"] for row in places] == ["event_1990_01", "event_2025_12", "event_2026_01"]


@pytest.mark.parametrize("kind", ["UNFOLLOWED", "CART_REMOVED", "CART_EMPTIED"])
async def test_leaving_or_emptying_alone_makes_nobody_a_customer(kind):
    shop = await make_shop()
    await tell(shop, event_row(kind=kind))
    assert await db.fetch_value("SELECT count(*) FROM event") == 1
    assert await db.fetch_value("SELECT count(first_interaction_at) FROM relationship") == 0


async def test_an_unfollow_that_arrives_before_its_follow_still_ends_it():
    shop = await make_shop()
    await tell(shop, event_row("e2", kind="UNFOLLOWED", occurredAt="2026-01-05"))
    await tell(shop, event_row("e1", kind="FOLLOWED", occurredAt="2026-01-04"))
    assert await db.fetch_value("SELECT follows FROM relationship") is False
    await tell(shop, event_row("e3", kind="FOLLOWED", occurredAt="2026-01-06"))
    assert await db.fetch_value("SELECT follows FROM relationship") is True
