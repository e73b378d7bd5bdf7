"""What is implied of indexed instants: it holds of every member, and the presets are found by their indexes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from models.condition import PRESETS, Definition, Scope, SegmentPreset, compile_condition
from models.condition.facts import Facts
from models.condition.implication import Instant, Span, entails, implied, only_followers
from models.condition.text import read_text
from tests.agreement import matches
from tests.histories import case_of

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
ENGAGED = (
    "PRODUCT_CARD_CLICKED", "VIDEO_WATCHED", "VIDEO_LIKED", "VIDEO_PRODUCT_CLICKED", "LIVE_WATCHED", "LIVE_CLICKED",
)  # fmt: skip


def ago(days: int) -> datetime:
    """So many days before the clock."""
    return NOW - timedelta(days=days)


def instants(facts: Facts) -> dict[Instant, datetime | None]:
    """The indexed instants of one customer."""
    orders = sorted((order.at for order in facts.orders if order.cancelled_at is None), reverse=True)

    def last(*kinds: str) -> datetime | None:
        return max((event.at for event in facts.events if event.kind in kinds), default=None)

    return {
        Instant.LAST_ORDER: orders[0] if orders else None,
        Instant.PREVIOUS_ORDER: orders[1] if len(orders) > 1 else None,
        Instant.LAST_WANTED: last("CART_ADDED", "PRODUCT_FAVOURITED"),
        Instant.LAST_ENGAGED: last(*ENGAGED),
    }


def lies(at: datetime | None, span: Span) -> bool:
    """Whether an instant lies within a span."""
    return at is not None and (span.after is None or at > span.after) and (span.until is None or at <= span.until)


@given(seed=integers(0, 2**32))
def test_what_is_implied_holds_of_every_member_and_what_is_entailed_of_everyone_within(seed: int):
    case = case_of(seed)
    for definition in case.definitions:
        spans = implied(definition.conditions, case.now)
        for facts in case.customers.values():
            known = instants(facts)
            within = all(lies(known[instant], span) for instant, span in spans.items())
            is_member = matches(definition, facts, case.now)
            assert within or not is_member
            if within and entails(spans, definition.conditions, case.now):
                assert is_member


@pytest.mark.parametrize(
    ("line", "spans"),
    [
        ("orders >= 1", {Instant.LAST_ORDER: Span()}),
        ("orders(within: 60d) >= 2", {Instant.LAST_ORDER: Span(ago(60)), Instant.PREVIOUS_ORDER: Span(ago(60))}),
        ("orders(within: 365d) >= 1 and orders(within: 90d) = 0", {Instant.LAST_ORDER: Span(ago(365), ago(90))}),
        ("orders >= 1 and not orders(within: 90d) >= 1", {Instant.LAST_ORDER: Span(None, ago(90))}),
        ("orders(within: 90d) = 0", {}),
        ("carted within 7d or favourited within 30d", {Instant.LAST_WANTED: Span(ago(30))}),
        ("carted within 7d or viewed within 7d", {}),
        ("not carted within 7d", {}),
        ("orders(within: 9d) = 0 and viewed", {}),
        (
            "orders >= 1 and orders(within: 90d) = 0 or orders(within: 60d) >= 1 and orders(within: 30d) = 0",
            {Instant.LAST_ORDER: Span(None, ago(30))},
        ),
        ("orders(within: 60d) >= 1 and orders(within: 30d) = 0 or orders >= 1", {Instant.LAST_ORDER: Span()}),
        ("orders(within: 60d) >= 1 and last_order within 30d", {Instant.LAST_ORDER: Span(ago(30))}),
        ("orders(within: 60d) >= 2 or orders(within: 90d) >= 1", {Instant.LAST_ORDER: Span(ago(90))}),
        (
            "orders(within: 30d) = 0 and orders(within: 90d) = 0 and last_order within 365d",
            {Instant.LAST_ORDER: Span(ago(365), ago(90))},
        ),
        ("spent(within: 30d) >= 0", {}),
        ("spent(within: 30d) >= 1", {Instant.LAST_ORDER: Span(ago(30))}),
        ("followed within 30d", {}),
        ("spent(within: 30d) > 0", {Instant.LAST_ORDER: Span(ago(30))}),
        ("spent < 5", {}),
        ("average_order < 5", {Instant.LAST_ORDER: Span()}),
    ],
)
def test_what_a_line_implies(line: str, spans: dict[Instant, Span]):
    assert implied(read_text(line, Scope("UTC", "USD")).conditions, NOW) == spans


@pytest.mark.parametrize(
    ("line", "other", "is_said"),
    [
        ("orders(within: 30d) >= 1", "orders(within: 30d) >= 1", True),
        ("orders(within: 30d) >= 1", "orders(within: 31d) >= 1", True),
        ("orders(within: 30d) >= 1", "orders(within: 29d) >= 1", False),
        ("orders(within: 30d) >= 1", "orders >= 1", True),
        ("orders >= 1", "orders(within: 30d) >= 1", False),
        ("orders(within: 30d) >= 1", "last_order within 30d", True),
        ("orders(within: 30d) >= 1", "first_order within 30d", False),
        ("orders(within: 30d) >= 1", "orders(within: 30d) in 1..2", False),
        ("orders(within: 30d) >= 2", "orders(within: 30d) >= 2", True),
        ("orders(within: 30d) >= 1", "orders(within: 30d) >= 2", False),
        ("orders(within: 30d) >= 3", "orders(within: 30d) >= 3", False),
        ("orders >= 1 and orders(within: 90d) = 0", "orders(within: 90d) = 0", True),
        ("orders >= 1 and orders(within: 90d) = 0", "not orders(within: 89d) >= 1", True),
        ("orders >= 1 and orders(within: 90d) = 0", "orders(within: 91d) = 0", False),
        ("orders >= 1", "orders(within: 90d) = 0", False),
        ("viewed", "orders(within: 90d) = 0", False),
        ("viewed", "orders >= 1", False),
        ("live_clicked within 7d", "engaged within 7d", True),
        ("engaged within 7d", "live_clicked within 7d", False),
        ("engaged within 7d", "engaged(within: 7d, category: beauty)", False),
        ("carted within 7d", "carted within 7d", False),
    ],
)
def test_what_the_instants_of_a_line_say_of_another_condition(line: str, other: str, is_said: bool):
    known, asked = (read_text(each, Scope("UTC")).conditions for each in (line, other))

    assert entails(implied(known, NOW), asked, NOW) is is_said


def test_only_an_and_or_an_or_of_followers_has_followers_alone():
    for line, only in (
        ("follows", True), ("not follows", False), ("follows and viewed", True), ("follows or viewed", False),
        ("follows or (viewed and follows)", True), ("not follows = false", True),
    ):  # fmt: skip
        assert only_followers(read_text(line, Scope("UTC")).conditions) is only


def test_what_an_index_already_says_is_not_said_again():
    _, lapsed = PRESETS[SegmentPreset.LAPSED]
    compiled = compile_condition(Definition(lapsed, "UTC"), shop_id=1, now=NOW)

    assert compiled.sql == (
        "SELECT r.customer_id FROM relationship r WHERE r.shop_id = $1::integer AND r.first_interaction_at IS NOT NULL"
        " AND (r.last_order_at > $2::timestamptz AND r.last_order_at <= $3::timestamptz)"
    )
    assert compiled.arguments == (1, ago(365), ago(90))


def test_the_index_of_those_engaged_leads_where_everybody_follows_and_nowhere_else():
    _, active = PRESETS[SegmentPreset.ACTIVE_FOLLOWERS]
    led = compile_condition(Definition(active, "UTC"), shop_id=1, now=NOW)
    others = compile_condition(read_text("live_clicked within 30d", Scope("UTC")), shop_id=1, now=NOW)

    assert led.sql.endswith(" IS NOT NULL AND (r.last_engaged_at > $2::timestamptz) AND r.follows")
    assert "last_engaged_at" not in others.sql
