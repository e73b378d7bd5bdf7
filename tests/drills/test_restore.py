"""Drill: the database is lost, and a backup put back, after which nothing that went out since goes out again.

Real dumps by pg_dump, restored by pg_restore; a real relay that writes down what it accepted.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest
from redis.asyncio import Redis

from local.postgres import Postgres
from models import database as db
from models import log_position, migration, origin, restoration, sending
from models import slice as slices
from models.clock import Clock, now
from models.complaints import Complaints
from models.experiment import Experiment, ExperimentMetric, Variant, winner
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.shop import Shop
from operations.restored import NO_NEED, NOTHING_LOST, NotRestored
from settings import Settings
from tests import databases
from tests.drills.drill import (
    connect,
    own,
    redis_client,
    restored,
    run,
    said,
    states,
)
from tests.factories import TEXTS, make_customers, make_draft, make_resolved, make_running, make_shop
from tests.processes import command
from tests.slices import hold, mail_plan
from tests.smtp_sink import Sink
from tests.waiting import WITHIN, until
from tests.worker import is_sent, working


@dataclass(frozen=True)
class Place:
    """A cluster, and what is done to its databases by an operator's own tools."""

    postgres: Postgres
    dump: Path

    def url(self, name: str) -> str:
        """The URL of a database in it."""
        return databases.url_of(self.postgres.url, name)

    async def make(self, name: str) -> str:
        """An empty database; its URL."""
        return await databases.make(self.postgres.url, name)

    def back_up(self, name: str) -> None:
        """Dump a database."""
        run("pg_dump", "--format=custom", f"--file={self.dump}", self.url(name))

    def restore(self, name: str, *options: str) -> None:
        """Restore the dump into a database."""
        run("pg_restore", *options, f"--dbname={self.url(name)}", str(self.dump))


@pytest.fixture
async def place(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(postgres, tmp_path / "shop.dump")
    yield place
    await db.disconnect()
    for name in ("lost", "back"):
        await place.make(name)


async def lost_and_back(place: Place, on: Callable[[str], Settings], sink: Sink) -> tuple[Settings, Plan]:
    """An installation that sends thirty mails after its backup, then is lost; and what was restored in its place."""
    lost = on(await place.make("lost"))
    await migration.migrate(place.url("lost"))
    await connect(lost)
    _, plan = await mail_plan(30)
    async with redis_client(lost) as redis:
        await origin.differences(redis)
    place.back_up("lost")
    async with working(lost):
        await until(lambda: is_sent(plan))
    assert len(sink.accepted()) == 30
    await db.disconnect()
    back = on(await place.make("back"))
    place.restore("back")
    await connect(back)
    return back, plan


async def test_what_went_out_since_the_backup_never_goes_out_again(
    place: Place, on: Callable[[str], Settings], sink: Sink, caplog: pytest.LogCaptureFixture
):
    back, plan = await lost_and_back(place, on, sink)
    assert await states() == {"PENDING": 30}

    async with working(back):
        await until(lambda: said(caplog, "NOTHING IS SENT"))
    assert len(sink.accepted()) == 30
    assert await states() == {"PENDING": 30}

    told = command(back, "restored", CLOCK=now().isoformat())
    assert told.returncode == 0, told.stderr
    assert "30 messages and 0 trials may have gone out since the backup: they are UNKNOWN now." in told.stdout
    assert f"plan {plan.id}: {plan.name}" in told.stdout
    assert await states() == {"UNKNOWN": 30}
    found = await Plan.get(id=plan.id)
    assert (found.status, found.status_reason) == (PlanStatus.PAUSED, "RESTORED")

    assert await sending.is_stopped()
    await sending.resume(actor="COMMAND")
    await found.resume(await Shop.get())
    shop = await make_shop("fern")
    await make_customers(shop, 5, prefix="new")
    later = await make_resolved(shop, channel=PlanChannel.EMAIL)
    async with working(back):
        await until(lambda: is_sent(later))
        await until(lambda: is_sent(plan))
    assert len(sink.accepted()) == 35
    assert await states() == {"UNKNOWN": 30, "SENT": 5}


async def test_a_dump_restored_over_the_database_itself_is_noticed_too(place, on, sink):
    lost = on(await place.make("lost"))
    await migration.migrate(place.url("lost"))
    await connect(lost)
    async with redis_client(lost) as redis:
        assert await origin.differences(redis) == []
        place.back_up("lost")
        await db.disconnect()
        place.restore("lost", "--clean", "--if-exists")
        await connect(lost)

        assert await origin.differences(redis) == [origin.DIFFERENCES[3]]


async def test_a_worker_whose_database_is_exchanged_under_it_stops(place, on, sink, redis, caplog):
    async def has_begun() -> bool:
        return bool(await redis.exists(origin.BEACON))

    lost = on(await place.make("lost"))
    await migration.migrate(place.url("lost"))
    await connect(lost)
    async with working(lost) as worker:
        await until(has_begun)  # before, the worker would wait rather than stop
        await db.execute("UPDATE origin SET timeline = timeline - 1")
        await asyncio.wait_for(asyncio.shield(worker.task), WITHIN)

    assert await said(caplog, "stopping, this is another database than before")


async def test_a_snapshot_put_back_is_noticed_by_the_mark_in_redis(folder: Path, settings: Settings, redis: Redis):
    """The same cluster, database and tables, but its disk as it was."""
    server = Postgres(folder / "postgres", shared_buffers="64MB")
    settings = settings.model_copy(update={"database_url": server.start()})
    try:
        await migration.migrate(server.url)
        await connect(settings)
        assert await origin.differences(redis) == []
        await db.disconnect()
        server.stop()
        shutil.copytree(server.data, folder / "snapshot", symlinks=True)
        server.start()
        await connect(settings)
        await make_shop()
        await origin.mark(redis, Complaints())
        assert await origin.differences(redis) == []
        await db.disconnect()
        server.kill()
        shutil.rmtree(server.data)
        shutil.copytree(folder / "snapshot", server.data, symlinks=True)
        own(server)
        server.start()
        await connect(settings)

        assert await origin.differences(redis) == [log_position.WENT_BACK]

        await restored(settings)
        assert await origin.differences(redis) == []
    finally:
        await db.disconnect()
        server.stop()


async def test_a_snapshot_put_back_under_a_worker_is_noticed_before_anything_goes_out_again(
    folder: Path, on: Callable[[str], Settings], sink: Sink, redis: Redis, caplog: pytest.LogCaptureFixture
):
    server = Postgres(folder / "postgres", shared_buffers="64MB")
    settings = on(server.start())
    try:
        await migration.migrate(server.url)
        await connect(settings)
        _, plan = await mail_plan(60)
        assert await origin.differences(redis) == []
        await db.disconnect()
        server.stop()
        shutil.copytree(server.data, folder / "snapshot", symlinks=True)
        server.start()
        async with working(settings) as worker:
            await until(lambda: is_sent(plan))
            written = await db.fetch_value(f"SELECT {log_position.WRITTEN}")
            await until(lambda: is_marked(redis, written))
            server.kill()
            shutil.rmtree(server.data)
            shutil.copytree(folder / "snapshot", server.data, symlinks=True)
            own(server)
            server.start()
            await asyncio.wait_for(asyncio.shield(worker.task), WITHIN)
        assert await said(caplog, f"stopping, this is another database than before: {log_position.WENT_BACK}")
        await write_much(server)
        async with working(settings):
            await until(lambda: said(caplog, f"NOTHING IS SENT: {log_position.WENT_BACK}"))
        assert (len(sink.accepted()), await states()) == (60, {"PENDING": 60})

        await forget_workers()
        await restored(settings)
        async with working(settings):
            await until(has_swept)
        assert (len(sink.accepted()), await states()) == (60, {"UNKNOWN": 60})
    finally:
        await db.disconnect()
        server.stop()


async def has_swept() -> bool:
    """Whether a worker has looked for what is due."""
    return bool(await db.fetch_value("SELECT count(*) FROM worker WHERE swept_at IS NOT NULL"))


async def is_marked(redis: Redis, written: int) -> bool:
    """Whether a worker has beaten after the log was written so far."""
    marked = await redis.get(origin.BEACON)
    return marked is not None and orjson.loads(marked)[-1] >= written


async def write_much(server: Postgres) -> None:
    """Let the log grow beyond where it was, as the API lets it."""
    other = await asyncpg.connect(server.url)
    await other.execute("CREATE TABLE filling AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
    await other.close()


async def forget_workers() -> None:
    """Let the leases of workers that the snapshot knows of have run out."""
    await db.execute("UPDATE worker SET lease_until = clock_timestamp()")


async def test_a_crash_of_the_database_is_no_restore(folder: Path, settings: Settings, redis: Redis):
    server = Postgres(folder / "postgres", shared_buffers="64MB")
    settings = settings.model_copy(update={"database_url": server.start()})
    try:
        await migration.migrate(server.url)
        await connect(settings)
        await origin.differences(redis)
        await make_shop()
        await origin.mark(redis, Complaints())
        server.kill()
        server.start()
        await connect(settings)

        assert await origin.differences(redis) == []
    finally:
        await db.disconnect()
        server.stop()


@pytest.fixture
async def foreign(settings: Settings, database: None, redis: Redis) -> Settings:
    """The test's own database, no longer recognised."""
    await origin.differences(redis)
    await db.execute("UPDATE origin SET cluster = '1', timeline = timeline + 1")
    return settings


async def test_where_nothing_was_lost_only_the_identity_is_taken_over(foreign: Settings, redis: Redis):
    _, plan = await mail_plan(3)

    lines = await restored(foreign, nothing_lost=True)

    assert lines == [
        *(f"This database is not the one that was sent from: {each}." for each in origin.DIFFERENCES[:2]),
        NOTHING_LOST,
    ]
    assert await origin.differences(redis) == []
    assert await states() == {"PENDING": 3}
    assert (await Plan.get(id=plan.id)).status is PlanStatus.ONGOING


async def test_while_a_worker_works_nothing_is_changed(foreign: Settings, redis: Redis):
    await mail_plan(3)
    await db.execute(
        "INSERT INTO worker (id, name, started_at, lease_until) VALUES (gen_random_uuid(), 'x', now(), 'infinity')"
    )

    with pytest.raises(NotRestored, match="stop all workers first"):
        await restored(foreign)

    assert await states() == {"PENDING": 3}
    assert len(await origin.differences(redis)) == 2


async def test_a_database_that_is_recognised_is_left_alone_unless_told(settings: Settings, database: None):
    await mail_plan(3)

    with pytest.raises(NotRestored, match="is the one that was sent from last") as refused:
        await restored(settings)
    assert str(refused.value) == NO_NEED
    assert await states() == {"PENDING": 3}

    await restored(settings, anyway=True)
    assert await states() == {"UNKNOWN": 3}


@pytest.mark.usefixtures("database")
async def test_only_what_may_have_gone_out_becomes_unknown():
    shop, plan = await mail_plan(6)
    chat = await make_resolved(shop, channel=PlanChannel.CHAT)
    planned = await make_running(shop, channel=PlanChannel.EMAIL)
    await db.execute(
        "UPDATE plan SET status = 'SCHEDULED', send_at = $2 WHERE id = $1", planned.id, now() + timedelta(hours=1)
    )
    rows = await db.fetch("SELECT customer_id FROM delivery WHERE plan_id = $1 ORDER BY customer_id", plan.id)
    for row, change in zip(
        rows,
        (
            "state = 'SENT'", "state = 'COMMITTING'", "state = 'FAILED'",
            "not_before = '2026-01-16'", "not_before = '2026-01-15 11:00Z'", "reason = NULL",
        ),
        strict=True,
    ):  # fmt: skip
        await db.execute(f"UPDATE delivery SET {change} WHERE plan_id = $1 AND customer_id = $2", plan.id, row[0])

    async with db.transaction():
        done = await restoration.make_safe()

    found = await db.fetch("SELECT state::text FROM delivery WHERE plan_id = $1 ORDER BY customer_id", plan.id)
    assert [row[0] for row in found] == ["SENT", "UNKNOWN", "FAILED", "PENDING", "UNKNOWN", "UNKNOWN"]
    assert done.messages == 3
    assert [number for number, _ in done.plans] == [plan.id]
    assert (await Plan.get(id=chat.id)).status is not PlanStatus.PAUSED
    assert (await Plan.get(id=planned.id)).status is PlanStatus.SCHEDULED


@pytest.mark.usefixtures("database")
async def test_what_waited_for_a_winner_may_have_gone_out_once_the_experiment_s_hours_were_over(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 40)
    tried = Experiment((Variant({"texts": TEXTS}),), 40, ExperimentMetric.READ, 4)
    over = await make_resolved(shop, channel=PlanChannel.EMAIL, experiment=tried)
    clock.move(timedelta(hours=1))
    going = await make_resolved(shop, channel=PlanChannel.EMAIL, experiment=tried)
    clock.move(timedelta(hours=3))

    async with db.transaction():
        await restoration.make_safe()

    waiting = "SELECT DISTINCT state::text FROM delivery WHERE plan_id = $1 AND variant IS NULL"
    assert await db.fetch_value(waiting, over.id) == "UNKNOWN"
    assert await db.fetch_value(waiting, going.id) == "PENDING"
    await sending.resume(actor="COMMAND")
    over = await Plan.get(id=over.id)
    await over.resume(shop)
    assert await winner.declare(over.id) is not None
    for due in await slices.due_of(over.id, 100):
        held, waits = await hold(over, due.number)
        assert not waits
        await slices.release(held)
    assert await advance.finish(over.id)
    assert await db.fetch_value("SELECT DISTINCT state::text FROM delivery WHERE plan_id = $1", over.id) == "UNKNOWN"


@pytest.mark.usefixtures("database")
async def test_a_plan_that_is_made_after_a_restore_has_the_number_of_none_that_was_lost():
    """The lost one's Message-IDs, links and return paths are out in the world."""
    shop = await make_shop()
    kept = await make_draft(shop)
    lost = await make_draft(shop)
    await db.execute("DELETE FROM plan WHERE id = $1", lost.id)
    await db.execute("SELECT setval(pg_get_serial_sequence('plan', 'id'), $1)", kept.id)

    async with db.transaction():
        await restoration.make_safe()

    assert (await make_draft(shop)).id > lost.id
    assert (await make_shop("fern")).id > shop.id + 1
