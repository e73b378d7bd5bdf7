"""Bringing the schema up to date: what models/migrations/ has and the database has not, by one process at a time."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from models import log_position
from models.advisory_lock import AdvisoryLock
from models.database import configuration, connection, execute, transaction
from models.database_url import open_connection
from models.errors import RekindleError

log = logging.getLogger(__name__)

ASK_AGAIN = 0.2
"""Seconds between two looks whether another process still changes the schema, or whether PostgreSQL has started."""

START_WITHIN = 120.0
"""Seconds that a PostgreSQL which is starting, crash recovery included, is waited for."""

TABLE_WAIT = "2s"
"""How long a change waits for a table at a time, since everybody who comes later to that table waits behind it. Longer
than the second after which an autovacuum gives way."""

PAUSE = 10.0
"""Seconds between two tries, in which everybody else works."""

TRY_FOR = 600.0
"""Seconds after which a change that got no turn is given up."""

LOOK = 0.5
"""Seconds between two looks at whom a change waits for."""

NAME = "rekindle migrate"
"""What PostgreSQL knows the process by that changes the schema."""


class CannotMigrate(RekindleError):
    """The schema stays as it is, or as the migrations before left it; the message says at which one, and why."""


class SchemaBehind(RekindleError):
    """The schema lacks migrations that this code has; the message says how many, from which one on, and what to do."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"the schema lacks {len(missing)} migrations of this version, from {missing[0]} on: run"
            " `.venv/bin/python server.py migrate` as the role that owns the tables"
        )


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
    after a crash, this is often the first to ask. Raises CannotMigrate where PostgreSQL or somebody else stands against it.
    """
    lock = await _started(url.replace("postgres://", "postgresql://", 1))
    try:
        missing = await _unapplied(lock)
        if not missing:
            return
        while not await lock.fetchval("SELECT pg_try_advisory_lock($1)", AdvisoryLock.MIGRATION):  # noqa: ASYNC110 (see above)
            await asyncio.sleep(ASK_AGAIN)
        log_position.forget()
        await Tortoise.init(config=configuration(url, pool=2, application=NAME), init_connections=False)
        try:
            with _told_of(missing[0]):
                await _execute()  # the table of notes, which no transaction may find missing
            for name in await _unapplied(lock):
                with _told_of(name):
                    await _apply_in_turn(name, lock)
        finally:
            await Tortoise.close_connections()
    finally:
        await lock.close()


async def _apply_in_turn(name: str, lock: asyncpg.Connection) -> None:
    """Apply a migration as soon as nobody keeps its tables, without making those wait for long who want them too."""
    deadline = time.monotonic() + TRY_FOR
    while True:
        async with _watched(name, lock) as others:
            try:
                return await _apply(name)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if time.monotonic() > deadline:
                    kept = ", ".join(others) or "others"
                    raise CannotMigrate(
                        f"migration {name} got no turn in {TRY_FOR:.0f} s: {kept} kept what it changes in use."
                        " Nothing of it is done; migrate again once that has ended"
                    ) from None
        await asyncio.sleep(PAUSE)


async def _apply(name: str) -> None:
    """Apply a migration: together with the note that it is applied, or not at all.

    One that cannot be done in a transaction, since it builds an index beside those who write, can be repeated instead,
    and waits as long as it must: nobody waits behind it.
    """
    if not import_module(f"models.migrations.{name}").Migration.atomic:
        await _execute(name)
        return
    async with transaction():
        await execute(f"SET LOCAL lock_timeout = '{TABLE_WAIT}'")
        await _execute(name)


async def _execute(*names: str) -> None:
    """Do what these migrations say and note it, in the open transaction if there is one."""
    executor = MigrationExecutor(get_connection("default"), configuration("")["apps"])
    await executor.migrate([MigrationTarget("models", name) for name in names], direction="forward")


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Say of what PostgreSQL refuses in the block at which migration that was."""
    try:
        yield
    except OperationalError as error:
        if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise CannotMigrate(
                f"the schema lacks migration {name}, and this role may not change it ({error}): run migrate as the"
                " role that owns the tables"
            ) from error
        raise CannotMigrate(f"migration {name} is refused by PostgreSQL: {error}") from error


@asynccontextmanager
async def _watched(name: str, lock: asyncpg.Connection) -> AsyncIterator[list[str]]:
    """Say during the block for whom the migration waits; who that was last."""
    others: list[str] = []
    watching = asyncio.create_task(_watch(name, lock, others))
    try:
        yield others
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(name: str, lock: asyncpg.Connection, others: list[str]) -> None:
    while True:
        await asyncio.sleep(LOOK)
        found = [f"process {row['pid']} ({row['name']})" for row in await lock.fetch(_OTHERS, NAME)]
        if found and found != others:
            others[:] = found
            log.warning("migration %s waits for %s", name, ", ".join(found))


_OTHERS = """
SELECT DISTINCT other.pid, coalesce(nullif(other.application_name, ''), 'of ' || other.usename) AS name
FROM pg_stat_activity own, unnest(pg_blocking_pids(own.pid)) AS blocking(pid), pg_stat_activity other
WHERE own.application_name = $1 AND own.datname = current_database() AND other.pid = blocking.pid
ORDER BY other.pid
"""


async def _started(url: str) -> asyncpg.Connection:
    """A connection, as soon as the server takes some. Raises UNREACHABLE at once where nobody listens."""
    deadline, waited = time.monotonic() + START_WITHIN, False
    while True:
        try:
            return await open_connection(url)
        except asyncpg.CannotConnectNowError as error:
            if time.monotonic() > deadline:
                raise
            if not waited:
                log.warning("waiting for PostgreSQL: %s", error)
            waited = True
        await asyncio.sleep(ASK_AGAIN)
