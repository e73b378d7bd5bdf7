"""Workers for tests of any folder: what one's jobs are given, or a whole one in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from redis.asyncio import Redis

from jobs import worker
from jobs.context import Context
from models import database
from models.plan import Plan, PlanStatus
from settings import Settings
from tests.waiting import WITHIN, is_connected, until


@pytest.fixture
async def ctx(database: None, settings: Settings, redis: Redis) -> AsyncIterator[Context]:
    """A worker's context, with four connections to the mailbox and the right to post to this machine."""
    settings = settings.model_copy(update={"smtp_connections": 4, "webhook_targets": "any"})
    async with worker.context(settings, asyncio.Event()) as ctx:
        yield ctx


@dataclass
class Working:
    """A worker that runs."""

    stop: asyncio.Event
    """Set it to stop the worker."""
    task: asyncio.Task[None]


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Working]:
    """A worker in this process, stopped at the end; afterwards the database is connected again."""
    await database.disconnect()  # nobody may ask while the worker makes a connection of its own
    stop = asyncio.Event()
    task = asyncio.create_task(worker.work(settings, stop))
    try:
        await until(is_connected)
        yield Working(stop, task)
    finally:
        stop.set()
        await asyncio.wait_for(task, WITHIN)
        await database.disconnect()
        assert settings.database_url
        await database.connect(settings.database_url)


async def has_worker() -> bool:
    """Whether a worker is entered."""
    return bool(await database.fetch_value("SELECT count(*) FROM worker"))


async def is_sent(plan: Plan) -> bool:
    """Whether the plan is done."""
    return (await Plan.get(id=plan.id)).status is PlanStatus.SENT
