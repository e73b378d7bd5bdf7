"""What tests of models share."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from local.postgres import Postgres
from models import database as databases
from tests.databases import made


@pytest.fixture
async def begin(folder: Path) -> AsyncIterator[Callable[..., Postgres]]:
    """Starts a small PostgreSQL of the test's own, with these settings; it ends with the test, whatever comes of it."""
    begun: list[Postgres] = []

    def start(**settings: str) -> Postgres:
        begun.append(Postgres(folder / "postgres", shared_buffers="16MB", **settings))
        begun[-1].start()
        return begun[-1]

    yield start
    await databases.disconnect()
    for server in begun:
        server.stop()


@pytest.fixture
async def empty_database(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a database without any table; who connects to it is disconnected with the test."""
    async with made(postgres.url, "empty") as url:
        yield url
        await databases.disconnect()
