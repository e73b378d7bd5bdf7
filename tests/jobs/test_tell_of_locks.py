"""A worker says for whom statements wait, even where all its own do."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from jobs import tell_of_locks as job
from jobs.context import Context
from models import database as db
from models import lock_wait
from settings import Settings
from tests.waiting import until
from tests.worker import working


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long before it is told."""
    monkeypatch.setattr(lock_wait, "LONG", timedelta())


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_whose_sweep_waits_for_somebody_s_lock_says_for_whose(
    quick: Settings, migrated: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("jobs.worker.LOOK_EVERY", timedelta(seconds=0.1))
    person = await asyncpg.connect(migrated, server_settings={"application_name": "psql"})
    try:
        await person.execute("BEGIN; LOCK TABLE slice")
        async with working(quick):
            await until(lambda: f"process {person.get_server_pid()} (psql) has kept " in caplog.text)
            await person.execute("ROLLBACK")
    finally:
        await person.close()


async def test_it_is_said_that_every_connection_waits_and_for_whom_once_one_is_free(
    ctx: Context, migrated: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(job, "LOOK_EVERY", timedelta(seconds=0.05))
    await db.disconnect()
    await db.connect(migrated, pool=1)
    person = await asyncpg.connect(migrated)
    await person.execute("BEGIN; LOCK TABLE slice")
    sweeping = asyncio.create_task(db.fetch_value("SELECT count(*) FROM slice"))

    telling = asyncio.create_task(job.tell_of_locks(ctx))
    await until(lambda: "every connection to PostgreSQL waits" in caplog.text)
    await person.close()
    await telling

    assert await sweeping == 0
