"""Real engines for the tests: one PostgreSQL, Valkey and mailbox for each test process, emptied before each test."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import hypothesis
import pytest
from redis.asyncio import Redis

from local.mail_server import MailServer
from local.mailbox import Mailbox
from local.postgres import Postgres
from local.valkey import Valkey
from models import clock as clocks
from models import database as databases
from models import migration
from settings import Settings
from tests.local.processes import eventually, naming

for name in Settings.model_fields:
    for variable in (name.upper(), f"{name.upper()}_FILE"):
        os.environ.pop(variable, None)  # no test depends on the settings of the shell it runs in

pytest_plugins = ["tests.api", "tests.together", "tests.worker"]

hypothesis.settings.register_profile("ci", max_examples=50, deadline=None)
hypothesis.settings.register_profile("nightly", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""When every test begins."""

CDNOW = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdnow" / "orders.csv"
"""The orders of the CDNOW data set, in a folder `shared` beside the clone: CONTRIBUTING.md tells of it."""

# How statements are planned must not depend on what earlier tests had analysed.
FORGET_SIZES = """
UPDATE pg_class SET reltuples = -1, relpages = 0
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND (reltuples <> -1 OR relpages <> 0)
"""
FORGET_VALUES = """
DELETE FROM pg_statistic USING pg_class c
WHERE c.oid = starelid AND c.relnamespace = 'public'::regnamespace
"""
# Emptying a table leaves them standing: tests that write little would have it analysed in the middle of a later one.
FORGET_CHANGES = """
SELECT pg_stat_reset_single_table_counters(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND pg_stat_get_mod_since_analyze(oid) > 0
"""

TABLES = """
SELECT c.relname, c.relispartition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '%migration%'
"""


@pytest.fixture(scope="session")
def engine_folder() -> Iterator[Path]:
    """Where this process's engines live: not under pytest's own folder, which another pytest closes to PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="rekindle-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(engine_folder: Path) -> Iterator[Postgres]:
    """A small PostgreSQL that is as durable as any, and knows of small tables only what a test has it analyse."""
    server = Postgres(
        engine_folder / "postgres",
        shared_buffers="64MB",
        max_wal_size="1GB",
        checkpoint_timeout="30s",  # each emptying leaves files until the next, for which DROP DATABASE waits
        autovacuum_analyze_threshold="2000",  # more than tests of plans write, less than fault tests do
        autovacuum_vacuum_threshold="2000",
        autovacuum_vacuum_insert_threshold="2000",
    )
    server.start()
    yield server
    server.kill()  # its files go, so nothing has to be written any more


@pytest.fixture(scope="session")
def valkey(engine_folder: Path) -> Iterator[Valkey]:
    """A Valkey of this process's own."""
    server = Valkey(engine_folder / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mail_server(engine_folder: Path) -> Iterator[tuple[str, Mailbox]]:
    """A mail server of this process's own: its URL, and the mailbox it fills."""
    server = MailServer(Mailbox(engine_folder / "mailbox"))
    yield server.start(), server.mailbox
    server.stop()


@pytest.fixture(scope="session")
async def migrated(postgres: Postgres) -> str:
    """The URL of a database that has the whole schema."""
    await migration.migrate(postgres.url)
    return postgres.url


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for engines of a test's own."""
    with tempfile.TemporaryDirectory(prefix="rekindle-") as path:
        yield Path(path)
        assert eventually(lambda: naming(Path(path)) == [])  # what a killed parent left is still ending


@pytest.fixture
def settings(migrated: str, valkey: Valkey, mail_server: tuple[str, Mailbox], tmp_path: Path) -> Settings:
    """Settings that name this process's engines and nothing of the shell's."""
    return Settings(
        _env_file=None,
        database_url=migrated,
        redis_url=valkey.url,
        smtp_url=mail_server[0],
        smtp_tls="none",
        data_directory=tmp_path,
        token_secret="a secret for tests, long enough for HS256",
        secret_key="another secret for tests, long enough too",
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[None]:
    """An empty, migrated database, connected as the process's own."""
    assert settings.database_url
    await empty(settings.database_url)
    await databases.connect(settings.database_url)
    yield
    await databases.disconnect()


async def empty(url: str) -> None:
    """Drop every partition, empty every other table that holds a row, and forget what statistics said or counted of them."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(TABLES)
        for table in tables:
            if table["relispartition"]:
                await connection.execute(f'DROP TABLE "{table["relname"]}"')
        names = [table["relname"] for table in tables if not table["relispartition"]]
        filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names)
        found = [f'"{row[0]}"' for row in await connection.fetch(filled)]
        if found:
            await connection.execute(f"TRUNCATE {', '.join(found)} RESTART IDENTITY CASCADE")
        # What was rolled back or deleted has used numbers as well, in tables that are empty now.
        for row in await connection.fetch("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"):
            await connection.execute(f'ALTER SEQUENCE "{row[0]}" RESTART')
        await connection.execute(FORGET_SIZES)
        await connection.execute(FORGET_VALUES)
        await connection.execute(FORGET_CHANGES)
    finally:
        await connection.close()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """A client of an empty Redis."""
    assert settings.redis_url
    client = Redis.from_url(settings.redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def mailbox(mail_server: tuple[str, Mailbox]) -> Mailbox:
    """The mailbox that `settings.smtp_url` leads to, emptied."""
    _, mailbox = mail_server
    mailbox.clear()
    return mailbox


@pytest.fixture(autouse=True)
def clock() -> Iterator[clocks.Clock]:
    """The one clock, standing at `NOON`, so that no test depends on the day it runs."""
    clocks.clock.freeze(NOON)
    yield clocks.clock
    clocks.clock.reset()


@pytest.fixture(scope="session")
def cdnow() -> Path:
    """The CDNOW orders, which are no part of this repository; without them the test is skipped."""
    if not CDNOW.exists():
        pytest.skip(f"the CDNOW orders, which are no part of the repository, are not at {CDNOW}")
    return CDNOW
