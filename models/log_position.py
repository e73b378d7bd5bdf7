"""How far this process knows PostgreSQL's log to be written: a server whose log ends before that was put back.

Workers may run while a snapshot of the database's disk is put back. They would go on as after a crash, from what the
snapshot knows, and by the time of their next heartbeat the log could have grown beyond what it was. So each new connection
is asked first. Who did not beat yet knows nothing, and is told by the mark in Redis (models/origin.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

WENT_BACK = "its log was written further than it is now: a snapshot was put back"


class WentBackError(ConnectionError):
    """The server is not the one that this process wrote to; nothing is to be asked of it, or written."""


class StandbyError(ConnectionError):
    """The server is a standby, or has not recovered to its end: it takes no writes, and its log is not its own."""


@contextmanager
def not_of_a_standby() -> Iterator[None]:
    """What a standby answers when it is asked for its log, told as what it is: an outage, and no wrong statement."""
    try:
        yield
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        raise StandbyError("it is a standby, which takes no writes") from error


NEVER = 2**63 - 1
"""No log is ever written so far: what others write after a snapshot was put back makes up for nothing."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the log of a cluster, on its timeline, was on disk, and since when the database is the one to send from."""

    cluster: str
    timeline: int
    kept_at: datetime | None
    written: int


class _Known:
    """What this process knows, of the database that it is connected to."""

    position: Position | None = None


def note(position: Position) -> None:
    """Remember how far the log is written, as each heartbeat finds it."""
    _Known.position = position


def forget() -> None:
    """Another database is this process's own from now on."""
    _Known.position = None


async def check(connection: asyncpg.Connection) -> None:
    """Raise WentBackError on a new connection to a server that was put back, until its operator has said so."""
    known = _Known.position
    if known is None:
        return
    with not_of_a_standby():
        row = await connection.fetchrow(POSITION)
    assert row is not None
    here = Position(*row)
    is_same = here.cluster == known.cluster and here.timeline == known.timeline
    if is_same and here.kept_at in {None, known.kept_at} and here.written < known.written:
        note(replace(known, written=NEVER))
        raise WentBackError(WENT_BACK)


# The name of a log file begins with its timeline, which the control file tells only after the next checkpoint.
TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
CLUSTER = "(SELECT system_identifier::text FROM pg_control_system())"
WRITTEN = "(pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"

POSITION = f"""
SELECT {CLUSTER} AS cluster, {TIMELINE} AS timeline, (SELECT kept_at FROM origin) AS kept_at, {WRITTEN} AS written
"""
