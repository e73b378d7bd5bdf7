"""After an order: thanks, confirmation outside the contact limit, and the reminder to buy again."""

import pytest

from models import database as db
from models.identifier import product_id
from tests.automation import Life, frozen, ledger, make_automated, texts
from tests.factories import make_shop
from tests.rows import order_row, product_row, tell

pytestmark = pytest.mark.usefixtures("database")

DAY = 24 * 60


async def test_an_order_is_confirmed_by_its_number_once():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ORDER_CONFIRMATION", text="{order} is being packed")
    life.go(1)
    await life.bought(1, order="A-1042")
    assert [await life.look(plan, minute) for minute in (1, 2)] == [1, 0]
    assert await texts(plan) == ["A-1042 is being packed"]


async def test_confirmations_neither_count_towards_the_contact_limit_nor_wait_for_it():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ORDER_CONFIRMATION", quiet=None)
    for number in range(4):
        await life.bought(0, order=f"o{number}")
    await life.look(plan, 1)
    assert set((await ledger(plan)).values()) == {"SENT"}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_thanks_over_the_contact_limit_wait_for_the_next_day():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "THANK_YOU", {"steps": [60]})
    for number in range(3):
        await life.bought(0, order=f"o{number}")
    await life.look(plan, 60)
    assert list((await ledger(plan)).values()) == ["SENT", "SENT", "PENDING CONTACT_LIMIT"]
    await life.look(plan, 60 + DAY)
    assert list((await ledger(plan)).values()) == ["SENT", "SENT", "SENT"]


async def test_what_waited_for_the_next_day_and_was_cancelled_meanwhile_is_not_sent():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "THANK_YOU", {"steps": [60]})
    for number in range(3):
        await life.bought(0, order=f"o{number}")
    await life.look(plan, 60)
    life.go(120)
    await life.bought(0, order="o2", status="CANCELLED", cancelledAt=life.at(100).isoformat())
    await life.look(plan, 60 + DAY)
    assert list((await ledger(plan)).values()) == ["SENT", "SENT", "REASON_GONE OCCASION_OVER"]


async def test_a_cancelled_order_is_thanked_for_by_nobody():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "THANK_YOU", {"steps": [60]})
    await life.bought(0, status="REFUNDED", cancelledAt=life.at(0).isoformat())
    assert await life.look(plan, 60) == 0


async def test_three_weeks_after_the_last_order_and_not_after_an_earlier_one():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "REPURCHASE_REMINDER")
    await life.bought(0, order="o1")
    life.go(DAY)
    await life.bought(DAY, order="o2")
    assert [await life.look(plan, day * DAY) for day in (20.9, 21, 21.9, 22, 23)] == [0, 0, 0, 1, 0]
    assert await ledger(plan) == {"order:o2:1": "SENT"}


async def test_only_a_later_order_that_stands_takes_the_reminder_s_reason():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    plan = await make_automated(shop, "REPURCHASE_REMINDER")
    await life.bought(0, order="a1")
    await life.bought(0, order="a2")
    await life.bought(0, "ben", order="b1")
    life.go(DAY)
    await life.bought(DAY, "ben", order="b2", status="REFUNDED", cancelledAt=life.at(DAY).isoformat())
    assert await life.look(plan, 21 * DAY) == 3
    assert list(await ledger(plan)) == ["ana order:a1:1", "ana order:a2:1", "ben order:b1:1"]


async def test_an_order_goes_by_its_products_own_cycle_where_it_has_one():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await tell(
        shop, product_row("cream", repurchaseDays=30), product_row("soap", repurchaseDays=10), product_row("comb")
    )
    plan = await make_automated(shop, "REPURCHASE_REMINDER", {"useProductCycle": True, "steps": [20 * DAY]})
    start = life.at(0).isoformat()
    await tell(shop, order_row("a", "ana", orderedAt=start, products=["cream", "soap", "comb"]))
    await tell(shop, order_row("b", "ben", orderedAt=start, products=["comb"]))
    assert [await life.look(plan, day * DAY) for day in (9.9, 10, 19.9, 20, 30)] == [0, 1, 0, 1, 0]
    assert await ledger(plan) == {"ana order:a:1": "SENT", "ben order:b:1": "SENT"}


async def test_the_cycles_of_products_count_only_where_the_plan_goes_by_them():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await tell(shop, product_row("soap", repurchaseDays=10))
    plan = await make_automated(shop, "REPURCHASE_REMINDER", {"steps": [20 * DAY]})
    await life.bought(0, products=["soap"])
    assert [await life.look(plan, day * DAY) for day in (10, 20)] == [0, 1]


@pytest.mark.parametrize(("code", "minute"), [("THANK_YOU", DAY), ("REPURCHASE_REMINDER", 21 * DAY)])
async def test_a_product_that_an_order_lists_twice_is_told_of_once(code: str, minute: int):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "tea")
    plan = await make_automated(shop, code, text="{productCount, plural, one {{product}} other {{product} of #}}")
    await life.bought(0, products=["tea", "soap", "tea", "soap"])

    await life.look(plan, minute)

    assert await texts(plan) == ["Tea of 2"]
    (said,) = await frozen(plan)
    assert said["productIds"] == [str(product_id(shop.external_id, name)) for name in ("tea", "soap")]
