"""Connections are taken in turns: one caller never has them all, and nothing that fails keeps a turn."""

import asyncio

import pytest

from models import database as db
from models.shop import Shop
from models.turn import Turns
from settings import Settings

POOL, SHARE = 4, 2


@pytest.fixture(autouse=True)
async def small_pool(settings: Settings, database: None) -> None:
    """The database by so few connections that one caller could hold them all."""
    assert settings.database_url
    await db.disconnect()
    await db.connect(settings.database_url, pool=POOL)


async def holding(held: asyncio.Event, count: int) -> "list[asyncio.Task[None]]":
    """So many tasks that each hold a connection until the event, begun."""

    async def hold() -> None:
        async with db.transaction():
            await db.fetch_value("SELECT 1")
            await held.wait()

    tasks = [asyncio.create_task(hold()) for _ in range(count)]
    async with asyncio.timeout(10):
        while db.connections().busy < min(count, SHARE):
            await asyncio.sleep(0)
    return tasks


async def test_whoever_asks_for_much_leaves_connections_to_others_and_gets_all_in_the_end():
    turns, let_go = Turns(SHARE), asyncio.Event()
    with turns.of("greedy"):
        tasks = await holding(let_go, 3 * POOL)

    with turns.of("another"):
        assert await asyncio.wait_for(db.fetch_value("SELECT 2"), 60) == 2
        assert await asyncio.wait_for(Shop.all().count(), 60) == 0
    assert await asyncio.wait_for(db.fetch_value("SELECT 3"), 60) == 3
    assert db.connections().busy == SHARE

    let_go.set()
    await asyncio.gather(*tasks)
    assert db.connections().busy == 0


async def test_a_caller_s_blocks_share_its_turn():
    turns, let_go = Turns(SHARE), asyncio.Event()
    with turns.of("greedy"):
        tasks = await holding(let_go, SHARE)
    with turns.of("greedy"), pytest.raises(TimeoutError):
        await asyncio.wait_for(db.fetch_value("SELECT 1"), 0.2)

    let_go.set()
    await asyncio.gather(*tasks)


async def test_what_fails_or_is_cancelled_gives_its_turn_back():
    turns = Turns(1)
    with turns.of("greedy"):
        for _ in range(3):
            with pytest.raises(Exception, match="division by zero"):
                await db.fetch_value("SELECT 1 / 0")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(db.fetch_value("SELECT pg_sleep(60)"), 0.05)
        assert await asyncio.wait_for(db.fetch_value("SELECT 1"), 60) == 1


async def test_a_transaction_and_what_is_asked_in_it_take_one_turn():
    with Turns(1).of("one"):
        async with asyncio.timeout(10), db.transaction():
            await db.execute("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT 1 AS n")
            assert await asyncio.gather(*(db.fetch_value("SELECT n FROM kept") for _ in range(3))) == [1, 1, 1]
