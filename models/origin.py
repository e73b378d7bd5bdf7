"""Which database this is: the one that was always sent from, or a copy of it as it once was.

A restored database has forgotten what was sent since, and would send it again. So it keeps who it is in a row
of its own, which travels with every copy, and what a copy cannot have is held against it: the cluster's number,
its timeline (which rises when a standby is promoted or a point in time recovered), the database's number, and the
number of the very table that the row is in. Where all of that is the same although the past came back (a
snapshot of a disk), a mark in Redis tells how far the log had been written, and a worker knows it by itself
(models/log_position.py).

Nothing is sent from a database that is not recognised: see `.venv/bin/python server.py restored`.
"""

import logging
from dataclasses import astuple, dataclass

import orjson
from redis.asyncio import Redis

from models import database, log_position
from models.availability import REDIS_UNUSABLE
from models.clock import now
from models.complaints import Complaints
from models.log_position import CLUSTER, NEVER, TIMELINE, WENT_BACK, WRITTEN, Position, WentBackError, not_of_a_standby

log = logging.getLogger(__name__)

BEACON = "rekindle:beacon"
"""Key of the mark in Redis: how far this database's log had been written to disk."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What tells a database from its copies."""

    cluster: str
    timeline: int
    database: int
    relation: int


DIFFERENCES = (
    "it is in another cluster: restored from a dump, copied, or upgraded",
    "its cluster has another timeline: a standby was promoted, or a point in time recovered",
    "it is another database: restored from a dump, or copied",
    "its tables were made anew: restored from a dump",
)
"""What each part of an Origin says when it is not as it was."""


async def present() -> Origin:
    """Who this database is."""
    with not_of_a_standby():
        row = await database.fetch_one(_PRESENT)
    assert row is not None
    return Origin(*row)


async def differences(redis: Redis) -> list[str]:
    """Why this database is not the one that was sent from last; nothing when it is. The first one ever is kept."""
    try:
        here = await present()
    except WentBackError:
        await _hold(redis)
        return [WENT_BACK]
    kept = await database.fetch_one("SELECT cluster, timeline, database, relation FROM origin")
    if kept is None:
        await database.execute(_KEEP, *astuple(here), now())
        return []
    found = [word for word, was, is_now in zip(DIFFERENCES, kept, astuple(here), strict=True) if was != is_now]
    if not found and await _went_back(redis, here):
        found.append(WENT_BACK)
    return found


async def mark(redis: Redis, complaints: Complaints) -> None:
    """Note here, and in Redis, how far the log is on disk. Without Redis there is no mark, and nothing else happens."""
    here = await present()
    row = await database.fetch_one(log_position.POSITION)
    assert row is not None
    position = Position(*row)
    log_position.note(position)
    try:
        await redis.set(BEACON, orjson.dumps([*astuple(here), position.written]))
    except REDIS_UNUSABLE as error:
        if complaints.is_due(error):
            log.warning("no mark was left in Redis: %s", type(error).__name__)


async def adopt(redis: Redis) -> None:
    """Take this database for the one to send from; call it in the transaction that made it fit for that."""
    await database.execute("DELETE FROM origin")
    await database.execute(_KEEP, *astuple(await present()), now())
    await redis.delete(BEACON)


async def _hold(redis: Redis) -> None:
    """Raise the mark beyond whatever is written, so that who begins later is told as well. Without Redis nobody is."""
    try:
        if marked := await redis.get(BEACON):
            await redis.set(BEACON, orjson.dumps([*orjson.loads(marked)[:-1], NEVER]))
    except REDIS_UNUSABLE as error:
        log.warning("no mark was left in Redis: %s", type(error).__name__)


async def _went_back(redis: Redis, here: Origin) -> bool:
    try:
        marked = await redis.get(BEACON)
    except REDIS_UNUSABLE:
        return False
    if marked is None:
        return False
    *of, written = orjson.loads(marked)
    if Origin(*of) != here:
        return False
    return bool(written > await database.fetch_value(f"SELECT {WRITTEN}"))


_PRESENT = f"""
SELECT {CLUSTER} AS cluster, {TIMELINE} AS timeline,
    (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database,
    'origin'::regclass::oid::bigint AS relation
"""

_KEEP = """
INSERT INTO origin (cluster, timeline, database, relation, kept_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
