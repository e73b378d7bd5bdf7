"""What a plan brought equals what plain Python counts in the same history (R23)."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from models import database as db
from models import metric
from models.delivery import DeliveryState
from models.metric import HELD_BACK, DeliveryOutcome, Earned, PlanFigures
from models.metric.rate import rate
from tests.outreach import Outreach, Place, outreach
from tests.stored_histories import rolled_back

SHARED = [HealthCheck.function_scoped_fixture]


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make()


def counted(history: Outreach, plan: int, plan_id: int) -> PlanFigures:
    """The figures of a plan, by loops."""
    sent = [message for message in history.sent if message.plan == plan]
    delivered = [message for message in sent if message.state == "SENT"]
    credited = history.credited(plan)
    standing = [order for order in credited if order.status == "PLACED"]
    outcomes = Counter((message.state, message.reason) for message in sent)
    return PlanFigures(
        plan_id=plan_id,
        currency="USD",
        outcomes=[DeliveryOutcome(DeliveryState(state), reason, count) for (state, reason), count in outcomes.items()],
        read=sum(message.read is not None for message in delivered),
        clicked=sum(message.clicked is not None for message in delivered),
        machine_read=sum(message.moments["machine_read"] is not None for message in delivered),
        machine_clicked=sum(message.moments["machine_clicked"] is not None for message in delivered),
        replied=sum(message.replied is not None for message in delivered),
        unsubscribed=len({left.customer for left in history.left if left.plan == plan}),
        claimed=sum(claimed.plan == plan for claimed in history.claimed),
        redeemed=sum(claimed.plan == plan and claimed.redeemed is not None for claimed in history.claimed),
        earned=Earned(
            orders=len(standing),
            buyers=len({order.customer for order in standing}),
            gmv=sum(order.amount for order in standing),
            orders_taken_back=len(credited) - len(standing),
            gmv_taken_back=sum(order.amount for order in credited if order.status != "PLACED"),
        ),
    )


def unordered(figures: PlanFigures) -> tuple[object, ...]:
    """PlanFigures, whatever the order of their outcomes."""
    return Counter(figures.outcomes), replace(figures, outcomes=())


@settings(suppress_health_check=SHARED)
@given(history=outreach())
async def test_figures_equal_what_plain_python_counts(place: Place, history: Outreach):
    async with rolled_back():
        await place.store(history)
        figures = await metric.of_plans([plan.id for plan in place.plans])

    for number, (plan, found) in enumerate(zip(place.plans, figures, strict=True)):
        assert found is not None
        assert unordered(found) == unordered(counted(history, number, plan.id))


@settings(suppress_health_check=SHARED)
@given(history=outreach())
async def test_an_order_is_credited_at_most_once_and_never_to_another_shop(place: Place, history: Outreach):
    async with rolled_back():
        await place.store(history)
        credited = await db.fetch(
            "SELECT a.order_id, o.shop_id AS ordered_in, p.shop_id AS sent_by, a.plan_id FROM attribution a"
            " JOIN orders o ON o.id = a.order_id JOIN plan p ON p.id = a.plan_id"
        )

    assert max(Counter(row["order_id"] for row in credited).values(), default=1) == 1
    assert all(row["ordered_in"] == row["sent_by"] for row in credited)
    expected = Counter(place.plans[plan].id for order in history.bought if (plan := history.plan_of(order)) is not None)
    assert Counter(row["plan_id"] for row in credited) == expected


@settings(suppress_health_check=SHARED)
@given(history=outreach())
async def test_every_recipient_is_delivered_failed_unknown_held_back_or_still_to_go(place: Place, history: Outreach):
    async with rolled_back():
        await place.store(history)
        figures = await metric.of_plans([plan.id for plan in place.plans])

    for found in figures:
        assert found is not None
        parts = [*found.failed, *found.held_back]
        assert found.recipients == found.delivered + found.unknown + found.to_go + sum(part.count for part in parts)
        assert sum(part.count for part in found.waiting) <= found.to_go
        assert 0 <= found.clicked <= found.read <= found.delivered


async def test_a_plan_that_nobody_got_has_figures_without_rates(place: Place):
    (found,) = await metric.of_plans([place.plans[0].id])

    assert found is not None
    assert found.earned == Earned(0, 0, 0, 0, 0)
    assert found.recipients == found.delivered == found.read == 0
    assert [found.delivery_rate, found.read_rate, found.click_rate, found.unsubscribe_rate, found.order_rate] == [
        None
    ] * 5


async def test_a_plan_that_does_not_exist_has_no_figures(place: Place):
    first = place.plans[0].id
    found = await metric.of_plans([2_000_000_000, first, first])

    assert [each and each.plan_id for each in found] == [None, first, first]


def test_a_rate_of_nothing_is_unknown():
    assert rate(1, 4) == 0.25
    assert rate(0, 0) is None


def test_every_state_is_in_exactly_one_part_of_the_figures():
    others = {
        DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.PENDING, DeliveryState.COMMITTING
    }  # fmt: skip

    assert others | set(HELD_BACK) == set(DeliveryState)
    assert others & set(HELD_BACK) == set()
