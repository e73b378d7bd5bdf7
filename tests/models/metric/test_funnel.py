"""The funnel of a plan equals what plain Python counts in the same history (R23)."""

import pytest
from hypothesis import HealthCheck, given, settings

from models.metric import funnel
from models.metric.funnel import NOBODY, Funnel
from tests.outreach import CUSTOMERS, PRODUCTS, WINDOW_HOURS, Bought, Did, Outreach, Place, Sent, outreach
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


def read(hour: int, *customers: str) -> list[Sent]:
    """Messages of the first plan to these customers, which they read at that hour."""
    return [Sent(0, customer, "SENT", None, "CHAT", "en", 0, hour, None) for customer in customers]


@pytest.mark.parametrize(
    ("kind", "found"), [("PRODUCT_VIEWED", Funnel(3, 2, 0, 0)), ("CART_ADDED", Funnel(3, 2, 2, 0))]
)
async def test_what_is_done_from_the_instant_of_a_touch_until_before_its_window_ends_is_a_step(
    place: Place, kind: str, found: Funnel
):
    hours = (10, 10 + WINDOW_HOURS - 1, 10 + WINDOW_HOURS)
    did = [Did(0, customer, kind, hour) for customer, hour in zip(CUSTOMERS, hours, strict=True)]
    await place.store(Outreach(read(10, *CUSTOMERS), [], did))

    assert await funnel.of_plans([place.plans[0].id]) == [found]


async def test_who_buys_without_a_view_on_record_came_past_every_step_and_a_click_is_a_touch_like_a_read(place: Place):
    clicked = Sent(0, "cleo", "SENT", None, "CHAT", "en", 0, 10, 10 + WINDOW_HOURS)
    did = [Did(0, "cleo", "CART_ADDED", 11 + WINDOW_HOURS), Did(1, "ben", "CART_ADDED", 11)]
    bought = [
        Bought(0, customer, 20, 0, 100, status, cancelled, (PRODUCTS[0],))
        for customer, status, cancelled in (("ana", "PLACED", None), ("ana", "PLACED", None), ("ben", "CANCELLED", 21))
    ]
    await place.store(Outreach([*read(10, "ana", "ben"), clicked], bought, did))

    assert await funnel.of_plans([place.plans[0].id]) == [Funnel(3, 2, 2, 1)]


async def test_a_plan_that_nobody_met_has_an_empty_funnel(place: Place):
    assert await funnel.of_plans([place.plans[0].id, 2_000_000_000]) == [NOBODY, NOBODY]
