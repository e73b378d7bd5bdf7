"""Three answers to one question, found apart, never differ; and a broken condition makes them differ."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers

from models import database as databases
from models.condition import lowering
from models.condition.facts import Answer, Event, Facts, Order
from models.condition.history import History
from models.condition.lowering import Lowering
from models.condition.rollup import RollUp
from models.condition.tree import (
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Definition,
    Did,
    Measure,
    Negation,
    OrderAmount,
    OrderCount,
    Responded,
    Response,
)
from models.shop import Shop
from tests.agreement import disagreements
from tests.conftest import NOON
from tests.factories import make_shop
from tests.histories import MOMENT, Case, case_of
from tests.stored_histories import rolled_back, store

MUTATIONS: dict[str, Callable[[str], str]] = {
    "negated": lambda sql: f"(NOT {sql})",
    "always true": lambda sql: f"({sql} OR true)",
    "always false": lambda sql: f"({sql} AND false)",
    "start included": lambda sql: re.sub(" > ", " >= ", sql),
    "least excluded": lambda sql: re.sub(" >= ", " > ", sql),
    "end included": lambda sql: re.sub(" < ", " <= ", sql),
    "most excluded": lambda sql: re.sub(" <= ", " < ", sql),
}
CONDITIONS = ("orders", "amount", "moment", "follows", "did", "responded", "demographic", "universe", "members")
MONTH_AGO = NOON - timedelta(days=30)
ENOUGH = 200
"""So many seeded cases at most until each breakage shows itself; most do in the first ten."""


@pytest.fixture
async def shop(database: None) -> Shop:
    """A shop, and one partition for events of any time."""
    await databases.execute("CREATE TABLE event_of_any_time PARTITION OF event DEFAULT")
    return await make_shop()


class Breakage:
    """A function put in the place of `sound` that answers `mutate(answer)`, and remembers whether that differed."""

    def __init__(self, sound: Callable[..., Any], mutate: Callable[[Any], Any]) -> None:
        self.sound = sound
        self.mutate = mutate
        self.matters = False

    def method(self) -> Callable[..., Any]:
        """What to put into the class."""

        def broken(*arguments: Any) -> Any:
            answer = self.sound(*arguments)
            mutated = self.mutate(answer)
            self.matters |= mutated != answer
            return mutated

        return broken

    async def is_noticed(self, shop: Shop) -> bool:
        """Whether a seeded case disagrees; a mutation that changes nothing in the first of them is none."""
        for seed in range(ENOUGH):
            if seed == 10 and not self.matters:
                return True
            if await disagreements(shop, case_of(seed)):
                return True
        return False


@pytest.mark.timeout(1800)
@settings(max_examples=4 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=integers(0, 2**63))
async def test_roll_up_history_and_plain_python_never_disagree(shop: Shop, seed: int):
    assert await disagreements(shop, case_of(seed)) == []


async def test_amounts_around_nothing_mean_the_same_of_whoever_has_none_alone_and_negated(shop: Shop):
    bounds = [{name: bound} for name in ("least", "above", "most", "below") for bound in (0, 1)]
    bounds += [{"least": 0, "most": 0}, {"least": 0, "below": 1}, {"above": 0, "most": 1}, {"least": 1, "most": 1}]
    leaves = [
        OrderAmount(measure, "USD", days, **each) for measure in Measure for days in (None, 30) for each in bounds
    ]
    asked = [Definition(condition, "UTC") for leaf in leaves for condition in (leaf, Negation(leaf))]
    seen = (Event("PRODUCT_VIEWED", NOON),)
    ordered = [(), (Order(NOON - timedelta(days=31), 1),), (Order(NOON, 0),), (Order(NOON, 1),)]
    customers = {f"customer {number}": Facts(orders=orders, events=seen) for number, orders in enumerate(ordered)}

    assert await disagreements(shop, Case(NOON, NOON, tuple(asked), customers)) == []


async def test_any_number_of_orders_is_counted_and_summed_within_a_window_and_ever(shop: Shop):
    numbers = [each for number in range(7) for each in ((number, None), (None, number), (number, number))]
    leaves: list[Condition] = [OrderCount(days, *each) for days in (None, 30) for each in numbers]
    for measure, amounts in ((Measure.SPENT, (1, 3, 6, 10, 15)), (Measure.AVERAGE_ORDER, (2, 3))):
        for amount in amounts:
            leaves += [OrderAmount(measure, "USD", days, least=amount, most=amount) for days in (None, 30)]
    cancelled = Order(NOON, 100, cancelled_at=NOON)
    customers = {
        f"{recent} recent, {old} old": Facts(
            orders=(cancelled, *(Order(NOON, 1 + number) for number in range(recent)), *(Order(MONTH_AGO, 7),) * old)
        )
        for recent in range(7)
        for old in range(3)
    }

    asked = tuple(Definition(leaf, "UTC") for leaf in leaves)
    assert await disagreements(shop, Case(NOON, NOON, asked, customers)) == []


async def test_several_windows_and_categories_of_one_definition_are_each_asked_on_their_own(shop: Shop):
    sorts: list[Callable[[int | None], Condition]] = [
        lambda days: OrderCount(days, 2),
        lambda days: OrderAmount(Measure.SPENT, "USD", days, least=2),
        lambda days: Did(Deed.VIEWED, days),
        lambda days: Did(Deed.LIVE_WATCHED, days, "beauty", 20),
        lambda days: Did(Deed.LIVE_WATCHED, days, least_seconds=20),
        *(lambda days, response=response: Responded(response, days) for response in Response),
    ]
    pairs = [(7, 30), (30, 7), (7, None), (None, 7)]
    asked = [join((sort(one), sort(other))) for sort in sorts for one, other in pairs for join in (AllOf, AnyOf)]
    beauty, food = Did(Deed.LIVE_WATCHED, category="beauty"), Did(Deed.LIVE_WATCHED, category="food")
    video = Did(Deed.VIDEO_WATCHED, category="beauty")
    asked += [AnyOf(pair) for pair in ((beauty, food), (food, beauty), (beauty, video), (video, beauty))]
    customers = {
        f"{first} and {second} days ago": Facts(
            orders=tuple(Order(at, 1) for at in both),
            events=tuple(Event(kind, at, "beauty", 10) for at in both for kind in ("PRODUCT_VIEWED", "LIVE_WATCHED")),
            answers=tuple(Answer(kind, both[0], 1) for kind in ("READ", "CLICKED", "UNSUBSCRIBED")),
        )
        for first in (1, 8, 31)
        for second in (1, 8, 31)
        for both in [(NOON - timedelta(days=first), NOON - timedelta(days=second))]
    }

    definitions = tuple(Definition(condition, "UTC") for condition in asked)
    assert await disagreements(shop, Case(NOON, NOON, definitions, customers)) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=integers(0, 2**63))
async def test_what_customers_did_in_another_shop_changes_no_answer(shop: Shop, seed: int):
    case = case_of(seed)
    names, histories = list(case.customers), list(case.customers.values())
    events = tuple(event for facts in histories for event in facts.events)
    others = [replace(facts, events=events) for facts in (*histories[1:], histories[0])]
    elsewhere = dict(zip(names, others, strict=True))
    async with rolled_back():
        await store(await make_shop("elsewhere"), elsewhere)
        await databases.execute("DELETE FROM customer")
        await databases.execute("UPDATE delivery SET plan_id = plan_id + 100")

        assert await disagreements(shop, case) == []


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("way", [RollUp, History])
async def test_breaking_any_one_condition_is_noticed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: type[Lowering], condition: str
):
    for name, mutate in MUTATIONS.items():
        breakage = Breakage(getattr(way, condition), mutate)
        with monkeypatch.context() as patched:
            patched.setattr(way, condition, breakage.method())
            assert await breakage.is_noticed(shop), f"{way.__name__}.{condition} {name} went unnoticed"


@pytest.mark.parametrize("shift", [MOMENT, -MOMENT])
async def test_beginning_a_day_a_microsecond_off_is_noticed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, shift: timedelta
):
    breakage = Breakage(Lowering.midnight, lambda midnight: midnight + shift)
    monkeypatch.setattr(Lowering, "midnight", breakage.method())

    assert await breakage.is_noticed(shop)
    assert breakage.matters


@pytest.mark.parametrize("days", [1, -1])
async def test_a_birthday_a_day_off_is_noticed(shop: Shop, monkeypatch: pytest.MonkeyPatch, days: int):
    breakage = Breakage(lowering.years_before, lambda day: day + timedelta(days=days))
    monkeypatch.setattr(lowering, "years_before", breakage.method())

    assert await breakage.is_noticed(shop)
    assert breakage.matters
