"""Whether PostgreSQL still knows the time zones that it was known to know when they were stored.

It may read those of its machine, and another machine, or a newer Debian without `tzdata-legacy`, has fewer: then every
statement that meets a customer with one fails, with all others that it is about.
"""

from models import database, zone
from operations.doctor.diagnosis import Diagnosis, fail, ok

MOST_NAMED = 5


async def check() -> Diagnosis:
    """Every time zone of a shop or a customer is one of PostgreSQL's."""
    stored = {row["time_zone"] for row in await database.fetch(_STORED)}
    unknown = sorted(await zone.unknown(stored))
    if unknown:
        others = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        return fail(
            "PostgreSQL time zones",
            f"{', '.join(unknown[:MOST_NAMED])}{others} not known to it: plans that reach one of theirs stand still",
            "install what has them where PostgreSQL runs (tzdata, tzdata-legacy), or write those rows with another",
        )
    return ok("PostgreSQL time zones", "all are known that shops and customers have")


_STORED = """
SELECT DISTINCT time_zone FROM customer WHERE time_zone IS NOT NULL UNION SELECT time_zone FROM shop
"""
