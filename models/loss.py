"""Lost connections: which errors of the driver say that PostgreSQL ended one, and which that one was used wrongly.

When PostgreSQL ends a connection it says so and hangs up. asyncpg has a class of errors for who was in the middle of a
statement. Who begins one between the word and the hanging up, or after both, meets the classes that also stand for
wrong use: too few arguments, two statements at once. Neither class nor words tell them apart; the connection does.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import ConnectionWrapper, PoolConnectionWrapper, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import TransactionManagementError

_OUT_OF_STEP = ("cannot switch to state ", "cannot process message ", "got result for unknown protocol state ")
"""How asyncpg begins when PostgreSQL said something that nobody had asked for. Values it cannot read have other words,
and so have two statements at once, which are refused before they are begun."""


def is_lost(error: BaseException | None, connection: Any) -> bool:
    """Whether `error`, met by who holds `connection`, only says that the connection is gone."""
    if isinstance(error, asyncpg.InterfaceError):
        return has_ended(connection)
    if type(error) is asyncpg.InternalClientError:  # what is derived from it speaks of values and schemas
        return str(error).startswith(_OUT_OF_STEP) and has_ended(connection)
    return False


def has_ended(connection: Any) -> bool:
    """Whether a connection that is held has come to its end. One that has is taken from its holder by the pool."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


@contextmanager
def losses(connection: Any) -> Iterator[None]:
    """Whatever says in this block that `connection` is gone is a ConnectionDoesNotExistError."""
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if not is_lost(error, connection):
            raise
        raise gone() from error


def gone() -> asyncpg.ConnectionDoesNotExistError:
    """The one error for all of it."""
    return asyncpg.ConnectionDoesNotExistError("the connection to PostgreSQL was lost")


class _Taken(PoolConnectionWrapper[Any]):
    """A connection of the pool for one block; it goes back to the pool it is from, whichever is in use by then."""

    async def __aenter__(self) -> Any:
        await self.ensure_connection()
        self._pool = self.client._pool  # noqa: SLF001 - as in Tortoise
        self.connection = await self._pool.acquire()
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost = is_lost(error, self.connection)
        await self._pool.release(self.connection)
        if lost:
            raise gone() from error


class _Joined(ConnectionWrapper[Any]):
    """The connection of the open transaction for one block."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if is_lost(error, self.connection):
            raise gone() from error


class _Transaction(TransactionContextPooled):
    """A transaction that gives everything back however it ends.

    Tortoise's own, whose connection is lost before its first statement, keeps the connection, and its task: whatever
    that does from then on would join the transaction that never began.
    """

    async def __aenter__(self) -> Any:
        await self.ensure_connection()
        self._pool = self.client._parent._pool  # noqa: SLF001 - as in Tortoise
        self.client._connection = await self._pool.acquire()  # noqa: SLF001
        self.token = get_connections().set(self.connection_name, self.client)
        try:
            with losses(self.client._connection):  # noqa: SLF001
                await self.client.begin()
        except BaseException:
            await self._give_up()
            raise
        return self.client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if is_lost(error, self.client._connection):  # noqa: SLF001
                raise gone() from error
            if not self.client._finalized:  # noqa: SLF001
                await self._end(error)
        finally:
            await self._leave()

    async def _end(self, error: BaseException | None) -> None:
        """Commit; or roll back, unless the connection is lost: then PostgreSQL has, and `error` says more."""
        connection = self.client._connection  # noqa: SLF001
        if error is None:
            with losses(connection):
                await self._commit()
        elif not isinstance(error, TransactionManagementError):  # as in Tortoise
            try:
                await self.client.rollback()
            except Exception:
                if not has_ended(connection):
                    raise

    async def _commit(self) -> None:
        try:
            await self.client.commit()
        except asyncio.CancelledError:
            await self._roll_back()
            raise

    async def _give_up(self) -> None:
        """Leave a transaction of which nobody knows whether it began: the pool would complain of one that did."""
        try:
            await self._roll_back()
        finally:
            await self._leave()

    async def _roll_back(self) -> None:
        """Undo what a cancelled BEGIN or COMMIT left open; where nothing is, PostgreSQL only says so."""
        connection = self.client._connection  # noqa: SLF001
        if not has_ended(connection):
            with suppress(Exception):
                await connection.execute("ROLLBACK")
                connection._con._top_xact = None  # noqa: SLF001 - the driver takes one whose BEGIN was cancelled for open

    async def _leave(self) -> None:
        try:
            await self._pool.release(self.client._connection)  # noqa: SLF001
        finally:
            get_connections().reset(self.token)


class _JoiningClient(TransactionWrapper):
    """What statements inside a transaction are sent by."""

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """The transaction's connection, for one statement after the other."""
        return _Joined(self._lock, self)


class LossTellingClient(AsyncpgDBClient):
    """Tortoise's client, of which whoever lost a connection hears so, and which is closed for good."""

    _is_closed = False

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - as in Tortoise
        """Open the pool; a client that was closed meanwhile closes it again, since nobody else would."""
        await super().create_connection(with_db)
        if self._is_closed:
            await super()._close()
            raise gone()

    async def _close(self) -> None:
        self._is_closed = True
        await super()._close()

    def acquire_connection(self) -> PoolConnectionWrapper[Any]:
        """A connection of the pool."""
        return _Taken(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContextPooled:
        return _Transaction(_JoiningClient(self), self._pool_init_lock)
