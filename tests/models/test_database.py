"""Schema migration and the driver's promises."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from pathlib import Path

import asyncpg
import pytest
from tortoise import Tortoise
from tortoise.exceptions import OperationalError

from local.postgres import Postgres
from models import database as databases
from tests.backends import BACKEND, end
from tests.conftest import TABLES
from tests.databases import made
from tests.processes import free_port
from tests.waiting import until


@pytest.fixture
async def begin(folder: Path) -> AsyncIterator[Callable[..., Postgres]]:
    """Starts a small PostgreSQL of the test's own, with these settings; it ends with the test, whatever comes of it."""
    begun: list[Postgres] = []

    def start(**settings: str) -> Postgres:
        begun.append(Postgres(folder / "postgres", shared_buffers="16MB", **settings))
        begun[-1].start()
        return begun[-1]

    yield start
    await databases.disconnect()
    for server in begun:
        server.stop()


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(postgres: Postgres):
    await asyncio.gather(*(databases.migrate(postgres.url) for _ in range(3)))


async def test_a_failed_transaction_leaves_nothing(database: None):
    async def fail_midway() -> None:
        async with databases.transaction():
            await databases.execute("INSERT INTO language (tag) VALUES ($1)", "en")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_midway()

    assert await databases.fetch_value("SELECT count(*) FROM language") == 0


async def test_statements_of_a_block_keep_one_connection_and_give_it_back(database: None):
    async with databases.kept_connection():
        before = databases.connections().busy
        kept = [await databases.fetch_value(BACKEND) for _ in range(3)]
        during = databases.connections().busy
        others = await asyncio.create_task(databases.fetch_value(BACKEND), context=Context())

    assert len(set(kept)) == 1 and others not in kept
    assert (before, during, databases.connections().busy) == (0, 1, 0)


async def test_a_transaction_in_a_block_that_keeps_a_connection_is_one_of_its_own(database: None):
    async with databases.kept_connection():
        kept = await databases.fetch_value(BACKEND)
        async with databases.transaction():
            inside = [await databases.fetch_value(BACKEND) for _ in range(2)]
            await databases.execute("INSERT INTO language (tag) VALUES ($1)", "en")
            seen = await databases.fetch_value("SELECT count(*) FROM language")
        after = await databases.fetch_value(BACKEND)

    assert len(set(inside)) == 1 and kept not in inside
    assert (after, seen) == (kept, 1)


async def test_a_kept_connection_that_was_lost_is_replaced_by_the_next_block(database: None):
    async with databases.kept_connection():
        lost = await databases.fetch_value(BACKEND)
        async with databases.transaction():
            await databases.execute("SELECT pg_terminate_backend($1, 10000)", lost)
        with pytest.raises(databases.UNREACHABLE):
            await databases.fetch_value(BACKEND)

    async with databases.kept_connection():
        assert await databases.fetch_value(BACKEND) != lost


COLUMNS = """
SELECT column_name, is_nullable = 'YES' AS nullable
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1
"""


async def test_each_model_has_the_columns_of_its_table_and_no_others(database: None):
    for model in Tortoise.apps["models"].values():
        meta = model._meta
        described = {
            field.source_field or name: field.null
            for name, field in meta.fields_map.items()
            if name in meta.db_fields and not field.generated
        }
        generated = {meta.pk.source_field or meta.pk_attr: False}

        rows = await databases.fetch(COLUMNS, meta.db_table)

        assert {row["column_name"]: row["nullable"] for row in rows} == {**described, **generated}, meta.db_table


async def test_a_second_migration_finds_nothing_to_do(postgres: Postgres, migrated: str):
    async def schema() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(migrated)
        rows = await connection.fetch("SELECT relname, relkind, relfilenode FROM pg_class ORDER BY oid")
        await connection.close()
        return rows

    before = await schema()
    await databases.migrate(migrated)

    assert await schema() == before


async def test_a_migration_that_fails_leaves_no_connection(postgres: Postgres):
    async with made(postgres.url, "occupied") as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE shop ()")

        async def is_alone() -> bool:
            migrating = "SELECT FROM pg_stat_activity WHERE application_name = 'rekindle migrate'"
            return await connection.fetch(migrating) == []

        with pytest.raises(OperationalError, match="already exists"):
            await databases.migrate(url)

        await until(is_alone)
        assert [row["relname"] for row in await connection.fetch(TABLES)] == ["shop"]
        await connection.close()


async def test_over_the_network_postgresql_is_asked_to_notice_a_machine_that_is_gone(begin: Callable[..., Postgres]):
    port = free_port()
    begin(listen_addresses="127.0.0.1", port=str(port))
    await databases.connect(f"postgres://postgres:@127.0.0.1:{port}/postgres")

    told = await databases.fetch("SELECT setting::int FROM pg_settings WHERE name LIKE 'tcp_keepalives%' ORDER BY name")

    assert [row["setting"] for row in told] == [3, 15, 5]  # count, idle, interval


async def test_the_url_says_whether_the_wire_must_be_encrypted_as_it_does_to_every_client(
    begin: Callable[..., Postgres],
):
    port = free_port()
    begin(listen_addresses="127.0.0.1", port=str(port))
    url = f"postgres://postgres:@127.0.0.1:{port}/postgres"

    await databases.connect(f"{url}?sslmode=prefer")
    assert await databases.fetch_value("SELECT 1") == 1
    await databases.disconnect()
    await databases.connect(f"{url}?sslmode=require")
    with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
        await databases.fetch_value("SELECT 1")


async def test_names_in_the_url_may_be_percent_encoded(postgres: Postgres):
    await databases.migrate(postgres.url)
    owner = await asyncpg.connect(postgres.url)
    await owner.execute('CREATE ROLE "out reach" SUPERUSER LOGIN')
    try:
        await databases.connect(postgres.url.replace("//postgres:@", "//out%20reach:a%2Fb@"))
        assert await databases.fetch_value("SELECT current_user::text") == "out reach"
        await databases.disconnect()
    finally:
        await owner.execute('DROP ROLE "out reach"')
        await owner.close()


async def test_after_a_crash_of_the_server_statements_work_again(begin: Callable[..., Postgres]):
    server = begin()
    await databases.migrate(server.url)
    await databases.connect(server.url)
    await databases.execute("INSERT INTO language (tag) VALUES ($1)", "en")

    server.kill()
    with pytest.raises(databases.UNREACHABLE):
        await databases.fetch_value("SELECT 1")
    server.start()

    assert await databases.fetch_value("SELECT tag FROM language") == "en"


def told_by_the_pool(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What asyncpg's pool has logged."""
    return [record for record in caplog.records if record.name == "asyncpg.pool"]


async def test_an_outage_is_told_in_lines_without_tracebacks_though_nobody_asks_anything(
    begin: Callable[..., Postgres], caplog: pytest.LogCaptureFixture
):
    server = begin()
    await databases.connect(server.url)
    await databases.fetch_value("SELECT 1")

    server.kill()
    await until(lambda: len(told_by_the_pool(caplog)) >= 2)
    server.start()

    assert await databases.fetch_value("SELECT 2") == 2
    lines = told_by_the_pool(caplog)
    assert all(record.getMessage().startswith("PostgreSQL is not reachable, asking again: ") for record in lines)
    assert [record.exc_info for record in lines] == [None] * len(lines)


async def test_what_else_keeps_a_pool_from_connecting_keeps_its_traceback(
    begin: Callable[..., Postgres], caplog: pytest.LogCaptureFixture
):
    server = begin()
    administrator = await asyncpg.connect(server.url)
    await administrator.execute("CREATE DATABASE other")
    await databases.connect(server.url.replace("/postgres?", "/other?"))
    backend = await databases.fetch_value(BACKEND)
    assert await databases.fetch_value("SELECT current_database()") == "other"

    await administrator.execute("ALTER DATABASE other ALLOW_CONNECTIONS false")
    end(backend)
    await until(lambda: len(told_by_the_pool(caplog)) >= 1)

    assert all(record.exc_info for record in told_by_the_pool(caplog))
    await administrator.close()


async def test_migration_waits_for_a_server_that_is_still_starting(begin: Callable[..., Postgres]):
    server = begin(hot_standby="off")
    server.stop()
    (server.data / "standby.signal").touch()  # it goes on recovering, and takes nobody, until it is promoted
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    claim = server.data / "postmaster.pid"
    try:
        await until(lambda: claim.exists() and "standby" in claim.read_text())
        migrating = asyncio.create_task(databases.migrate(server.url))
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
