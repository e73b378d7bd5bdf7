"""The worker process: its queues, a heartbeat, and the sweep; it outlives Redis and PostgreSQL.

The queues' loops are ARQ's and need Redis (queue_loop.py). The heartbeat and the sweep are this process's own timers:
they need PostgreSQL only.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.chat import InboxChannel
from jobs.channels.email import EmailChannel
from jobs.channels.http.poster import Poster
from jobs.channels.platform import PlatformChannel
from jobs.context import LOADED_AT_ONCE, Context
from jobs.fire_triggers import fire_triggers
from jobs.queue import redis_pool
from jobs.queue_loop import JOBS, ended, run_queue
from jobs.stopping import CLOSE_WITHIN
from jobs.sweep import sweep
from jobs.tell_of_clock import tell_of_clock
from jobs.tell_of_locks import LOOK_EVERY, tell_of_locks
from models import availability, database, migration, origin, worker
from models.complaints import Complaints
from settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

ASK_AGAIN = 1.0
"""Seconds between two looks whether PostgreSQL can be used."""

RECOGNISE_DELAY = 30.0
"""Seconds between two complaints about a database that was restored."""


async def main(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then drain."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await work(settings, stop)


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Run the queues, the heartbeat and the sweep until `stop` is set; then let what is on the wire finish."""
    async with (
        database.connected(
            settings, pool=settings.database_pool, idle_timeout=settings.lease, application="rekindle worker"
        ),
        context(settings, stop) as ctx,
        asyncio.TaskGroup() as group,
    ):
        complaints = ctx["complaints"]
        await _until_recognised(ctx, stop)
        if stop.is_set():
            return
        timers = [
            group.create_task(_every(settings.lease / 4, lambda: _beat(ctx, stop), complaints)),
            group.create_task(_every(settings.sweep_interval, lambda: sweep(ctx), complaints)),
            group.create_task(_every(settings.sweep_interval, lambda: fire_triggers(ctx), complaints)),
            group.create_task(_every(LOOK_EVERY, lambda: tell_of_locks(ctx), complaints)),
            group.create_task(_every(LOOK_EVERY, lambda: tell_of_clock(ctx), complaints)),
        ]
        queues = [group.create_task(run_queue(ctx, queue, stop)) for queue in JOBS]
        await stop.wait()
        for channel in ctx["channels"].values():
            channel.drain()
        await asyncio.wait(queues)
        for timer in timers:
            await ended(timer)


@asynccontextmanager
async def context(settings: Settings, stop: asyncio.Event) -> AsyncIterator[Context]:
    """What this process's jobs are given, as long as the block lasts; it is registered as a worker, and takes its leave."""
    redis = redis_pool(settings)
    tally = Tally()
    poster = Poster(settings.webhook_targets)
    complaints = Complaints()
    ctx: Context = {
        "redis": redis,
        "settings": settings,
        "worker_id": uuid4(),
        "channels": {
            "CHAT": InboxChannel(redis),
            "EMAIL": EmailChannel(settings, tally),
            "PLATFORM": PlatformChannel(settings, tally, poster),
        },
        "working": {},
        "tally": tally,
        "poster": poster,
        "loading": asyncio.Semaphore(LOADED_AT_ONCE),
        "complaints": complaints,
    }
    await _until_migrated(stop, complaints)
    await _until_it_works(lambda: worker.register(ctx["worker_id"], _name(), settings.lease), stop, complaints)
    try:
        yield ctx
    finally:
        await _within(CLOSE_WITHIN, _leave(ctx))
        await redis.aclose()


async def _leave(ctx: Context) -> None:
    for channel in ctx["channels"].values():
        await channel.close()
    await ctx["poster"].close()
    await worker.leave(ctx["worker_id"])


async def _within(limit: timedelta, work: Awaitable[None]) -> None:
    """Do what can be done in time: without PostgreSQL a worker still ends, and its lease runs out."""
    try:
        await asyncio.wait_for(work, limit.total_seconds())
    except (TimeoutError, *availability.UNUSABLE) as error:
        log.warning("left without saying goodbye: %r", error)


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def _until_migrated(stop: asyncio.Event, complaints: Complaints) -> None:
    """Begin nothing over a schema that lacks what this code knows: whatever met it would fail, again and again."""
    while missing := await _until_it_works(migration.unapplied, stop, complaints):
        behind = migration.SchemaBehind(missing)
        if complaints.is_due(behind):
            log.error("NOTHING IS SENT by this worker: %s", behind)
        await asyncio.sleep(ASK_AGAIN)


async def _until_recognised(ctx: Context, stop: asyncio.Event) -> None:
    """Begin nothing on a database that was restored, until its operator has said what became of it."""
    while differences := await _until_it_works(lambda: origin.differences(ctx["redis"]), stop, ctx["complaints"]):
        log.error("NOTHING IS SENT: %s; run `.venv/bin/python server.py restored`", "; ".join(differences))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECOGNISE_DELAY)


async def _beat(ctx: Context, stop: asyncio.Event) -> None:
    """Prolong the lease; a worker that was given up meanwhile goes on under a new name.

    One whose database was exchanged under it stops: started again, it waits.
    """
    if differences := await origin.differences(ctx["redis"]):
        log.error("stopping, this is another database than before: %s", "; ".join(differences))
        stop.set()
        return
    await origin.mark(ctx["redis"], ctx["complaints"])
    lease = ctx["settings"].lease
    if not await worker.beat(ctx["worker_id"], lease, ctx["tally"].figures(), ctx["tally"].failing()):
        ctx["worker_id"] = uuid4()
        await worker.register(ctx["worker_id"], _name(), lease)


async def _every(interval: timedelta, act: Callable[[], Awaitable[None]], complaints: Complaints) -> None:
    """Call `act` now and then every `interval`; an error is logged and the next call comes all the same."""
    while True:
        try:
            await act()
        except Exception as error:
            outage = availability.outage_of(error)
            if outage is None:
                log.exception("timer failed, it goes on")
            elif complaints.is_due(outage):
                log.warning("timers wait until PostgreSQL can be used: %s", outage)
        await asyncio.sleep(interval.total_seconds())


async def _until_it_works(act: Callable[[], Awaitable[T]], stop: asyncio.Event, complaints: Complaints) -> T | None:
    """What `act` answers once PostgreSQL can be used; None when the worker is stopped first."""
    while not stop.is_set():
        try:
            return await act()
        except availability.UNUSABLE as error:
            why = error.__cause__ or error
            if complaints.is_due(why):
                log.warning("PostgreSQL cannot be used yet: %s", why)
            await asyncio.sleep(ASK_AGAIN)
    return None
