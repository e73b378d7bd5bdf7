"""Job: say that this machine's clock is wrong. Run by every worker's own timer: nothing fails for it, and all goes out at wrong hours."""

import logging

from jobs.context import Context
from models.clock_gap import MOST_APART, ahead_of_postgresql

log = logging.getLogger(__name__)


async def tell_of_clock(_ctx: Context) -> None:
    """Hold this machine's clock against PostgreSQL's."""
    ahead = await ahead_of_postgresql()
    if ahead > MOST_APART:
        log.warning("this machine's clock is %.0f s ahead of PostgreSQL's: what is planned goes out too early", ahead)
    elif ahead < -MOST_APART:
        log.warning("this machine's clock is %.0f s behind PostgreSQL's: what is planned goes out too late", -ahead)
