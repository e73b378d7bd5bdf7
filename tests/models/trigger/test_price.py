"""Price drops: to those who watched the product, while the price is low, one message a day."""

import pytest

from tests.automation import Life, frozen, ledger, make_automated, texts
from tests.factories import make_shop
from tests.rows import price_row, tell

pytestmark = pytest.mark.usefixtures("database")

DAY = 24 * 60


async def costs(life: Life, product: str, minute: float, price: int) -> None:
    """Tell, now, that a product costs this since this minute."""
    await tell(life.shop, price_row(product, changedAt=life.at(minute).isoformat(), price=price))


async def test_who_watched_hears_of_a_drop_and_who_bought_or_did_not_watch_does_not():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben", "cleo")
    await life.goods("soap", "towel", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    await life.did("PRODUCT_FAVOURITED", -10, "ben", product="soap")
    await life.did("CART_ADDED", -10, "cleo", product="towel")
    await life.bought(-5, "ben", products=["soap"])
    plan = await make_automated(shop, "PRICE_DROP", text="{product} costs less")
    life.go(5)
    await costs(life, "soap", 5, 900)
    await costs(life, "towel", 5.5, 2000)
    assert [await life.look(plan, minute) for minute in (5, 6)] == [1, 0]
    assert await ledger(plan) == {f"price:soap:{life.micros(5)}:1": "SENT"}
    assert await texts(plan) == ["Soap costs less"]


async def test_a_drop_smaller_than_wanted_is_none():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    plan = await make_automated(shop, "PRICE_DROP", {"minimumDropPercent": 20})
    life.go(5)
    await costs(life, "soap", 5, 801)
    assert await life.look(plan, 6) == 0
    await costs(life, "soap", 6, 640)
    assert await life.look(plan, 7) == 1


async def test_a_drop_is_from_the_price_right_before_it():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await costs(life, "soap", -60, 600)
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    await costs(life, "soap", 5, 590)
    assert await life.look(plan, 6) == 0


async def test_a_price_that_was_raised_again_within_the_delay_sends_nothing():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    plan = await make_automated(shop, "PRICE_DROP", {"steps": [60]})
    life.go(5)
    await costs(life, "soap", 5, 500)
    life.go(30)
    await costs(life, "soap", 30, 1000)
    assert await life.look(plan, 65) == 0


async def test_a_drop_that_arrives_late_is_none_where_the_product_was_told_to_cost_as_much_as_ever_since():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(20)
    await life.goods("soap", price=1000)
    life.go(21)
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 22) == 0


async def test_of_a_sale_in_the_whole_shop_each_hears_of_the_deepest_drop_once_a_day():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "towel", "comb", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    for product in ("soap", "towel", "comb"):
        await life.did("PRODUCT_VIEWED", -10, product=product)
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    for product, price in (("soap", 800), ("towel", 500), ("comb", 700)):
        await costs(life, product, 5, price)
    assert await life.look(plan, 6) == 1
    await costs(life, "comb", 6, 400)
    assert await life.look(plan, 7) == 0
    life.go(6 + DAY)
    await costs(life, "soap", 6 + DAY, 300)
    assert await life.look(plan, 6 + DAY) == 1
    assert [said["product"] for said in await frozen(plan)] == ["Towel", "Soap"]


@pytest.mark.parametrize(("parameters", "made"), [({"watchedBy": ["FAVOURITED"]}, 0), ({"watchedDays": 5}, 0), ({}, 1)])
async def test_what_counts_as_watching_is_the_plan_s_to_say(parameters, made):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -6 * DAY, product="soap")
    plan = await make_automated(shop, "PRICE_DROP", parameters)
    life.go(5)
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 6) == made


@pytest.mark.parametrize(("seen", "made"), [(5 - 5 * DAY, 0), (6 - 5 * DAY, 1), (5, 1), (5.01, 0)])
async def test_a_product_is_watched_by_who_met_it_within_the_days_before_the_change_or_in_its_instant(
    seen: float, made: int
):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    plan = await make_automated(shop, "PRICE_DROP", {"watchedDays": 5})
    life.go(6)
    await life.did("PRODUCT_VIEWED", seen, product="soap")
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 6) == made


@pytest.mark.parametrize(("bought", "product", "made"), [(3, "soap", 2), (4, "soap", 1), (4, "towel", 2)])
async def test_only_an_order_of_that_product_since_it_was_watched_makes_the_drop_no_news(
    bought: int, product: str, made: int
):
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.goods("soap", "towel", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    for minute, name in ((1, "ana"), (4, "ana"), (5, "ben")):
        await life.did("PRODUCT_VIEWED", minute, name, product="soap")
    await life.bought(bought, products=[product])
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 6) == made


async def test_of_drops_as_deep_the_latest_is_told_and_of_those_at_once_the_smaller_id():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.goods("soap", "towel", "comb", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    for product in ("soap", "towel", "comb"):
        await life.did("PRODUCT_VIEWED", -10, product=product)
    for product in ("soap", "towel"):
        await life.did("PRODUCT_VIEWED", -10, "ben", product=product)
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    for product, minute in (("comb", 4), ("towel", 5), ("soap", 5)):
        await costs(life, product, minute, 500)
    assert await life.look(plan, 6) == 2
    assert [said["product"] for said in await frozen(plan)] == ["Soap", "Soap"]


async def test_what_cost_nothing_before_has_not_dropped_and_keeps_no_other_drop_from_being_told():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("gift", price=0, priceChangedAt="2026-01-01T00:00:00Z")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    for product in ("gift", "soap"):
        await life.did("PRODUCT_VIEWED", -10, product=product)
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    await costs(life, "gift", 5, 0)
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 6) == 1
    assert [said["product"] for said in await frozen(plan)] == ["Soap"]


async def test_a_drop_that_is_told_again_with_another_price_two_days_later_is_the_same_drop():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    await life.did("PRODUCT_VIEWED", -10, product="soap")
    plan = await make_automated(shop, "PRICE_DROP")
    life.go(5)
    await costs(life, "soap", 5, 500)
    assert await life.look(plan, 6) == 1
    life.go(5 + 2 * DAY)
    await costs(life, "soap", 5, 400)
    assert await life.look(plan, 6 + 2 * DAY) == 0
