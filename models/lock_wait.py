"""Who keeps our statements waiting: a lock that somebody does not give back fails nothing, so that nothing else tells of it.

A person who leaves a transaction open in psql is enough: whoever wants the same row waits, without limit where no
`STATEMENT_TIMEOUT` holds, and so do those who come later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from models import database

LONG = timedelta(seconds=30)
"""How long a statement waits before it is told of."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A session of PostgreSQL for whose lock a statement of ours waits, and for how many seconds it has by now."""

    pid: int
    name: str
    seconds: int

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name}) has kept statements waiting for a lock for {self.seconds} s"


async def keepers() -> Sequence[Keeper]:
    """Who has kept a statement of ours waiting for `LONG` and waits for nobody, the longest first.

    A migration that waits tells of it by itself, and nobody waits long behind it (models/migration.py).
    """
    return [Keeper(*row) for row in await database.fetch(_KEEPERS, LONG)]


# Of other roles' sessions these columns are the ones that everybody may read.
_KEEPERS = """
SELECT keeper.pid, coalesce(nullif(keeper.application_name, ''), 'of ' || keeper.usename) AS name,
    extract(epoch FROM clock_timestamp() - min(lock.waitstart))::int AS seconds
FROM pg_locks lock
JOIN pg_stat_activity own ON own.pid = lock.pid AND own.datname = current_database()
    AND own.application_name LIKE 'rekindle %' AND own.application_name <> 'rekindle migrate'
CROSS JOIN LATERAL unnest(pg_blocking_pids(lock.pid)) AS blocking(pid)
JOIN pg_stat_activity keeper ON keeper.pid = blocking.pid
WHERE NOT lock.granted AND lock.waitstart <= clock_timestamp() - $1::interval
    AND NOT EXISTS (SELECT FROM pg_locks other WHERE other.pid = keeper.pid AND NOT other.granted)
GROUP BY keeper.pid, name ORDER BY seconds DESC, keeper.pid
"""
