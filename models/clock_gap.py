"""How far this machine's clock is from PostgreSQL's: what is planned goes by the one, leases by the other."""

from datetime import UTC, datetime

from models import database
from models.clock import Clock

MOST_APART = 2.0
"""Seconds that two clocks may differ: tokens, leases and schedules are held against them."""


def machine_time() -> datetime:
    """The time of this machine, which CLOCK does not move."""
    return Clock().now().astimezone(UTC)


async def ahead_of_postgresql() -> float:
    """Seconds by which this machine's clock is ahead of PostgreSQL's, or behind it where negative, at least.

    How long an answer was on its way counts as no difference, so that a busy machine is not taken for a wrong clock.
    """
    before = machine_time()
    theirs: datetime = await database.fetch_value("SELECT clock_timestamp()")
    after = machine_time()
    return max(0.0, (before - theirs).total_seconds()) + min(0.0, (after - theirs).total_seconds())
