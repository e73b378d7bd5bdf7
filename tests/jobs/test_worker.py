"""The worker: it sends what is due, holds nothing up, and leaves nothing in doubt when it is asked to stop."""

import time
from datetime import timedelta
from functools import partial

import pytest
from arq.constants import in_progress_key_prefix
from redis.asyncio import Redis

from jobs import queue_loop
from jobs.queue import DELIVERY_QUEUES
from models import database as db
from models import send_rate
from models import slice as slices
from models.plan import PlanChannel
from settings import Settings
from tests import oracle
from tests.factories import make_customers, make_resolved, make_shop
from tests.slices import mail_plan
from tests.smtp_sink import Act, Sink, Stage, always
from tests.waiting import until
from tests.worker import has_worker, is_sent, working


@pytest.mark.usefixtures("database", "redis")
async def test_a_worker_finds_what_is_due_without_being_told(quick: Settings, sink: Sink):
    _, plan = await mail_plan(30)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: is_sent(plan))

    assert (await oracle.check(sink.accepted())).accepted == 30
    assert await db.fetch_value("SELECT count(*) FROM worker") == 0


@pytest.mark.usefixtures("database")
async def test_what_many_dead_workers_had_claimed_hides_nothing_from_a_living_one(
    quick: Settings, redis: Redis, sink: Sink
):
    _, plan = await mail_plan(30)
    hour_ago = (time.time() - 3600) * 1_000
    for number in range(queue_loop.LOOKS_PAST + 100):
        await redis.zadd(DELIVERY_QUEUES["EMAIL"], {f"deliver_slice:0:{number}:1": hour_ago})
        await redis.set(f"{in_progress_key_prefix}deliver_slice:0:{number}:1", "1", ex=900)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(lambda: is_sent(plan))

    assert (await oracle.check(sink.accepted())).accepted == 30


@pytest.mark.usefixtures("database", "redis")
async def test_chat_goes_while_more_mail_than_a_worker_takes_on_stands_at_a_relay_that_says_nothing(
    quick: Settings, sink: Sink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slices, "SLICE_SIZE", 1)
    sink.script = always(Stage.MAIL, Act.STALL)
    crowd, other = await make_shop("crowd"), await make_shop("other")
    await make_customers(crowd, 2 * queue_loop.MAX_JOBS[DELIVERY_QUEUES["EMAIL"]], prefix="crowd-")
    await make_customers(other, 3, prefix="other-")
    await make_resolved(crowd, channel=PlanChannel.EMAIL)

    async def all_places_are_taken() -> bool:
        held = await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL")
        return bool(held == queue_loop.MAX_JOBS[DELIVERY_QUEUES["EMAIL"]])

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(all_places_are_taken)
        for shop in (crowd, other):
            await send_rate.change(shop, 6_000)  # at a rate, chat goes by slices
        await db.execute("UPDATE send_rate SET paid_until = paid_until - interval '1 hour'")  # the clock stands still
        chats = [await make_resolved(shop, channel=PlanChannel.CHAT) for shop in (crowd, other)]
        for chat in chats:
            await until(partial(is_sent, chat))
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
async def test_a_worker_that_is_stopped_finishes_what_is_on_the_wire_and_nothing_more(quick: Settings, sink: Sink):
    sink.delay = 0.1
    _, plan = await mail_plan(300)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})) as running:
        await until(lambda: len(sink.accepted()) >= 8)
        running.stop.set()

    verdict = await oracle.check(sink.accepted())
    assert verdict.states["UNKNOWN"] == 0
    assert verdict.states["SENT"] == verdict.accepted < 300
    assert await db.fetch_value("SELECT count(*) FROM slice WHERE worker_id IS NOT NULL") == 0
    assert not await is_sent(plan)


@pytest.mark.usefixtures("database", "redis")
async def test_a_relay_that_does_not_answer_holds_a_stopping_worker_up_for_a_bounded_time(
    quick: Settings, sink: Sink, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queue_loop, "DRAIN", timedelta(seconds=0.5))
    sink.delay = 60
    shop = await make_shop()
    await make_customers(shop, 10)
    await make_resolved(shop, channel=PlanChannel.EMAIL)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})) as running:
        await until(in_flight)
        running.stop.set()

    verdict = await oracle.check(sink.accepted())
    assert 1 <= verdict.states["UNKNOWN"] <= 4  # one a connection at most
    assert verdict.states["PENDING"] == 10 - verdict.states["UNKNOWN"]


async def in_flight() -> bool:
    """Whether any message is."""
    return bool(await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'COMMITTING'"))


@pytest.mark.usefixtures("database")
async def test_a_worker_that_was_given_up_goes_on_under_a_new_name(quick: Settings, redis, sink: Sink):
    shop = await make_shop()
    await make_customers(shop, 20)

    async with working(quick.model_copy(update={"smtp_url": sink.start()})):
        await until(has_worker)
        (first,) = [row["id"] for row in await db.fetch("SELECT id FROM worker")]
        await db.execute("UPDATE worker SET lease_until = clock_timestamp()")
        await until(lambda: lives_under_another_name(first))
        plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
        await until(lambda: is_sent(plan))

    assert (await oracle.check(sink.accepted())).states == {"SENT": 20}


async def lives_under_another_name(first: object) -> bool:
    """Whether a worker with another id has a living lease."""
    found = await db.fetch_value(
        "SELECT count(*) FROM worker WHERE id <> $1 AND lease_until > clock_timestamp()", first
    )
    return bool(found)
