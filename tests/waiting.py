"""Waiting until something is so, never for a time: a slow machine waits longer, and nothing holds only because it is fast."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from tortoise.exceptions import ConfigurationError

from models import database

WITHIN = 60.0
"""Seconds after which what has not come to be is taken for a failure."""


async def until(holds: Callable[[], bool | Awaitable[bool]], within: float = WITHIN) -> None:
    """Wait until something is so; TimeoutError when it has not come to be `within` so many seconds."""
    async with asyncio.timeout(within):
        while not await _answer(holds()):
            await asyncio.sleep(0.01)


async def until_a_lock_is_waited_for(unless: "asyncio.Task[Any] | None" = None) -> None:
    """Wait until some transaction waits for a lock of PostgreSQL that another holds; or `unless`, who should, is done."""

    async def is_waited_for() -> bool:
        if unless is not None and unless.done():
            return True
        found: bool = await database.fetch_value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return found

    await until(is_waited_for)


async def until_locks_are_waited_for_by(count: int) -> None:
    """Wait until so many transactions wait for locks of PostgreSQL."""

    async def are_waiting() -> bool:
        waiting: int = await database.fetch_value("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return waiting == count

    await until(are_waiting)


async def is_connected() -> bool:
    """Whether this process has a database that answers: a worker begun in it makes its own connection."""
    try:
        return bool(await database.fetch_value("SELECT true"))
    except ConfigurationError:
        return False


async def _answer(given: bool | Awaitable[bool]) -> bool:
    return await given if isawaitable(given) else given
