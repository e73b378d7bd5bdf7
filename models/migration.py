"""Bringing the schema up to date: what models/migrations/ has and the database has not, by one process at a time."""

import asyncio
import logging
import time
from pathlib import Path

import asyncpg
from tortoise import Tortoise
from tortoise.migrations.api import migrate as run_migrations

from models.advisory_lock import AdvisoryLock
from models.database import configuration, connection

log = logging.getLogger(__name__)

LOCK_DELAY = 0.2
"""Seconds between two looks whether another process still changes the schema, or whether PostgreSQL has started."""

START_WITHIN = 120.0
"""Seconds that a PostgreSQL which is starting, crash recovery included, is waited for."""


async def unapplied() -> list[str]:
    """The names of migrations that this code has and the database has not, in order."""
    async with connection() as raw:
        return await _unapplied(raw)


async def _unapplied(raw: asyncpg.Connection) -> list[str]:
    folder = Path(__file__).parent / "migrations"
    known = sorted(path.stem for path in folder.glob("[0-9]*.py"))
    try:
        applied = {row["name"] for row in await raw.fetch("SELECT name FROM tortoise_migrations WHERE app = 'models'")}
    except asyncpg.UndefinedTableError:
        return known
    return [name for name in known if name not in applied]


async def migrate(url: str) -> None:
    """Bring the schema up to date, one process at a time (others wait, then find nothing to do).

    Where it is up to date nothing is touched, so that a role which may change no table can run what begins with this.
    The lock is asked for again and again rather than waited for: an index that is built while others write
    waits for every statement that began before it, and one that waits for the lock would never end.

    A server that says that it is starting is waited for, `START_WITHIN` at most: after a restart of the machine, and
    after a crash, this is often the first to ask.
    """
    lock = await _started(url.replace("postgres://", "postgresql://", 1))
    try:
        if not await _unapplied(lock):
            return
        while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", AdvisoryLock.MIGRATION):  # noqa: ASYNC110 (see above)
            await asyncio.sleep(LOCK_DELAY)
        try:
            await run_migrations(config=configuration(url, pool=2, application="rekindle migrate"))
        finally:
            await Tortoise.close_connections()
    finally:
        await lock.close()


async def _started(url: str) -> asyncpg.Connection:
    """A connection, as soon as the server takes some. Raises UNREACHABLE at once where nobody listens."""
    deadline, waited = time.monotonic() + START_WITHIN, False
    while True:
        try:
            return await asyncpg.connect(url)
        except asyncpg.CannotConnectNowError as error:
            if time.monotonic() > deadline:
                raise
            if not waited:
                log.warning("waiting for PostgreSQL: %s", error)
            waited = True
        await asyncio.sleep(LOCK_DELAY)
