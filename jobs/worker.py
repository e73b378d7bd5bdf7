"""The worker process: ARQ on its queues, a heartbeat, and the sweep; it outlives Redis and PostgreSQL.

ARQ ends its loop when Redis is lost, so each queue's loop is started again and again. The heartbeat and
the sweep are this process's own timers: they need PostgreSQL only.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast
from uuid import uuid4

import orjson
from arq.worker import Worker, func

from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.chat import InboxChannel
from jobs.channels.email import EmailChannel
from jobs.channels.http.poster import Poster
from jobs.channels.platform import PlatformChannel
from jobs.check_senders import check_senders
from jobs.context import LOADED_AT_ONCE, Context
from jobs.declare_winner import declare_winner
from jobs.deliver_slice import deliver_slice
from jobs.drop_events import drop_events
from jobs.erase_customers import erase_customers
from jobs.finish_plan import finish_plan
from jobs.fire_triggers import fire_triggers
from jobs.fold_figures import fold_figures
from jobs.localise_plan import localise_plan
from jobs.measure_segments import measure_segments
from jobs.queue import DELIVERY_QUEUES, WORK_QUEUE, redis_pool
from jobs.recompute_access import recompute_access
from jobs.resolve_audience import resolve_audience
from jobs.send_trials import send_trials
from jobs.send_webhooks import send_webhooks
from jobs.stopping import CLOSE_WITHIN, DRAIN
from jobs.sweep import sweep
from jobs.told import told
from models import availability, database, origin, worker
from models.complaints import Complaints
from settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

JOBS: dict[str, dict[str, Any]] = {
    WORK_QUEUE: {
        job.__name__: job
        for job in (
            localise_plan,
            resolve_audience,
            finish_plan,
            fire_triggers,
            recompute_access,
            measure_segments,
            send_trials,
            drop_events,
            fold_figures,
            check_senders,
            erase_customers,
            send_webhooks,
            declare_winner,
        )
    },
    **{queue: {deliver_slice.__name__: deliver_slice} for queue in DELIVERY_QUEUES.values()},
}
"""Which queue runs which jobs. Jobs are enqueued by name, and every name is here."""

MAX_JOBS = {WORK_QUEUE: 4, **dict.fromkeys(DELIVERY_QUEUES.values(), 8)}
LOOKS_PAST = 500
"""How many jobs that others claimed a worker looks past: each of a dead one's stays claimed until it is forgotten."""
JOB_TIMEOUT = timedelta(minutes=15)
POLL_DELAY = 0.1
RESTART_DELAY = 1.0
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
        ]
        queues = [group.create_task(_run_queue(ctx, queue, stop)) for queue in JOBS]
        await stop.wait()
        for channel in ctx["channels"].values():
            channel.drain()
        await asyncio.wait(queues)
        for timer in timers:
            await _ended(timer)


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
            await asyncio.sleep(RESTART_DELAY)
    return None


async def _run_queue(ctx: Context, queue: str, stop: asyncio.Event) -> None:
    """One queue's ARQ loop, started again whenever it ends, until `stop`; then its jobs are let finish.

    Jobs under way when Redis is lost go on: they need PostgreSQL and the relay only.
    """
    jobs: set[asyncio.Task[Any]] = set()
    while not stop.is_set():
        arq = _arq_worker(ctx, queue)
        running = asyncio.create_task(arq.async_run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        error = await _ended(running)
        jobs = _under_way({*jobs, *arq.tasks.values()})
        if not stop.is_set():
            if error is not None and ctx["complaints"].is_due(error):
                log.warning("queue %s stopped, each that does is started again until it runs: %r", queue, error)
            await asyncio.sleep(RESTART_DELAY)
    await _finish(jobs)


async def _ended(task: asyncio.Task[None]) -> BaseException | None:
    """Cancel a task until it has ended, and how it did: clients whose own time limit has just passed swallow a cancel."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=RESTART_DELAY)
    return None if task.cancelled() else task.exception()


async def _finish(jobs: set[asyncio.Task[Any]]) -> None:
    """Let jobs end by themselves, and cancel those that take too long."""
    if not jobs:
        return
    await asyncio.wait(jobs, timeout=DRAIN.total_seconds())
    unfinished = _under_way(jobs)
    for job in unfinished:
        job.cancel()
    if unfinished:
        await asyncio.wait(unfinished, timeout=CLOSE_WITHIN.total_seconds())
        _under_way(unfinished)


def _under_way(jobs: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Those that have not ended. What the others failed with is read here, or Python tells of it when it forgets them.

    It is ARQ's, which could not note their end in Redis: a job's own errors end in `told`.
    """
    for job in jobs:
        if job.done() and not job.cancelled() and (error := job.exception()) is not None:
            log.debug("the end of a job could not be noted: %r", error)
    return {job for job in jobs if not job.done()}


def _arq_worker(ctx: Context, queue: str) -> Worker:
    return Worker(
        functions=[
            func(cast("Any", told(job)), name=name, keep_result=0, max_tries=1) for name, job in JOBS[queue].items()
        ],
        queue_name=queue,
        redis_pool=ctx["redis"],
        ctx=cast("dict[Any, Any]", ctx),
        handle_signals=False,
        job_timeout=JOB_TIMEOUT,
        keep_result=0,
        max_jobs=MAX_JOBS[queue],
        queue_read_limit=LOOKS_PAST,
        poll_delay=POLL_DELAY,
        retry_jobs=False,
        health_check_interval=30,
        health_check_key=f"{queue}:health:{ctx['worker_id']}",
        job_serializer=partial(orjson.dumps, default=_class_name),
        job_deserializer=orjson.loads,
        log_results=False,
    )


def _class_name(error: object) -> str:
    """An error as ARQ writes it down for jobs that came too late; nobody reads it, since no results are kept."""
    return type(error).__name__
