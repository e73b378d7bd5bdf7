"""Bringing the schema up to date."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from local.postgres import Postgres
from models import log_position, migration
from models.log_position import Position
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


async def test_what_the_process_knew_of_another_database_keeps_no_new_one_from_being_made(postgres: Postgres):
    async with made(postgres.url, "another") as url:
        log_position.note(Position(cluster="another", timeline=1, kept_at=None, written=1))

        await migration.migrate(url)

        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM shop") == 0
        await connection.close()


async def test_a_migration_that_fails_leaves_no_connection(postgres: Postgres):
    async with made(postgres.url, "occupied") as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE shop ()")

        async def is_alone() -> bool:
            migrating = "SELECT FROM pg_stat_activity WHERE application_name = 'rekindle migrate'"
            return await connection.fetch(migrating) == []

        with pytest.raises(
            migration.CannotMigrate,
            match='migration 0001_foundation is refused by PostgreSQL: relation "shop" already exists',
        ):
            await migration.migrate(url)

        await until(is_alone)
        assert [row["relname"] for row in await connection.fetch(TABLES)] == ["shop"]
        await connection.close()


@pytest.fixture
async def behind(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database whose messages lack a column of a later migration, and tries that follow one another quickly."""
    for name, quick in {"TABLE_WAIT": "100ms", "PAUSE": 0.1, "LOOK": 0.01}.items():
        monkeypatch.setattr(migration, name, quick)
    async with made(postgres.url, "behind") as url:
        await migration.migrate(url)
        connection = await asyncpg.connect(url)
        await connection.execute("ALTER TABLE delivery DROP COLUMN was_tried")
        await connection.execute("DELETE FROM tortoise_migrations WHERE name = $1", LATER)
        await connection.close()
        yield url


LATER = "0026_erased_in_a_test"

IS_THERE = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'delivery' AND column_name = 'was_tried'"


async def test_nobody_waits_behind_a_change_that_waits_for_a_long_transaction(
    behind: str, caplog: pytest.LogCaptureFixture
):
    backup = await asyncpg.connect(behind, server_settings={"application_name": "pg_dump"})
    worker = await asyncpg.connect(behind)
    long = backup.transaction()
    await long.start()
    await backup.execute("LOCK TABLE delivery IN ACCESS SHARE MODE")
    migrating = asyncio.create_task(migration.migrate(behind))
    try:
        await until(lambda: f"migration {LATER} waits for process" in caplog.text)

        async with asyncio.timeout(30):
            assert await worker.fetchval("SELECT count(*) FROM delivery") == 0
        assert "(pg_dump)" in caplog.text and await worker.fetchval(IS_THERE) == 0
    finally:
        await long.rollback()
        await migrating

    assert await worker.fetchval(IS_THERE) == 1
    await backup.close()
    await worker.close()


async def test_a_change_that_never_gets_its_turn_is_given_up_and_says_who_kept_it(
    behind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(migration, "TRY_FOR", 0.0)
    backup = await asyncpg.connect(behind, server_settings={"application_name": "pg_dump"})
    async with backup.transaction():
        await backup.execute("LOCK TABLE delivery IN ACCESS SHARE MODE")

        with pytest.raises(migration.CannotMigrate, match=rf"migration {LATER} .*: process \d+ \(pg_dump\) kept what"):
            await migration.migrate(behind)

        assert await backup.fetchval(IS_THERE) == 0
    assert await backup.fetchval("SELECT count(*) FROM tortoise_migrations WHERE name = $1", LATER) == 0
    await migration.migrate(behind)
    assert await backup.fetchval(IS_THERE) == 1
    await backup.close()


async def test_a_migration_of_which_no_note_can_be_taken_changes_nothing(behind: str):
    connection = await asyncpg.connect(behind)
    await connection.execute(
        f"ALTER TABLE tortoise_migrations ADD CONSTRAINT none_later CHECK (name <> '{LATER}') NOT VALID"
    )

    with pytest.raises(migration.CannotMigrate, match="none_later"):
        await migration.migrate(behind)

    assert await connection.fetchval(IS_THERE) == 0
    await connection.execute("ALTER TABLE tortoise_migrations DROP CONSTRAINT none_later")
    await migration.migrate(behind)
    assert await connection.fetchval(IS_THERE) == 1
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
