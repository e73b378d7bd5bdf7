"""The funnel of a plan equals what plain Python counts in the same history (R23)."""

import pytest
from hypothesis import HealthCheck, given, settings

from models.metric import funnel
from models.metric.funnel import NOBODY, Funnel
from tests.outreach import WINDOW_HOURS, Outreach, Place, Sent, outreach
from tests.stored_histories import rolled_back


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make()


def counted(history: Outreach, plan: int) -> Funnel:
    """The funnel of a plan, by loops."""
    steps = [_step(history, sent) for sent in history.sent if sent.plan == plan and sent.state == "SENT"]
    touched = [step for step in steps if step is not None]
    return Funnel(len(touched), *(sum(step >= least for step in touched) for least in (1, 2, 3)))


def _step(history: Outreach, sent: Sent) -> int | None:
    """How far the customer of a message came: 0 touched, 1 viewed, 2 carted, 3 ordered; None when not touched."""
    touches = [hour for hour in (sent.read, sent.clicked) if hour is not None]
    if not touches:
        return None
    if any(order.status == "PLACED" and order.customer == sent.customer for order in history.credited(sent.plan)):
        return 3
    kinds = {
        did.kind
        for did in history.did
        if did.shop == sent.plan // 2 and did.customer == sent.customer
        if any(hour <= did.hour < hour + WINDOW_HOURS for hour in touches)
    }
    return 2 if "CART_ADDED" in kinds else int("PRODUCT_VIEWED" in kinds)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=outreach())
async def test_the_funnel_equals_what_plain_python_counts(place: Place, history: Outreach):
    async with rolled_back():
        await place.store(history)
        found = await funnel.of_plans([plan.id for plan in place.plans])

    assert found == [counted(history, number) for number in range(4)]
    assert all(each.touched >= each.viewed >= each.carted >= each.ordered for each in found)


async def test_a_plan_that_nobody_met_has_an_empty_funnel(place: Place):
    assert await funnel.of_plans([place.plans[0].id, 2_000_000_000]) == [NOBODY, NOBODY]
