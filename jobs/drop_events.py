"""Job: forget the events that are older than the operator keeps them."""

import logging

from jobs.context import Context
from models import partition
from models.clock import now

log = logging.getLogger(__name__)


async def drop_events(ctx: Context) -> None:
    """Drop the months that EVENT_MONTHS does not keep; one that is in use is found again by a later sweep."""
    months = ctx["settings"].event_months
    if months is not None:
        for name in await partition.drop_outlived(months, at=now()):
            log.warning("dropped %s: events are kept for %d months", name, months)
