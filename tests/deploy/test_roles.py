"""Least privilege: the application's role can do all of its work and change no table."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from redis.asyncio import Redis

from jobs.worker import work
from local.mailbox import Mailbox
from local.place import socket_folder
from local.postgres import Postgres, _program
from models import database as db
from models import migration, partition
from models.clock import now
from models.plan import Plan, PlanChannel, PlanStatus
from operations.doctor import postgresql
from operations.doctor.diagnosis import Grade
from settings import Settings
from tests.factories import make_customers, make_resolved, make_shop

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "roles.sql"
NAMES = {"database": "least", "owner": "least_owner", "app": "least_app"}


@pytest.fixture(scope="module")
async def owner_url(postgres: Postgres) -> AsyncIterator[str]:
    """The database that deploy/roles.sql made, migrated by its owner; the owner's URL."""
    make_roles(postgres)
    url = url_of(postgres, "least_owner")
    await migration.migrate(url)
    yield url
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("DROP DATABASE least WITH (FORCE)")
    await connection.execute("DROP ROLE least_owner; DROP ROLE least_app")
    await connection.close()


def make_roles(postgres: Postgres) -> None:
    """Run deploy/roles.sql as an operator does."""
    words = [f"--set={name}={value}" for name, value in NAMES.items()]
    passwords = ["--set=owner_password=o", "--set=app_password=a"]
    sockets = str(socket_folder(postgres.folder))
    command = [
        _program("psql"),
        "-X",
        "-h",
        sockets,
        "-U",
        "postgres",
        *words,
        *passwords,
        "-f",
        str(ROLES),
        "postgres",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def url_of(postgres: Postgres, role: str) -> str:
    """The URL by which a role comes in."""
    return f"postgresql://{role}:@/least?host={quote(str(socket_folder(postgres.folder)))}"


@pytest.fixture
async def as_app(owner_url: str, postgres: Postgres) -> AsyncIterator[str]:
    """The application's own connection."""
    url = url_of(postgres, "least_app")
    await db.connect(url)
    yield url
    await db.disconnect()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "DROP TABLE plan",
        "ALTER TABLE plan ADD COLUMN mine int",
        "ALTER TABLE delivery DISABLE TRIGGER ALL",
        "CREATE INDEX ON delivery (state)",
        "TRUNCATE delivery",
        "DROP FUNCTION local_instant(timestamp, text)",
        "CREATE ROLE mine",
        "CREATE SCHEMA mine",
        "SET ROLE least_owner",
        "COPY plan TO '/tmp/plan'",
        "SELECT drop_event_partition('plan')",
        "SELECT drop_event_partition('event')",
        "SELECT make_event_partition('2026-01-15')",
    ],
)
async def test_the_application_changes_no_table(as_app: str, sql: str):
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)):
        await db.execute(sql)


async def test_the_application_makes_and_drops_the_months_it_needs(as_app: str):
    for _ in range(2):
        async with db.transaction():
            await partition.ensure([(2024, 12), (2025, 1)])

    assert await partition.drop_outlived(1, at=datetime(2025, 2, 20, tzinfo=UTC)) == ["event_2024_12"]
    assert await partition.drop_outlived(1, at=datetime(2025, 2, 20, tzinfo=UTC)) == []


@pytest.mark.usefixtures("redis")
async def test_the_application_does_all_of_its_work(as_app: str, settings: Settings, redis: Redis, mailbox: Mailbox):
    shop = await make_shop()
    await make_customers(shop, 5)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.disconnect()
    stop = asyncio.Event()
    quick = settings.model_copy(update={"database_url": as_app, "sweep_interval": timedelta(seconds=0.3)})
    task = asyncio.create_task(work(quick, stop))
    try:
        async with asyncio.timeout(90):
            while mailbox.count() < 5:
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)
    await db.connect(as_app)

    assert (await Plan.get(id=plan.id)).status in (PlanStatus.SENT, PlanStatus.ONGOING)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT' AND sent_at <= $1", now()) == 5


async def test_what_is_up_to_date_is_migrated_by_whoever_may_change_nothing(as_app: str):
    await db.disconnect()
    await migration.migrate(as_app)
    await db.connect(as_app)

    assert await migration.unapplied() == []


async def test_what_is_behind_is_left_to_the_owner_and_the_role_is_told_so(as_app: str, owner_url: str):
    await db.disconnect()
    owner = await asyncpg.connect(owner_url)
    await owner.execute("UPDATE tortoise_migrations SET name = 'held' WHERE name = '0025_local_hours'")
    before = await owner.fetch("SELECT name FROM tortoise_migrations ORDER BY name")
    try:
        with pytest.raises(
            migration.CannotMigrate, match=r"lacks migration 0025_local_hours, .* as the role that owns"
        ):
            await migration.migrate(as_app)

        assert await owner.fetch("SELECT name FROM tortoise_migrations ORDER BY name") == before
    finally:
        await owner.execute("UPDATE tortoise_migrations SET name = '0025_local_hours' WHERE name = 'held'")
        await owner.close()
        await db.connect(as_app)


async def test_the_doctor_is_content_with_it(as_app: str, settings: Settings):
    found = {diagnosis.subject: diagnosis for diagnosis in [each async for each in postgresql.check(settings)]}

    assert found["PostgreSQL role"].grade is Grade.OK
    assert found["schema"].grade is Grade.OK
