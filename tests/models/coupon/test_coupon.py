"""Coupons are kept, changed and ended, and never change what somebody was promised (R15)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from models import coupon, database
from models.clock import Clock, now
from models.coupon import Coupon, listed
from models.coupon.claim import claim
from models.coupon.terms import CouponStatus, CouponVisibility
from models.errors import ErrorCode
from models.plan import PlanStatus
from models.segment import Segment
from tests.automation import make_automated
from tests.factories import DEADLINE, make_coupon, make_draft, make_shop
from tests.outside import Outside
from tests.refusals import refusals
from tests.rows import product_row, tell
from tests.waiting import until_a_lock_is_waited_for


@pytest.mark.usefixtures("database")
async def test_a_coupon_is_kept_with_a_code_nobody_can_guess():
    shop = await make_shop()
    codes = {(await make_coupon(shop, visibility=CouponVisibility.PRIVATE)).code for _ in range(20)}
    assert len(codes) == 20 and all(len(code) == 16 for code in codes)


@pytest.mark.usefixtures("database")
async def test_a_code_of_the_sellers_own_is_unique_in_the_shop_only():
    shop, other = await make_shop(), await make_shop("other")
    await make_coupon(shop, code="SPRING-10")

    assert await refusals(make_coupon(shop, code="SPRING-10")) == [("code", ErrorCode.CONFLICT)]
    assert (await make_coupon(other, code="SPRING-10")).code == "SPRING-10"
    assert await Coupon.all().count() == 2


@pytest.mark.usefixtures("database")
async def test_a_foreign_segment_reads_like_one_that_does_not_exist():
    shop, other = await make_shop(), await make_shop("other")
    foreign = await Segment.get(shop_id=other.id, preset="REPEAT")

    wrong = make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=foreign.id)

    assert await refusals(wrong) == [("segmentId", ErrorCode.NOT_FOUND)]
    assert await Coupon.all().count() == 0


@pytest.mark.usefixtures("database")
async def test_until_it_is_claimed_or_promised_everything_may_change():
    shop = await make_shop()
    own = await make_coupon(shop, code="SPRING-10")

    changed = await own.edit(shop, lambda terms: replace(terms, percentage=None, amount=700, name="Seven off"))

    assert (changed.amount, changed.percentage, changed.name, changed.code) == (700, None, "Seven off", "SPRING-10")


@pytest.mark.usefixtures("database")
async def test_of_two_edits_of_a_coupon_at_once_neither_takes_back_the_other():
    shop = await make_shop()
    own = await make_coupon(shop)

    await asyncio.gather(
        own.edit(shop, lambda terms: replace(terms, name="Renamed")),
        own.edit(shop, lambda terms: replace(terms, percentage=20)),
    )

    edited = await Coupon.get(id=own.id)
    assert (edited.name, edited.percentage) == ("Renamed", 20)


@pytest.mark.usefixtures("database")
async def test_of_two_coupons_that_take_a_code_at_once_one_is_refused():
    shop = await make_shop()
    own = await make_coupon(shop)
    outside = Outside()

    async with database.transaction():
        await make_coupon(shop, code="SPRING-10")
        making = outside.begin(make_coupon(shop, code="SPRING-10"))
        changing = outside.begin(own.edit(shop, lambda terms: replace(terms, code="SPRING-10")))
        await until_a_lock_is_waited_for(unless=making)

    assert await refusals(making) == [("code", ErrorCode.CONFLICT)]
    assert await refusals(changing) == [("code", ErrorCode.CONFLICT)]
    assert await Coupon.filter(code="SPRING-10").count() == 1


@pytest.mark.usefixtures("database")
async def test_a_change_for_the_worse_waits_for_a_claim_that_is_under_way_and_is_refused():
    shop = await make_shop()
    own = await make_coupon(shop)
    outside = Outside()

    async with database.transaction():
        await claim(uuid4(), own.id)
        changing = outside.begin(own.edit(shop, lambda terms: replace(terms, percentage=5)))
        await until_a_lock_is_waited_for(unless=changing)

    assert await refusals(changing) == [("discount.percentage", ErrorCode.TERMS_FIXED)]
    left = await Coupon.get(id=own.id)
    assert (left.percentage, left.claimed) == (10, 1)


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_is_being_ended_changes_no_more():
    shop = await make_shop()
    own = await make_coupon(shop)
    outside = Outside()

    async with database.transaction():
        await own.end()
        changing = outside.begin(own.edit(shop, lambda terms: replace(terms, name="Renamed")))
        await until_a_lock_is_waited_for(unless=changing)

    assert await refusals(changing) == [("id", ErrorCode.COUPON_NOT_RUNNING)]
    assert (await Coupon.get(id=own.id)).name == own.name


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_becomes_private_gets_a_code_that_nobody_knows_yet():
    shop = await make_shop()
    own = await make_coupon(shop, code="SPRING-10")

    changed = await own.edit(shop, lambda terms: replace(terms, visibility=CouponVisibility.PRIVATE))

    assert len(changed.code) == 16


@pytest.mark.usefixtures("database")
async def test_what_a_submitted_plan_promises_does_not_change_any_more():
    shop = await make_shop()
    own = await make_coupon(shop)
    plan = await make_draft(shop, coupon_id=own.id)
    await own.edit(shop, lambda terms: replace(terms, percentage=20))
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    own = await Coupon.get(id=own.id)
    assert await refusals(own.edit(shop, lambda terms: replace(terms, percentage=30))) == [
        ("discount.percentage", ErrorCode.TERMS_FIXED)
    ]
    longer = await own.edit(shop, lambda terms: replace(terms, ends_at=terms.ends_at + timedelta(days=1)))
    assert (longer.percentage, longer.ends_at) == (20, own.ends_at + timedelta(days=1))


@pytest.mark.usefixtures("database")
async def test_a_coupon_whose_segment_was_archived_changes_in_all_else_but_no_other_takes_that_segment():
    shop = await make_shop()
    preset = await Segment.get(shop_id=shop.id, preset="REPEAT")
    regulars = await preset.duplicate(shop, name="Regulars", actor="anna")
    own = await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=regulars.id)
    other = await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=preset.id)
    await regulars.archive()

    changed = await own.edit(shop, lambda terms: replace(terms, total_limit=200))

    assert (changed.total_limit, changed.segment_id) == (200, regulars.id)
    assert await refusals(other.edit(shop, lambda terms: replace(terms, segment_id=regulars.id))) == [
        ("segmentId", ErrorCode.NOT_FOUND)
    ]
    assert (await Coupon.get(id=other.id)).segment_id == preset.id


@pytest.mark.usefixtures("database")
async def test_a_plan_is_not_submitted_with_a_coupon_that_does_not_run_when_it_starts(clock: Clock):
    shop = await make_shop()
    own = await make_coupon(shop)
    plan = await make_draft(shop, coupon_id=own.id)

    await Coupon.filter(id=own.id).update(claimed=own.total_limit)
    sold_out = plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await refusals(sold_out) == [("couponId", ErrorCode.COUPON_SOLD_OUT)]
    await Coupon.filter(id=own.id).update(claimed=own.total_limit - 1)
    late = plan.submit(shop, send_at=own.ends_at, deadline_after=DEADLINE)
    assert await refusals(late) == [("couponId", ErrorCode.COUPON_NOT_RUNNING)]
    await own.end()
    ended = plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await refusals(ended) == [("couponId", ErrorCode.COUPON_NOT_RUNNING)]

    await plan.refresh_from_db()
    assert (plan.status, plan.quota_week) == (PlanStatus.DRAFT, None)


@pytest.mark.usefixtures("database")
async def test_a_foreign_coupon_cannot_be_attached():
    shop, other = await make_shop(), await make_shop("other")
    foreign = await make_coupon(other)
    assert await refusals(make_draft(shop, coupon_id=foreign.id)) == [("couponId", ErrorCode.NOT_FOUND)]


@pytest.mark.usefixtures("database")
async def test_a_shop_has_200_open_coupons_and_not_one_more(monkeypatch):
    monkeypatch.setattr(coupon, "MAX_OPEN", 2)
    shop = await make_shop()
    first, _ = await make_coupon(shop), await make_coupon(shop)

    assert await refusals(make_coupon(shop)) == [("", ErrorCode.TOO_MANY)]
    await first.end()
    assert (await make_coupon(shop)).id


@pytest.mark.usefixtures("database")
async def test_neither_what_is_over_nor_what_another_shop_has_counts_among_a_shop_s_coupons(clock: Clock, monkeypatch):
    monkeypatch.setattr(coupon, "MAX_OPEN", 1)
    shop, other = await make_shop(), await make_shop("other")
    await make_coupon(other)
    first = await make_coupon(shop)

    clock.freeze(first.ends_at - timedelta(microseconds=1))
    assert await refusals(make_coupon(shop)) == [("", ErrorCode.TOO_MANY)]
    assert await Coupon.filter(shop_id=shop.id).count() == 1
    clock.freeze(first.ends_at)
    assert (await make_coupon(shop)).id


@pytest.mark.usefixtures("database")
async def test_a_private_coupon_keeps_its_code_when_it_changes_and_one_that_is_no_longer_private_may_take_another():
    shop = await make_shop()
    own = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)

    renamed = await own.edit(shop, lambda terms: replace(terms, name="Renamed"))
    shown = await own.edit(shop, lambda terms: replace(terms, visibility=CouponVisibility.REGULAR))
    taken = await own.edit(shop, lambda terms: replace(terms, code="SPRING-10"))

    assert [renamed.code, shown.code, taken.code] == [own.code, own.code, "SPRING-10"]


@pytest.mark.usefixtures("database")
async def test_only_its_own_plan_promises_a_coupon_and_only_once_it_is_submitted():
    shop = await make_shop()
    own, beside = await make_coupon(shop), await make_coupon(shop)
    await make_draft(shop, coupon_id=own.id)
    await (await make_draft(shop, coupon_id=beside.id)).submit(shop, send_at=None, deadline_after=DEADLINE)

    assert (await own.edit(shop, lambda terms: replace(terms, percentage=5))).percentage == 5
    assert await refusals(beside.edit(shop, lambda terms: replace(terms, percentage=5))) == [
        ("discount.percentage", ErrorCode.TERMS_FIXED)
    ]
    assert (await Coupon.get(id=beside.id)).percentage == 10


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_a_message_chose_for_its_reader_changes_no_more_while_those_made_before_and_after_it_do():
    shop = await make_shop()
    before, chosen, after = [await make_coupon(shop) for _ in range(3)]
    plan = await make_automated(shop, "WELCOME_FOLLOWER", has_smart_coupon=True)
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, created_at, frozen)"
        " VALUES ($1, $2, $3, 'SENT', 'CHAT', $4, jsonb_build_object('couponId', $5::int))",
        plan.id, uuid4(), shop.id, now(), chosen.id,
    )  # fmt: skip

    for free in (before, after):
        assert (await free.edit(shop, lambda terms: replace(terms, percentage=5))).percentage == 5
    assert await refusals(chosen.edit(shop, lambda terms: replace(terms, percentage=5))) == [
        ("discount.percentage", ErrorCode.TERMS_FIXED)
    ]
    assert (await Coupon.get(id=chosen.id)).percentage == 10


@pytest.mark.usefixtures("database")
async def test_every_product_that_is_not_the_shop_s_is_told_of_at_its_place():
    shop, other = await make_shop(), await make_shop("other")
    await tell(shop, product_row("soap"))
    await tell(other, product_row("theirs"))
    find = "SELECT id FROM product WHERE external_id = $1"
    known, foreign = [await database.fetch_value(find, each) for each in ("soap", "theirs")]

    wrong = make_coupon(shop, product_ids=(known, foreign, uuid4()))

    assert await refusals(wrong) == [("productIds.1", ErrorCode.NOT_FOUND), ("productIds.2", ErrorCode.NOT_FOUND)]
    assert await Coupon.all().count() == 0
    assert (await make_coupon(shop, product_ids=(known,))).product_ids == [known]


@pytest.mark.usefixtures("database")
async def test_a_list_by_status_agrees_with_each_coupons_own(clock: Clock):
    shop, at = await make_shop(), now()
    await make_coupon(shop, starts_at=at + timedelta(days=1), ends_at=at + timedelta(days=2))
    await make_coupon(shop, ends_at=at + timedelta(hours=1))
    await (await make_coupon(shop)).end()
    await Coupon.filter(id=(await make_coupon(shop, total_limit=1)).id).update(claimed=1)
    await make_coupon(shop)

    for moment in (at, at + timedelta(hours=1), at + timedelta(days=1), at + timedelta(days=300)):
        for status in CouponStatus:
            found = {each.id for each in await listed(shop.id, moment, statuses=[status])}
            assert found == {each.id for each in await Coupon.all() if each.status(moment) is status}
    assert await listed(shop.id, at).count() == 5
    assert await listed(shop.id, at, visibility=CouponVisibility.PRIVATE).count() == 0
