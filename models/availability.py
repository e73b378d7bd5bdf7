"""Whether PostgreSQL can be used: what says that it cannot, among all that a statement may end with; and the same of Redis."""

import logging

import asyncpg
from redis.exceptions import RedisError
from tortoise.exceptions import BaseORMException, DBConnectionError

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DatabaseDroppedError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What says that PostgreSQL cannot be reached just now, as opposed to a wrong statement or a wrong use of the driver.

So do a full disk and a server that takes no writes, a standby or one that its host made read-only: nothing can be written
until somebody mends that, and then all goes on by itself.
Of the driver's own errors those are among them which only say that a connection was lost (models/loss.py).
"""

REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.ClientConfigurationError,
)
"""What says that DATABASE_URL names a role, a password or a database that PostgreSQL does not take, has no rights, or is
closed; or, by the driver's own word, an `sslmode` that there is none of or a certificate that is not there."""

UNUSABLE = (*UNREACHABLE, *REFUSED, DBConnectionError)
"""Either of them; Tortoise says of a database that is not there that there is no connection."""

FAILED = (*UNREACHABLE, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""Whatever a look at the database may end with that has to say so rather than fail itself."""

REDIS_UNUSABLE = (RedisError, OSError)
"""What says that Redis cannot be used just now: it refuses, has hung up, or has not answered in time."""


def outage_of(error: BaseException | None) -> BaseException | None:
    """What an error says of why PostgreSQL takes no connection, if it says nothing else, of however many tasks at once."""
    if isinstance(error, BaseExceptionGroup):
        found = [outage_of(each) for each in error.exceptions]
        return found[0] if all(found) else None
    if isinstance(error, BaseORMException) and error.__cause__ is not None:
        return outage_of(error.__cause__)
    return error if isinstance(error, (*UNREACHABLE, DBConnectionError)) or _is_turned_away(error) else None


def _is_turned_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL refused the connection itself, and not a statement for which the role has no right, say."""
    if isinstance(error, asyncpg.InsufficientPrivilegeError | asyncpg.ObjectNotInPrerequisiteStateError):
        return getattr(error, "severity_en", None) == "FATAL"
    return isinstance(error, REFUSED)


def tell_outage(record: logging.LogRecord) -> bool:
    """Make one line of an outage that asyncpg's pool tells of with a traceback, more and more rarely, until it is over.

    The pool is what notices an outage when nobody asks anything. Whatever else keeps it from connecting stays as it is.
    """
    if record.exc_info and (outage := outage_of(record.exc_info[1])):
        record.msg, record.args, record.exc_info = "PostgreSQL is not reachable, asking again: %s", (outage,), None
    return True
