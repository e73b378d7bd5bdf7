"""Lift: who is compared with whom, by which orders, and that simulated plans come out as they were made (B4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import consent, database
from models.clock import Clock, now
from models.errors import Refused
from models.experiment import holdout, lift
from models.experiment.comparison import LEAST_BUYERS, LEAST_HEADS, Comparison, Group
from models.experiment.interval import LEVEL
from models.identifier import customer_id, external_uuid
from models.plan import Plan, PlanChannel
from models.shop import Shop
from tests.factories import make_customers, make_draft, make_resolved, make_shop

pytestmark = pytest.mark.usefixtures("database")

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bought:
    """An order of a customer; `hour` from the beginning of January."""

    customer: str
    hour: int
    amount: int
    is_cancelled: bool = False
    shop: int = 0


async def store_orders(shops: list[Shop], orders: Iterable[Bought]) -> None:
    """Write orders as they are, without anything that follows from them."""
    rows = [
        (
            customer_id(each.customer), external_uuid("order", "any", f"{number}-{now()}"), shops[each.shop].id,
            JANUARY + timedelta(hours=each.hour), each.amount, "CANCELLED" if each.is_cancelled else "PLACED",
            JANUARY + timedelta(hours=each.hour + 1) if each.is_cancelled else None,
        )
        for number, each in enumerate(orders)
    ]  # fmt: skip
    await database.execute_many(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at, arrived_at)"
        " VALUES ($1, $2, $3, 'any', $4, $5, $6::order_status, $7, $4)",
        rows,
    )


async def decide(plan: Plan, customer: str, state: str, reason: str | None, hour: int, **columns: object) -> None:
    """Write a row of a plan's ledger."""
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, reason, slice, created_at)"
        " VALUES ($1, $2, $3, $4, $5::delivery_state, $6, $7, $8)",
        plan.id, customer_id(customer), columns.get("reference", ""), plan.shop_id, state, reason,
        columns.get("slice"), JANUARY + timedelta(hours=hour),
    )  # fmt: skip


async def compared(plan: Plan, days: int = 14) -> tuple[Group, Group]:
    """A plan's two groups."""
    [found] = await lift.of_plans([(plan.id, days)])
    assert found is not None
    [pair] = found.comparison.pairs
    return pair


outcomes = st.sampled_from([
    ("SENT", None, None), ("PENDING", "CONTACT_LIMIT", 1), ("FAILED", "5.1.1", 1), ("SUPPRESSED", "BLOCKED", None),
    ("SUPPRESSED", "NO_CONSENT", 1), ("EXPIRED", "DEADLINE", 1), ("HELD_OUT", "HOLDOUT", None),
    ("HELD_OUT", "CONTROL_GROUP", None),
])  # fmt: skip
customers = [f"c{number}" for number in range(8)]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    decided=st.lists(st.tuples(outcomes, st.integers(0, 100)), min_size=8, max_size=8),
    orders=st.lists(
        st.builds(
            Bought,
            st.sampled_from(customers),
            st.integers(0, 400),
            st.integers(0, 999),
            st.booleans(),
            st.integers(0, 1),
        ),
        max_size=12,
    ),
    days=st.integers(1, 10),
)
async def test_groups_and_their_orders_are_those_that_plain_python_counts(decided, orders, days: int):
    for table in ("delivery", "orders", "plan_history", "plan"):
        await database.execute(f"DELETE FROM {table}")
    shops = [await Shop.get_or_none(external_id=name) or await make_shop(name) for name in ("one", "two")]
    plan = await make_draft(shops[0], holdout_percent=10)
    for customer, ((state, reason, slice_number), hour) in zip(customers, decided, strict=True):
        await decide(plan, customer, state, reason, hour, slice=slice_number)
    await store_orders(shops, orders)

    expected: list[list[list[int]]] = [[], []]
    for customer, (outcome, hour) in zip(customers, decided, strict=True):
        if outcome in {("SUPPRESSED", "BLOCKED", None), ("HELD_OUT", "CONTROL_GROUP", None)}:
            continue
        expected[outcome[0] == "HELD_OUT"].append([
            each.amount for each in orders
            if (each.customer, each.shop, each.is_cancelled) == (customer, 0, False)
            and hour <= each.hour < hour + 24 * days
        ])  # fmt: skip

    assert await compared(plan, days) == tuple(
        Group(
            len(each), sum(bool(spent) for spent in each), sum(len(spent) for spent in each),
            tuple(sum(sum(spent) ** power for spent in each) for power in range(1, 5)),
        )
        for each in expected
    )  # fmt: skip


async def test_somebody_decided_upon_several_times_counts_once_from_the_first_time_on():
    shop = await make_shop()
    plan = await make_draft(shop, holdout_percent=10)
    for number, hour in enumerate((10, 20)):
        await decide(plan, "ana", "SENT", None, hour, reference=f"cart:{number}:1")
        await decide(plan, "ben", "HELD_OUT", "HOLDOUT", hour, reference=f"cart:{number}:1")
    await store_orders([shop], [Bought("ana", 9, 1), Bought("ana", 10, 2), Bought("ana", 33, 4), Bought("ben", 34, 8)])

    assert await compared(plan, 1) == (Group(1, 1, 2, (6, 36, 216, 1296)), Group(1, 0, 0))


async def test_a_plan_without_a_holdout_has_no_lift():
    shop = await make_shop()
    plain, holding = await make_draft(shop), await make_draft(shop, holdout_percent=5)

    none, empty = await lift.of_plans([(plain.id, 14), (holding.id, 14)])

    assert none is None
    assert empty is not None
    assert (empty.since, empty.is_complete, empty.comparison.pairs) == (None, False, [(Group(), Group())])


async def test_a_lift_is_complete_when_its_days_are_over_for_everybody(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, holdout_percent=50)
    clock.move(timedelta(days=14, seconds=-1))
    [before] = await lift.of_plans([(plan.id, 14)])
    clock.move(timedelta(seconds=1))
    [after] = await lift.of_plans([(plan.id, 14)])

    assert before is not None and after is not None
    assert (before.is_complete, after.is_complete) == (False, True)


async def test_a_lift_reaches_from_the_first_to_the_last_decision_of_either_group(clock: Clock):
    plan = await make_draft(await make_shop(), holdout_percent=10)
    for customer, state, hour in (
        ("ana", "SENT", 10),
        ("ben", "SENT", 30),
        ("cleo", "HELD_OUT", 5),
        ("dan", "HELD_OUT", 40),
    ):
        await decide(plan, customer, state, "HOLDOUT" if state == "HELD_OUT" else None, hour)
    clock.freeze(JANUARY + timedelta(days=14, hours=40, microseconds=-1))
    [before] = await lift.of_plans([(plan.id, 14)])
    clock.move(timedelta(microseconds=1))
    [after] = await lift.of_plans([(plan.id, 14)])

    assert before is not None and after is not None
    assert (after.since, after.until) == (JANUARY + timedelta(hours=5), JANUARY + timedelta(hours=40))
    assert (before.is_complete, after.is_complete) == (False, True)


def group(heads: int, buyers: int, amount: int = 1000) -> Group:
    """A group whose buyers all spent the same."""
    first, second, third, fourth = (buyers * amount**power for power in range(1, 5))
    return Group(heads, buyers, buyers, (first, second, third, fourth))


@pytest.mark.parametrize(
    ("treated", "held_out", "shortage"),
    [
        ((LEAST_HEADS, 50), (LEAST_HEADS - 1, 50), "100 customers written to, 99 customers held out; 100 of each"),
        (
            (LEAST_HEADS, 50),
            (LEAST_HEADS, LEAST_BUYERS - 1),
            "50 buyers among the written to, 19 buyers among the held",
        ),
        ((LEAST_HEADS, 50), (LEAST_HEADS, LEAST_BUYERS), None),
    ],
)
def test_too_little_data_is_said_with_its_numbers(treated, held_out, shortage):
    found = Comparison([(group(*treated), group(*held_out))])

    assert (found.shortage or "").count(shortage or "") and bool(found.shortage) == bool(shortage)
    assert (found.buyers is None) == (held_out[0] < LEAST_HEADS)
    assert (found.gmv is None) == bool(shortage)


def test_plans_with_other_shares_held_out_do_not_distort_one_another():
    # Both plans bring nothing. Poured together, the held out would seem to buy more than twice as often.
    keen, idle = (group(1000, 300), group(1000, 300)), (group(9000, 180), group(1000, 20))
    found = Comparison([keen, idle])

    assert found.buyers is not None and found.gmv is not None
    assert found.buyers.difference == pytest.approx(0, abs=1e-9)
    assert found.gmv.difference == pytest.approx(0, abs=1e-6)
    assert not found.buyers.interval.excludes_zero
    poured = Comparison([(found.treated, found.held_out)]).buyers
    assert poured is not None and poured.interval.high < 0


def test_each_plan_weighs_as_many_customers_as_it_wrote_to():
    # 10 more buyers per 100 in a plan to 1,000, none in one to 3,000: 100 more among 4,000.
    found = Comparison([(group(1000, 300), group(1000, 200)), (group(3000, 300), group(500, 50))])

    assert found.buyers is not None and found.gmv is not None
    assert found.buyers.difference == pytest.approx(100 / 4000)
    assert found.gmv.difference * found.gmv.heads == pytest.approx(100 * 1000)
    assert (found.treated, found.held_out) == (group(4000, 600), group(1500, 250))


EFFECTS = {"no effect": 0.10, "half as many again": 0.15}
PLANS = 40
AUDIENCE = 1200


@pytest.mark.parametrize("effect", EFFECTS)
async def test_intervals_of_simulated_plans_cover_the_truth_at_their_stated_rate(clock: Clock, effect: str):
    shop = await make_shop()
    ids = await make_customers(shop, AUDIENCE)
    random, plans = Random(effect), []
    for _ in range(PLANS):
        await database.execute("UPDATE relationship SET last_order_at = $1, previous_order_at = $1", now())
        plan = await make_resolved(shop, channel=PlanChannel.EMAIL, holdout_percent=40)
        await shop_for(shop, plan, ids, random, EFFECTS[effect])
        plans.append(plan)
        clock.move(timedelta(days=15))

    covered = sure = 0
    for each in await lift.of_plans([(plan.id, 14) for plan in plans]):
        assert each is not None and each.is_complete and each.comparison.shortage is None
        buyers, gmv = each.comparison.buyers, each.comparison.gmv
        assert buyers is not None and gmv is not None
        truth = EFFECTS[effect] - 0.10
        covered += buyers.interval.low <= truth <= buyers.interval.high
        covered += gmv.interval.low <= truth * 1000 <= gmv.interval.high
        sure += buyers.interval.excludes_zero
    slack = 4 * sqrt(4 * PLANS * LEVEL * (1 - LEVEL))  # both measures of a plan may fail together
    assert abs(covered - 2 * PLANS * LEVEL) <= slack
    assert sure <= PLANS * 0.2 if effect == "no effect" else sure >= PLANS * 0.5


async def shop_for(shop: Shop, plan: Plan, ids: list[UUID], random: Random, share: float) -> None:
    """Let the customers of a plan buy in the days after it: a tenth of the held out, a `share` of the others."""
    rows = await database.fetch("SELECT customer_id FROM delivery WHERE plan_id = $1 AND state = 'HELD_OUT'", plan.id)
    held = {row["customer_id"] for row in rows}
    buyers = [each for each in ids if random.random() < (0.10 if each in held else share)]
    await database.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " SELECT id, gen_random_uuid(), $1, 'any', $2::timestamptz + interval '1 hour', amount, 'PLACED', $2"
        " FROM unnest($3::uuid[], $4::int[]) AS t(id, amount)",
        shop.id, now(), buyers, [random.choice([250, 500, 750, 1000, 2500]) for _ in buyers],
    )  # fmt: skip


async def test_a_shops_lift_weighs_each_plan_of_the_period_within_itself():
    shop, other = await make_shop(), await make_shop("other")
    mine = [await make_draft(shop, holdout_percent=10) for _ in range(3)]
    foreign, plain = await make_draft(other, holdout_percent=10), await make_draft(shop)
    plans = [*mine, foreign, plain]
    for number, plan in enumerate(plans):
        started = JANUARY + timedelta(days=40 if number == 2 else 0)
        await database.execute("UPDATE plan SET started_at = $2 WHERE id = $1", plan.id, started)
        for person in range(10):
            state = ("HELD_OUT", "HOLDOUT") if person < 3 and plan is not plain else ("SENT", None)
            await decide(plan, f"c{person}", state[0], state[1], 0)

    found = await lift.of_shop(shop, date(2026, 1, 1), date(2026, 1, 31))

    assert (found.plans, found.comparison.treated.heads, found.comparison.held_out.heads) == (2, 14, 6)
    assert found.comparison.buyers is None and found.comparison.shortage


async def test_a_plan_that_reached_nobody_does_not_keep_a_shops_lift_open(clock: Clock):
    shop = await make_shop()
    reached, nobody = await make_draft(shop, holdout_percent=10), await make_draft(shop, holdout_percent=10)
    await database.execute(
        "UPDATE plan SET started_at = $1 WHERE id = ANY($2::int[])", JANUARY, [reached.id, nobody.id]
    )
    for person in range(4):
        state = ("HELD_OUT", "HOLDOUT") if person < 2 else ("SENT", None)
        await decide(reached, f"c{person}", state[0], state[1], 0)

    found = []
    for day in (13, 14):
        clock.freeze(JANUARY + timedelta(days=day))
        overview = await lift.of_shop(shop, date(2026, 1, 1), date(2026, 1, 31))
        found.append((overview.plans, overview.is_complete))

    assert found == [(1, False), (1, True)]


async def test_the_control_group_is_compared_from_the_first_decision_to_the_end_of_its_quarter(clock: Clock):
    shop = await make_shop()
    ids = await make_customers(shop, 300)
    clock.freeze(JANUARY)
    await holdout.change(shop, plan_percent=0, control_percent=20, actor="anna")
    await database.execute("UPDATE relationship SET last_order_at = $1, previous_order_at = $1", now())
    blockers = set(ids[:50])
    for customer in blockers:
        await consent.block(shop.id, customer)
    await make_resolved(shop, holdout_percent=30)
    clock.move(timedelta(hours=1))
    await make_resolved(shop)
    control = {
        each
        for each in set(ids) - blockers
        if holdout.held_out(
            each, plan_id=0, percent=0, shop_id=shop.id, control_percent=20, period=holdout.period_of(JANUARY, JANUARY)
        )
    }
    buyers = [*sorted(control)[:5], *sorted(set(ids) - blockers - control)[:7]]
    for number, at in enumerate((-1, 2, 24 * 89, 24 * 91)):
        await database.execute(
            "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
            " SELECT id, gen_random_uuid(), $1, 'any', $2, $4, 'PLACED', $2 FROM unnest($3::uuid[]) AS t(id)",
            shop.id, JANUARY + timedelta(hours=at), buyers, 10**number,
        )  # fmt: skip

    [found] = (await lift.of_shop(shop, date(2025, 11, 1), date(2026, 2, 1))).control_groups

    treated, held = found.comparison.treated, found.comparison.held_out
    assert (found.begins_at, found.ends_at, found.is_complete) == (JANUARY, datetime(2026, 4, 1, tzinfo=UTC), False)
    assert (held.heads, held.buyers, held.orders, held.gmv) == (len(control), 5, 10, 5 * 110)
    assert (treated.heads, treated.buyers, treated.gmv) == (250 - len(control), 7, 7 * 110)

    # A quarter that the last day begins is touched by it; it is over with its very end.
    ended = []
    for early in (timedelta(microseconds=1), timedelta()):
        clock.freeze(found.ends_at - early)
        [found] = (await lift.of_shop(shop, date(2025, 12, 1), date(2026, 1, 1))).control_groups
        ended.append(found.is_complete)
    assert ended == [False, True]


@pytest.mark.parametrize(("treated", "held", "plans"), [(2, 2, 1), (1, 2, 0), (2, 1, 0)])
async def test_a_shops_lift_has_the_plans_with_two_customers_or_more_in_each_group(treated: int, held: int, plans: int):
    shop = await make_shop()
    plan = await make_draft(shop, holdout_percent=10)
    await database.execute("UPDATE plan SET started_at = $1", JANUARY)
    for person in range(treated + held):
        state = ("SENT", None) if person < treated else ("HELD_OUT", "HOLDOUT")
        await decide(plan, f"c{person}", state[0], state[1], 0)

    found = await lift.of_shop(shop, date(2026, 1, 1), date(2026, 1, 31))

    assert (found.plans, found.comparison.treated.heads) == (plans, treated * plans)


def test_a_window_may_be_as_short_and_as_long_as_is_said():
    lift.check_days(1)
    lift.check_days(lift.MOST_DAYS)


@pytest.mark.parametrize("days", [0, 91])
def test_a_window_has_its_bounds(days: int):
    with pytest.raises(Refused, match="1–90"):
        lift.check_days(days)
