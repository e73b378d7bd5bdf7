"""Workers stand still, are asked to stop, or lose an engine: nothing is repeated, nothing is lost, nothing stays."""

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from jobs.queue import DELIVERY_QUEUES, redis_pool
from local.place import socket_folder
from local.postgres import Postgres
from local.valkey import Valkey
from models import database as db
from models.plan import Plan
from tests.faults.proxy import Proxy
from tests.faults.rig import FULL, LEASE, Rig, until
from tests.processes import api

CONNECTIONS = 4


@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["after the slice is loaded", "after the intent"])
async def test_a_worker_that_stood_still_longer_than_its_lease_sends_nothing_more(rig: Rig, moment: str):
    plan = await rig.mail_plan(400)
    stale = rig.start({"at": moment, "nth": 2, "do": "stop"})
    await until(lambda: _is(stale.is_stopped()))
    before = {message.message_id for message in rig.sink.accepted()}
    await asyncio.sleep(2 * LEASE.total_seconds() if FULL else LEASE.total_seconds() + 1)
    rig.start()
    await rig.until_finished(plan)

    finished = {message.message_id for message in rig.sink.accepted()}
    stale.signal(signal.SIGCONT)
    await asyncio.sleep(2)
    await rig.stop_all()

    assert before <= finished == {message.message_id for message in rig.sink.accepted()}
    verdict = await rig.check(400)
    assert verdict.states["SENT"] == verdict.accepted
    assert sum(verdict.states[state] for state in ("SENT", "UNKNOWN", "FAILED")) == 400
    assert verdict.states["UNKNOWN"] <= (CONNECTIONS if moment == "after the intent" else 0)


@pytest.mark.timeout(300)
async def test_a_worker_that_stands_still_in_the_middle_of_a_range_holds_nobody_up(rig: Rig):
    recipients = 100_000 if FULL else 2_000
    # One at once: stopped while another's statement is on its way, PostgreSQL waits for the rest of it without limit.
    rig.slice_size, rig.range_size, rig.ranges_at_once = 1_000, recipients // 10, 1
    plan = await rig.mail_plan(recipients)
    await db.execute("UPDATE plan SET channel = 'CHAT' WHERE id = $1", plan.id)
    stale = rig.start({"at": "before a range is committed", "nth": 3, "do": "stop"})
    await until(lambda: _is(stale.is_stopped()))
    rig.start()
    await rig.until_finished(plan)

    stale.signal(signal.SIGCONT)
    await asyncio.sleep(2)
    await rig.stop_all()

    assert (await rig.check(recipients)).states == {"SENT": recipients}


async def _is(value: bool) -> bool:
    return value


@pytest.mark.timeout(300)
async def test_workers_that_are_asked_to_stop_leave_nothing_in_doubt(rig: Rig):
    plan = await rig.mail_plan(4_000 if FULL else 800)
    rig.sink.delay = 0.005
    for _ in range(6 if FULL else 2):
        worker = rig.start()
        await _until_more(rig, 50)
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
    rig.sink.delay = 0
    rig.start()
    await rig.until_finished(plan)
    await rig.stop_all()

    assert (await rig.check()).states == {"SENT": 4_000 if FULL else 800}


@pytest.mark.timeout(400)
async def test_redis_is_emptied_each_second_then_gone_then_hangs(rig: Rig, redis: Redis, valkey: Valkey):
    plan = await rig.mail_plan(6_000 if FULL else 600)
    rig.sink.delay = 0.05
    for _ in range(2):
        rig.start()
    for _ in range(10 if FULL else 3):
        await asyncio.sleep(1)
        await redis.flushall()
    with api(rig.settings) as base:
        with _without(valkey):
            await asyncio.sleep(30 if FULL else 3)
            assert await _health(base, within=5) == 503
        with _hanging(valkey):
            assert await _health(base, within=5) == 503
            await asyncio.sleep(30 if FULL else 3)
        await until(lambda: _is_healthy(base))
    rig.sink.delay = 0
    await rig.until_finished(plan)
    await rig.stop_all()

    assert (await rig.check()).states == {"SENT": 6_000 if FULL else 600}


@contextmanager
def _without(valkey: Valkey) -> Iterator[None]:
    """No Valkey for a while, and then an empty one."""
    valkey.stop()
    try:
        yield
    finally:
        valkey.start()


@contextmanager
def _hanging(valkey: Valkey) -> Iterator[None]:
    """A Valkey that takes connections and says nothing."""
    assert valkey._child is not None
    valkey._child.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        valkey._child.send_signal(signal.SIGCONT)


async def _health(base: str, *, within: float) -> int:
    """What /ready answers, in time."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{base}/ready", timeout=within)).status_code


async def _is_healthy(base: str) -> bool:
    return await _health(base, within=10) == 200


@pytest.mark.timeout(400)
async def test_postgresql_crashes_and_cuts_connections_off_while_mail_goes_out(rig: Rig, postgres: Postgres):
    recipients = 10_000 if FULL else 800
    plan = await rig.mail_plan(recipients)
    rig.sink.delay = 0.02
    dice = random.Random(7)
    for _ in range(3):
        rig.start(LEASE="PT15S")  # it is about what they know, not about losing a lease to a slow recovery
    for _ in range(5 if FULL else 1):
        await _until_more(rig, dice.randrange(50, 100))
        postgres.kill()
        postgres.start()
        rig.figures.faults += 1
    for _ in range(20 if FULL else 4):
        await _until_more(rig, dice.randrange(10, 30))
        cut = await db.fetch_value(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'rekindle worker' ORDER BY random() LIMIT 5) AS t"
        )
        rig.figures.faults += cut
    rig.sink.delay = 0
    await rig.until_finished(plan)
    await rig.stop_all()

    verdict = await rig.check(recipients)
    assert verdict.states == {"SENT": recipients}  # the workers lived on, so they know every answer


async def _until_more(rig: Rig, messages: int) -> None:
    goal = rig.sink.stored + messages
    await until(lambda: _is(rig.sink.stored >= goal))


@pytest.mark.timeout(300)
async def test_the_answers_to_commits_are_lost_on_the_way(rig: Rig, postgres: Postgres, engine_folder: Path):
    recipients = 5_000 if FULL else 300
    plan = await rig.mail_plan(recipients)
    upstream = socket_folder(postgres.folder)
    proxy = Proxy(engine_folder / "proxy", upstream, lose_every=7)
    proxy.start()
    try:
        for _ in range(2):
            rig.start(DATABASE_URL=proxy.url)
        await rig.until_finished(plan)
        await rig.stop_all()
    finally:
        proxy.stop()
    rig.figures.faults += proxy.lost

    assert proxy.lost > 0
    assert (await rig.check(recipients)).states == {"SENT": recipients}


@pytest.mark.timeout(300)
async def test_schedulers_whose_clocks_differ_start_a_plan_once_and_late_rather_than_never(rig: Rig):
    plan = await rig.mail_plan(200)
    await db.execute(
        "UPDATE plan SET status = 'SCHEDULED', started_at = NULL, send_at = send_at + interval '1 hour' WHERE id = $1",
        plan.id,
    )
    for second in (55, 57, 0, 3, 5):  # five seconds around an hour after it was due: nobody was up then
        minute = 59 if second > 50 else 0
        rig.start(CLOCK=f"2026-01-15T{14 if minute == 0 else 13}:{minute:02}:{second:02}Z")
    await rig.until_finished(plan)
    await rig.stop_all()

    starts = await db.fetch_value(
        "SELECT count(*) FROM plan_history WHERE plan_id = $1 AND status_from = 'SCHEDULED'", plan.id
    )
    assert starts == 1
    assert (await rig.check(200)).states == {"SENT": 200}


@pytest.mark.timeout(300)
async def test_the_same_jobs_in_the_queue_fifty_times_send_once(rig: Rig, redis: Redis):
    plan = await rig.mail_plan(300)
    queue = redis_pool(rig.settings)
    for _ in range(3):
        rig.start()
    await until(lambda: _has_slices(plan))
    for copy in range(50):
        for number in range(1, 4):
            await queue.enqueue_job(
                "deliver_slice", plan.id, number, _job_id=f"again:{copy}:{number}", _queue_name=DELIVERY_QUEUES["EMAIL"]
            )
        if copy % 20 == 10:
            await redis.flushall()
    await queue.aclose()
    await rig.until_finished(plan)
    await rig.stop_all()

    assert (await rig.check(300)).states == {"SENT": 300}


async def _has_slices(plan: Plan) -> bool:
    return bool(await db.fetch_value("SELECT count(*) FROM slice WHERE plan_id = $1", plan.id))
