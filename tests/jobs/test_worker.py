"""The worker: it sends, survives the loss of its engines, and leaves nothing in doubt when it is asked to stop."""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from arq.constants import in_progress_key_prefix
from redis.asyncio import Redis

from jobs import worker as workers
from jobs.queue import DELIVERY_QUEUES
from jobs.worker import work
from local.postgres import Postgres
from local.valkey import Valkey
from models import availability, complaints, origin, send_rate, worker
from models import database as db
from models import slice as slices
from models.plan import Plan, PlanChannel, PlanStatus
from settings import Settings
from tests import databases, oracle
from tests.factories import make_customers, make_resolved, make_shop
from tests.local.processes import eventually
from tests.processes import ROOT, environment
from tests.smtp_sink import Act, Sink, Stage, always
from tests.waiting import is_connected, until

PATIENCE = 60.0


@pytest.fixture
def quick(settings: Settings) -> Settings:
    """Settings under which everything is noticed within a second or two."""
    return settings.model_copy(
        update={
            "sweep_interval": timedelta(seconds=0.3),
            "lease": timedelta(seconds=8),
            "smtp_connections": 4,
        }
    )


@pytest.fixture
def make_sink(tmp_path: Path) -> Iterator[Callable[..., Sink]]:
    """Makes a relay of the test's own; it ends with the test, whatever comes of it."""
    with ExitStack() as stack:

        def make(**options: Any) -> Sink:
            sink = Sink(tmp_path / "journal", **options)
            stack.callback(sink.stop)
            return sink

        yield make


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[asyncio.Event]:
    """A worker in this process; set the event to stop it."""
    await db.disconnect()  # nobody may ask while the worker makes a connection of its own
    stop = asyncio.Event()
    task = asyncio.create_task(work(settings, stop))
    try:
        await until(is_connected)
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)
        assert settings.database_url
        await db.connect(settings.database_url)


async def sent(plan: Plan) -> bool:
    """Whether the plan is done."""
    return (await Plan.get(id=plan.id)).status is PlanStatus.SENT


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_finds_what_is_due_without_being_told(quick: Settings, make_sink: Callable[..., Sink]):
    sink = make_sink()
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: sent(plan))

    assert (await oracle.check(sink.accepted())).accepted == 30
    assert await db.fetch_value("SELECT count(*) FROM worker") == 0


@pytest.mark.usefixtures("database")
async def test_what_many_dead_workers_had_claimed_hides_nothing_from_a_living_one(
    quick: Settings, redis: Redis, make_sink: Callable[..., Sink]
):
    sink = make_sink()
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    hour_ago = (time.time() - 3600) * 1_000
    for number in range(workers.LOOKS_PAST + 100):
        await redis.zadd(DELIVERY_QUEUES["EMAIL"], {f"deliver_slice:0:{number}:1": hour_ago})
        await redis.set(f"{in_progress_key_prefix}deliver_slice:0:{number}:1", "1", ex=900)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: sent(plan))

    assert (await oracle.check(sink.accepted())).accepted == 30


@pytest.mark.usefixtures("database", "redis")
async def test_chat_goes_while_more_mail_than_a_worker_takes_on_stands_at_a_relay_that_says_nothing(
    quick: Settings, make_sink: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", 1)
    sink = make_sink(script=always(Stage.MAIL, Act.STALL))
    crowd, other = await make_shop("crowd"), await make_shop("other")
    await make_customers(crowd, 2 * workers.MAX_JOBS[DELIVERY_QUEUES["EMAIL"]], prefix="crowd-")
    await make_customers(other, 3, prefix="other-")
    await make_resolved(crowd, channel=PlanChannel.EMAIL)

    async def all_places_are_taken() -> bool:
        held = await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL")
        return bool(held == workers.MAX_JOBS[DELIVERY_QUEUES["EMAIL"]])

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(all_places_are_taken)
        for shop in (crowd, other):
            await send_rate.change(shop, 6_000)  # at a rate, chat goes by slices
        await db.execute("UPDATE send_rate SET paid_until = paid_until - interval '1 hour'")  # the clock stands still
        chats = [await make_resolved(shop, channel=PlanChannel.CHAT) for shop in (crowd, other)]
        for chat in chats:
            await until(partial(sent, chat))
        assert await all_places_are_taken()
        sink.stop()


@pytest.mark.usefixtures("database")
async def test_a_job_that_came_too_late_is_dropped_in_one_line(
    quick: Settings, redis: Redis, caplog: pytest.LogCaptureFixture
):
    job = "deliver_slice:0:1:1"  # whose arguments Redis has forgotten
    await redis.zadd(DELIVERY_QUEUES["EMAIL"], {job: (time.time() - 3600) * 1_000})

    async def is_gone() -> bool:
        return await redis.zscore(DELIVERY_QUEUES["EMAIL"], job) is None

    async with working(quick):
        await until(is_gone)

    assert [line for line in caplog.messages if job in line] == [f"job {job} expired"]


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_that_is_stopped_finishes_what_is_on_the_wire_and_nothing_more(
    quick: Settings, make_sink: Callable[..., Sink]
):
    sink = make_sink(delay=0.1)
    shop = await make_shop()
    await make_customers(shop, 300)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})) as stop:
        await until(lambda: len(sink.accepted()) >= 8)
        stop.set()

    verdict = await oracle.check(sink.accepted())
    assert verdict.states["UNKNOWN"] == 0
    assert verdict.states["SENT"] == verdict.accepted < 300
    assert await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL") == 0
    assert not await sent(plan)


@pytest.mark.usefixtures("database", "redis")
async def test_a_relay_that_does_not_answer_holds_a_stopping_worker_up_for_a_bounded_time(
    quick: Settings, make_sink: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workers, "DRAIN", timedelta(seconds=0.5))
    sink = make_sink(delay=60)
    shop = await make_shop()
    await make_customers(shop, 10)
    await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})) as stop:
        await until(in_flight)
        stop.set()

    verdict = await oracle.check(sink.accepted())
    assert 1 <= verdict.states["UNKNOWN"] <= 4  # one a connection at most
    assert verdict.states["PENDING"] == 10 - verdict.states["UNKNOWN"]


async def in_flight() -> bool:
    """Whether any message is."""
    return bool(await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'COMMITTING'"))


@pytest.mark.usefixtures("database", "redis")
async def test_redis_may_be_lost_and_come_back_empty(quick: Settings, make_sink: Callable[..., Sink], valkey: Valkey):
    sink = make_sink(delay=0.02)
    shop = await make_shop()
    await make_customers(shop, 200)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: len(sink.accepted()) >= 20)
        valkey.stop()
        await asyncio.sleep(1)
        second = await make_resolved(shop, channel=PlanChannel.EMAIL)
        valkey.start()
        await until(lambda: sent(plan))
        await until(lambda: sent(second))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 400}


@pytest.mark.usefixtures("database", "redis")
async def test_a_job_that_ends_while_redis_is_away_leaves_no_error_behind_that_nobody_reads(
    quick: Settings, make_sink: Callable[..., Sink], valkey: Valkey, caplog: pytest.LogCaptureFixture
):
    sink = make_sink(delay=0.02)
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: len(sink.accepted()) >= 20)
        valkey.stop()
        await until(lambda: sent(plan))
        await until(lambda: is_said(caplog, "each that does is started again until it runs"))
        valkey.start()

    gc.collect()
    assert not is_said(caplog, "never retrieved")


@pytest.mark.usefixtures("database", "redis")
async def test_postgresql_may_crash_and_recover(quick: Settings, make_sink: Callable[..., Sink], postgres: Postgres):
    sink = make_sink(delay=0.02)
    shop = await make_shop()
    await make_customers(shop, 400)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: len(sink.accepted()) >= 40)
        postgres.kill()
        postgres.start()
        await until(lambda: whenever_reachable(lambda: sent(plan)))

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
    make_sink: Callable[..., Sink],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    sink = make_sink()
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

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
            await until(lambda: sent(plan))
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
        assert child.wait(PATIENCE) == 0
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
    quick: Settings, migrated: str, make_sink: Callable[..., Sink], caplog: pytest.LogCaptureFixture
):
    sink = make_sink()
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
                shop = await make_shop()
                await make_customers(shop, 3)
                plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
                await until(lambda: sent(plan))
            await db.disconnect()
    finally:
        await db.disconnect()
        await db.connect(migrated)

    assert len(waiting(caplog)) == len(set(waiting(caplog)))
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_whose_database_is_closed_says_so_without_tracebacks_and_goes_on_when_it_is_open(
    quick: Settings, migrated: str, make_sink: Callable[..., Sink], caplog: pytest.LogCaptureFixture
):
    sink = make_sink()
    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(has_worker)
        async with databases.closed(migrated):
            await until(lambda: bool(waiting(caplog)) and is_said(caplog, "not currently accepting connections"))
        await until(lambda: whenever_reachable(is_connected))
        shop = await make_shop()
        await make_customers(shop, 3)
        plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
        await until(lambda: sent(plan))

    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


@pytest.mark.usefixtures("database")
async def test_a_worker_that_waits_to_be_recognised_outlives_a_crash_of_postgresql(
    quick: Settings,
    redis: Redis,
    make_sink: Callable[..., Sink],
    *,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    async def recognised() -> bool:
        return bool(await db.execute("UPDATE origin SET timeline = timeline + 1"))

    monkeypatch.setattr(workers, "RECOGNISE_DELAY", 0.1)
    sink = make_sink()
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
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
        await until(lambda: whenever_reachable(lambda: sent(plan)))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 3}


async def whenever_reachable(condition: Callable[[], Awaitable[bool]]) -> bool:
    """A condition, false while PostgreSQL cannot be asked."""
    try:
        return await condition()
    except availability.UNUSABLE:
        return False


@pytest.mark.usefixtures("database")
async def test_a_worker_that_was_given_up_goes_on_under_a_new_name(
    quick: Settings, redis, make_sink: Callable[..., Sink]
):
    sink = make_sink()
    shop = await make_shop()
    await make_customers(shop, 20)

    async with working(quick.model_copy(update={"smtp_url": sink.start(), "lease": timedelta(seconds=8)})):
        await until(has_worker)
        (first,) = [row["id"] for row in await db.fetch("SELECT id FROM worker")]
        await db.execute("UPDATE worker SET lease_until = clock_timestamp()")
        await until(lambda: lives_under_another_name(first))
        plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
        await until(lambda: sent(plan))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 20}


async def has_worker() -> bool:
    """Whether a worker is entered."""
    return bool(await db.fetch_value("SELECT count(*) FROM worker"))


async def lives_under_another_name(first: object) -> bool:
    """Whether a worker with another id has a living lease."""
    found = await db.fetch_value(
        "SELECT count(*) FROM worker WHERE id <> $1 AND lease_until > clock_timestamp()", first
    )
    return bool(found)


@pytest.mark.usefixtures("database")
async def test_a_generation_is_the_same_for_all_workers_and_changes_with_the_lease():
    hour = timedelta(hours=1)

    assert await worker.generation(hour) == await worker.generation(hour)
    assert await worker.generation(timedelta(seconds=1)) > await worker.generation(timedelta(days=1))
