"""Upgrades: each migration only adds, so that the old version goes on sending while and after it runs.

Expand, then contract: what nothing needs any more is removed a release later, and then named in `CONTRACTS`.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from models import audience, migration
from models import database as db
from models.plan import Plan, wording
from settings import Settings
from tests.automation import Life, make_automated
from tests.conftest import TABLES
from tests.factories import make_customers, make_running, make_shop
from tests.migrations import FOLDER, MIGRATIONS, migrate_to
from tests.processes import environment, free_port
from tests.smtp_sink import Sink

ROOT = Path(__file__).resolve().parents[2]

RELEASED = "0005_metric"
"""The newest migration of the oldest release that may still run: what came later must not disturb its code."""

CONTRACTS: Mapping[str, str] = {
    "chat_platform.secret": "before 0011 no release wrote this table, or read more of it than whether a row is there",
    "chat_platform.salt": "the same",
}
"""What a migration may take away or demand, since no release that may still run needs it: "table.column", and why."""

LARGE = ("customer", "contact", "delivery", "event", "orders", "relationship", "claim")
"""Tables on which an index is built beside those who write, from 0014 on."""


async def columns(connection: asyncpg.Connection) -> dict[str, dict[str, Any]]:
    """Every column, as old code depends on it."""
    rows = await connection.fetch(
        "SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,"
        " a.attnotnull AS is_required, a.atthasdef OR a.attidentity <> '' AS is_filled, c.relfilenode AS file"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    )
    return {row["name"]: dict(row) for row in rows}


async def constraints(connection: asyncpg.Connection) -> dict[str, str]:
    """Every rule of a table, and every unique index."""
    rows = await connection.fetch(
        "SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) AS rule, conrelid::regclass::text AS of"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
        " AND contype <> 'n'"
        " UNION SELECT indrelid::regclass || ': ' || pg_get_indexdef(indexrelid), indrelid::regclass::text"
        " FROM pg_index JOIN pg_class c ON c.oid = indrelid"
        " WHERE indisunique AND c.relnamespace = 'public'::regnamespace"
    )
    return {row["rule"]: row["of"] for row in rows}


ALLOWED_RULES: frozenset[str] = frozenset()
"""Migrations whose new rules on old tables are met by all that old code writes; each is argued in the migration."""


@pytest.mark.timeout(240)
async def test_every_migration_since_the_release_only_adds(empty_database: str):
    released = MIGRATIONS.index(RELEASED) + 1
    for name in MIGRATIONS[:released]:
        await migrate_to(empty_database, name)
    connection = await asyncpg.connect(empty_database)
    try:
        for name in MIGRATIONS[released:]:
            before, rules = await columns(connection), await constraints(connection)
            await migrate_to(empty_database, name)
            after, new_rules = await columns(connection), await constraints(connection)

            assert disturbed(before, after) == [], name
            added = {rule: table for rule, table in new_rules.items() if rule not in rules}
            assert binding(added, before, after) == [] or name in ALLOWED_RULES, name
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_columns_that_come_while_this_version_runs_disturb_none_of_its_transactions(empty_database: str):
    await migration.migrate(empty_database)
    await db.connect(empty_database, pool=1)  # so that every statement meets what PostgreSQL had prepared for it before
    life = Life(shop := await make_shop())
    await life.people("ana")
    await make_customers(shop, 1)
    welcome = await make_automated(shop, "WELCOME_FOLLOWER")
    plans = [await make_running(shop) for _ in range(2)]

    async def go_on(plan: Plan, minute: int) -> None:
        life.go(minute)
        await life.did("FOLLOWED", minute)
        await life.look(welcome, minute)
        async with db.transaction():
            assert (await wording.load({(plan.id, "CHAT", "en", 0)})).keys()
        resolved = await audience.resolve_range(plan.id)
        assert resolved is not None and resolved.is_last

    await go_on(plans[0], 1)
    for table in await db.fetch(TABLES):
        if not table["relispartition"]:
            await db.execute(f"ALTER TABLE {table['relname']} ADD COLUMN came_later text")
    await go_on(plans[1], 2)

    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1", plans[1].id) == 1


def disturbed(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What old code would stumble over."""
    tables = {name.partition(".")[0] for name in before}
    gone = [f"{name} is gone" for name in before if name not in after and name not in CONTRACTS]
    kept = [name for name in before if name in after]
    changed = [f"{name} is {after[name]['type']} now" for name in kept if after[name]["type"] != before[name]["type"]]
    required = [f"{name} is required now" for name in kept if after[name]["is_required"] > before[name]["is_required"]]
    rewritten = {
        f"{name.partition('.')[0]} was rewritten" for name in kept if after[name]["file"] != before[name]["file"]
    }
    unfilled = [
        f"{name} is required and has no default"
        for name, column in after.items()
        if name not in before
        and name.partition(".")[0] in tables
        and column["is_required"]
        and not column["is_filled"]
        and name not in CONTRACTS
    ]
    return [*gone, *changed, *required, *sorted(rewritten), *unfilled]


def binding(
    added: Mapping[str, str], before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """New rules that old code may break: those of an old table that name no new column, which it leaves alone."""
    tables = {name.partition(".")[0] for name in before}
    new = {tuple(name.split(".")) for name in after if name not in before}
    return [
        rule
        for rule, table in added.items()
        if table in tables and not any(of == table and re.search(rf"\b{column}\b", rule) for of, column in new)
    ]


def test_what_would_disturb_is_found():
    column = {"type": "text", "is_required": False, "is_filled": False, "file": 1}
    before = {"plan.a": column, "plan.b": column, "plan.c": column, "shop.d": column}
    after = {
        "plan.b": {**column, "type": "integer"}, "plan.c": {**column, "is_required": True},
        "plan.e": {**column, "is_required": True}, "shop.d": {**column, "file": 2}, "new.f": {**column, "is_required": True},
    }  # fmt: skip

    assert disturbed(before, after) == [
        "plan.a is gone", "plan.b is integer now", "plan.c is required now", "shop was rewritten",
        "plan.e is required and has no default",
    ]  # fmt: skip
    rules = {"plan: CHECK (b > 0)": "plan", "plan: CHECK (e > b)": "plan", "new: CHECK (f > 0)": "new"}
    assert binding(rules, before, after) == ["plan: CHECK (b > 0)"]


def test_an_index_on_a_large_table_is_built_beside_those_who_write():
    locking = re.compile(
        rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?\w+\s+ON (?:{'|'.join(LARGE)})\b"
    )
    found = {name: locking.findall((FOLDER / f"{name}.py").read_text("utf-8")) for name in MIGRATIONS if name >= "0014"}

    assert [name for name, statements in found.items() if statements] == []
    assert locking.findall("CREATE INDEX x ON delivery (a)") and not locking.findall(
        "CREATE INDEX CONCURRENTLY x ON delivery"
    )


PREPARE = """
import asyncio, sys
from models import database as db
from models.clock import clock
from models.plan import PlanChannel
from tests.factories import make_customers, make_resolved, make_shop
from datetime import datetime, timezone

async def main(url):
    await db.connect(url)
    shop = await make_shop()
    await make_customers(shop, 40)
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.disconnect()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The code from before the newest migration: the parent of the commit that added it."""
    newest = f"models/migrations/{MIGRATIONS[-1]}.py"
    added = git("log", "--diff-filter=A", "--format=%H", "--max-count=1", "--", newest).strip()
    parent = git("rev-parse", "--verify", "--quiet", f"{added}^").strip() if added else ""
    if not parent:
        pytest.skip("the history of this clone does not reach behind the newest migration")
    archive = tmp_path / "previous.zip"  # a tar is not unpacked alike by all versions of Python
    git("archive", "--format=zip", f"--output={archive}", parent)
    shutil.unpack_archive(archive, tmp_path / "previous")
    return tmp_path / "previous"


def git(*words: str) -> str:
    """What git says; nothing where there is no git, or no such history."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=30).stdout
    except FileNotFoundError:
        return ""


def prepare(code: Path, told: Mapping[str, str], url: str) -> None:
    """Let that code make its schema, and a plan of forty mails that wait."""
    for command in (["server.py", "migrate"], ["-c", PREPARE, url]):
        done = subprocess.run(
            [sys.executable, *command], cwd=code, env=told, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def start_worker(code: Path, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start that code's worker."""
    return subprocess.Popen([sys.executable, "server.py", "work"], cwd=code, env=told)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("redis")
async def test_the_worker_from_before_the_newest_migration_goes_on_sending_over_it(
    empty_database: str, previous: Path, settings: Settings, redis: Redis, tmp_path: Path
):
    sink = Sink(tmp_path / "journal")
    settings = settings.model_copy(update={"database_url": empty_database, "smtp_url": sink.start()})
    told = environment(settings, SWEEP_INTERVAL="PT0.5S", PORT=str(free_port()))
    prepare(previous, told, empty_database)

    await migration.migrate(empty_database)
    worker = start_worker(previous, told)
    try:
        deadline = time.monotonic() + 60
        while len(sink.accepted()) < 40:
            assert worker.poll() is None, "the old worker has ended"
            assert time.monotonic() < deadline, "it sends nothing"
            time.sleep(0.2)  # noqa: ASYNC251 (nothing else runs here)
    finally:
        worker.terminate()
        worker.wait(40)
        sink.stop()

    await db.connect(empty_database)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 40
    assert await db.fetch_value("SELECT count(*) FROM worker") == 0
