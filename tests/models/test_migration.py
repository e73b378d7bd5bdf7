"""Bringing the schema up to date."""

import asyncio
import os
import signal
from collections.abc import Callable

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from local.postgres import Postgres
from models import migration
from tests.conftest import TABLES
from tests.databases import made
from tests.waiting import until


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(postgres: Postgres):
    await asyncio.gather(*(migration.migrate(postgres.url) for _ in range(3)))


async def test_a_second_migration_finds_nothing_to_do(postgres: Postgres, migrated: str):
    async def schema() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(migrated)
        rows = await connection.fetch("SELECT relname, relkind, relfilenode FROM pg_class ORDER BY oid")
        await connection.close()
        return rows

    before = await schema()
    await migration.migrate(migrated)

    assert await schema() == before


async def test_a_migration_that_fails_leaves_no_connection(postgres: Postgres):
    async with made(postgres.url, "occupied") as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE shop ()")

        async def is_alone() -> bool:
            migrating = "SELECT FROM pg_stat_activity WHERE application_name = 'rekindle migrate'"
            return await connection.fetch(migrating) == []

        with pytest.raises(OperationalError, match="already exists"):
            await migration.migrate(url)

        await until(is_alone)
        assert [row["relname"] for row in await connection.fetch(TABLES)] == ["shop"]
        await connection.close()


async def test_migration_waits_for_a_server_that_is_still_starting(begin: Callable[..., Postgres]):
    server = begin(hot_standby="off")
    server.stop()
    (server.data / "standby.signal").touch()  # it goes on recovering, and takes nobody, until it is promoted
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    claim = server.data / "postmaster.pid"
    try:
        await until(lambda: claim.exists() and "standby" in claim.read_text())
        migrating = asyncio.create_task(migration.migrate(server.url))
        with pytest.raises(asyncpg.CannotConnectNowError):
            await asyncpg.connect(server.url)
    finally:
        (server.data / "promote").touch()
        os.kill(int(claim.read_text().splitlines()[0]), signal.SIGUSR1)
        await starting

    await migrating
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SELECT count(*) FROM shop") == 0
    await connection.close()
