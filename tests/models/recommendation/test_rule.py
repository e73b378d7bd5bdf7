"""Each rule of recommendations at its edges, and which of what they find comes first (R25)."""

from typing import Any

import pytest

from models.recommendation import RecommendationKind
from models.recommendation.figure import Breadth, Conversion, Hours, Readership, ShopFigures
from models.recommendation.rule import RULES, findings
from models.recommendation.threshold import thresholds

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


FOUND: dict[RecommendationKind, tuple[ShopFigures, str, float, dict[str, float]]] = {
    RecommendationKind.UNSUBSCRIBE_RATE_HIGH: (
        ShopFigures(sent=1000, unsubscribed=60), "", 6.0, {"unsubscribed": 60, "sent": 1000, "percent": 6.0},
    ),
    RecommendationKind.EMAILS_BOUNCING: (
        ShopFigures(emails=1000, bounced=30), "", 3.0, {"bounced": 30, "emails": 1000, "percent": 3.0},
    ),
    RecommendationKind.LANGUAGE_MISSING: (
        ShopFigures(sent=5000, readers=[Readership("de", 400, 300)]),
        "de", 6.0, {"foreign": 300, "ofTheirs": 400, "sent": 5000, "percent": 6.0},
    ),
    RecommendationKind.COUPON_CONVERTS_BETTER: (
        ShopFigures(coupons=[conversion(1, 1000, 30), conversion(2, 500, 50), conversion(3, 1000, 10)]),
        "2", 8.0, {"orders": 50, "sent": 500, "percent": 10.0, "othersOrders": 40, "othersSent": 2000, "othersPercent": 2.0},
    ),
    RecommendationKind.SEGMENT_CONVERTS_BETTER: (
        ShopFigures(segments=[conversion(1, 1000, 20), conversion(2, 1000, 90)]),
        "2", 7.0, {"orders": 90, "sent": 1000, "percent": 9.0, "othersOrders": 20, "othersSent": 1000, "othersPercent": 2.0},
    ),
    RecommendationKind.BEST_HOUR: (
        ShopFigures(hours={"Asia/Tokyo": Hours(at_hour(20, 100, 1000), at_hour(20, 150, 200))}),
        "Asia/Tokyo", 65.0, {"hour": 20, "read": 200, "readPercent": 75.0, "sentPercent": 10.0},
    ),
    RecommendationKind.SEGMENT_TOO_BROAD: (
        ShopFigures(customers=1000, breadths=[Breadth(7, "all", 900)]),
        "7", 90.0, {"size": 900, "customers": 1000, "percent": 90.0},
    ),
    RecommendationKind.QUOTA_UNUSED: (
        ShopFigures(quota=12, quota_used=3, quota_left=2), "", 75.0, {"quota": 12, "used": 3, "left": 2, "percent": 25.0},
    ),
    RecommendationKind.HOLDOUT_OFF: (ShopFigures(plans=3, sent=2000), "", 1.0, {"plans": 3, "sent": 2000}),
}  # fmt: skip
"""What each rule finds in a shop's figures: its subject, how severe it is, and the numbers that led to it."""


@pytest.mark.parametrize("kind", RecommendationKind)
def test_a_finding_has_its_subject_its_severity_and_every_number_that_led_to_it(kind: RecommendationKind):
    figures, *told = FOUND[kind]

    [finding] = [each for each in findings(figures, LIMITS) if each.kind is kind]

    assert [finding.subject, finding.severity, finding.numbers] == told


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
