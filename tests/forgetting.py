"""Somebody who forgets a row the moment it is committed, before its writer asks anything else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models import database


@asynccontextmanager
async def forgotten_at_commit(table: str, key: str) -> AsyncIterator[None]:
    """Rows of the table that are written in this block are gone when their transaction ends; `key` is a unique column."""
    await database.execute(
        "CREATE FUNCTION forget_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" DELETE FROM {table} WHERE {key} = NEW.{key}; RETURN NULL; END $$"
    )
    try:
        await database.execute(
            f"CREATE CONSTRAINT TRIGGER forget_row AFTER INSERT OR UPDATE ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION forget_row()"
        )
        yield
    finally:
        await database.execute("DROP FUNCTION forget_row() CASCADE")
