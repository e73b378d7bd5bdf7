"""The worker outlives the loss of its engines, says so briefly, and goes on when they are back."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from jobs import worker as workers
from local.postgres import Postgres
from local.valkey import Valkey
from models import availability, complaints, origin
from models import database as db
from models.plan import PlanChannel
from settings import Settings
from tests import databases, oracle
from tests.factories import make_resolved
from tests.local.processes import eventually
from tests.migrations import MIGRATIONS, migrate_to
from tests.processes import ROOT, command, environment
from tests.slices import mail_plan
from tests.smtp_sink import Sink
from tests.waiting import WITHIN, is_connected, until
from tests.worker import has_worker, is_sent, working


@pytest.mark.usefixtures("database", "redis")
async def test_redis_may_be_lost_and_come_back_empty(quick: Settings, sink: Sink, valkey: Valkey):
    sink.delay = 0.02
    shop, plan = await mail_plan(200)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: len(sink.accepted()) >= 20)
        valkey.stop()
        await asyncio.sleep(1)
        second = await make_resolved(shop, channel=PlanChannel.EMAIL)
        valkey.start()
        await until(lambda: is_sent(plan))
        await until(lambda: is_sent(second))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 400}


@pytest.mark.usefixtures("database", "redis")
async def test_a_job_that_ends_while_redis_is_away_leaves_no_error_behind_that_nobody_reads(
    quick: Settings, sink: Sink, valkey: Valkey, caplog: pytest.LogCaptureFixture
):
    sink.delay = 0.02
    _, plan = await mail_plan(100)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})) as running:
        await until(lambda: len(sink.accepted()) >= 20)
        valkey.stop()
        try:
            await until(lambda: is_sent(plan))
            running.stop.set()
            await asyncio.wait_for(asyncio.shield(running.task), WITHIN)  # Redis is away until all jobs have ended
        finally:
            valkey.start()

    gc.collect()
    assert not is_said(caplog, "never retrieved")


@pytest.mark.usefixtures("database", "redis")
async def test_postgresql_may_crash_and_recover(quick: Settings, sink: Sink, postgres: Postgres):
    sink.delay = 0.02
    _, plan = await mail_plan(400)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: len(sink.accepted()) >= 40)
        postgres.kill()
        postgres.start()
        await until(lambda: whenever_reachable(lambda: is_sent(plan)))

    verdict = await oracle.check(sink.accepted())
    assert verdict.states == {"SENT": 400}  # the worker lived on, so it knows every answer


def waiting(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What timers said of a PostgreSQL that cannot be used."""
    return [line for line in caplog.messages if line.startswith("timers wait until PostgreSQL can be used: ")]


def is_said(caplog: pytest.LogCaptureFixture, why: str) -> bool:
    """Whether somebody said why: of the timers each may have been cut off in a statement, and have said that instead."""
    return any(why in line for line in caplog.messages)


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_tells_an_outage_of_postgresql_without_tracebacks_and_once_for_all_timers(
    quick: Settings, postgres: Postgres, caplog: pytest.LogCaptureFixture
):
    async def has_beaten() -> bool:
        return bool(await db.fetch_value("SELECT count(*) FROM worker WHERE lease_until > $1", registered))

    async with working(quick):
        await until(has_worker)
        registered = await db.fetch_value("SELECT lease_until FROM worker")
        await until(has_beaten)  # so that all timers run
        postgres.kill()
        try:
            await until(lambda: bool(waiting(caplog)))
            await asyncio.sleep(3)  # each of them looks meanwhile, two of them many times
        finally:
            postgres.start()
        await until(lambda: whenever_reachable(has_worker))

    assert len(waiting(caplog)) == len(set(waiting(caplog)))
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.usefixtures("database")
async def test_a_worker_tells_once_for_all_queues_and_sweeps_that_redis_takes_nothing_and_again_while_that_lasts(
    quick: Settings,
    redis: Redis,
    sink: Sink,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    _, plan = await mail_plan(3)

    def said() -> list[str]:
        return [line for line in caplog.messages if "used memory > 'maxmemory'" in line or "OutOfMemory" in line]

    await redis.config_set("maxmemory", "1")
    try:
        async with working(quick.model_copy(update={"smtp_url": sink.start()})):
            await until(lambda: bool(said()))
            await asyncio.sleep(3)  # sweeps look many times meanwhile, each queue is begun again
            told = said()
            monkeypatch.setattr(complaints, "REMIND_AFTER", 0.0)
            await until(lambda: len(said()) > len(told))
            await redis.config_set("maxmemory", "256mb")
            await until(lambda: is_sent(plan))
    finally:
        await redis.config_set("maxmemory", "256mb")

    assert len(told) == 1


def test_a_worker_that_is_stopped_before_its_database_can_be_found_begins_nothing_and_says_no_more_than_that(
    settings: Settings, tmp_path: Path
):
    nowhere = settings.model_copy(update={"database_url": "postgres://x@no-such-host.invalid/x"})
    log = tmp_path / "log"
    with log.open("wb") as file:
        child = subprocess.Popen([sys.executable, "server.py", "work"], cwd=ROOT, env=environment(nowhere), stderr=file)
    try:
        assert eventually(lambda: "PostgreSQL cannot be used yet" in log.read_text("utf-8"))
        child.terminate()
        assert child.wait(WITHIN) == 0
    finally:
        child.kill()

    assert [line.split(": ")[1] for line in log.read_text("utf-8").splitlines()] == [
        "PostgreSQL cannot be used yet", "left without saying goodbye",
    ]  # fmt: skip


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_that_starts_while_nothing_can_be_written_says_so_and_waits_until_it_can(
    quick: Settings, migrated: str, caplog: pytest.LogCaptureFixture
):
    administrator = await asyncpg.connect(migrated)
    try:
        async with databases.role(migrated, "outreach") as url:
            await administrator.execute("ALTER ROLE outreach SET default_transaction_read_only = on")
            async with working(quick.model_copy(update={"database_url": url})):
                await until(lambda: is_said(caplog, "cannot execute INSERT in a read-only transaction"))
                assert await administrator.fetchval("SELECT count(*) FROM worker") == 0
                await administrator.execute("ALTER ROLE outreach RESET ALL")
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'outreach'"
                )
                await until(lambda: whenever_reachable(has_worker))
            await db.disconnect()
    finally:
        await administrator.close()
        await db.disconnect()
        await db.connect(migrated)

    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_whose_role_is_refused_says_so_without_tracebacks_and_goes_on_when_it_is_taken(
    quick: Settings, migrated: str, sink: Sink, caplog: pytest.LogCaptureFixture
):
    try:
        async with databases.role(migrated, "outreach") as url:
            theirs = quick.model_copy(update={"database_url": url, "smtp_url": sink.start()})
            async with working(theirs):
                await until(has_worker)
                async with databases.refused(migrated, "outreach"):
                    await until(
                        lambda: bool(waiting(caplog)) and is_said(caplog, 'role "outreach" is not permitted to log in')
                    )
                await until(lambda: whenever_reachable(is_connected))
                _, plan = await mail_plan(3)
                await until(lambda: is_sent(plan))
            await db.disconnect()
    finally:
        await db.disconnect()
        await db.connect(migrated)

    assert len(waiting(caplog)) == len(set(waiting(caplog)))
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_whose_database_is_closed_says_so_without_tracebacks_and_goes_on_when_it_is_open(
    quick: Settings, migrated: str, sink: Sink, caplog: pytest.LogCaptureFixture
):
    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(has_worker)
        async with databases.closed(migrated):
            await until(lambda: bool(waiting(caplog)) and is_said(caplog, "not currently accepting connections"))
        await until(lambda: whenever_reachable(is_connected))
        _, plan = await mail_plan(3)
        await until(lambda: is_sent(plan))

    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


@pytest.mark.usefixtures("database")
async def test_a_worker_that_waits_to_be_recognised_outlives_a_crash_of_postgresql(
    quick: Settings,
    redis: Redis,
    sink: Sink,
    *,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    async def recognised() -> bool:
        return bool(await db.execute("UPDATE origin SET timeline = timeline + 1"))

    monkeypatch.setattr(workers, "RECOGNISE_DELAY", 0.1)
    _, plan = await mail_plan(3)
    await origin.differences(redis)
    await db.execute("UPDATE origin SET timeline = timeline - 1")

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: "NOTHING IS SENT" in caplog.text)
        postgres.kill()
        try:
            await until(lambda: "PostgreSQL cannot be used yet" in caplog.text)
        finally:
            postgres.start()
        assert sink.accepted() == []
        await until(lambda: whenever_reachable(recognised))
        await until(lambda: whenever_reachable(lambda: is_sent(plan)))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


async def whenever_reachable(condition: Callable[[], Awaitable[bool]]) -> bool:
    """A condition, false while PostgreSQL cannot be asked."""
    try:
        return await condition()
    except availability.UNUSABLE:
        return False


@pytest.mark.parametrize("applied", [[], MIGRATIONS[:-1]], ids=["no-schema", "one-behind"])
@pytest.mark.timeout(240)
async def test_over_a_schema_that_lacks_a_migration_a_worker_begins_nothing_says_why_and_goes_on_once_it_is_there(
    quick: Settings, redis: Redis, postgres: Postgres, caplog: pytest.LogCaptureFixture, applied: list[str]
):
    async with databases.made(postgres.url, "behind") as url:
        for name in applied:
            await migrate_to(url, name)
        settings = quick.model_copy(update={"database_url": url})
        async with working(settings):
            await until(lambda: "NOTHING IS SENT by this worker" in caplog.text)
            assert not applied or not await has_worker()
            migrated = await asyncio.to_thread(command, settings, "migrate")
            assert migrated.returncode == 0, migrated.stderr
            await until(has_worker)
        await db.disconnect()

    assert "migrations of this version, from" in caplog.text
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
