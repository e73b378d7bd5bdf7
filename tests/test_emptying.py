"""What a test finds is what it made itself: nothing of earlier tests shows, in tables or in what is known of them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import database as db
from settings import Settings
from tests.conftest import empty
from tests.factories import make_customers, make_shop
from tests.waiting import until

CHANGED = "SELECT relname FROM pg_stat_user_tables WHERE n_mod_since_analyze > 0"
"""The tables with rows that count to when PostgreSQL analyses them by itself."""

OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()"
)


@pytest.fixture
async def alone(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection; once it is the only one, the others have told what they changed."""
    assert settings.database_url
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


async def test_rows_that_earlier_tests_wrote_do_not_count_to_when_a_table_is_analysed(
    database: None, settings: Settings, alone: asyncpg.Connection
):
    assert settings.database_url
    await make_customers(await make_shop(), 30)
    await db.disconnect()
    await alone.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}")
    await until(lambda: alone.fetchval(f"SELECT NOT EXISTS (SELECT {OTHERS})"))
    changed = {row["relname"] for row in await alone.fetch(CHANGED)}

    await empty(settings.database_url)

    assert {"customer", "relationship"} <= changed
    assert await alone.fetch(CHANGED) == []
