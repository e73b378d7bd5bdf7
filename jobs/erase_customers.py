"""Job: finish erasing customers whose last message was still in flight when it was asked for."""

import logging

from jobs.context import Context
from models import erasure

log = logging.getLogger(__name__)


async def erase_customers(_: Context) -> None:
    """Erase those whose messages are answered by now; the others are found again by a later sweep."""
    if done := await erasure.finish_waiting():
        log.info("%d customers erased", done)
