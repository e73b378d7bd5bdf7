"""Job: say for whom statements wait. Run by every worker's own timer: a lock that is kept fails nothing, and is seen nowhere."""

import asyncio
import logging
from datetime import timedelta

from jobs.context import Context
from models import lock_wait

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)


async def tell_of_locks(_ctx: Context) -> None:
    """Name who keeps statements waiting; say so, too, where not even that is answered, since every connection waits."""
    asking = asyncio.create_task(lock_wait.keepers())
    try:
        while not (await asyncio.wait([asking], timeout=LOOK_EVERY.total_seconds()))[0]:
            log.warning(
                "every connection to PostgreSQL waits: `.venv/bin/python server.py doctor` says for whom, if it knows"
            )
        for keeper in await asking:
            log.warning("%s", keeper)
    finally:
        asking.cancel()
