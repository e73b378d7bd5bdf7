"""A seller's life at random: drafts, submits, scores, claims and jumps of the clock, many of them at once.

Hypothesis drives the models against a real PostgreSQL and looks after every step whether all that the
rules promise still holds: no plan changes after its submit, no quota is spent twice or below zero,
nothing is created while the shop is not eligible, no coupon is claimed over a limit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from models import database, tier
from models.clock import clock
from models.plan import PlanChannel, PlanKind
from models.plan.status import SELLERS_ACTIONS, PlanAction
from tests.conftest import NOON, empty
from tests.seller_world import BASIC, World

SHOP = st.integers(0, 1)
NUMBER = st.integers(0, 11)
KIND = st.sampled_from([PlanKind.ONE_TIME, PlanKind.ONE_TIME, PlanKind.ONE_TIME, PlanKind.AUTOMATED])
SCORE = st.sampled_from([4.5, 4.5, 4.5, 3.5, 3.49, 3.0, 2.99, None])

Deed = Callable[[World], Awaitable[bool]]


def _deed(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Deed]:
    """A deed of the world with arguments from these strategies; it shows as its call when a run fails."""

    class Named:
        def __init__(self, *values: Any) -> None:
            self.values = values

        def __call__(self, world: World) -> Awaitable[bool]:
            return world.attempt(lambda: getattr(world, name)(*self.values))

        def __repr__(self) -> str:
            return f"{name}{self.values!r}"

    return st.builds(Named, *arguments)


HOURS = st.sampled_from([0, 0, 5, 200])
ACT = _deed("act", NUMBER, st.sampled_from(SELLERS_ACTIONS), HOURS)
SUBMIT = _deed("act", NUMBER, st.just(PlanAction.SUBMIT), HOURS)
DEED = st.one_of(
    _deed("create", SHOP, st.sampled_from(PlanChannel), KIND, st.integers(0, 3)),
    *[ACT, SUBMIT] * 3,
    _deed("act", NUMBER, st.sampled_from([PlanAction.CANCEL, PlanAction.RESUME]), HOURS),
    _deed("score", SHOP, SCORE),
    _deed("work"),
    _deed("claim", NUMBER, SHOP),
    st.one_of(
        _deed("recompute"),
        _deed("open_coupon", SHOP, st.integers(1, 3), st.integers(1, 2)),
        _deed("end_coupon", NUMBER),
    ),
)


def machine(url: str) -> type[RuleBasedStateMachine]:
    """The machine over the database at `url`."""

    class SellerLife(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            clock.freeze(NOON)
            self.world = self.runner.run(self._begin())

        async def _begin(self) -> World:
            await empty(url)
            await database.connect(url)
            return await World.make()

        @initialize(hours=st.integers(0, 24 * 14), plans=st.lists(st.tuples(SHOP, KIND), min_size=4, max_size=8))
        def drafts_lie_ready(self, hours: int, plans: list[tuple[int, PlanKind]]) -> None:
            async def prepare() -> None:
                await self.world.wait(hours)
                for shop, kind in plans:
                    await self.world.create(shop, PlanChannel.CHAT, kind, 0)
                    await self.world.open_coupon(shop, 2, 1)

            self.runner.run(prepare())

        @rule(
            deeds=st.lists(DEED, min_size=6, max_size=14),
            works=st.booleans(),
            hours=st.sampled_from([0, 0, 0, 0, 6, 24 * 7]),
        )
        def many_at_once(self, deeds: list[Deed], works: bool, hours: int) -> None:
            async def together() -> None:
                await asyncio.gather(*(deed(self.world) for deed in deeds))
                if works:
                    await self.world.work()
                await self.world.wait(hours)

            self.runner.run(together())

        @invariant()
        def all_promises_hold(self) -> None:
            self.runner.run(self.world.check())

        def teardown(self) -> None:
            self.runner.run(database.disconnect())
            self.runner.close()

    return SellerLife


@pytest.fixture
def small_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiers in which the lowest has two plans a week, so that sellers often stand before a used-up quota."""
    few = tmp_path / "tiers.toml"
    few.write_text(tier.FILE.read_text("utf-8").replace("basic = 3", f"basic = {BASIC}"), "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(tier, "FILE", few)
        tier.terms.cache_clear()
        yield
    tier.terms.cache_clear()


@pytest.mark.usefixtures("small_quota")
def test_whatever_sellers_shoppers_and_the_platform_do_the_promises_hold(migrated: str):
    profile = settings(
        max_examples=max(10, settings().max_examples // 4),
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # what depends on who came first cannot be shrunk
    )
    # In a thread of its own: the machine has its own event loops, and the tests' own stays as it is.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_state_machine_as_test, machine(migrated), settings=profile).result()
