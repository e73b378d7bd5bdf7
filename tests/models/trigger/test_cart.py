"""Abandoned carts: one message per step and episode, while something is in the cart."""

from datetime import timedelta

import pytest

from models.clock import now
from models.trigger.fire import fire
from tests.automation import LIFE, Life, frozen, ledger, make_automated, send, template_of, texts
from tests.factories import make_shop
from tests.rows import event_row, tell

pytestmark = pytest.mark.usefixtures("database")

STEPS = {"steps": [60, 720, 1440]}


async def test_each_step_goes_once_after_the_latest_addition():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "towel")
    plan = await make_automated(shop, "ABANDONED_CART", STEPS)
    await life.did("CART_ADDED", 0, product="soap")
    life.go(30)
    await life.did("CART_ADDED", 30, product="towel")
    assert await life.look(plan, 89) == 0
    assert await life.look(plan, 90) == 1
    assert await life.look(plan, 91) == 0
    assert await life.look(plan, 30 + 720) == 1
    assert await life.look(plan, 30 + 1440) == 1
    assert await life.look(plan, 30 + 3000) == 0
    start = life.micros(0)
    assert await ledger(plan) == {f"cart:{start}:1": "SENT", f"cart:{start}:2": "SENT", f"cart:{start}:3": "SENT"}


async def test_the_message_speaks_of_what_is_in_the_cart_newest_first():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "towel", "candle")
    plan = await make_automated(shop, "ABANDONED_CART", content=template_of("ABANDONED_CART"))
    for minute, product in enumerate(("soap", "towel", "candle")):
        life.go(minute)
        await life.did("CART_ADDED", minute, product=product)
    await life.did("CART_REMOVED", 2, product="towel")
    await life.look(plan, 200)
    assert await texts(plan) == [
        "Hi Ana! 2 products are still in your cart, Candle among them. Order before stock runs out."
    ]
    (said,) = await frozen(plan)
    assert said["productCount"] == 2
    assert len(said["productIds"]) == 2


@pytest.mark.parametrize("ending", ["bought", "emptied", "removed"])
async def test_a_cart_that_was_bought_or_emptied_is_no_occasion(ending):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(10)
    if ending == "bought":
        await life.bought(10)
    elif ending == "emptied":
        await life.did("CART_EMPTIED", 10)
    else:
        await life.did("CART_REMOVED", 10, product="soap")
    assert await life.look(plan, 130) == 0


@pytest.mark.parametrize(
    ("ending", "made"),
    [({"kind": "CART_EMPTIED"}, 0), ({"kind": "CART_REMOVED", "product": "soap"}, 0), ({"kind": "CART_REMOVED"}, 1)],
)
async def test_what_ends_a_cart_in_the_very_instant_of_its_latest_addition_ends_it(ending: dict[str, str], made: int):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    await life.did(minute=0, **ending)
    assert await life.look(plan, 120) == made


async def test_an_order_ends_a_cart_even_when_it_is_cancelled():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    await life.bought(0, status="CANCELLED", cancelledAt=life.at(0).isoformat())
    assert await life.look(plan, 120) == 0


async def test_what_was_put_into_the_cart_without_a_name_is_taken_out_by_the_end_of_the_cart_alone():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.goods("soap")
    plan = await make_automated(shop, "ABANDONED_CART")
    life.go(5)
    for name in ("ana", "ben"):
        await life.did("CART_ADDED", 0, name)
        await life.did("CART_ADDED", 1, name, product="soap")
        await life.did("CART_REMOVED", 2, name, product="soap")
        await life.did("CART_REMOVED", 3, name)
    await life.did("CART_EMPTIED", 4, "ben")
    assert await life.look(plan, 121) == 1
    assert await ledger(plan) == {f"cart:{life.micros(0)}:1": "SENT"}


async def test_what_was_put_into_the_cart_thirty_days_before_the_latest_addition_is_in_it_no_more():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "towel", "comb")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(1)
    await life.did("CART_ADDED", 1, product="towel")
    life.go(30 * 24 * 60)
    await life.did("CART_ADDED", 30 * 24 * 60, product="comb")
    assert await life.look(plan, 30 * 24 * 60 + 120) == 1
    assert list(await ledger(plan)) == [f"cart:{life.micros(1)}:1"]
    assert [said["productCount"] for said in await frozen(plan)] == [2]


async def test_what_is_bought_between_the_look_and_the_sending_is_not_reminded_of():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(120)
    assert await fire(plan.id, life=LIFE) == 1
    await life.bought(119)
    await send(plan)
    assert list((await ledger(plan)).values()) == ["REASON_GONE OCCASION_OVER"]


async def test_a_late_earlier_addition_does_not_make_the_cart_another_one():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART", {"steps": [60]})
    life.go(10)
    await life.did("CART_ADDED", 10, product="soap")
    assert await life.look(plan, 70) == 1
    await life.did("CART_ADDED", 5, product="towel")
    await life.did("CART_ADDED", 70, product="candle")
    assert await life.look(plan, 130) == 0


async def test_a_late_emptying_between_two_additions_does():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART", {"steps": [60]})
    await life.did("CART_ADDED", 0, product="soap")
    assert await life.look(plan, 60) == 1
    await life.did("CART_EMPTIED", 30)
    await life.did("CART_ADDED", 60, product="soap")
    assert await life.look(plan, 120) == 1
    assert list(await ledger(plan)) == [f"cart:{life.micros(0)}:1", f"cart:{life.micros(60)}:1"]


async def test_after_a_day_without_a_sweep_one_message_goes_and_not_three():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART", STEPS)
    await life.did("CART_ADDED", 0, product="soap")
    assert await life.look(plan, 1500) == 1
    assert list(await ledger(plan)) == [f"cart:{life.micros(0)}:3"]


async def test_what_happened_before_the_start_or_arrives_three_days_late_triggers_nothing():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(1)
    plan = await make_automated(shop, "ABANDONED_CART")
    life.go(2)
    assert await life.look(plan, 200) == 0
    life.go(1 + 120 + 72 * 60)
    await life.did("CART_ADDED", 1, "ben", product="soap")
    assert await life.look(plan, 1 + 121 + 72 * 60) == 0
    await life.did("CART_ADDED", 2.5, "ben", product="soap")
    assert await life.look(plan, 1 + 122 + 72 * 60) == 1


async def test_a_cart_of_five_hundred_products_shows_four_and_counts_all():
    life = Life(shop := await make_shop())
    await life.people("ana")
    for part in range(5):
        await life.goods(*(f"p{number}" for number in range(part * 100, part * 100 + 100)))
    plan = await make_automated(shop, "ABANDONED_CART")
    rows = [
        event_row(f"c{number}", "ana", kind="CART_ADDED", product=f"p{number}",
                  occurredAt=(now() + timedelta(milliseconds=number)).isoformat())
        for number in range(500)
    ]  # fmt: skip
    await tell(shop, *rows)
    assert await life.look(plan, 121) == 1
    (said,) = await frozen(plan)
    assert (said["productCount"], len(said["productIds"]), said["product"]) == (500, 4, "P499")


@pytest.mark.parametrize(("late", "state"), [(72 * 60 - 1, "SENT"), (72 * 60, "EXPIRED DEADLINE")])
async def test_a_message_that_was_held_up_goes_until_72_hours_after_its_time(late: int, state: str):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(121)
    assert await fire(plan.id, life=LIFE) == 1
    life.go(120 + late)
    await send(plan)
    assert list((await ledger(plan)).values()) == [state]


@pytest.mark.parametrize("text", ["Still there: {product}", "Still there: {productCount} products"])
async def test_a_text_about_products_is_not_sent_about_a_product_that_nobody_told_of(text: str):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "ABANDONED_CART", text=text)
    await life.did("CART_ADDED", 0, product="unheard-of")
    await life.look(plan, 121)
    assert list((await ledger(plan)).values()) == ["REASON_GONE NO_PRODUCT"]


async def test_a_checkout_is_reminded_of_until_there_is_an_order_or_another_checkout():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben", "cleo")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT")
    for name in ("ana", "ben", "cleo"):
        await life.did("CHECKOUT_STARTED", 0, name, reference=f"{name}-1")
    life.go(5)
    await life.bought(5, "ben")
    await life.did("CHECKOUT_STARTED", 5, "cleo", reference="cleo-2")
    await life.look(plan, 130)
    assert await ledger(plan) == {"ana checkout:ana-1:1": "SENT", "cleo checkout:cleo-2:1": "SENT"}


@pytest.mark.parametrize(("kind", "made"), [("CART_EMPTIED", 0), ("CHECKOUT_STARTED", 2), ("ORDER", 0)])
async def test_a_checkout_is_over_by_what_happens_in_its_own_instant_except_another_checkout(kind: str, made: int):
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT")
    await life.did("CHECKOUT_STARTED", 0, reference="k")
    if kind == "ORDER":
        await life.bought(0)
    else:
        await life.did(kind, 0, reference="l")
    assert await life.look(plan, 120) == made


async def test_a_checkout_without_a_reference_is_no_occasion():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT")
    await life.did("CHECKOUT_STARTED", 0)
    assert await life.look(plan, 120) == 0


async def test_a_checkout_shows_the_cart_or_else_what_its_own_events_name():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.goods("soap", "towel", "comb")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT")
    life.go(2)
    for name in ("ana", "ben"):
        await life.did("CHECKOUT_STARTED", 1, name, reference=name, product="soap")
        await life.did("CHECKOUT_STARTED", 2, name, reference=name, product="comb")
    await life.did("CART_ADDED", 1, product="towel")
    await life.look(plan, 122)
    assert max((said["product"], said["productCount"]) for said in await frozen(plan)) == ("Towel", 1)
    assert sorted(said["productCount"] for said in await frozen(plan)) == [1, 2]


async def test_a_checkout_that_is_opened_again_counts_from_then_on_and_repeats_no_step():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT", {"steps": [60, 120]})
    await life.did("CHECKOUT_STARTED", 0, reference="k")
    assert await life.look(plan, 60) == 1
    await life.did("CHECKOUT_STARTED", 60, reference="k")
    assert await life.look(plan, 125) == 0
    assert await life.look(plan, 185) == 1
    assert list(await ledger(plan)) == ["checkout:k:1", "checkout:k:2"]
