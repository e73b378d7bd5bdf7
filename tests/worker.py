"""What jobs are given, for tests of any folder: a registered worker on the test's engines."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from jobs import worker
from jobs.context import Context
from settings import Settings


@pytest.fixture
async def ctx(database: None, settings: Settings, redis: Redis) -> AsyncIterator[Context]:
    """A worker's context, with four connections to the mailbox and the right to post to this machine."""
    settings = settings.model_copy(update={"smtp_connections": 4, "webhook_targets": "any"})
    async with worker.context(settings, asyncio.Event()) as ctx:
        yield ctx
