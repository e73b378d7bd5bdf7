"""A lost connection is told as one whenever it is met, keeps nothing back, and hides no wrong use of one."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from tortoise.connection import get_connection

from models import availability
from models import database as db
from models.shop import Shop
from settings import Settings
from tests.backends import BACKEND, end

TURNS = range(5)
"""Turns of the loop after which a connection that was ended is used: PostgreSQL's last word, its hanging up and what the
driver makes of it are read in turns of their own."""


@pytest.fixture(autouse=True)
async def one_connection(settings: Settings, database: None) -> None:
    """A pool of one connection, so that it is known which one is taken next."""
    assert settings.database_url
    await db.disconnect()
    await db.connect(settings.database_url, pool=1)


@pytest.mark.parametrize("turns", range(12))
async def test_a_transaction_that_is_cancelled_at_its_begin_or_its_end_leaves_none_open(
    turns: int, caplog: pytest.LogCaptureFixture
):
    async def insert() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO language (tag) VALUES ($1)", "en")

    async def empty() -> None:
        async with db.transaction():
            pass

    for act in (insert, empty):
        await db.fetch_value("SELECT 1")
        task = asyncio.create_task(act())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await db.fetch_value("SELECT 1") == 1

    assert [record.getMessage() for record in caplog.records] == []


async def ended_before(turns: int) -> None:
    """Leave the pool's connection ended, and read so much of that."""
    end(await db.fetch_value(BACKEND))
    for _ in range(turns):
        await asyncio.sleep(0)


async def works() -> None:
    """Whoever asks next is served, by a new connection, and nobody holds one."""
    assert await db.fetch_value("SELECT 1") == 1
    async with db.transaction():
        assert await db.fetch_value("SELECT 2") == 2
    assert db.connections().busy == 0


@pytest.mark.parametrize("turns", TURNS)
async def test_a_statement_on_a_connection_that_ended_is_unreachable_or_gets_another(turns: int):
    await ended_before(turns)

    with suppress(*availability.UNREACHABLE):
        assert await db.fetch_value("SELECT 3") == 3

    await works()


@pytest.mark.parametrize("turns", TURNS)
async def test_a_model_s_statement_on_a_connection_that_ended_is_unreachable_or_gets_another(turns: int):
    await ended_before(turns)

    with suppress(*availability.UNREACHABLE):
        assert await Shop.all().count() == 0

    await works()


@pytest.mark.parametrize("turns", TURNS)
async def test_a_transaction_whose_connection_ended_before_it_began_leaves_nothing_to_who_wanted_it(turns: int):
    await ended_before(turns)

    with suppress(*availability.UNREACHABLE):
        async with db.transaction():
            assert await db.fetch_value("SELECT 3") == 3

    await works()


@pytest.mark.parametrize("turns", TURNS)
async def test_a_transaction_whose_connection_ends_in_it_is_unreachable_and_changes_nothing(turns: int):
    async def change() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO language (tag) VALUES ($1)", "en")
            await ended_before(turns)
            await db.fetch_value("SELECT 3")

    with pytest.raises(availability.UNREACHABLE):
        await change()

    await works()
    assert await db.fetch_value("SELECT count(*) FROM language") == 0


@pytest.mark.parametrize("turns", TURNS)
async def test_a_commit_over_a_connection_that_ended_is_unreachable(turns: int):
    async def change() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO language (tag) VALUES ($1)", "en")
            await ended_before(turns)

    with pytest.raises(availability.UNREACHABLE):
        await change()

    await works()
    assert await db.fetch_value("SELECT count(*) FROM language") == 0


@pytest.mark.parametrize("turns", TURNS)
async def test_what_went_wrong_in_a_transaction_is_told_rather_than_that_its_connection_ended_too(turns: int):
    async def fail() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO language (tag) VALUES ($1)", "en")
            await ended_before(turns)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    await works()


@pytest.mark.parametrize("turns", TURNS)
async def test_a_kept_connection_that_ended_is_unreachable(turns: int):
    async with db.kept_connection():
        await ended_before(turns)
        with pytest.raises(availability.UNREACHABLE):
            await db.fetch_value("SELECT 3")

    await works()


@pytest.mark.parametrize("turns", TURNS)
async def test_who_has_their_answer_does_not_fail_because_the_connection_ends_when_it_is_given_back(turns: int):
    async with db.connection() as raw:
        end(await raw.fetchval(BACKEND))
        for _ in range(turns):
            await asyncio.sleep(0)

    with suppress(*availability.UNREACHABLE):
        await db.fetch_value("SELECT 3")  # what was not seen when it was given back is met by the next
    await works()


async def test_who_asks_while_the_pool_is_closing_finds_it_unreachable():
    async with db.connection():
        closing = asyncio.create_task(db.disconnect())
        await asyncio.sleep(0.05)
        with pytest.raises(availability.UNREACHABLE):
            await asyncio.wait_for(db.fetch_value("SELECT 1"), 30)
    await closing


async def test_a_connection_goes_back_to_the_pool_it_is_from():
    await works()  # only now is there a pool
    client = get_connection("default")
    pool = client._pool

    async with db.connection():
        client._pool = None  # so Tortoise leaves it where closing takes too long
    client._pool = pool

    await works()


async def test_too_many_arguments_are_no_lost_connection():
    with pytest.raises(asyncpg.InterfaceError, match="expects 0 arguments") as caught:
        await db.fetch_value("SELECT 1", 2)

    assert not isinstance(caught.value, availability.UNREACHABLE)
    await works()


async def test_two_statements_at_once_over_one_connection_are_no_lost_connection():
    async def at_once() -> None:
        async with db.connection() as raw:
            both = raw.fetchval("SELECT pg_sleep(0.2)"), raw.fetchval("SELECT 1")
            met = list(await asyncio.gather(*both, return_exceptions=True))
            raise met[1]

    with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress") as caught:
        await at_once()

    assert not isinstance(caught.value, availability.UNREACHABLE)
    await works()


async def test_values_that_the_driver_cannot_write_are_no_lost_connection():
    async def copy() -> None:
        async with db.transaction(), db.connection() as raw:
            await raw.execute("CREATE TEMP TABLE held (rights aclitem) ON COMMIT DROP")
            await raw.copy_records_to_table("held", records=[("=r/postgres",)])

    with pytest.raises((asyncpg.InternalClientError, asyncpg.InterfaceError)) as caught:
        await copy()

    assert not isinstance(caught.value, availability.UNREACHABLE)
    await works()


async def test_whoever_opens_the_pool_while_the_database_is_left_hears_so_and_leaves_no_connection(
    monkeypatch: pytest.MonkeyPatch,
):
    opened: list[asyncpg.Connection] = []
    connect = asyncpg.connect

    async def connecting(*arguments: Any, **options: Any) -> asyncpg.Connection:
        opened.append(await connect(*arguments, **options))
        await db.disconnect()
        return opened[-1]

    monkeypatch.setattr(asyncpg, "connect", connecting)

    with pytest.raises(availability.UNREACHABLE):
        await db.fetch_value("SELECT 1")

    assert [each.is_closed() for each in opened] == [True]
