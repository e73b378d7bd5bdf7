"""Whether what PostgreSQL itself must refuse is still refused: that nobody gets a message twice, or three in a day.

Primary keys hold that. One that was dropped by hand, or an index whose building was broken off, breaks no statement: all
seems well, and the promise is gone.
"""

from collections.abc import AsyncIterator

from models import database
from operations.doctor.diagnosis import Diagnosis, fail, ok

WITHOUT = ("metric_delta",)
"""Tables that have no key, since their rows are only ever added up."""


async def check() -> AsyncIterator[Diagnosis]:
    """Every table has its primary key, and every index was built to its end."""
    keyless = [row["name"] for row in await database.fetch(_KEYLESS, list(WITHOUT))]
    broken = [row["name"] for row in await database.fetch(_BROKEN)]
    if keyless:
        mend = (
            "stop-sending, give it the key back that it has in a database newly made by `migrate`, having looked for"
            " rows that it forbids"
        )
        yield fail("PostgreSQL keys", f"no primary key: {', '.join(keyless)}", mend)
    if broken:
        mend = (
            "unless it is being built just now: REINDEX INDEX CONCURRENTLY, or drop what is called …_ccnew or …_ccold"
        )
        yield fail("PostgreSQL keys", f"an index that does not hold: {', '.join(broken)}", mend)
    if not keyless and not broken:
        yield ok("PostgreSQL keys", "each table has its own, and each index holds")


_KEYLESS = """
SELECT c.relname AS name FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL($1::text[])
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
ORDER BY 1
"""

_BROKEN = """
SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT (i.indisvalid AND i.indisready) ORDER BY 1
"""
