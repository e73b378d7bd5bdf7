"""What drills do: work, wait, look, and use an operator's own tools."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from jobs.queue import redis_pool
from local.postgres import Postgres, _program
from models import database as db
from operations import restored as command_line
from settings import Settings


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs, of the server's version."""
    subprocess.run([_program(program), *arguments], check=True, capture_output=True, timeout=60)


async def restored(settings: Settings, *, nothing_lost: bool = False, anyway: bool = False) -> list[str]:
    """What the command does, which connects by itself; afterwards the database is connected again."""
    await db.disconnect()
    try:
        return await command_line.restored(settings, nothing_lost=nothing_lost, anyway=anyway)
    finally:
        await connect(settings)


async def connect(settings: Settings) -> None:
    """Make it the process's database, whichever was before."""
    await db.disconnect()
    assert settings.database_url
    await db.connect(settings.database_url)


async def states() -> dict[str, int]:
    """How many messages are in each state."""
    return {row[0]: row[1] for row in await db.fetch("SELECT state::text, count(*) FROM delivery GROUP BY state")}


@asynccontextmanager
async def redis_client(settings: Settings) -> AsyncIterator[Redis]:
    client = redis_pool(settings)
    yield client
    await client.aclose()


async def said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text


def own(server: Postgres) -> None:
    """Give the copied files to the user who runs the server, where that is another."""
    if server._user:
        subprocess.run(["chown", "-R", server._user, str(server.data)], check=True)
