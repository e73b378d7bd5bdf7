"""Segments over real orders: sizes now and at earlier times, page by page."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models import database, relationship
from models.clock import Clock
from models.condition import Scope, parse
from models.identifier import customer_id, external_uuid
from models.segment import Segment, ensure_presets
from models.segment.member import Question, size
from models.shop import Shop
from tests.members import members_of

LATER = datetime(1998, 6, 30, tzinfo=UTC)
EARLIER = datetime(1997, 3, 20, tzinfo=UTC)


async def make_shop(external_id: str = "cdnow") -> Shop:
    """A shop that counts in USD and lives in UTC, with its presets."""
    at = datetime(1997, 1, 1, tzinfo=UTC)
    shop = await Shop.create(
        external_id=external_id,
        name="CDNOW",
        currency="USD",
        time_zone="UTC",
        default_language="en",
        created_at=at,
        updated_at=at,
    )
    await ensure_presets([shop])
    return shop


@pytest.fixture
async def cdnow_shop(database: None, cdnow: Path, clock: Clock) -> Shop:
    """The shop of the CDNOW orders, on the day after the last of them."""
    clock.freeze(LATER)
    shop = await make_shop()
    with cdnow.open() as lines:
        rows = [order_row(shop, row) for row in csv.DictReader(lines)]
    await copy_orders(shop, rows)
    return shop


def order_row(shop: Shop, row: dict[str, str]) -> tuple[Any, ...]:
    """A line of the file as a row of `orders`."""
    at = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    order = external_uuid("order", shop.external_id, row["order"])
    cents = round(float(row["amount"]) * 100)
    return customer_id(row["customer"]), order, shop.id, row["order"], at, cents, "PLACED", at


async def copy_orders(shop: Shop, rows: list[tuple[Any, ...]]) -> None:
    """Store the orders and their roll-up."""
    names = ["customer_id", "id", "shop_id", "external_id", "ordered_at", "amount", "status", "arrived_at"]
    async with database.connection() as raw:
        await raw.copy_records_to_table("orders", records=rows, columns=names)
    await relationship.roll_up_orders(shop.id, sorted({row[0] for row in rows}))


async def sizes(shop: Shop, as_of: datetime | None = None) -> dict[str, int]:
    """The size of every preset."""
    return {
        str(segment.preset): await size(segment.question(as_of)) for segment in await Segment.filter(shop_id=shop.id)
    }


OTHERS = {"POTENTIAL_NEW": 0, "NEW_FOLLOWERS": 0, "ACTIVE_FOLLOWERS": 0}


async def test_cdnow_has_the_published_sizes_now_and_by_history(cdnow_shop: Shop):
    published = {"RECENT": 0, "REPEAT": 1506, "FREQUENT": 1219, "LAPSED": 5031}

    assert await sizes(cdnow_shop) == published | OTHERS
    assert await sizes(cdnow_shop, as_of=LATER) == published | OTHERS


async def test_cdnow_had_the_published_sizes_a_year_earlier(cdnow_shop: Shop):
    published = {"RECENT": 8979, "REPEAT": 2928, "FREQUENT": 4232, "LAPSED": 0}

    assert await sizes(cdnow_shop, as_of=EARLIER) == published | OTHERS


async def test_two_orders_in_sixty_days_averaging_over_thirty_is_what_plain_sql_counts(cdnow_shop: Shop):
    definition = parse(
        {
            "all": [
                {"orders": {"withinDays": 60, "min": 2}},
                {"averageOrder": {"withinDays": 60, "above": 3000, "currency": "USD"}},
            ]
        },
        Scope("UTC", "USD"),
    )
    plain = await database.fetch_value(
        "SELECT count(*) FROM (SELECT FROM orders WHERE ordered_at > '1998-05-01' AND ordered_at <= '1998-06-30'"
        " GROUP BY customer_id HAVING count(*) >= 2 AND avg(amount) > 3000) AS member"
    )

    assert plain == 324
    assert await size(Question(cdnow_shop.id, definition)) == plain
    assert await size(Question(cdnow_shop.id, definition, LATER)) == plain


async def test_pages_of_members_make_the_whole_without_a_gap_or_a_repeat(cdnow_shop: Shop):
    repeat = await Segment.get(shop_id=cdnow_shop.id, preset="REPEAT")
    found = await members_of(repeat, first=1000)
    found += await members_of(repeat, first=1000, after=found[-1])

    assert found == sorted(set(found))
    assert len(found) == 1506
    assert await members_of(repeat, after=found[-1]) == []


async def test_presets_are_made_once_and_only_changed_when_they_differ(database: None):
    shop = await make_shop()
    await ensure_presets([shop])

    assert await Segment.filter(shop_id=shop.id).order_by("id").values_list("preset", "version") == [
        (code, 1)
        for code in (
            "POTENTIAL_NEW", "RECENT", "REPEAT", "FREQUENT", "LAPSED", "NEW_FOLLOWERS", "ACTIVE_FOLLOWERS",
        )
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_history_is_read_in_passes_however_few_rows_statistics_know_of(clock: Clock):
    clock.freeze(LATER)
    known, new = await make_shop("known"), await make_shop("new")
    at = EARLIER.date().isoformat()
    await copy_orders(known, [order_row(known, {"customer": "1", "order": "1", "date": at, "amount": "1"})])
    await database.execute("ANALYZE orders, relationship")
    lines = [{"customer": str(n % 700), "order": str(n), "date": at, "amount": "1"} for n in range(2_000)]
    await copy_orders(new, [order_row(new, line) for line in lines])
    segment = await Segment.get(shop_id=new.id, preset="RECENT")
    arguments: list[Any] = []
    statement = f"EXPLAIN {segment.question(LATER).compiled(arguments)}"

    async def plan(*, in_passes: bool) -> str:
        rows = await database.fetch_planned(statement, *arguments, in_passes=in_passes)
        return "\n".join(row[0] for row in rows)

    assert "Nested Loop" in await plan(in_passes=False)
    assert "Nested Loop" not in await plan(in_passes=True)
    assert await size(segment.question(EARLIER + timedelta(days=1))) == 700
    assert await database.fetch_value("SHOW enable_nestloop") == "on"
