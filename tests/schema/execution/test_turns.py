"""A caller whose operations take long leaves the database to others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import database as db
from settings import Settings
from tests.api import Api, seller
from tests.factories import make_shop
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
