"""What recommendations are made from: gathered from the shop's own window, its segments, mails and quota (R25)."""

from datetime import timedelta
from typing import Any

import pytest

from models import consent, database, quota, recommendation
from models.clock import Clock, now
from models.coupon import Coupon
from models.coupon.terms import CouponStatus
from models.plan import PlanChannel
from models.recommendation import RecommendationKind
from models.recommendation.figure import Conversion, _conversions, gather
from models.recommendation.threshold import thresholds
from models.shop import Shop
from tests.factories import make_coupon, make_customers, make_resolved, make_shop

LIMITS = thresholds()


async def noisy(shop: Shop, count: int, left: int) -> None:
    """A shop that wrote to so many, and so many of them left."""
    customers = await make_customers(shop, count)
    await make_resolved(shop)
    await leave(shop, customers[:left])


async def leave(shop: Shop, customers: list[Any]) -> None:
    await database.execute(
        "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at)"
        " SELECT id, $1, 'CHAT', $2 FROM unnest($3::uuid[]) AS t(id)",
        shop.id, now(), customers,
    )  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_who_leaves_by_either_channel_again_and_again_is_one_customer_who_left(clock: Clock):
    shop = await make_shop()
    fickle, resolute, *_ = await make_customers(shop, 10)
    await make_resolved(shop)
    for _ in range(5):
        await consent.block(shop.id, fickle)
        clock.move(timedelta(minutes=1))
        await consent.unblock(shop.id, fickle)
    await consent.unsubscribe(shop.id, fickle, source="TEST")
    await consent.block(shop.id, resolute)

    assert (await gather(shop, now(), LIMITS.window)).unsubscribed == 2


@pytest.mark.usefixtures("database")
async def test_the_figures_are_gathered_from_this_shops_window_alone(clock: Clock):
    shop, other = await make_shop(time_zone="UTC"), await make_shop("other")
    await noisy(other, 50, 50)
    tokyo = await make_customers(shop, 6, prefix="tokyo", time_zone="Asia/Tokyo", language="ja")
    await make_customers(shop, 4, prefix="utc")
    await make_resolved(shop)  # under way still, and all its messages were sent before the window
    clock.move(timedelta(days=29))
    await database.execute("UPDATE relationship SET last_order_at = $1, previous_order_at = $1", now())
    coupon = await make_coupon(shop)
    chat = await make_resolved(shop, coupon_id=coupon.id, holdout_percent=0)
    mail = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute(
        "UPDATE delivery SET state = CASE WHEN customer_id = ANY($2::uuid[]) THEN 'FAILED' ELSE 'SENT' END::delivery_state,"
        " reason = CASE WHEN customer_id = ANY($2::uuid[]) THEN '5.1.1' END, sent_at = $3 WHERE plan_id = $1",
        mail.id, tokyo[:2], now(),
    )  # fmt: skip
    await database.execute(
        "UPDATE delivery SET read_at = $3 WHERE plan_id = $1 AND customer_id = ANY($2::uuid[])",
        chat.id, tokyo[:3], now() + timedelta(hours=2),
    )  # fmt: skip
    await leave(shop, tokyo[:1])

    found = await gather(shop, now(), LIMITS.window)

    assert (found.sent, found.emails, found.bounced, found.unsubscribed) == (10 + 8, 10, 2, 1)
    assert (found.plans, found.holds_out, found.customers) == (2, False, 10)
    assert [(each.id, each.sent, each.is_usable) for each in found.coupons] == [(coupon.id, 10, True)]
    assert [(each.sent, each.orders) for each in found.segments] == [(18, 0)]
    assert (found.hours["Asia/Tokyo"].sent[21], found.hours["Asia/Tokyo"].read[23]) == (6 + 4, 3)
    assert (found.hours["UTC"].sent[12], sum(found.hours["UTC"].read)) == (8, 0)
    assert {each.tag: (each.sent, each.foreign) for each in found.readers} == {"ja": (10, 10), "en": (8, 0)}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "sizes"),
    [
        ("UPDATE plan SET finished_at = now", [60]),
        ("UPDATE plan SET finished_at = now - interval '28 days'", []),
        ("UPDATE plan SET started_at = NULL", []),
        ("UPDATE plan SET kind = 'AUTOMATED'", []),
        ("UPDATE segment SET archived_at = now", []),
        ("UPDATE segment SET version = 3", []),
    ],
)
async def test_a_segment_is_as_broad_as_it_was_last_measured_if_one_time_plans_just_went_to_it(
    clock: Clock, change: str, sizes: list[int]
):
    shop = await make_shop()
    await make_customers(shop, 1)
    segment = (await make_resolved(shop)).segment_id
    clock.move(timedelta(days=30))
    for version, days, size in ((1, 2, 50), (1, 1, 60), (2, 0, 70)):
        await database.execute(
            "INSERT INTO segment_size VALUES ($1, $2, $3, $4, $5)",
            segment, (now() - timedelta(days=days)).date(), version, size, now(),
        )  # fmt: skip
    await database.execute(change.replace("now", f"'{now().isoformat()}'::timestamptz"))

    assert [each.size for each in (await gather(shop, now(), LIMITS.window)).breadths] == sizes


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "emails", "bounced"),
    [
        ("reason = '5.1.1'", 4, 4),
        ("reason = '4.4.7'", 4, 0),
        ("state = 'SUPPRESSED'", 0, 0),
        ("state = 'SENT', sent_at = created_at, reason = NULL", 4, 0),
        ("channel = 'CHAT', reason = '503'", 0, 0),
        ("created_at = created_at - interval '28 days'", 0, 0),
    ],
)
async def test_a_mail_bounced_when_it_was_refused_for_good_within_the_window(change: str, emails: int, bounced: int):
    shop = await make_shop()
    await make_customers(shop, 4)
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute("UPDATE delivery SET state = 'FAILED', reason = '5.1.1', sent_at = NULL")
    await database.execute(f"UPDATE delivery SET {change}")

    found = await gather(shop, now(), LIMITS.window)

    assert (found.emails, found.bounced) == (emails, bounced)


@pytest.mark.usefixtures("database")
async def test_who_left_before_the_window_left_no_more(clock: Clock):
    shop = await make_shop()
    await leave(shop, await make_customers(shop, 1))
    clock.move(LIMITS.window - timedelta(microseconds=1))
    just = (await gather(shop, now(), LIMITS.window)).unsubscribed
    clock.move(timedelta(microseconds=1))

    assert (just, (await gather(shop, now(), LIMITS.window)).unsubscribed) == (1, 0)


@pytest.mark.usefixtures("database")
async def test_a_shop_is_told_of_its_quota_once_it_is_five_weeks_old(clock: Clock):
    shop = await make_shop()
    clock.move(timedelta(weeks=5, microseconds=-1))
    young = (await gather(shop, now(), LIMITS.window)).quota
    clock.move(timedelta(microseconds=1))

    assert (young is None, (await gather(shop, now(), LIMITS.window)).quota is None) == (True, False)


def test_plans_are_summed_by_coupon_and_segment_and_what_tries_variants_has_no_single_coupon():
    plan = {
        "coupon_id": 1, "coupon_name": "ten", "coupon_is_usable": True, "segment_id": 2, "segment_name": "buyers",
        "segment_is_usable": False, "is_trying": False, "sent": 100, "orders": 3,
    }  # fmt: skip
    plans: Any = [plan, {**plan, "is_trying": True}, {**plan, "segment_id": None}, {**plan, "coupon_id": None}]

    assert _conversions(plans, "coupon") == [Conversion(1, "ten", 200, 6, is_usable=True)]
    assert _conversions(plans, "segment") == [Conversion(2, "buyers", 300, 9, is_usable=False)]


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_can_still_be_used_is_one_that_runs_by_its_own_status(clock: Clock):
    shop, at = await make_shop(time_zone="UTC"), now()
    await make_customers(shop, 1)
    short = {"ends_at": at + timedelta(days=5)}
    running, passing, stopped, claimed = [await make_coupon(shop, **terms) for terms in ({}, short, {}, {})]
    for coupon in (running, passing, stopped, claimed):
        await make_resolved(shop, coupon_id=coupon.id, holdout_percent=0)
        clock.move(timedelta(days=1))
    await stopped.end(even_if_promised=True)
    await database.execute("UPDATE coupon SET claimed = total_limit WHERE id = $1", claimed.id)

    for days, usable in ((4, {running.id, passing.id}), (5, {running.id}), (7, set())):
        clock.freeze(moment := at + timedelta(days=days))
        by_status = {each.id: each.status(moment) for each in await Coupon.all()}
        assert {key for key, status in by_status.items() if status is CouponStatus.RUNNING} == usable
        found = (await gather(shop, moment, LIMITS.window)).coupons
        assert {each.id for each in found} == by_status.keys()
        assert {each.id for each in found if each.is_usable} == usable


@pytest.mark.usefixtures("database")
async def test_quota_is_looked_back_at_for_four_whole_weeks(clock: Clock):
    shop = await make_shop()
    clock.move(timedelta(days=36))
    week = quota.week_of(now())
    for weeks, used in ((0, 1), (1, 2), (4, 1), (5, 3)):
        await database.execute(
            "INSERT INTO quota_week VALUES ($1, $2, $3)", shop.id, week - timedelta(weeks=weeks), used
        )
    own = await quota.quota(shop.id, now())

    found = await gather(shop, now(), LIMITS.window)

    assert (found.quota, found.quota_used, found.quota_left) == (4 * own.total, 3, own.left)
    [told] = await recommendation.of_shop(shop)
    assert (told.finding.kind, told.priority) == (RecommendationKind.QUOTA_UNUSED, 3)
