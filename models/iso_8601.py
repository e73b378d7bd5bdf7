"""Instants and days as others write them: the extended form of ISO 8601, of which RFC 3339 is a part.

What is read is said here rather than left to `fromisoformat`, which takes more with each version of Python: weeks,
dates without hyphens and any separator since 3.11, and 24:00 since 3.14.
"""

import re
from datetime import date, datetime

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)


def instant(written: str) -> datetime | None:
    """The instant that is written, naive where no offset is; None when it is none.

    >>> instant("2026-01-31T12:00Z")
    datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
    """
    if not _INSTANT.fullmatch(written):
        return None
    try:
        return datetime.fromisoformat(written.upper())
    except ValueError:
        return None


def day(written: str) -> date | None:
    """The day that is written; None when it is none, or not in the calendar."""
    if not _DAY.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
