"""Whom statements wait for: whoever keeps a lock is named, and nobody who waits in the same line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from models import database as db
from models import lock_wait
from models.migration import NAME
from tests import databases
from tests.factories import make_draft, make_shop
from tests.waiting import until_locks_are_waited_for_by

pytestmark = pytest.mark.usefixtures("database")

PSQL, WORKER = "psql", "rekindle worker"


@pytest.fixture
async def url(database: None, migrated: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where sessions connect that wait; whoever waits at all has waited long."""
    monkeypatch.setattr(lock_wait, "LONG", timedelta())
    return migrated


@asynccontextmanager
async def session(url: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    """A session of its own, by the name that PostgreSQL knows it by; its transaction ends with it."""
    connection = await asyncpg.connect(url, server_settings={"application_name": name})
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def waiting(url: str, *names: str) -> AsyncIterator[int]:
    """A person who left a transaction open that has touched a plan, and sessions that want the same; the person's pid."""
    plan = await make_draft(await make_shop())
    touch = f"UPDATE plan SET name = name WHERE id = {plan.id}"
    async with AsyncExitStack() as stack:
        person = await stack.enter_async_context(session(url, PSQL))
        await person.execute(f"BEGIN; {touch}")
        others = [await stack.enter_async_context(session(url, name)) for name in names]
        tasks = [asyncio.create_task(other.execute(touch)) for other in others]
        await until_locks_are_waited_for_by(len(names))
        yield person.get_server_pid()
        await person.execute("ROLLBACK")
        await asyncio.gather(*tasks)


async def test_who_left_a_transaction_open_is_named_and_nobody_who_waits_in_the_same_line(url: str):
    async with waiting(url, WORKER, WORKER, "rekindle api") as pid:
        [keeper] = await lock_wait.keepers()

    assert (keeper.pid, keeper.name) == (pid, PSQL)
    assert str(keeper).startswith(f"process {pid} (psql) has kept statements waiting for a lock for ")
    assert await lock_wait.keepers() == []


async def test_a_migration_that_waits_and_whoever_is_not_ours_are_no_news(url: str):
    async with waiting(url, NAME, PSQL):
        assert await lock_wait.keepers() == []


async def test_who_has_waited_for_a_moment_only_is_no_news(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock_wait, "LONG", timedelta(hours=1))

    async with waiting(url, WORKER):
        assert await lock_wait.keepers() == []


async def test_a_role_without_rights_is_told_of_other_roles_sessions(url: str):
    async with waiting(url, WORKER) as pid, databases.role(url, "plain") as plain:
        await db.execute('ALTER ROLE "plain" NOSUPERUSER')
        await db.disconnect()
        await db.connect(plain)
        [keeper] = await lock_wait.keepers()
        await db.disconnect()
        await db.connect(url)

    assert (keeper.pid, keeper.name) == (pid, PSQL)
