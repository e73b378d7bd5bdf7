"""Turns: how many of a process's connections to PostgreSQL one caller may hold at once, so that others get theirs.

A pool serves whoever comes first. An operation with thirty costly fields would take all of it until its time is up, and
everybody else would wait. Within `Turns.of(caller)` a caller takes at most so many connections, in all its operations of
this process together; the others of its statements wait, as long as they wait not even for the pool.
"""

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

import asyncpg

from models import log_position
from models.database_url import open_connection
from models.loss import LossTellingClient, gone, has_ended

_turn: ContextVar[asyncio.Semaphore | None] = ContextVar("turn", default=None)


def current() -> Hashable | None:
    """What stands for the turn in which this task asks; None in nobody's."""
    return _turn.get()


class Turns:
    """Callers by whatever tells them apart, each with `size` connections at most. Nobody is remembered who asks nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._callers: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @contextmanager
    def of(self, caller: Hashable) -> Iterator[None]:
        """Whatever is asked of PostgreSQL in this block, and by tasks that begin in it, is asked in the caller's turn."""
        turn = self._callers.setdefault(caller, asyncio.Semaphore(self._size))
        token = _turn.set(turn)
        try:
            yield
        finally:
            _turn.reset(token)


class TurningPool:
    """asyncpg's pool, whose connections are taken in turns. A transaction holds its connection from begin to end."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._turns: dict[Any, asyncio.Semaphore] = {}

    async def acquire(self) -> Any:
        """A connection, once its caller has a turn and the pool has one."""
        turn = _turn.get()
        if turn is None:
            return await self._acquire()
        await turn.acquire()
        try:
            connection = await self._acquire()
        except BaseException:
            turn.release()
            raise
        self._turns[connection] = turn
        return connection

    async def _acquire(self) -> Any:
        try:
            return await self._pool.acquire()
        except asyncpg.InterfaceError as error:
            if not self._pool.is_closing():
                raise
            raise gone() from error

    async def release(self, connection: Any) -> None:
        """Give a connection back, and with it the turn. One that is lost meanwhile is back already."""
        turn = self._turns.pop(connection, None)
        try:
            await self._pool.release(connection)
        except (asyncpg.InterfaceError, asyncpg.InternalClientError):
            if not has_ended(connection):
                raise
        finally:
            if turn is not None:
                turn.release()

    def __getattr__(self, name: str) -> Any:
        """Whatever else a pool can."""
        return getattr(self._pool, name)


class TurningClient(LossTellingClient):
    """Tortoise's client over such a pool."""

    async def create_pool(self, **options: Any) -> Any:
        """The pool, open. Where it leads is in the URL, which only the driver reads: Tortoise's idea of it is left out."""
        for part in ("host", "port", "user", "password", "database"):
            del options[part]
        options |= {"connect": open_connection, "init": log_position.check}
        return TurningPool(await asyncpg.create_pool(**options))


client_class = TurningClient
"""By this name Tortoise finds it."""
