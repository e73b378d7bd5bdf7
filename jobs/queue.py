"""The queues: their client, for whoever enqueues jobs or runs them, and how a job gets into one and out of it."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from models import slice as slices
from models.availability import REDIS_UNUSABLE
from models.slice import Due
from settings import Settings

log = logging.getLogger(__name__)

WORK_QUEUE = "rekindle:work"
"""Short jobs that decide: resolve, localise, sweep."""

DELIVERY_QUEUES = {"EMAIL": "rekindle:delivery", "CHAT": "rekindle:inbox", "PLATFORM": "rekindle:platform"}
"""Slices on their way out, by channel: none waits behind other work, or behind a relay that stands still."""

SLICES_NUDGED = 100
"""Slices of a plan that are set going after a step of it; the sweep finds the others."""

EXPIRES = timedelta(days=1)
"""What lies in a queue for so long is forgotten there; the sweep finds it again."""

HEAD_START = timedelta(days=10_000)
"""ARQ runs jobs in the order of their times: urgent ones are put in as if it had been so much earlier."""


def redis_pool(settings: Settings) -> ArqRedis:
    """ARQ's client of the queues: JSON instead of pickle, and no command waits for ever."""
    url = settings.redis_url or ""
    parsed = RedisSettings.from_dsn(url)
    return ArqRedis(
        host=parsed.host if isinstance(parsed.host, str) else "localhost",
        port=parsed.port,
        db=parsed.database,
        username=parsed.username,
        password=parsed.password,
        unix_socket_path=parsed.unix_socket_path,
        ssl=parsed.ssl,
        socket_connect_timeout=5,
        socket_timeout=10,
        default_queue_name=WORK_QUEUE,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        expires_extra_ms=int(EXPIRES.total_seconds() * 1000),
    )


async def refusal_of_writes(redis: Redis) -> str:
    """What Redis says to whoever writes, when it answers and takes nothing; empty when it takes writes.

    So it does without room, as a replica, or with a full disk: then no job gets into a queue.
    """
    try:
        await redis.set("rekindle:written", "", px=1000)
    except ResponseError as error:
        return str(error)
    return ""


async def enqueue(
    redis: ArqRedis,
    job: str,
    *arguments: Any,
    generation: object = "",
    queue: str = WORK_QUEUE,
    is_urgent: bool = False,
) -> bool:
    """Put a job in a queue unless the same job of the same `generation` is in it; whether it was put.

    A job lost with Redis, or stuck behind a dead worker's claim, comes back in the sweep's next generation.
    """
    job_id = ":".join(str(part) for part in (job, *arguments, generation))
    wait = -HEAD_START if is_urgent else None
    put = await redis.enqueue_job(job, *arguments, _job_id=job_id, _queue_name=queue, _defer_by=wait, _expires=EXPIRES)
    return put is not None


async def nudge(redis: ArqRedis, job: str, *arguments: Any, generation: object = "") -> None:
    """Enqueue a job that the sweep would find as well: without Redis it only comes later."""
    try:
        await enqueue(redis, job, *arguments, generation=generation)
    except REDIS_UNUSABLE as error:
        log.warning("%s %s waits for the sweep: %s", job, arguments, error)


async def nudge_due_slices(redis: ArqRedis, plan_id: int) -> None:
    """Set the slices of a plan going that are due now; without Redis they wait for the sweep."""
    due = await slices.due_of(plan_id, SLICES_NUDGED)
    try:
        await enqueue_slices(redis, due)
    except REDIS_UNUSABLE as error:
        log.warning("%d slices wait for the sweep: %s", len(due), error)


async def enqueue_slices(redis: ArqRedis, due: Sequence[Due], generation: object = "") -> None:
    """Enqueue `deliver_slice` for each slice."""
    for each in due:
        await enqueue(
            redis, "deliver_slice", each.plan_id, each.number,
            generation=generation, queue=DELIVERY_QUEUES[each.channel], is_urgent=each.is_urgent,
        )  # fmt: skip


async def forget_stale(redis: ArqRedis, queue: str, age: timedelta) -> int:
    """Take out of a queue what was put in longer ago than `age`; how many jobs.

    What a killed worker had claimed stays claimed, and at the head of the queue, for as long as a job may take:
    after a few such deaths nobody would see past it. What is still due comes back in the sweep's next generation.
    """
    seconds, _ = await redis.time()
    latest = (seconds - age.total_seconds()) * 1_000
    urgent = latest - HEAD_START.total_seconds() * 1_000
    stale = await redis.zrangebyscore(queue, "-inf", urgent)
    stale += await redis.zrangebyscore(queue, (latest + urgent) / 2, latest)
    if stale:
        async with redis.pipeline() as together:
            together.zrem(queue, *stale)
            together.delete(*(job_key_prefix + job_id.decode() for job_id in stale))
            await together.execute()
    return len(stale)
