"""Shops as they are written: presets with each, an amount's currency for ever."""

from decimal import Decimal
from typing import Any

import pytest

from models import database
from models.ingest import ingest_shops
from models.shop import Shop
from tests.outside import Outside
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


def shop_row(external_id: str = "bloom", **fields: Any) -> dict[str, Any]:
    """A shop without its optional fields."""
    return {
        "externalId": external_id, "name": "Bloom", "currency": "USD", "timeZone": "America/New_York",
        "defaultLanguage": "EN_us", **fields,
    }  # fmt: skip


async def write(*rows: Any) -> list[list[tuple[str, str]]]:
    """Write shops; the (field, code) of each row's problems."""
    results = await ingest_shops(rows)
    assert [result.index for result in results] == list(range(len(rows)))
    return [[(".".join(problem.field), problem.code.value) for problem in result.problems] for result in results]


async def test_a_shop_is_written_with_its_seven_presets(clock):
    assert await write(shop_row(country="US", score=4.5, gmv=10**15)) == [[]]
    shop = await Shop.get(external_id="bloom")
    assert (shop.name, shop.currency, shop.time_zone, shop.default_language) == (
        "Bloom", "USD", "America/New_York", "en-US",
    )  # fmt: skip
    assert (shop.country, shop.score, shop.gmv, shop.created_at) == ("US", Decimal("4.50"), 10**15, clock.now())
    assert await database.fetch_value("SELECT count(*) FROM segment WHERE shop_id = $1", shop.id) == 7


async def test_a_field_left_out_stays_and_null_empties_it():
    await write(shop_row(score=3, gmv=5))
    await write(shop_row(name="Bloom & Co", gmv=None), shop_row("cedar"))
    shop = await Shop.get(external_id="bloom")
    assert (shop.name, shop.score, shop.gmv) == ("Bloom & Co", Decimal("3.00"), None)
    assert await Shop.all().count() == 2


async def test_the_same_row_again_touches_nothing():
    await write(shop_row(score=3.2))
    before = await database.fetch("SELECT xmin, * FROM shop"), await database.fetch("SELECT xmin, * FROM segment")
    await write(shop_row(score=3.2), shop_row(score=3.2))
    assert (
        await database.fetch("SELECT xmin, * FROM shop"),
        await database.fetch("SELECT xmin, * FROM segment"),
    ) == before


async def test_a_currency_never_changes_and_a_refusal_changes_nothing():
    await write(shop_row())
    before = await database.fetch("SELECT xmin, * FROM shop")
    assert await write(shop_row(currency="EUR", name="Other")) == [[("currency", "CONFLICT")]]
    assert await database.fetch("SELECT xmin, * FROM shop") == before


async def test_within_a_batch_the_first_currency_stands():
    assert await write(shop_row(), shop_row(currency="EUR"), shop_row(name="Later")) == [
        [], [("currency", "CONFLICT")], [],
    ]  # fmt: skip
    shop = await Shop.get(external_id="bloom")
    assert (shop.currency, shop.name) == ("USD", "Later")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"currency": "XXQ"}, ("currency", "INVALID")),
        ({"currency": "usd"}, ("currency", "INVALID")),
        ({"timeZone": "EST5"}, ("timeZone", "UNKNOWN_TIME_ZONE")),
        ({"defaultLanguage": "xx"}, ("defaultLanguage", "UNKNOWN_LANGUAGE")),
        ({"name": ""}, ("name", "INVALID")),
        ({"name": "a\0"}, ("name", "INVALID")),
        ({"country": "USA"}, ("country", "INVALID")),
        ({"score": 5.01}, ("score", "INVALID")),
        ({"score": 3.495}, ("score", "INVALID")),
        ({"score": -0.1}, ("score", "INVALID")),
        ({"score": float("nan")}, ("score", "INVALID")),
        ({"score": float("inf")}, ("score", "INVALID")),
        ({"score": True}, ("score", "INVALID")),
        ({"score": "4"}, ("score", "INVALID")),
        ({"gmv": -1}, ("gmv", "INVALID")),
        ({"type": "shop"}, ("type", "INVALID")),
    ],
)
async def test_a_wrong_value_is_refused_at_its_place_and_others_are_written(fields, problem):
    assert await write(shop_row(**fields), shop_row("cedar")) == [[problem], []]
    assert await database.fetch_value("SELECT array_agg(external_id) FROM shop") == ["cedar"]


async def test_what_is_not_an_object_is_refused():
    assert await write(None, 3, []) == [[("", "INVALID")]] * 3


async def test_of_two_who_write_a_new_shop_at_once_neither_takes_back_what_the_other_said():
    outside = Outside()

    async with database.transaction():
        assert await write(shop_row(score=4.0)) == [[]]
        writing = outside.begin(write(shop_row(gmv=500)))
        await until_a_lock_is_waited_for(unless=writing)

    assert await writing == [[]]
    shop = await Shop.get()
    assert (shop.score, shop.gmv) == (Decimal(4), 500)


async def test_of_two_who_write_a_new_shop_at_once_in_different_currencies_the_second_is_refused():
    outside = Outside()

    async with database.transaction():
        assert await write(shop_row()) == [[]]
        writing = outside.begin(write(shop_row(currency="EUR", name="Other")))
        await until_a_lock_is_waited_for(unless=writing)

    assert await writing == [[("currency", "CONFLICT")]]
    shop = await Shop.get()
    assert (shop.currency, shop.name) == ("USD", "Bloom")
