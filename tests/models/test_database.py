"""What the driver promises, and what every statement relies on."""

import asyncio
from collections.abc import Callable
from contextvars import Context

import asyncpg
import pytest
from tortoise import Tortoise

from local.postgres import Postgres
from models import availability, migration
from models import database as databases
from tests.backends import BACKEND
from tests.processes import free_port


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
        with pytest.raises(availability.UNREACHABLE):
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
    await migration.migrate(postgres.url)
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
    await migration.migrate(server.url)
    await databases.connect(server.url)
    await databases.execute("INSERT INTO language (tag) VALUES ($1)", "en")

    server.kill()
    with pytest.raises(availability.UNREACHABLE):
        await databases.fetch_value("SELECT 1")
    server.start()

    assert await databases.fetch_value("SELECT tag FROM language") == "en"
