"""The queues of a worker: which jobs each has, and ARQ's loop over it, started again whenever it ends.

ARQ ends its loop when Redis is lost. Jobs under way go on then: they need PostgreSQL and the relay only.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Any, cast

import orjson
from arq.worker import Worker, func

from jobs.check_senders import check_senders
from jobs.context import Context
from jobs.declare_winner import declare_winner
from jobs.deliver_slice import deliver_slice
from jobs.drop_events import drop_events
from jobs.erase_customers import erase_customers
from jobs.finish_plan import finish_plan
from jobs.fire_triggers import fire_triggers
from jobs.fold_figures import fold_figures
from jobs.localise_plan import localise_plan
from jobs.measure_segments import measure_segments
from jobs.queue import DELIVERY_QUEUES, WORK_QUEUE
from jobs.recompute_access import recompute_access
from jobs.resolve_audience import resolve_audience
from jobs.send_trials import send_trials
from jobs.send_webhooks import send_webhooks
from jobs.stopping import CLOSE_WITHIN, DRAIN
from jobs.told import told

log = logging.getLogger(__name__)

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
"""Jobs of each queue that a worker runs at once."""

LOOKS_PAST = 500
"""How many jobs that others claimed a worker looks past: each of a dead one's stays claimed until it is forgotten."""

JOB_TIMEOUT = timedelta(minutes=15)
"""After which a job is cancelled; the sweep finds what it left."""

POLL_DELAY = 0.1
"""Seconds between two looks into a queue."""

RESTART_DELAY = 1.0
"""Seconds before a loop that has ended is started again, and between two cancels of a task that swallows them."""


async def run_queue(ctx: Context, queue: str, stop: asyncio.Event) -> None:
    """One queue's ARQ loop, started again whenever it ends, until `stop`; then its jobs are let finish."""
    jobs: set[asyncio.Task[Any]] = set()
    while not stop.is_set():
        arq = _arq_worker(ctx, queue)
        running = asyncio.create_task(arq.async_run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        error = await ended(running)
        jobs = _under_way({*jobs, *arq.tasks.values()})
        if not stop.is_set():
            if error is not None and ctx["complaints"].is_due(error):
                log.warning("queue %s stopped, each that does is started again until it runs: %r", queue, error)
            await asyncio.sleep(RESTART_DELAY)
    await _finish(jobs)


async def ended(task: asyncio.Task[None]) -> BaseException | None:
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
