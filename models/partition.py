"""Monthly partitions of `event`: made when the first event of a month comes, dropped when they are too old.

A new partition is made beside the table and then attached, which, unlike CREATE TABLE … PARTITION OF,
lets others read and write `event` meanwhile. The database's owner does both, by functions of its own: the role
that API and workers use may change no table (deploy/roles.sql).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from asyncpg.exceptions import LockNotAvailableError

from models import database
from models.advisory_lock import AdvisoryLock

TABLE_WAIT = "3s"
"""How long a partition that is in use is waited for before it is dropped: others wait as long behind."""


def month_after(month: date, count: int = 1) -> date:
    """The first day of the month `count` months later, or earlier when negative."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def name_of(month: date) -> str:
    """The partition's table: event_YYYY_MM."""
    return f"event_{month:%Y_%m}"


async def ensure(months: Iterable[tuple[int, int]]) -> None:
    """Make the partitions of these months (year, month) that are missing.

    Call at the start of the transaction that writes into them, before it takes any other lock: whoever
    needs the same new partition waits for that transaction, and none of them is dropped before it ends.
    """
    wanted = [date(year, month, 1) for year, month in sorted(months)]
    await database.execute("LOCK TABLE ONLY event IN ROW EXCLUSIVE MODE")
    if await _missing(wanted):
        await database.hold(AdvisoryLock.PARTITION)
        for month in await _missing(wanted):
            await database.execute("SELECT make_event_partition($1)", month)


async def _missing(months: Sequence[date]) -> list[date]:
    """Those that have no partition, read from the catalogue itself: `to_regclass` may answer from a stale cache."""
    rows = await database.fetch(f"SELECT relname {_PARTITIONS} AND relname = ANY($1)", [name_of(at) for at in months])
    present = {row["relname"] for row in rows}
    return [month for month in months if name_of(month) not in present]


async def outlived(months: int, *, at: datetime) -> list[str]:
    """The partitions that ended more than `months` months before `at`, oldest first."""
    oldest = month_after(at.astimezone(UTC).date().replace(day=1), -months)
    rows = await database.fetch(
        f"SELECT relname {_PARTITIONS} AND relname LIKE 'event\\_%' AND relname < $1 ORDER BY relname", name_of(oldest)
    )
    return [row["relname"] for row in rows]


async def drop_outlived(months: int, *, at: datetime) -> list[str]:
    """Drop the partitions that `outlived` names, with their events; the names of those dropped.

    What the roll-up knows of those events stays. A partition that is in use for longer than
    `TABLE_WAIT` is left for the next time.
    """
    return [name for name in await outlived(months, at=at) if await _drop(name)]


async def _drop(name: str) -> bool:
    try:
        async with database.transaction():
            await database.execute(f"SET LOCAL lock_timeout = '{TABLE_WAIT}'")
            await database.execute("LOCK TABLE ONLY event IN ACCESS EXCLUSIVE MODE")
            is_there = bool(await database.fetch(f"SELECT {_PARTITIONS} AND relname = $1", name))
            if is_there:  # else another has dropped it
                await database.execute("SELECT drop_event_partition($1)", name)
    except LockNotAvailableError:
        return False
    return is_there


_PARTITIONS = "FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'event'::regclass"
