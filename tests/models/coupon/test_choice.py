"""Smart coupons in messages: chosen per customer when it is sent, told in the text, kept with its explanation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from models import database, preview, timeline
from models.clock import now
from models.coupon import choice, claim
from models.coupon.smart import Considered, Verdict
from models.coupon.terms import CouponVisibility
from models.errors import Refused
from models.identifier import customer_id, product_id
from models.page import page_of
from models.segment import Segment
from models.segment.definition import define
from models.trigger import TriggerCode
from models.trigger.fire import fire
from tests.automation import LIFE, Life, frozen, make_automated, send, template_of, texts
from tests.factories import make_coupon, make_customers, make_resolved, make_shop

pytestmark = pytest.mark.usefixtures("database")


async def test_each_customer_gets_their_own_best_coupon_and_none_where_there_is_none():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben", "cleo")
    await life.goods("soap", price=2_000)
    await life.goods("lamp", price=10_000)
    await life.goods("pin", price=100)
    percent = await make_coupon(shop, percentage=10, minimum_spend=1_000)
    fixed = await make_coupon(shop, percentage=None, amount=500, minimum_spend=1_000)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True, content=template_of("ABANDONED_CART"))
    for name, product in (("ana", "soap"), ("ben", "lamp"), ("cleo", "pin")):
        await life.did("CART_ADDED", 0, name, product=product)
    assert await life.look(plan, 120) == 3
    said = {each["name"]: each for each in await frozen(plan)}
    assert said["Ana"]["couponId"] == fixed.id
    assert said["Ben"]["couponId"] == percent.id
    assert "couponId" not in said["Cleo"]
    assert [each["verdict"] for each in said["Cleo"]["considered"]] == ["BELOW_MINIMUM", "BELOW_MINIMUM"]
    told = sorted(await texts(plan))
    assert told[0].endswith("Order before stock runs out. Your coupon takes $5 off.")
    assert told[1].endswith("Your coupon takes 10% off.")
    assert told[2].endswith("Order before stock runs out.")


async def test_a_plan_that_asks_for_no_smart_coupon_has_none_chosen():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await make_coupon(shop)
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)

    [said] = await frozen(plan)
    assert not said.keys() & {"couponId", "considered"}


async def test_a_message_that_may_go_from_this_very_instant_on_has_its_coupon_chosen():
    life = Life(shop := await make_shop())
    await life.people("ana")
    coupon = await make_coupon(shop)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0)
    life.go(1)
    await fire(plan.id, life=LIFE)
    await database.execute("UPDATE delivery SET not_before = $1", now())
    await send(plan)

    [said] = await frozen(plan)
    assert said["couponId"] == coupon.id


async def test_in_a_cart_of_several_products_a_coupon_of_one_is_worth_what_it_takes_off_that_one():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=2_000)
    await life.goods("lamp", price=10_000)
    await make_coupon(shop, percentage=50, product_ids=[product_id(shop.external_id, "soap")])
    on_all = await make_coupon(shop, percentage=10)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True)
    for product in ("soap", "lamp"):
        await life.did("CART_ADDED", 0, product=product)
    await life.look(plan, 120)

    [said] = await frozen(plan)
    assert said["couponId"] == on_all.id
    assert [(each["verdict"], each["saving"]) for each in said["considered"]] == [
        ("BEST", 1_200),
        ("SAVES_LESS", 1_000),
    ]


async def test_a_product_without_a_price_is_not_taken_for_one_that_costs_nothing():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=None)
    await make_coupon(shop, percentage=10)
    better = await make_coupon(shop, percentage=20, minimum_spend=1_000)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True)
    await life.did("CART_ADDED", 0, product="soap")
    await life.look(plan, 120)

    [said] = await frozen(plan)
    assert said["couponId"] == better.id
    assert [(each["verdict"], each["saving"]) for each in said["considered"]] == [("BEST", 200), ("SAVES_LESS", 100)]


async def test_the_seller_sees_on_the_message_which_coupons_were_considered_and_why():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=2_000)
    percent = await make_coupon(shop, percentage=10)
    dear = await make_coupon(shop, percentage=50, minimum_spend=5_000)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True)
    await life.did("CART_ADDED", 0, product="soap")
    await life.look(plan, 120)
    page = page_of(timeline.NEWEST_FIRST, first=1, after=None, last=None, before=None)
    entry, *_ = await timeline.timeline(shop.id, customer_id("ana"), page, kinds=[timeline.TimelineKind.MESSAGE])
    assert entry.coupon_id == percent.id
    assert entry.considered == [
        Considered(percent.id, Verdict.BEST, 200), Considered(dear.id, Verdict.BELOW_MINIMUM, 0),
    ]  # fmt: skip


async def test_a_private_coupon_is_chosen_only_for_who_has_got_it_before():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await make_coupon(shop, visibility=CouponVisibility.PRIVATE, percentage=50)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)
    (said,) = await frozen(plan)
    assert [each["verdict"] for each in said["considered"]] == ["NOT_VISIBLE"]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ("reference = reference", "BEST"),
        ("state = 'UNKNOWN'", "NOT_VISIBLE"),
        ("customer_id = gen_random_uuid()", "NOT_VISIBLE"),
        ("variant = 1", "NOT_VISIBLE"),
    ],
)
async def test_a_private_coupon_may_be_chosen_for_who_was_sent_it_by_another_plan(change: str, verdict: str):
    life = Life(shop := await make_shop())
    private = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    await make_customers(shop, 1, prefix="ana")
    await make_resolved(shop, coupon_id=private.id)
    await database.execute(f"UPDATE delivery SET {change}")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0, "ana0")
    await life.look(plan, 1)

    [said] = await frozen(plan)
    assert [each["verdict"] for each in said["considered"]] == [verdict]


@pytest.mark.parametrize(
    ("change", "verdict"), [("channel = channel", "BEST"), ("channel = 'EMAIL'", "NOT_VISIBLE"), ("state = 'UNKNOWN'", "NOT_VISIBLE")]
)  # fmt: skip
async def test_a_private_coupon_may_be_chosen_again_for_who_had_it_chosen_in_a_chat(change: str, verdict: str):
    life = Life(shop := await make_shop())
    private = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    await make_customers(shop, 1, prefix="ana")
    await make_resolved(shop)
    await database.execute("UPDATE delivery SET frozen = jsonb_build_object('couponId', $1::int)", private.id)
    await database.execute(f"UPDATE delivery SET {change}")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0, "ana0")
    await life.look(plan, 1)

    [said] = await frozen(plan)
    assert [each["verdict"] for each in said["considered"]] == [verdict]


async def test_a_coupon_whose_claims_a_customer_has_used_up_is_not_chosen_for_them_while_others_get_it():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben", "cleo")
    coupon = await make_coupon(shop, customer_limit=2)
    for name in ("ana", "ana", "ben", "ben"):
        await claim.claim(customer_id(name), coupon.id)
    await database.execute(
        "UPDATE claim SET order_id = gen_random_uuid(), redeemed_at = claimed_at, discount = 1"
        " WHERE customer_id = $1 OR number = 1",
        customer_id("ana"),
    )
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    for name in ("ana", "ben", "cleo"):
        await life.did("FOLLOWED", 0, name)
    await life.look(plan, 1)

    verdicts = {said["name"]: [each["verdict"] for each in said["considered"]] for said in await frozen(plan)}
    assert verdicts == {"Ana": ["CLAIM_LIMIT_REACHED"], "Ben": ["BEST"], "Cleo": ["BEST"]}


async def test_where_a_message_has_no_products_what_the_customer_spends_on_average_decides():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    for order, amount in (("o1", 3_000), ("o2", 9_000)):
        await life.bought(0, "ana", order, amount=amount)
    percent, dear = await make_coupon(shop), await make_coupon(shop, percentage=20, minimum_spend=6_001)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    for name in ("ana", "ben"):
        await life.did("FOLLOWED", 0, name)
    await life.look(plan, 1)

    chosen = {said["name"]: said["couponId"] for said in await frozen(plan)}
    assert chosen == {"Ana": percent.id, "Ben": dear.id}


async def test_what_a_customer_spends_in_another_shop_is_not_what_they_usually_spend_here():
    life, elsewhere = Life(shop := await make_shop()), Life(await make_shop("other"))
    for each, order, amount in ((elsewhere, "o1", 90_000), (life, "o2", 3_000)):
        await each.people("ana")
        await each.bought(0, order=order, amount=amount)
    percent = await make_coupon(shop)
    await make_coupon(shop, percentage=20, minimum_spend=3_001)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0)
    life.go(1)
    await fire(plan.id, life=LIFE)

    chosen = await choice.chosen_for(plan.id, 1, TriggerCode.WELCOME_FOLLOWER, now())

    assert (chosen.customers, chosen.coupons) == ([customer_id("ana")], [percent.id])


async def test_a_targeted_coupon_is_chosen_for_members_of_its_segment_who_are_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
):
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    await life.bought(0, "ana")
    buyers = await Segment.make(shop, "Buyers", define(shop, text="orders >= 1"), actor="anna")
    _, better = [
        await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=buyers.id, percentage=percentage)
        for percentage in (10, 20)
    ]
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    for name in ("ana", "ben"):
        await life.did("FOLLOWED", 0, name)
    members, asked = choice._members, []

    async def noting(shop_id: int, segment_id: int, customers: Sequence[UUID], at: datetime) -> list[UUID]:
        asked.append(segment_id)
        return await members(shop_id, segment_id, customers, at)

    monkeypatch.setattr(choice, "_members", noting)
    await life.look(plan, 1)

    chosen = {said["name"]: said.get("couponId") for said in await frozen(plan)}
    assert chosen == {"Ana": better.id, "Ben": None}
    assert asked == [buyers.id]


async def test_the_claim_of_a_chosen_coupon_remembers_its_message_and_its_terms_hold():
    life = Life(shop := await make_shop())
    await life.people("ana")
    coupon = await make_coupon(shop)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await life.did("FOLLOWED", 0)
    await life.look(plan, 1)
    with pytest.raises(Refused):
        await coupon.edit(shop, lambda terms: replace(terms, percentage=5))
    taken = await claim.claim(customer_id("ana"), coupon.id)
    assert (taken.plan_id, taken.reference) == (plan.id, f"follow:{life.micros(0)}:1")


async def test_a_preview_shows_a_customer_s_own_cart_and_explains_the_coupon():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("lamp", price=10_000)
    percent = await make_coupon(shop, percentage=10)
    fixed = await make_coupon(shop, percentage=None, amount=500)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True, content=template_of("ABANDONED_CART"))
    await life.did("CART_ADDED", 0, product="lamp")
    shown = await preview.preview(shop, plan, customer_id=customer_id("ana"))
    assert shown.text == ("Hi Ana! Lamp is still in your cart. Order before stock runs out. Your coupon takes 10% off.")
    assert [product.title for product in shown.products] == ["Lamp"]
    assert [(each.coupon_id, each.verdict, each.saving) for each in shown.considered] == [
        (percent.id, "BEST", 1_000), (fixed.id, "SAVES_LESS", 500),
    ]  # fmt: skip
    sample = await preview.preview(shop, plan)
    assert sample.text.startswith("Hi Ana! Lamp is still in your cart.")


@pytest.mark.parametrize("is_told_of_products", [False, True])
async def test_a_preview_chooses_by_what_the_customer_usually_spends_as_the_sending_does(*, is_told_of_products: bool):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", price=None)
    await life.bought(-60, "ana", amount=5_000)
    percent = await make_coupon(shop, percentage=10)
    dear = await make_coupon(shop, percentage=None, amount=700, minimum_spend=6_000)
    trigger, deed = ("ABANDONED_CART", "CART_ADDED") if is_told_of_products else ("WELCOME_FOLLOWER", "FOLLOWED")
    plan = await make_automated(shop, trigger, has_smart_coupon=True)
    await life.did(deed, 0, **({"product": "soap"} if is_told_of_products else {}))

    shown = await preview.preview(shop, plan, customer_id=customer_id("ana"))

    assert [(each.coupon_id, each.verdict) for each in shown.considered] == [
        (percent.id, "BEST"), (dear.id, "BELOW_MINIMUM"),
    ]  # fmt: skip
    await life.look(plan, 120)
    [said] = await frozen(plan)
    assert said["couponId"] == percent.id


async def test_where_the_products_are_the_plan_s_own_a_coupon_is_chosen_for_these():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap", "towel", price=2_000)
    await life.goods("lamp", price=10_000)
    soap, towel, lamp = (product_id(shop.external_id, name) for name in ("soap", "towel", "lamp"))
    for_another = await make_coupon(shop, percentage=90, product_ids=[lamp])
    dear = await make_coupon(shop, percentage=80, minimum_spend=5_000)
    for_one = await make_coupon(shop, percentage=50, product_ids=[soap])
    on_all = await make_coupon(shop, percentage=20)
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True, product_ids=[soap, towel])
    expected = [
        (for_one.id, "BEST", 1_000), (on_all.id, "SAVES_LESS", 800),
        (for_another.id, "OTHER_PRODUCTS", 0), (dear.id, "BELOW_MINIMUM", 0),
    ]  # fmt: skip
    await life.did("FOLLOWED", 0)
    shown = await preview.preview(shop, plan, customer_id=customer_id("ana"))
    await life.look(plan, 1)

    [said] = await frozen(plan)
    assert said["couponId"] == for_one.id
    assert [(each["coupon"], each["verdict"], each["saving"]) for each in said["considered"]] == expected
    assert [(each.coupon_id, each.verdict, each.saving) for each in shown.considered] == expected
