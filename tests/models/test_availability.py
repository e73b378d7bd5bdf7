"""What is said of a PostgreSQL that cannot be used."""

import logging
from collections.abc import Callable

import asyncpg
import pytest

from local.postgres import Postgres
from models import database as databases
from tests.backends import BACKEND, end
from tests.waiting import until


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

    await administrator.execute("ALTER DATABASE other SET session_preload_libraries = 'no such library'")
    end(backend)
    await until(lambda: len(told_by_the_pool(caplog)) >= 1)

    assert all(record.exc_info for record in told_by_the_pool(caplog))
    await administrator.close()
