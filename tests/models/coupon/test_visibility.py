"""Coupons that a customer can see (R15)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models import database
from models.clock import Clock, now
from models.coupon import Coupon
from models.coupon.choice import running_coupons
from models.coupon.claim import claim
from models.coupon.terms import CouponStatus, CouponVisibility
from models.coupon.visibility import BY_COUPON, visible, visible_count
from models.errors import ErrorCode
from models.page import Page
from models.plan import PlanChannel
from models.segment import Segment
from models.shop import Shop
from tests.factories import make_coupon, make_customers, make_resolved, make_shop
from tests.refusals import refusal


async def _sees(shop: Shop, customer: UUID) -> list[int]:
    return await visible(shop.id, customer, Page(BY_COUPON))


async def _targeted(shop: Shop, preset: str = "REPEAT") -> Coupon:
    segment = await Segment.get(shop_id=shop.id, preset=preset)
    return await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=segment.id)


@pytest.mark.usefixtures("database")
async def test_everybody_sees_a_regular_coupon_members_a_targeted_one_and_recipients_a_private_one():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    stranger = uuid4()
    regular, targeted = await make_coupon(shop), await _targeted(shop)
    other_target, private = (
        await _targeted(shop, "NEW_FOLLOWERS"),
        await make_coupon(shop, visibility=CouponVisibility.PRIVATE),
    )

    assert await _sees(shop, stranger) == [regular.id]
    assert await _sees(shop, member) == [targeted.id, regular.id]

    await make_resolved(shop, coupon_id=private.id)
    await make_resolved(shop, coupon_id=other_target.id)
    assert await _sees(shop, member) == [private.id, other_target.id, targeted.id, regular.id]
    assert await _sees(shop, stranger) == [regular.id]


@pytest.mark.usefixtures("database")
async def test_a_message_that_has_not_arrived_shows_no_private_coupon():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    private = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    await make_resolved(shop, coupon_id=private.id, channel=PlanChannel.EMAIL)

    assert await _sees(shop, member) == []
    assert await refusal(claim(member, private.id)) == ("id", ErrorCode.NOT_FOUND)
    assert await database.fetch_value("SELECT count(*) FROM claim") == 0


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        ("reference = reference", True),
        ("state = 'UNKNOWN'", False),
        ("channel = 'EMAIL'", False),
        ("customer_id = gen_random_uuid()", False),
        ("frozen = jsonb_build_object('couponId', 0)", False),
    ],
)
async def test_a_private_coupon_that_a_chat_message_chose_is_seen_by_its_reader_alone(change: str, is_seen: bool):
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    chosen = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    await make_resolved(shop)
    await database.execute("UPDATE delivery SET frozen = jsonb_build_object('couponId', $1::int)", chosen.id)
    await database.execute(f"UPDATE delivery SET {change}")

    assert await _sees(shop, member) == ([chosen.id] if is_seen else [])
    assert await visible_count(shop.id, member) == is_seen
    assert await _sees(shop, uuid4()) == []


@pytest.mark.usefixtures("database")
async def test_a_message_of_another_variant_shows_no_private_coupon():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    private = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    await make_resolved(shop, coupon_id=private.id)
    assert await _sees(shop, member) == [private.id]
    await database.execute("UPDATE delivery SET variant = 1")

    assert await _sees(shop, member) == []


@pytest.mark.usefixtures("database")
async def test_no_shop_shows_anothers_coupons_nor_those_that_do_not_run(clock: Clock):
    shop, other = await make_shop(), await make_shop("other")
    [member] = await make_customers(shop, 1)
    await make_coupon(other)
    await make_coupon(shop, starts_at=now() + timedelta(days=1), ends_at=now() + timedelta(days=2))
    await (await make_coupon(shop)).end()
    runs = await make_coupon(shop)

    assert await _sees(shop, member) == [runs.id]
    clock.move(timedelta(days=30))
    assert await _sees(shop, member) == []


@pytest.mark.usefixtures("database")
async def test_pages_of_visible_coupons_follow_one_another():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    ids = [(await _targeted(shop)).id for _ in range(5)]

    first = await visible(shop.id, member, Page(BY_COUPON, size=2))
    second = await visible(shop.id, member, Page(BY_COUPON, size=2, after=(first[1],)))

    assert (first, second) == (ids[:1:-1], ids[2::-1])


@pytest.mark.usefixtures("database")
async def test_what_is_shown_and_what_is_chosen_from_agree_with_each_coupons_own_status(clock: Clock):
    shop, at = await make_shop(), now()
    [member] = await make_customers(shop, 1)
    await make_coupon(shop, starts_at=at + timedelta(days=1), ends_at=at + timedelta(days=2))
    await make_coupon(shop, ends_at=at + timedelta(hours=1))
    await (await make_coupon(shop)).end()
    await claim(member, (claimed := await make_coupon(shop, total_limit=1)).id)
    await claim(uuid4(), (await make_coupon(shop, total_limit=1)).id)
    await make_coupon(shop)

    for moment in (at, at + timedelta(hours=1), at + timedelta(days=1), at + timedelta(days=2), at + timedelta(days=7)):
        clock.freeze(moment)
        by_status = {
            status: {each.id for each in await Coupon.all() if each.status(moment) is status} for status in CouponStatus
        }
        running, sold_out = by_status[CouponStatus.RUNNING], by_status[CouponStatus.SOLD_OUT]
        assert set(await _sees(shop, member)) == running | (sold_out & {claimed.id})
        assert {each.id for each in await running_coupons(shop.id, moment)} == running | sold_out
