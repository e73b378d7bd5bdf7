"""Upgrades: each migration only adds, so that the old version goes on sending while and after it runs.

Expand, then contract: what nothing needs any more is removed a release later, and then named in `CONTRACTS`.
"""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from tortoise import Tortoise
from tortoise.migrations.api import migrate

from local.postgres import Postgres
from models import audience, migration
from models import database as db
from models.metric import day as metric_day
from models.plan import Plan, wording
from settings import Settings
from tests.automation import Life, make_automated
from tests.conftest import TABLES
from tests.databases import made
from tests.factories import make_customers, make_running, make_shop
from tests.processes import environment, free_port
from tests.smtp_sink import Sink

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = sorted(path.stem for path in (ROOT / "models" / "migrations").glob("[0-9]*.py"))

RELEASED = "0005_metric"
"""The newest migration of the oldest release that may still run: what came later must not disturb its code."""

CONTRACTS: Mapping[str, str] = {
    "chat_platform.secret": "before 0011 no release wrote this table, or read more of it than whether a row is there",
    "chat_platform.salt": "the same",
}
"""What a migration may take away or demand, since no release that may still run needs it: "table.column", and why."""

LARGE = ("customer", "contact", "delivery", "event", "orders", "relationship", "claim")
"""Tables on which an index is built beside those who write, from 0014 on."""

NAME = "upgraded"


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    """An empty database."""
    async with made(postgres.url, NAME) as url:
        yield url
        await db.disconnect()


async def migrate_to(url: str, name: str) -> None:
    """Apply migrations up to this one."""
    await migrate(config=db.configuration(url, pool=2), target=f"models.{name}", direction="forward")
    await Tortoise.close_connections()


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
async def test_every_migration_since_the_release_only_adds(url: str):
    released = MIGRATIONS.index(RELEASED) + 1
    for name in MIGRATIONS[:released]:
        await migrate_to(url, name)
    connection = await asyncpg.connect(url)
    try:
        for name in MIGRATIONS[released:]:
            before, rules = await columns(connection), await constraints(connection)
            await migrate_to(url, name)
            after, new_rules = await columns(connection), await constraints(connection)

            assert disturbed(before, after) == [], name
            added = {rule: table for rule, table in new_rules.items() if rule not in rules}
            assert binding(added, before, after) == [] or name in ALLOWED_RULES, name
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_a_plan_submitted_before_falls_back_to_a_language_that_it_has_a_text_in(url: str):
    await migrate_to(url, "0015_retention")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
            " VALUES ('bloom', 'Bloom', 'USD', 'UTC', 'en', now(), now())"
        )
        for name, texts, submitted in (("kept", "en es", True), ("changed", "pt es", True), ("draft", "es", False)):
            await connection.execute(
                "INSERT INTO plan (shop_id, name, kind, channel, status, content, submitted_at, created_by, created_at,"
                " updated_at) SELECT id, $1, 'ONE_TIME', 'CHAT', 'DRAFT',"
                " jsonb_build_object('texts', (SELECT jsonb_object_agg(tag, '{}') FROM unnest($2::text[]) tag)),"
                " CASE WHEN $3 THEN now() END, 'anna', now(), now() FROM shop",
                name,
                texts.split(),
                submitted,
            )

        await migrate_to(url, "0021_fallback_language")

        rows = await connection.fetch("SELECT name, fallback_language FROM plan")
        assert {row["name"]: row["fallback_language"] for row in rows} == {"kept": "en", "changed": "es", "draft": None}
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_who_left_twice_before_is_counted_once_after(url: str):
    for name in MIGRATIONS[: MIGRATIONS.index("0024_leaving_once")]:
        await migrate_to(url, name)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
            " SELECT s, s, 'USD', 'UTC', 'en', now(), now() FROM unnest('{bloom,other}'::text[]) s"
        )
        await connection.execute(
            "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at, plan_id)"
            " SELECT gen_random_uuid(), id, 'EMAIL', now(), CASE external_id WHEN 'other' THEN 8 END FROM shop UNION ALL"
            " SELECT '00000000-0000-0000-0000-000000000001', id, channel, now(), 7 FROM shop, unnest('{CHAT,EMAIL}'::text[]) channel"
            " WHERE external_id = 'bloom'"
        )
        left = "SELECT sum(unsubscribed) FROM metric"
        assert await connection.fetchval(left) == 3

        await migrate_to(url, "0024_leaving_once")
        await db.connect(url)
        assert await metric_day.rebuild_due() == [1]  # the other's figures were right

        assert await connection.fetchval(left) == 2
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_clicks_on_products_of_mails_that_had_come_back_are_taken_from_the_days(url: str):
    for name in MIGRATIONS[: MIGRATIONS.index("0029_bounced_clicks")]:
        await migrate_to(url, name)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
            " SELECT s, s, 'USD', 'UTC', 'en', now(), now() FROM unnest('{bloom,other}'::text[]) s;"
            "INSERT INTO delivery (plan_id, customer_id, shop_id, channel, language, state, created_at, sent_at, read_at, clicked_at)"
            " SELECT id, gen_random_uuid(), id, 'EMAIL', 'en', s, now(), now(), now(), now() FROM shop,"
            " unnest('{SENT,FAILED}'::delivery_state[]) s WHERE external_id = 'bloom' OR s = 'SENT';"
            "INSERT INTO touch (plan_id, customer_id, kind, product_id, toucher, touched_at)"
            " SELECT plan_id, customer_id, 'CLICK', gen_random_uuid(), 'PERSON', now() FROM delivery"
        )
        clicked = "SELECT sum(clicked) FILTER (WHERE product_id <> $1), sum(clicked) FILTER (WHERE product_id = $1) FROM metric"
        assert [*map(tuple, await connection.fetch(clicked, metric_day.WHOLE))] == [(3, 2)]

        await migrate_to(url, "0029_bounced_clicks")
        await db.connect(url)
        assert await metric_day.rebuild_due() == [1]  # the other's figures were right

        assert [*map(tuple, await connection.fetch(clicked, metric_day.WHOLE))] == [(2, 2)]
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_order_confirmations_stored_before_lose_their_share_and_others_get_one(url: str):
    for name in ("0008_automation", "0010_experiment", "0015_retention"):
        await migrate_to(url, name)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
            " VALUES ('bloom', 'Bloom', 'USD', 'UTC', 'en', now(), now());"
            " INSERT INTO holdout SELECT id, 7, 5, now(), 'anna', now() FROM shop"
        )
        await connection.executemany(
            "INSERT INTO plan (shop_id, name, kind, channel, status, trigger, parameters, holdout_percent,"
            " finished_at, created_by, created_at, updated_at)"
            " SELECT id, $1, 'AUTOMATED', 'CHAT', $2::text::plan_status, $3, '{}', $4,"
            " CASE WHEN $2::text = 'ENDED' THEN now() END, 'anna', now(), now() FROM shop",
            [
                ("confirms", "ONGOING", "ORDER_CONFIRMATION", 50),
                ("will confirm", "DRAFT", "ORDER_CONFIRMATION", 0),
                ("has confirmed", "ENDED", "ORDER_CONFIRMATION", 50),
                ("thanks", "ONGOING", "THANK_YOU", None),
                ("will thank", "DRAFT", "THANK_YOU", None),
                ("thanks as it says", "ONGOING", "THANK_YOU", 3),
            ],
        )

        await migrate_to(url, "0022_confirmation_share")

        rows = await connection.fetch("SELECT name, holdout_percent FROM plan")
        assert {row["name"]: row["holdout_percent"] for row in rows} == {
            "confirms": None, "will confirm": None, "has confirmed": 50, "thanks": 0, "will thank": 7,
            "thanks as it says": 3,
        }  # fmt: skip
    finally:
        await connection.close()


@pytest.mark.timeout(240)
async def test_columns_that_come_while_this_version_runs_disturb_none_of_its_transactions(url: str):
    await migration.migrate(url)
    await db.connect(url, pool=1)  # so that every statement meets what PostgreSQL had prepared for it before
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
    found = {
        name: locking.findall((ROOT / "models" / "migrations" / f"{name}.py").read_text("utf-8"))
        for name in MIGRATIONS
        if name >= "0014"
    }

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
    url: str, previous: Path, settings: Settings, redis: Redis, tmp_path: Path
):
    sink = Sink(tmp_path / "journal")
    settings = settings.model_copy(update={"database_url": url, "smtp_url": sink.start()})
    told = environment(settings, SWEEP_INTERVAL="PT0.5S", PORT=str(free_port()))
    prepare(previous, told, url)

    await migration.migrate(url)
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

    await db.connect(url)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 40
    assert await db.fetch_value("SELECT count(*) FROM worker") == 0
