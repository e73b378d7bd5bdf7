"""Recommendations: each rule at its edges, what they are gathered from, and that a dismissal holds until it should not (R25)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models import consent, database, quota, recommendation
from models.clock import Clock, now
from models.coupon import Coupon
from models.coupon.terms import CouponStatus
from models.errors import Refused
from models.plan import PlanChannel
from models.recommendation import RecommendationKind
from models.recommendation.figure import Breadth, Conversion, Hours, Readership, ShopFigures, _conversions, gather
from models.recommendation.rule import RULES, findings
from models.recommendation.threshold import FILE, NEEDS, read, thresholds
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_coupon, make_customers, make_resolved, make_shop

LIMITS = thresholds()


def at_hour(hour: int, there: int, total: int) -> list[int]:
    """So many in one hour, and the rest of the total in another."""
    counts = [0] * 24
    counts[hour] = there
    counts[(hour + 12) % 24] = total - there
    return counts


def conversion(number: int, sent: int, orders: int, **fields: Any) -> Conversion:
    return Conversion(number, f"number {number}", sent, orders, **fields)


EDGES: dict[str, tuple[RecommendationKind, ShopFigures, ShopFigures]] = {
    "over 5 percent, not at it": (
        RecommendationKind.UNSUBSCRIBE_RATE_HIGH, ShopFigures(sent=1000, unsubscribed=51), ShopFigures(sent=1000, unsubscribed=50),
    ),
    "200 messages, not fewer": (
        RecommendationKind.UNSUBSCRIBE_RATE_HIGH, ShopFigures(sent=200, unsubscribed=11), ShopFigures(sent=199, unsubscribed=199),
    ),
    "over 2 percent of emails": (
        RecommendationKind.EMAILS_BOUNCING, ShopFigures(emails=1000, bounced=21), ShopFigures(emails=1000, bounced=20),
    ),
    "200 emails, not fewer": (RecommendationKind.EMAILS_BOUNCING, ShopFigures(emails=200, bounced=5), ShopFigures(emails=199, bounced=199)),
    "over 5 percent in another language": (
        RecommendationKind.LANGUAGE_MISSING,
        ShopFigures(sent=5000, readers=[Readership("de", 300, 251)]), ShopFigures(sent=5000, readers=[Readership("de", 300, 250)]),
    ),
    "200 of them, not fewer": (
        RecommendationKind.LANGUAGE_MISSING,
        ShopFigures(sent=300, readers=[Readership("de", 300, 200)]), ShopFigures(sent=300, readers=[Readership("de", 300, 199)]),
    ),
    "a coupon surely better, not by chance": (
        RecommendationKind.COUPON_CONVERTS_BETTER,
        ShopFigures(coupons=[conversion(1, 1000, 60), conversion(2, 1000, 30)]),
        ShopFigures(coupons=[conversion(1, 1000, 40), conversion(2, 1000, 30)]),
    ),
    "a coupon that can still be used": (
        RecommendationKind.COUPON_CONVERTS_BETTER,
        ShopFigures(coupons=[conversion(1, 1000, 60), conversion(2, 1000, 30)]),
        ShopFigures(coupons=[conversion(1, 1000, 60, is_usable=False), conversion(2, 1000, 30)]),
    ),
    "a coupon in 500 messages": (
        RecommendationKind.COUPON_CONVERTS_BETTER,
        ShopFigures(coupons=[conversion(1, 500, 60), conversion(2, 500, 10)]),
        ShopFigures(coupons=[conversion(1, 499, 60), conversion(2, 500, 10)]),
    ),
    "a coupon against 500 messages": (
        RecommendationKind.COUPON_CONVERTS_BETTER,
        ShopFigures(coupons=[conversion(1, 500, 60), conversion(2, 250, 5), conversion(3, 250, 5)]),
        ShopFigures(coupons=[conversion(1, 500, 60), conversion(2, 499, 10)]),
    ),
    "a segment surely better": (
        RecommendationKind.SEGMENT_CONVERTS_BETTER,
        ShopFigures(segments=[conversion(1, 800, 90), conversion(2, 4000, 90)]),
        ShopFigures(segments=[conversion(1, 800, 20), conversion(2, 4000, 90)]),
    ),
    "an hour with few messages": (
        RecommendationKind.BEST_HOUR,
        ShopFigures(hours={"Asia/Tokyo": Hours(at_hour(20, 375, 1000), at_hour(20, 150, 200))}),
        ShopFigures(hours={"Asia/Tokyo": Hours(at_hour(20, 376, 1000), at_hour(20, 150, 200))}),
    ),
    "200 reads, not fewer": (
        RecommendationKind.BEST_HOUR,
        ShopFigures(hours={"Asia/Tokyo": Hours(at_hour(8, 0, 100), at_hour(8, 200, 200))}),
        ShopFigures(hours={"Asia/Tokyo": Hours(at_hour(8, 0, 100), at_hour(8, 199, 199))}),
    ),
    "an hour with a tenth of the reads": (
        RecommendationKind.BEST_HOUR,
        ShopFigures(hours={"UTC": Hours(at_hour(8, 0, 100), [20, *[10] * 9, *[9] * 10, 0, 0, 0, 0])}),
        ShopFigures(hours={"UTC": Hours(at_hour(8, 0, 100), [10] * 24)}),
    ),
    "over 80 percent of the customers": (
        RecommendationKind.SEGMENT_TOO_BROAD,
        ShopFigures(customers=1000, breadths=[Breadth(1, "all", 801)]),
        ShopFigures(customers=1000, breadths=[Breadth(1, "all", 800)]),
    ),
    "200 customers, not fewer": (
        RecommendationKind.SEGMENT_TOO_BROAD,
        ShopFigures(customers=200, breadths=[Breadth(1, "all", 200)]),
        ShopFigures(customers=199, breadths=[Breadth(1, "all", 199)]),
    ),
    "half of the quota or less": (
        RecommendationKind.QUOTA_UNUSED,
        ShopFigures(quota=12, quota_used=6, quota_left=1), ShopFigures(quota=12, quota_used=7, quota_left=1),
    ),
    "some of it left this week": (
        RecommendationKind.QUOTA_UNUSED,
        ShopFigures(quota=12, quota_used=0, quota_left=1), ShopFigures(quota=12, quota_used=0, quota_left=0),
    ),
    "a shop of four weeks and more": (
        RecommendationKind.QUOTA_UNUSED,
        ShopFigures(quota=12, quota_used=0, quota_left=3), ShopFigures(quota=None, quota_used=0, quota_left=3),
    ),
    "nobody held out": (
        RecommendationKind.HOLDOUT_OFF, ShopFigures(plans=3, sent=2000), ShopFigures(plans=3, sent=2000, holds_out=True),
    ),
    "three plans": (RecommendationKind.HOLDOUT_OFF, ShopFigures(plans=3, sent=2000), ShopFigures(plans=2, sent=2000)),
    "2000 messages": (RecommendationKind.HOLDOUT_OFF, ShopFigures(plans=3, sent=2000), ShopFigures(plans=3, sent=1999)),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_each_rule_finds_on_one_side_of_its_edge_and_not_on_the_other(name: str):
    kind, over, under = EDGES[name]

    [finding] = [each for each in findings(over, LIMITS) if each.kind is kind]
    assert finding.message and finding.numbers and finding.severity > 0
    assert [each for each in findings(under, LIMITS) if each.kind is kind] == []


def test_every_rule_is_tried_at_an_edge_and_nothing_is_recommended_of_nothing():
    assert {kind for kind, _, _ in EDGES.values()} == set(RecommendationKind) == set(RULES)
    assert findings(ShopFigures(), LIMITS) == []


def test_of_what_is_equally_good_the_earlier_hour_and_the_older_coupon_are_advised():
    equal = [conversion(number, 1000, orders) for number, orders in ((3, 0), (2, 60), (1, 60))]
    read = [0] * 24
    read[7], read[19] = 100, 100

    hour, coupon = findings(ShopFigures(coupons=equal, hours={"UTC": Hours(at_hour(12, 0, 100), read)}), LIMITS)

    assert (hour.numbers["hour"], coupon.subject) == (7, "1")


def test_what_is_better_is_as_severe_as_it_is_better():
    better = [conversion(1, 1000, 80), conversion(2, 1000, 30)]
    hours = Hours(at_hour(9, 20, 100), at_hour(9, 120, 200))

    hour, coupon = findings(ShopFigures(coupons=better, hours={"UTC": hours}), LIMITS)

    assert (hour.severity, coupon.severity) == (60.0 - 20.0, 8.0 - 3.0)


def test_the_most_important_comes_first_then_the_most_severe():
    figures = ShopFigures(
        sent=10_000, unsubscribed=600, plans=9, readers=[Readership("de", 900, 900), Readership("fr", 2000, 2000)],
    )  # fmt: skip

    found = [(each.kind, each.subject) for each in findings(figures, LIMITS)]
    assert found == [
        (RecommendationKind.UNSUBSCRIBE_RATE_HIGH, ""), (RecommendationKind.LANGUAGE_MISSING, "fr"), (RecommendationKind.LANGUAGE_MISSING, "de"),
        (RecommendationKind.HOLDOUT_OFF, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("percent = 5.0\nleast_sent = 200\n\n[EMAILS", "percent = 5.0\n\n[EMAILS"), "UNSUBSCRIBE_RATE_HIGH: needs"),
        (("[HOLDOUT_OFF]", "[HOLDOUT_OF]"), "HOLDOUT_OFF: needs"),
        (("window_days = 28", "window_days = 0"), "window_days"),
        (("back_when_worse = 1.25", "back_when_worse = 0.5"), "back_when_worse"),
        (("confidence = 0.99", "confidence = 1"), "confidence"),
        (("confidence = 0.99", "confidence = 0"), "confidence"),
        (("window_days = 28", "window_days = 28\nother = 1"), "unknown: other"),
        (("percent = 80.0", "percent = -1"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = '80'"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = nan"), "SEGMENT_TOO_BROAD: each value"),
        (("percent = 80.0", "percent = true"), "SEGMENT_TOO_BROAD: each value"),
        (("priority = 3\npercent = 80.0", "priority = 2.5\npercent = 80.0"), "SEGMENT_TOO_BROAD: a priority"),
        (("[HOLDOUT_OFF]", "[[HOLDOUT_OFF]]"), "HOLDOUT_OFF: needs"),
        (("window_days = 28", ""), "window_days, .*: each is needed"),
        (("window_days = 28", "window_days = '28'"), "window_days, .*: each is needed"),
        (("window_days = 28", "window_days = 36501"), "window_days is 1–36500"),
        (("back_after_days = 30", "back_after_days = -1"), "back_after_days, .*: each is needed"),
        (("back_after_days = 30", "back_after_days = 36501"), "back_after_days 0–36500"),
        (("confidence = 0.99", "confidence = 'sure'"), "confidence: each is needed"),
    ],
)
def test_thresholds_that_do_not_hold_together_are_refused(change: tuple[str, str], says: str):
    text = FILE.read_text("utf-8")
    assert change[0] in text
    with pytest.raises(ValueError, match=says):
        read(text.replace(*change))


def test_thresholds_may_be_as_small_as_they_can_be():
    text = FILE.read_text("utf-8").replace("window_days = 28", "window_days = 1").replace("= 1.25", "= 1")
    text = text.replace("back_after_days = 30", "back_after_days = 0").replace("percent = 80.0", "percent = 0")

    found = read(text)

    assert (found.window, found.back_after, found.back_when_worse) == (timedelta(days=1), timedelta(), 1.0)
    assert found.limit(RecommendationKind.SEGMENT_TOO_BROAD, "percent") == 0


def test_every_rule_has_the_limits_that_it_asks():
    assert {kind: set(limits) for kind, limits in LIMITS.limits.items()} == {
        kind: set(NEEDS[kind]) for kind in RecommendationKind
    }


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
async def test_a_dismissal_holds_until_the_numbers_get_clearly_worse(clock: Clock):
    shop, other = await make_shop(), await make_shop("other")
    customers = await make_customers(shop, 400)
    await make_resolved(shop)
    await leave(shop, customers[:40])
    [told] = await recommendation.of_shop(shop)
    assert (told.finding.kind, told.priority, told.finding.numbers["percent"]) == (
        RecommendationKind.UNSUBSCRIBE_RATE_HIGH,
        1,
        10.0,
    )

    await recommendation.dismiss(shop, told.finding.kind, "", actor="anna")
    assert await recommendation.of_shop(shop) == []
    await leave(shop, customers[40:49])
    assert await recommendation.of_shop(shop) == []
    await leave(shop, customers[49:50])
    assert [each.finding.numbers["percent"] for each in await recommendation.of_shop(shop)] == [12.5]
    assert await recommendation.of_shop(other) == []


@pytest.mark.usefixtures("database")
async def test_a_dismissal_is_over_after_its_days(clock: Clock):
    shop = await make_shop()
    await noisy(shop, 300, 30)
    await recommendation.dismiss(shop, RecommendationKind.UNSUBSCRIBE_RATE_HIGH, "", actor="anna")
    [finding] = findings(await gather(shop, now(), LIMITS.window), LIMITS)
    known = recommendation.Dismissal(finding.severity, now())

    assert not recommendation.is_open(finding, known, LIMITS, now() + timedelta(days=30, microseconds=-1))
    assert recommendation.is_open(finding, known, LIMITS, now() + timedelta(days=30))
    assert recommendation.is_open(replace(finding, severity=finding.severity * 1.25), known, LIMITS, now())
    assert await database.fetch_value("SELECT dismissed_by FROM recommendation_dismissal") == "anna"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("kind", ["HOLDOUT_OFF", "UNSUBSCRIBE_RATE_HIGH", "nothing"])
async def test_what_is_not_recommended_cannot_be_dismissed(kind: str):
    shop = await make_shop()
    with pytest.raises(Refused, match="no such recommendation"):
        await recommendation.dismiss(shop, kind, "", actor="anna")

    assert await database.fetch_value("SELECT count(*) FROM recommendation_dismissal") == 0


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
    await stopped.end()
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


LIST = "{ recommendations { id kind priority message numbers { name value } segment { name } timeZone language } }"
DISMISS = """mutation ($input: RecommendationDismissInput!) {
  recommendationDismiss(input: $input) { id userErrors { field code } } }"""


async def test_a_seller_sees_dismisses_and_no_longer_sees(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    await noisy(shop, 300, 30)
    [told] = (await api.data(LIST, seller(shop)))["recommendations"]
    missing = {"id": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND"}]}

    assert (told["kind"], told["priority"]) == ("UNSUBSCRIBE_RATE_HIGH", 1)
    assert {each["name"]: each["value"] for each in told["numbers"]} == {"unsubscribed": 30, "sent": 300, "percent": 10}
    for wrong in (told["id"], "nonsense", global_id.encode("Recommendation", other.id, "HOLDOUT_OFF", "")):
        answer = await api.data(DISMISS, seller(other), input={"id": wrong})
        assert answer["recommendationDismiss"] == missing
    assert len((await api.data(LIST, seller(shop)))["recommendations"]) == 1
    for _ in range(2):
        answer = await api.data(DISMISS, seller(shop), input={"id": told["id"], "idempotencyKey": "k"})
        assert answer["recommendationDismiss"] == {"id": told["id"], "userErrors": []}
    assert (await api.data(LIST, seller(shop)))["recommendations"] == []
