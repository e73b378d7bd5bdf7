"""PostgreSQL: one pool, transactions, and set-based statements."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import asyncpg
import orjson
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

from models import log_position
from models.advisory_lock import AdvisoryLock
from models.availability import tell_outage
from models.clock import clock, shift_of
from models.loss import losses
from settings import Settings

Record = asyncpg.Record

logging.getLogger("asyncpg.pool").addFilter(tell_outage)

_KEEPALIVE = {"tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""PostgreSQL asks a client that was silent for 15 s whether its machine is still there, and after 15 s more without an
answer ends its transactions; by default it asks after two hours. Over a socket in the file system it means nothing."""


async def _keep_session(connection: asyncpg.Connection) -> None:
    """Replace asyncpg's reset query: sessions are never altered here (only SET LOCAL is used)."""


def configuration(
    url: str,
    *,
    pool: int = 10,
    statement_timeout: timedelta | None = None,
    idle_timeout: timedelta | None = None,
    application: str = "rekindle",
) -> dict[str, Any]:
    """Tortoise's configuration for a `postgres://` URL.

    The URL is handed on whole, since the driver itself knows all that may stand in it: `sslmode`, the folder of a socket
    as `host`, what is percent-encoded.
    """
    credentials = {
        "dsn": url,
        "minsize": 1,
        "maxsize": pool,
        "reset": _keep_session,
        "server_settings": {
            "application_name": application,
            "statement_timeout": _milliseconds(statement_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(idle_timeout),
            **_KEEPALIVE,
            "timezone": "UTC",
            "jit": "off",
            "parallel_setup_cost": "5000",  # by the default, workers are started for what is over by the time they have
        },
    }
    return {
        "connections": {"default": {"engine": "models.turn", "credentials": credentials}},
        "apps": {"models": {"models": ["models"], "migrations": "models.migrations"}},
        "use_tz": True,
        "timezone": "UTC",
    }


def _milliseconds(limit: timedelta | None) -> str:
    return str(int(limit.total_seconds() * 1000) if limit else 0)


async def connect(
    url: str,
    *,
    pool: int = 10,
    statement_timeout: timedelta | None = None,
    idle_timeout: timedelta | None = None,
    application: str = "rekindle",
) -> None:
    """Make `url` the process's database. Connections open at their first use, so this never fails.

    Who is silent in the middle of a transaction for `idle_timeout` is lost, or stands still: PostgreSQL ends the
    transaction, and with it every lock that others wait for.
    """
    config = configuration(
        url, pool=pool, statement_timeout=statement_timeout, idle_timeout=idle_timeout, application=application
    )
    log_position.forget()
    await Tortoise.init(config=config, _enable_global_fallback=True)


async def disconnect() -> None:
    """Close the pool; statements still running are given ten seconds."""
    await Tortoise.close_connections()


@asynccontextmanager
async def connected(
    settings: Settings,
    *,
    application: str,
    pool: int = 10,
    statement_timeout: timedelta | None = None,
    idle_timeout: timedelta | None = None,
) -> AsyncIterator[None]:
    """The process's database as long as the block lasts, and its clock as CLOCK says: how every command begins and ends."""
    assert settings.database_url is not None
    clock.shift = shift_of(settings.clock)
    await connect(
        settings.database_url,
        pool=pool,
        statement_timeout=statement_timeout,
        idle_timeout=idle_timeout,
        application=application,
    )
    try:
        yield
    finally:
        await disconnect()


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections this process has open, how many of them are at work, and how many it may open."""

    open: int
    busy: int
    limit: int


def connections() -> Pool:
    """How many connections to PostgreSQL this process has just now."""
    client = cast("AsyncpgDBClient", get_connection("default"))
    found = client._pool  # noqa: SLF001 - Tortoise offers no other way to asyncpg's pool
    if found is None:
        return Pool(0, 0, 0)
    return Pool(found.get_size(), found.get_size() - found.get_idle_size(), found.get_max_size())


T = TypeVar("T")

DEADLOCK_TRIES = 5
"""How often a transaction is tried before its deadlock is an error."""


async def despite_deadlocks(act: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction, again when PostgreSQL chose it as the victim of a deadlock: it changed nothing then."""
    for _ in range(DEADLOCK_TRIES - 1):
        try:
            return await act()
        except asyncpg.DeadlockDetectedError:
            continue
    return await act()


def transaction() -> AbstractAsyncContextManager[Any]:
    """A transaction that every statement inside the `async with` block joins; an error rolls it back.

    Never enqueue a job or publish inside one: both come after the commit.
    """
    return in_transaction("default")


class _Kept:
    """A connection that is taken at its first use and given back with everything else on `stack`."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._raw: asyncpg.Connection | None = None

    async def raw(self) -> asyncpg.Connection:
        if self._raw is None:
            taken = get_connection("default").acquire_connection()
            self._raw = cast("asyncpg.Connection", await self._stack.enter_async_context(taken))
        return self._raw


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@asynccontextmanager
async def kept_connection() -> AsyncIterator[None]:
    """One connection for all statements of the block, taken at the first: for one task that asks again and again.

    Taking a connection and giving it back costs some turns of the loop each time, and in a busy process a turn may be
    as long as a statement. Transactions in the block have connections of their own. A connection that is lost is not
    replaced before the block ends.
    """
    async with AsyncExitStack() as stack:
        token = _kept.set(_Kept(stack))
        try:
            yield
        finally:
            _kept.reset(token)


@asynccontextmanager
async def connection() -> AsyncIterator[asyncpg.Connection]:
    """The driver's own connection: the open transaction's, the kept one, or one from the pool. For COPY and cursors."""
    client, kept = get_connection("default"), _kept.get()
    if kept is not None and not isinstance(client, TransactionalDBClient):
        raw = await kept.raw()
        with losses(raw):
            yield raw
        return
    async with client.acquire_connection() as raw:
        yield raw


async def fetch(sql: str, *arguments: Any) -> list[Record]:
    """All rows of a parameterised statement, RETURNING rows included."""
    async with connection() as raw:
        return list(await raw.fetch(sql, *arguments))


async def fetch_planned(sql: str, *arguments: Any, in_passes: bool = False) -> list[Record]:
    """All rows of a statement that PostgreSQL plans for exactly these arguments.

    A statement that is run often is otherwise planned once for whatever comes, which does not suit
    windows and shops of very different sizes. `in_passes` is for one that reads whole tables and joins them:
    no table is passed over again for each row of another, however few rows statistics know of.
    """
    if in_passes:
        async with transaction():
            await execute("SET LOCAL enable_nestloop = off")
            rows = await fetch_planned(sql, *arguments)
            await execute("SET LOCAL enable_nestloop = on")
        return rows
    async with connection() as raw:
        statement = await raw.prepare(sql)
        return list(await statement.fetch(*arguments))


async def is_analyzed(*tables: str) -> bool:
    """Whether PostgreSQL has ever looked at what is in these tables: until then it takes them for nearly empty.

    That lasts for a minute or two after the first data came in, unless who wrote them called `analyze`.
    """
    found: bool = await fetch_value(
        "SELECT bool_and(reltuples >= 0) FROM pg_class WHERE oid = ANY($1::text[]::regclass[])", tables
    )
    return found


async def analyze(*tables: str) -> None:
    """Let PostgreSQL learn what is in these tables now, rather than when autovacuum comes by."""
    for table in tables:
        await execute(f"ANALYZE {table}")


async def fetch_one(sql: str, *arguments: Any) -> Record | None:
    """The first row, or None."""
    async with connection() as raw:
        return await raw.fetchrow(sql, *arguments)


async def fetch_value(sql: str, *arguments: Any) -> Any:
    """The first column of the first row, or None."""
    async with connection() as raw:
        return await raw.fetchval(sql, *arguments)


async def execute(sql: str, *arguments: Any) -> int:
    """Run a statement; how many rows it touched."""
    async with connection() as raw:
        status = await raw.execute(sql, *arguments)
    count = status.rsplit(" ", 1)[-1]
    return int(count) if count.isdigit() else 0


async def hold(lock: AdvisoryLock, of: int | None = None, *, shared: bool = False) -> None:
    """Hold a lock of the register until this transaction ends; wait for whoever has it.

    `of` is its second key, where the lock is one of many. Those who share it exclude nobody but who does not. It is a
    statement of its own, so that the next one sees what whoever had it did.
    """
    function = f"pg_advisory_xact_lock{'_shared' if shared else ''}"
    if of is None:
        await execute(f"SELECT {function}($1)", lock)
    else:
        await execute(f"SELECT {function}($1, $2)", lock, of)


async def hold_each(lock: AdvisoryLock, of: Iterable[int]) -> None:
    """Hold many locks of one kind, taken in the order of their second keys, so that nobody waits in a circle."""
    await execute("SELECT pg_advisory_xact_lock($1, of) FROM unnest($2::int[]) AS of", lock, sorted(of))


async def execute_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement once per row, in one round trip, all or nothing."""
    async with connection() as raw:
        await raw.executemany(sql, rows)


def is_unstorable(error: BaseException) -> bool:
    """Whether a statement failed for a character that PostgreSQL stores in no text, by the driver's word or the ORM's."""
    return any(isinstance(each, asyncpg.CharacterNotInRepertoireError) for each in (error, error.__cause__))


def decode(value: str | None) -> Any:
    """A JSON column as Python values (the driver hands JSON over as text)."""
    return None if value is None else orjson.loads(value)
