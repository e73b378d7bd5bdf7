"""Job: the day's look at every shop's access and quota (R1, R17), and at what has been kept long enough."""

from jobs.context import Context
from models import idempotency, live, quota, retention
from models.access import decision
from models.clock import now

SHOPS_PER_STEP = 500
"""Shops whose access one transaction decides."""


async def recompute_access(ctx: Context) -> None:
    """Recompute rewards, then the access of shops not looked at today. Repeating it changes nothing.

    Access comes last because it is what says that the day is done: after a crash all of it is done again.
    """
    at = now()
    await idempotency.forget()
    await retention.forget(ctx["settings"], at)
    await quota.recompute(at)
    while shops := await decision.due(at, SHOPS_PER_STEP):
        for plan_id in await decision.recompute(shops, at):
            await live.plan_changed(ctx["redis"], plan_id)
