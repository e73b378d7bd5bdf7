"""Time zones by IANA name: what this process knows and what PostgreSQL knows, for both compute with them."""

from collections.abc import Collection
from functools import cache
from zoneinfo import available_timezones

from models import database
from models.errors import ErrorCode, Problem


@cache
def names() -> frozenset[str]:
    """Every zone that zoneinfo knows."""
    return frozenset(available_timezones())


_known: set[str] = set()
"""Zones that PostgreSQL has been seen to know; its list comes with its version and does not shrink."""


async def unknown(zones: Collection[str]) -> set[str]:
    """Those of `zones` that PostgreSQL does not know: a statement that met one would fail as a whole."""
    asked = set(zones) - _known
    if asked:
        rows = await database.fetch("SELECT name FROM pg_timezone_names WHERE name = ANY($1::text[])", sorted(asked))
        _known.update(row["name"] for row in rows)
    return asked - _known


def too_new(zone: str) -> Problem:
    """What is wrong with a zone that only PostgreSQL does not know."""
    return Problem(("timeZone",), f"{zone!r} is too new for this server's PostgreSQL", ErrorCode.UNKNOWN_TIME_ZONE)
