"""Prices as a history: by their own times, however late they arrive, and a product has the latest."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database as db
from models.clock import now
from models.ingest import ingest
from tests.factories import make_shop
from tests.rows import SECRET, price_row, product_row, tell

pytestmark = pytest.mark.usefixtures("database")


async def history() -> list[int]:
    """Prices in the order of their times."""
    return [row["price"] for row in await db.fetch("SELECT price FROM price_change ORDER BY changed_at")]


async def price() -> int | None:
    """What the product costs."""
    found: int | None = await db.fetch_value("SELECT price FROM product")
    return found


async def test_a_product_s_new_price_is_a_change_and_the_same_one_is_none(clock):
    shop = await make_shop()
    await tell(shop, product_row(price=2000))
    clock.move(timedelta(hours=1))
    await tell(shop, product_row(price=2000))
    await tell(shop, product_row(price=1500))
    assert await history() == [2000, 1500]
    assert await price() == 1500


async def test_a_late_change_finds_its_place_and_leaves_the_price_that_is_newer(clock):
    shop = await make_shop()
    await tell(shop, product_row(price=2000, priceChangedAt="2026-01-01T00:00:00Z"))
    await tell(shop, price_row(price=1000, changedAt="2026-01-10T00:00:00Z"))
    await tell(shop, price_row(price=1500, changedAt="2026-01-05T00:00:00Z"))
    assert await history() == [2000, 1500, 1000]
    assert await price() == 1000


async def test_an_earlier_price_told_with_a_product_does_not_replace_a_later_one():
    shop = await make_shop()
    await tell(shop, product_row(price=1000))
    await tell(shop, product_row(price=2000, priceChangedAt="2026-01-01T00:00:00Z"))
    assert await history() == [2000, 1000]
    assert await price() == 1000


async def test_a_price_told_again_with_a_product_counts_against_a_change_before_it_that_arrives_late():
    """It was the price in force when it was told, so it was no change then; it is one after what had come before."""
    shop = await make_shop()
    for day in (1, 3):
        await tell(shop, product_row(price=2000, priceChangedAt=f"2026-01-0{day}T00:00:00Z"))
    await tell(shop, price_row(price=1500, changedAt="2026-01-02T00:00:00Z"))
    assert await history() == [2000, 1500, 2000]
    assert await price() == 2000


async def test_a_product_told_after_its_price_changes_costs_what_the_latest_says():
    shop = await make_shop()
    await tell(shop, price_row(price=1500, changedAt="2026-01-05T00:00:00Z"), price_row(price=2000))
    await tell(shop, {"type": "product", "externalId": "p1", "title": "Rose soap"})
    assert await price() == 1500


async def test_a_product_without_a_price_is_given_none_by_a_row_that_names_none():
    shop = await make_shop()
    await tell(shop, product_row(price=2000))
    await tell(shop, product_row(price=None))
    await tell(shop, {"type": "product", "externalId": "p1", "title": "Soap"})
    assert await history() == [2000]
    assert await price() is None


TOLD_TOGETHER = [(2, 1500), (3, 2000), (1, 1000)]
"""Days and prices of one product, which cost 2000 before."""


@pytest.mark.parametrize("rows", [TOLD_TOGETHER, TOLD_TOGETHER[::-1]])
async def test_prices_told_with_their_times_in_one_batch_are_all_changes_in_whatever_order(rows):
    shop = await make_shop()
    await tell(shop, product_row(price=2000, priceChangedAt="2025-12-31T00:00:00Z"))
    await tell(shop, *(product_row(price=cost, priceChangedAt=f"2026-01-0{day}T00:00:00Z") for day, cost in rows))
    assert await history() == [2000, 1000, 1500, 2000]
    assert await price() == 2000


async def test_the_same_price_told_again_and_again_in_a_batch_is_one_change():
    shop = await make_shop()
    await tell(shop, *(product_row(price=2000, priceChangedAt=f"2026-01-0{day}T00:00:00Z") for day in (1, 2, 3)))
    assert await history() == [2000]


async def test_what_a_product_cost_then_decides_whether_a_price_told_late_with_it_is_a_change_not_what_it_costs_now():
    shop = await make_shop()
    await tell(shop, product_row(price=2000, priceChangedAt="2026-01-01T00:00:00Z"))
    await tell(shop, price_row(price=1500, changedAt="2026-01-10T00:00:00Z"))
    await tell(shop, product_row(price=1500, priceChangedAt="2026-01-05T00:00:00Z"))
    await tell(shop, product_row(price=1500, priceChangedAt="2026-01-05T00:00:00Z"))
    await tell(shop, product_row(price=2000, priceChangedAt="2026-01-04T00:00:00Z"))
    assert await history() == [2000, 1500, 1500]


async def test_a_change_in_another_currency_or_in_the_future_is_refused_and_nothing_is_kept():
    shop = await make_shop()
    ahead = (now() + timedelta(minutes=6)).isoformat()
    results = await ingest(shop, [product_row(), price_row(currency="EUR"), price_row(changedAt=ahead)], secret=SECRET)
    codes = [[problem.code for problem in result.problems] for result in results]
    assert codes == [[], ["WRONG_CURRENCY"], ["IN_FUTURE"]]
    assert await history() == [1999]


@given(st.permutations([(day, 1000 + (day * 37) % 11) for day in range(1, 8)]))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_history_does_not_depend_on_the_order_of_arrival(rows):
    await db.execute("TRUNCATE price_change, product, shop CASCADE")
    shop = await make_shop()
    await tell(shop, product_row(price=1, priceChangedAt="2026-01-01T00:00:00Z"))
    for day, cost in rows:
        await tell(shop, price_row(price=cost, changedAt=f"2026-01-0{day + 1}T00:00:00Z"))
    assert await history() == [1, *(cost for _, cost in sorted(rows))]
    assert await price() == max(rows)[1]


MIXED = [
    product_row(price=2000, priceChangedAt="2026-01-01T00:00:00Z"),
    price_row(price=1500, changedAt="2026-01-02T00:00:00Z"),
    product_row(price=2000, priceChangedAt="2026-01-03T00:00:00Z"),
    product_row(price=2000, priceChangedAt="2026-01-04T00:00:00Z"),
    price_row(price=1700, changedAt="2026-01-05T00:00:00Z"),
    product_row(price=1700, priceChangedAt="2026-01-06T00:00:00Z"),
    price_row(price=1700, changedAt="2026-01-07T00:00:00Z"),
    product_row(price=1600, priceChangedAt="2026-01-08T00:00:00Z"),
    product_row(price=1700, priceChangedAt="2026-01-09T00:00:00Z"),
]


@given(st.permutations(MIXED), st.integers(1, len(MIXED)))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_a_product_costs_does_not_depend_on_the_order_of_arrival_of_its_rows_and_changes(rows, size):
    await db.execute("TRUNCATE price_change, product, shop CASCADE")
    shop = await make_shop()
    for start in range(0, len(rows), size):
        await tell(shop, *rows[start : start + size])
    assert await price() == 1700
