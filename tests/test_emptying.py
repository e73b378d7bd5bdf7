"""What a test finds is what it made itself: nothing of earlier tests shows, in tables or in what is known of them."""

import asyncpg

from models import database as db
from settings import Settings
from tests.conftest import empty
from tests.factories import make_customers, make_shop
from tests.waiting import until

CHANGED = "SELECT relname FROM pg_stat_user_tables WHERE n_mod_since_analyze > 0"
"""The tables with rows that count to when PostgreSQL analyses them by itself."""

ALONE = (
    "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
)


async def test_rows_that_earlier_tests_wrote_do_not_count_to_when_a_table_is_analysed(
    database: None, settings: Settings
):
    assert settings.database_url
    await make_customers(await make_shop(), 30)
    await db.disconnect()
    connection = await asyncpg.connect(settings.database_url)
    await until(lambda: connection.fetchval(ALONE))  # connections tell what they changed when they end, at the latest
    changed = {row["relname"] for row in await connection.fetch(CHANGED)}

    await empty(settings.database_url)

    assert {"customer", "relationship"} <= changed
    assert await connection.fetch(CHANGED) == []
    await connection.close()
