"""The demo shop's past: plausible, whole, the same however often it is asked for (R23, R24)."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from local.demo.fill import fill_shops
from local.demo.past_plans import ACTOR, PAST, ensure_past_plans
from local.demo.shops import demo_shops
from models import database as db
from models import metric, migration, recommendation
from models.clock import Clock, now
from models.clock import clock as clocks
from models.metric import overview
from models.metric.attribution import WINDOW
from models.plan import Plan
from models.segment import Segment
from models.shop import Shop
from tests.conftest import NOON
from tests.databases import made
from tests.members import members_of

DEMO = replace(demo_shops()[0], people=range(4001, 5001))
"""A fifth of the demo."""

SECRET = b"a key for demos"


FILLED, COPY = "past_plans", "past_plans_of_a_test"
"""Names of databases: one is filled, which takes ten seconds, and each test has a copy of it."""


@pytest.fixture(scope="module")
async def filled(migrated: str) -> AsyncIterator[None]:
    """A database with the demo's past in it."""
    async with made(migrated, FILLED) as url:
        await migration.migrate(url)
        clocks.freeze(NOON)
        await db.connect(url)
        shop, *_ = await fill_shops([DEMO], secret=SECRET, console=Console(quiet=True))
        await ensure_past_plans(shop, secret=SECRET)
        await db.disconnect()
        yield


@pytest.fixture
async def shop(filled: None, migrated: str) -> AsyncIterator[Shop]:
    """The demo's shop, in a database of the test's own."""
    async with made(migrated, COPY, template=FILLED) as url:
        await db.connect(url)
        yield await Shop.get(external_id=DEMO.external_id)
        await db.disconnect()


async def test_each_past_plan_was_sent_read_clicked_and_bought_after_in_plausible_shares(shop: Shop, clock: Clock):
    plans = await Plan.filter(shop_id=shop.id, created_by=ACTOR).order_by("id")
    assert [plan.status for plan in plans] == ["SENT"] * len(PAST)

    figures = [found for found in await metric.of_plans([plan.id for plan in plans]) if found is not None]
    for past, found in zip(PAST, figures, strict=True):
        assert found.delivered >= 15, past
        assert found.to_go == found.unknown == 0
        assert found.read_rate is not None
        assert abs(found.read_rate - past.read) < 0.2, past
        assert 0 < found.clicked < found.read
    assert sum(found.earned.orders for found in figures) > 8
    assert sum(found.replied for found in figures) > 3
    assert sum(found.claimed for found in figures) > sum(found.redeemed for found in figures) > 0
    assert sum(found.machine_read for found in figures) > 0
    assert await db.fetch_value("SELECT max(sent_at) FROM delivery") < now()


async def test_each_went_to_who_was_in_its_segment_on_that_day(shop: Shop, clock: Clock):
    segments = {segment.id: segment for segment in await Segment.filter(shop_id=shop.id)}
    for plan in await Plan.filter(shop_id=shop.id, created_by=ACTOR):
        assert plan.segment_id is not None
        segment = segments[plan.segment_id]
        got = await db.fetch("SELECT customer_id FROM delivery WHERE plan_id = $1 ORDER BY customer_id", plan.id)
        assert [row["customer_id"] for row in got] == await members_of(segment, as_of=plan.started_at, first=1_000)
        assert plan.definition == segment.definition


async def test_who_bought_after_a_plan_was_not_left_out_of_it(shop: Shop, clock: Clock):
    for scenario in ("WIN_BACK", "BEST_SELLERS"):
        bought = await db.fetch_value(
            "SELECT count(*) FROM plan p JOIN delivery d ON d.plan_id = p.id JOIN orders o ON o.customer_id = d.customer_id"
            " WHERE p.template = $1 AND o.shop_id = p.shop_id AND o.ordered_at > p.started_at",
            scenario,
        )
        assert bought > 0, scenario


async def test_nobody_blocked_the_chat_in_answer_to_the_plans_of_these_weeks(shop: Shop, clock: Clock):
    times = [row["at"] for row in await db.fetch("SELECT happened_at AS at FROM unsubscription WHERE channel = 'CHAT'")]
    assert len(times) > 50
    assert max(times) < now() - timedelta(days=PAST[0].days_ago)
    assert "UNSUBSCRIBE_RATE_HIGH" not in {each.finding.kind for each in await recommendation.of_shop(shop)}


async def test_a_cart_reminder_tried_on_the_past_answers_each_cart_when_it_was_left(shop: Shop, clock: Clock):
    late = await db.fetch_value("SELECT count(*) FROM event WHERE kind = 'CART_ADDED' AND arrived_at > occurred_at")
    assert late == 0


async def test_orders_are_credited_as_the_rule_says(shop: Shop):
    wrong = await db.fetch_value(
        "SELECT count(*) FROM attribution a JOIN orders o ON o.customer_id = a.customer_id AND o.id = a.order_id"
        " JOIN delivery d ON d.plan_id = a.plan_id AND d.customer_id = a.customer_id WHERE a.touched_at > o.ordered_at"
        " OR a.touched_at <= o.ordered_at - $1::interval OR a.touched_at NOT IN (d.read_at, coalesce(d.clicked_at, d.read_at))"
        " OR EXISTS (SELECT FROM delivery x CROSS JOIN LATERAL (VALUES (x.read_at), (x.clicked_at)) t (at)"
        "   WHERE x.customer_id = a.customer_id AND x.shop_id = a.shop_id AND t.at > a.touched_at AND t.at <= o.ordered_at)",
        WINDOW,
    )
    assert wrong == 0


async def test_the_overview_of_the_last_month_is_worth_looking_at(shop: Shop):
    today = now().date()
    found = await overview.overview(shop, today - timedelta(days=29), today)

    assert len(found.plans) >= 4
    assert found.total.sent > 100
    assert found.total.read > found.total.clicked > found.total.orders > 0
    assert found.before.sent > 0
    assert len(found.languages) >= 5
    assert found.products


async def test_who_was_held_out_got_nothing_and_only_readers_bought_for_it(shop: Shop):
    plans = await Plan.filter(shop_id=shop.id, created_by=ACTOR).order_by("id")
    assert [plan.holdout_percent for plan in plans] == [past.held_out for past in PAST]
    held = {row["plan_id"]: row["n"] for row in await db.fetch(
        "SELECT plan_id, count(*) AS n FROM delivery WHERE state = 'HELD_OUT' GROUP BY plan_id"
    )}  # fmt: skip
    assert set(held) == {plan.id for plan in plans if plan.holdout_percent}
    assert await db.fetch_value(
        "SELECT count(*) FROM delivery WHERE state = 'HELD_OUT' AND (sent_at, read_at, clicked_at) IS DISTINCT FROM (NULL, NULL, NULL)"
    ) == 0  # fmt: skip

    brought = await db.fetch(
        "SELECT customer_id, split_part(external_id, '-', 2)::int AS plan FROM orders WHERE external_id LIKE 'past-%'"
    )
    readers = await db.fetch("SELECT customer_id, plan_id FROM delivery WHERE read_at IS NOT NULL")
    assert {tuple(row) for row in brought} <= {tuple(row) for row in readers}
    assert {row["plan"] for row in brought} >= {plan.id for plan in plans if plan.template == "WIN_BACK"}


async def test_what_plans_brought_is_in_the_roll_up_of_their_customers(shop: Shop):
    wrong = await db.fetch_value(
        "SELECT count(*) FROM relationship r LEFT JOIN (SELECT customer_id, count(*) AS n, sum(amount) AS amount, max(ordered_at) AS last"
        " FROM orders WHERE shop_id = $1 AND status = 'PLACED' GROUP BY customer_id) o ON o.customer_id = r.customer_id"
        " WHERE r.shop_id = $1 AND (r.order_count, r.order_amount, r.last_order_at)"
        " IS DISTINCT FROM (coalesce(o.n, 0), coalesce(o.amount, 0), o.last)",
        shop.id,
    )
    assert wrong == 0


async def test_asking_again_changes_nothing(shop: Shop):
    before = await rows()
    await ensure_past_plans(shop, secret=SECRET)

    assert await rows() == before


async def rows() -> Counter[str]:
    """Everything of messages and what came of them."""
    tables = ("plan", "delivery", "attribution", "claim", "conversation", "remark", "metric_day", "orders")
    return Counter(
        [row[0] for table in tables for row in await db.fetch(f"SELECT '{table} ' || t::text FROM {table} t")]
    )
