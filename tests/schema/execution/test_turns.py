"""A caller whose operations take long leaves the database to others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import database as db
from models.segment import Segment
from models.turn import Turns
from resolvers.live import Readings
from settings import Settings
from tests.api import Api, seller
from tests.factories import make_draft, make_shop
from tests.waiting import until

POOL = 4

DAYS = [f"2026-01-{day:02}" for day in range(1, 31)]
GREEDY = f"""{{ {" ".join(f'o{day[-2:]}: overview(from: "{day}", to: "{day}") {{ currency }}' for day in DAYS)} }}"""
"""Thirty statements, as many as aliases are allowed."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A process with few connections."""
    return settings.model_copy(update={"database_pool": POOL})


@pytest.fixture
async def blocked(settings: Settings, api: Api) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """A small pool; and what overviews read is locked by somebody else until this transaction ends."""
    assert settings.database_url
    await db.disconnect()
    await db.connect(settings.database_url, pool=POOL)
    other = await asyncpg.connect(settings.database_url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("LOCK TABLE metric_day")
    yield transaction
    await other.close()


async def test_another_caller_is_answered_while_a_greedy_one_waits_for_thirty_statements(
    api: Api, blocked: asyncpg.transaction.Transaction
):
    one, other = await make_shop("one"), await make_shop("other")
    greedy = [asyncio.create_task(api.data(GREEDY, seller(one))) for _ in range(3)]
    await until(lambda: db.connections().busy > 0)

    answer = await asyncio.wait_for(api.data("{ shop { name } }", seller(other)), 60)

    assert answer == {"shop": {"name": "Other"}}
    assert not any(task.done() for task in greedy)
    await blocked.rollback()
    assert [len(each) for each in await asyncio.gather(*greedy)] == [30] * 3


async def test_who_asks_for_progress_or_a_size_at_the_same_moment_as_a_greedy_caller_does_not_wait_for_its_turn(
    database: None,
):
    """What is read for several callers together is read in the turn of each."""
    shops = [await make_shop("one"), await make_shop("other")]
    plans = [await make_draft(shop) for shop in shops]
    segments = [await Segment.get(shop_id=shop.id, preset="REPEAT") for shop in shops]
    turns, readings, leave = Turns(1), Readings(), asyncio.Event()

    async def keep_the_turn() -> None:
        async with db.transaction():
            await leave.wait()

    with turns.of("greedy"):
        keeping = asyncio.create_task(keep_the_turn())
        await asyncio.sleep(0)
        waiting = [readings.progress.load(plans[0].id), readings.size.load(segments[0].question())]
    with turns.of("other"):
        progress, size = readings.progress.load(plans[1].id), readings.size.load(segments[1].question())

    found, counted = await asyncio.wait_for(asyncio.gather(progress, size), 60)

    assert (found and found.plan_id, counted) == (plans[1].id, 0)
    leave.set()
    await asyncio.gather(keeping, *waiting)
