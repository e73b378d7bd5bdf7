"""Three answers to one question, found apart, never differ; and a broken condition makes them differ."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers

from models import database as databases
from models.condition import lowering
from models.condition.history import History
from models.condition.lowering import Lowering
from models.condition.rollup import RollUp
from models.shop import Shop
from tests.agreement import disagreements
from tests.factories import make_shop
from tests.histories import MOMENT, case_of

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
