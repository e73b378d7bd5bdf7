"""What jobs are given, for tests of any folder: a registered worker on the test's engines."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.chat import InboxChannel
from jobs.channels.email import EmailChannel
from jobs.channels.http.poster import Poster
from jobs.channels.platform import PlatformChannel
from jobs.context import Context
from jobs.queue import redis_pool
from models import worker
from settings import Settings


@pytest.fixture
async def ctx(database: None, settings: Settings, redis: Redis) -> AsyncIterator[Context]:
    """ARQ's context of a worker with a living heartbeat and four connections to the mailbox."""
    settings = settings.model_copy(update={"smtp_connections": 4})
    pool = redis_pool(settings)
    tally = Tally()
    poster = Poster("any")
    ctx: Context = {
        "redis": pool,
        "settings": settings,
        "worker_id": uuid4(),
        "channels": {
            "CHAT": InboxChannel(pool),
            "EMAIL": EmailChannel(settings, tally),
            "PLATFORM": PlatformChannel(settings, tally, poster),
        },
        "working": {},
        "tally": tally,
        "poster": poster,
        "loading": asyncio.Semaphore(2),
    }
    await worker.register(ctx["worker_id"], "test", settings.lease)
    yield ctx
    for channel in ctx["channels"].values():
        await channel.close()
    await poster.close()
    await pool.aclose()
