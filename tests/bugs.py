"""A bug at one of many rows: PostgreSQL refuses to change it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models import database

MESSAGE = "the test refuses this row"


@asynccontextmanager
async def bug_at(table: str, row: str) -> AsyncIterator[None]:
    """No row of the table that meets `row` (SQL over OLD) can be changed in this block."""
    await database.execute(
        f"CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '{MESSAGE}'; END $$"
    )
    try:
        await database.execute(
            f"CREATE TRIGGER refuse_row BEFORE UPDATE ON {table}"
            f" FOR EACH ROW WHEN ({row}) EXECUTE FUNCTION refuse_row()"
        )
        yield
    finally:
        await database.execute("DROP FUNCTION refuse_row() CASCADE")
