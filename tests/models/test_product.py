"""Products as they are written: the last word wins field by field, in one shop only."""

import asyncio
from typing import Any

import pytest

from models import database as db
from models.identifier import product_id
from tests.factories import make_shop
from tests.rows import product_row, tell

pytestmark = pytest.mark.usefixtures("database")


async def stored() -> list[tuple[Any, ...]]:
    """All products as stored."""
    rows = await db.fetch("SELECT shop_id, external_id, title, category, price, image_url FROM product ORDER BY 1, 2")
    return [tuple(row) for row in rows]


async def test_a_field_left_out_stays_and_null_empties_it():
    shop = await make_shop()
    await tell(shop, product_row(category="beauty", imageUrl="https://example.com/p1.png"))
    await tell(shop, {"type": "product", "externalId": "p1", "title": "Soap", "imageUrl": None})
    assert await stored() == [(shop.id, "p1", "Soap", "beauty", 1999, None)]
    assert await db.fetch_value("SELECT id FROM product") == product_id("bloom", "p1")


async def test_the_last_row_of_a_batch_wins_field_by_field():
    shop = await make_shop()
    await tell(shop, product_row(price=5), product_row(category="beauty", title="Soap"), product_row(price=7))
    assert await stored() == [(shop.id, "p1", "Rose soap", "beauty", 7, None)]


async def test_the_same_external_id_in_two_shops_is_two_products():
    first, second = await make_shop("bloom"), await make_shop("cedar")
    await tell(first, product_row(price=1))
    await tell(second, product_row(price=2))
    assert [row[4] for row in await stored()] == [1, 2]


async def test_the_same_row_again_touches_nothing():
    shop = await make_shop()
    await tell(shop, product_row())
    before = await db.fetch("SELECT xmin, * FROM product")
    await tell(shop, product_row())
    assert await db.fetch("SELECT xmin, * FROM product") == before


async def test_fields_written_at_once_are_both_kept():
    shop = await make_shop()
    bare = {"type": "product", "title": "Soap"}
    for number in range(10):
        name = {**bare, "externalId": f"p{number}"}
        await asyncio.gather(
            tell(shop, {**name, "category": "beauty"}), tell(shop, {**name, "imageUrl": "https://a.example"})
        )
    assert {row[3] for row in await stored()} == {"beauty"}
    assert {row[5] for row in await stored()} == {"https://a.example"}
