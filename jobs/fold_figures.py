"""Job: fold what changed into the figures by day, and make those of a shop anew whose days have moved."""

import logging

from jobs.context import Context
from models.metric import day as metric_day

log = logging.getLogger(__name__)


async def fold_figures(_: Context) -> None:
    """Nobody waits for it: whoever reads figures counts what is not folded yet."""
    await metric_day.fold_all()
    for shop_id in await metric_day.rebuild_due():
        log.info("figures of shop %d made anew: its time zone is another", shop_id)
