"""What jobs are given: a registered worker on the test's engines."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from jobs.channels.chat import InboxChannel
from jobs.channels.email import EmailChannel
from jobs.channels.platform import PlatformChannel
from jobs.channels.poster import Poster
from jobs.channels.tally import Tally
from jobs.context import Context
from jobs.queue import redis_pool
from models import worker
from settings import Settings
from tests.smtp_sink import Sink


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


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A scripted relay, not yet started: script it, then use `at_sink`."""
    sink = Sink(tmp_path / "ledger")
    yield sink
    if sink.port:
        sink.stop()


@pytest.fixture
async def at_sink(ctx: Context, sink: Sink) -> AsyncIterator[Callable[..., EmailChannel]]:
    """Starts the sink and makes it the relay of `ctx`; settings may be changed by keyword."""
    made = []

    def start(**settings: object) -> EmailChannel:
        changes = {"smtp_url": sink.start(), **settings}
        channel = EmailChannel(ctx["settings"].model_copy(update=changes), ctx["tally"])
        ctx["channels"]["EMAIL"] = channel
        made.append(channel)
        return channel

    yield start
    for channel in made:
        await channel.close()
