"""PostgreSQL: its version, what makes a commit durable, this role's rights, room for connections, clock, who keeps locks,
schema, keys, time zones.
"""

import time
from collections.abc import AsyncIterator

import asyncpg

from models import availability, database, lock_wait, migration
from operations.doctor import clock, keys, time_zones
from operations.doctor.diagnosis import Diagnosis, Grade, fail, ok, warn
from settings import Settings

OLDEST = 150_000
"""PostgreSQL 15, as server_version_num."""

DURABLE = ("fsync", "full_page_writes", "synchronous_commit")

PROCESSES = 2
"""One API and one worker: the least that run."""


async def check(settings: Settings) -> AsyncIterator[Diagnosis]:
    """Everything that one connection can see."""
    try:
        row = await database.fetch_one(_SEEN)
    except availability.FAILED as error:
        yield fail("PostgreSQL", f"cannot be reached: {error}", _mend(error))
        return
    assert row is not None
    yield _version(row)
    yield _durability(row)
    if row["is_read_only"]:
        mend = (
            "promote it if it is a standby, else turn default_transaction_read_only off and see that its disk has room"
        )
        yield fail("PostgreSQL writes", "none are taken", mend)
    yield _rights(row)
    yield _connections(row, settings)
    if row["encoding"] != "UTF8":
        yield fail("PostgreSQL encoding", row["encoding"], "make the database with ENCODING 'UTF8'")
    yield await _clock()
    for keeper in await lock_wait.keepers():
        mend = (
            f"end what it does, or the process: SELECT pg_terminate_backend({keeper.pid}), as its role or a superuser"
        )
        yield fail("PostgreSQL locks", str(keeper), mend)
    schema = await _schema()
    yield schema
    if schema.grade is Grade.OK:
        async for each in keys.check():
            yield each
        yield await time_zones.check()


def _mend(error: Exception) -> str:
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "raise max_connections, or lower DATABASE_POOL or the number of processes"
    return "start it, and see that DATABASE_URL leads there"


def _version(row: database.Record) -> Diagnosis:
    if row["version"] < OLDEST:
        return fail("PostgreSQL", row["version_text"], "upgrade to 15 or newer")
    return ok("PostgreSQL", row["version_text"])


def _durability(row: database.Record) -> Diagnosis:
    off = [name for name in DURABLE if row[name] == "off"]
    if off:
        mend = "turn them on: what is committed must outlive a crash, or mails go out twice"
        return fail("PostgreSQL durability", f"{', '.join(off)} off", mend)
    return ok("PostgreSQL durability", "on")


def _rights(row: database.Record) -> Diagnosis:
    if row["is_super"] or row["may_create"]:
        what = "a superuser" if row["is_super"] else "able to change the schema"
        return warn("PostgreSQL role", f"{row['role']} is {what}", "let API and worker use a role of deploy/roles.sql")
    return ok("PostgreSQL role", f"{row['role']} may not change the schema")


def _connections(row: database.Record, settings: Settings) -> Diagnosis:
    free = row["limit"] - row["reserved"] - row["used"]
    wanted = settings.database_pool * PROCESSES
    seen = f"{row['used']} of {row['limit']} in use"
    if free < wanted:
        mend = f"raise max_connections, or lower DATABASE_POOL: an API and a worker open up to {wanted}"
        return warn("PostgreSQL connections", seen, mend)
    return ok("PostgreSQL connections", seen)


async def _clock() -> Diagnosis:
    before = time.monotonic()
    theirs = await database.fetch_value("SELECT extract(epoch FROM clock_timestamp())::float8")
    way = (time.monotonic() - before) / 2
    return clock.check("PostgreSQL", theirs + way)


async def _schema() -> Diagnosis:
    missing = await migration.unapplied()
    if missing:
        return fail(
            "schema",
            f"{len(missing)} migrations to apply",
            ".venv/bin/python server.py migrate, as the role that owns the tables",
        )
    return ok("schema", "up to date")


_SEEN = """
SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_user AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super,
    has_schema_privilege('public', 'CREATE') AS may_create, current_setting('transaction_read_only')::bool AS is_read_only,
    current_setting('max_connections')::int AS limit, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
    current_setting('superuser_reserved_connections')::int AS reserved,
    (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()) AS encoding
"""
