"""What a process that begins without PostgreSQL says of it, until it can be asked: it goes on waiting, but not in silence."""

import asyncio
import logging

from models import availability, database

log = logging.getLogger(__name__)

ANSWER_WITHIN = 2.0
"""Seconds PostgreSQL has to answer before it counts as down."""

LONGEST_DELAY = 30.0
"""Seconds between two complaints about a database that does not answer."""


async def complain_until_the_database_answers() -> None:
    """Say that PostgreSQL does not answer, and why, more and more rarely, until it does."""
    delay = 1.0
    while why := await _why_it_does_not_answer():
        log.warning("PostgreSQL does not answer (%s); asking again in %.0f s", why, delay)
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_DELAY)


async def _why_it_does_not_answer() -> str:
    try:
        await asyncio.wait_for(database.fetch_value("SELECT 1"), ANSWER_WITHIN)
    except TimeoutError:
        return f"nothing came within {ANSWER_WITHIN:.0f} s"
    except availability.UNUSABLE as error:
        return str(error.__cause__ or error) or type(error).__name__
    return ""
