"""Drill: the primary is lost and its standby promoted, by PostgreSQL's own streaming replication."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from local.child import start_child, stop_child
from local.place import socket_folder
from local.postgres import Postgres, _program
from models import availability, log_position, migration, origin, sending
from models import database as db
from models.clock import now
from models.log_position import Position
from operations import doctor
from settings import Settings
from tests.drills.drill import connect, own, restored, run, said, states
from tests.processes import command
from tests.slices import mail_plan
from tests.smtp_sink import Sink
from tests.waiting import until
from tests.worker import is_sent, working


@dataclass
class Standby:
    """A copy of a primary that follows its log until it is cut off or promoted."""

    primary: Postgres
    place: Postgres
    """Where it is; its server is started here, since a standby never says that it is `ready`."""
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.place.url

    def begin(self) -> None:
        """Copy the primary, and follow it."""
        self.place.folder.mkdir()
        self.place._prepare()  # its folders, in the right hands
        shutil.rmtree(self.place.data)
        run(
            "pg_basebackup",
            "--write-recovery-conf",
            "--checkpoint=fast",
            f"--dbname={self.primary.url}",
            f"--pgdata={self.place.data}",
        )
        own(self.place)
        sockets = str(socket_folder(self.place.folder))
        command = [_program("postgres"), "-D", str(self.place.data), "-h", "", "-k", sockets, "--shared_buffers=64MB"]
        self.child = start_child(command, user=self.place._user, folder=self.place.folder, log=self.place.log)

    async def promote(self) -> None:
        """Make it a primary, as `pg_ctl promote` does."""
        assert await self.ask("SELECT pg_promote()")

    def stop(self) -> None:
        """Stop it, wherever it stands."""
        if self.child:
            stop_child(self.child, within=30)

    async def ask(self, sql: str) -> Any:
        """A value that it tells; None while it does not answer."""
        try:
            connection = await asyncpg.connect(self.url)
        except (OSError, asyncpg.PostgresError):
            return None
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def has_followed(self) -> bool:
        """Whether it has all that its primary wrote."""
        written = await db.fetch_value("SELECT pg_current_wal_lsn()::text")
        return bool(await self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))

    async def cut_off(self) -> None:
        """Let the network to its primary be gone."""
        await self.ask("ALTER SYSTEM SET primary_conninfo = ''")
        await self.ask("SELECT pg_reload_conf()")
        await until(self._is_alone)

    async def _is_alone(self) -> bool:
        return bool(await self.ask("SELECT count(*) FROM pg_stat_wal_receiver") == 0)


@pytest.fixture
def primary() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="rekindle-") as folder:
        server = Postgres(Path(folder) / "primary", shared_buffers="64MB")
        server.start()
        yield server
        server.kill()


@pytest.fixture
def standby(primary: Postgres) -> Iterator[Standby]:
    found = Standby(primary, Postgres(primary.folder.parent / "standby"))
    yield found
    found.stop()


@asynccontextmanager
async def replicated(standby: Standby, settings: Settings, redis: Redis) -> AsyncIterator[None]:
    """An installation on the primary, recognised, that the standby follows."""
    await migration.migrate(standby.primary.url)
    await connect(settings)
    assert await origin.differences(redis) == []
    await asyncio.to_thread(standby.begin)
    await until(standby.has_followed)
    try:
        yield
    finally:
        await db.disconnect()


@pytest.mark.timeout(180)
async def test_what_went_out_after_the_standby_lagged_never_goes_out_again(
    standby: Standby, on: Callable[[str], Settings], sink: Sink, redis: Redis, caplog: pytest.LogCaptureFixture
):
    before, after = on(standby.primary.url), on(standby.url)
    async with replicated(standby, before, redis):
        _, plan = await mail_plan(30)
        await until(standby.has_followed)
        await standby.cut_off()
        async with working(before):
            await until(lambda: is_sent(plan))
    assert len(sink.accepted()) == 30
    standby.primary.kill()
    await standby.promote()
    await connect(after)
    assert await states() == {"PENDING": 30}
    assert await origin.differences(redis) == [origin.DIFFERENCES[1]]

    async with working(after):
        await until(lambda: said(caplog, "NOTHING IS SENT"))
    assert len(sink.accepted()) == 30

    told = command(after, "restored", CLOCK=now().isoformat())
    assert told.returncode == 0, told.stderr
    assert "another timeline" in told.stdout
    assert await states() == {"UNKNOWN": 30}

    await sending.resume(actor="COMMAND")
    _, later = await mail_plan(5, name="fern", prefix="fern-")
    async with working(after):
        await until(lambda: is_sent(later))
    assert len(sink.accepted()) == 35
    await db.disconnect()


@pytest.mark.timeout(180)
async def test_a_standby_that_had_followed_to_the_end_goes_on_where_the_primary_was(
    standby: Standby, on: Callable[[str], Settings], sink: Sink, redis: Redis
):
    before, after = on(standby.primary.url), on(standby.url)
    async with replicated(standby, before, redis):
        _, plan = await mail_plan(10)
        async with working(before):
            await until(lambda: is_sent(plan))
        await until(standby.has_followed)
    standby.primary.kill()
    await standby.promote()
    await connect(after)
    assert await origin.differences(redis) == [origin.DIFFERENCES[1]]

    await restored(after, nothing_lost=True)

    assert await origin.differences(redis) == []
    assert await states() == {"SENT": 10}
    _, later = await mail_plan(5, name="fern", prefix="fern-")
    async with working(after):
        await until(lambda: is_sent(later))
    assert len(sink.accepted()) == 15
    await db.disconnect()


@pytest.mark.timeout(180)
async def test_a_standby_that_is_not_promoted_is_an_outage_to_workers_and_no_schema_that_is_behind(
    standby: Standby, on: Callable[[str], Settings], redis: Redis
):
    async with replicated(standby, on(standby.primary.url), redis):
        row = await db.fetch_one(log_position.POSITION)
        assert row is not None
    standby.primary.kill()
    await connect(on(standby.url))

    with pytest.raises(log_position.StandbyError) as asked:
        await origin.differences(redis)
    diagnosis = await doctor.origin.check(redis)
    await connect(on(standby.url))
    log_position.note(Position(*row))  # a worker that was at work on the primary, by the same address
    with pytest.raises(log_position.StandbyError) as connected:
        await db.fetch_value("SELECT 1")
    await db.disconnect()

    assert availability.outage_of(asked.value) and availability.outage_of(connected.value)
    assert diagnosis.mend == "mend what is said of PostgreSQL first"
