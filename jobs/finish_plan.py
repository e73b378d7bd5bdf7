"""Job: close a plan that has nothing left to do."""

from jobs.context import Context
from models import live
from models.plan import advance


async def finish_plan(ctx: Context, plan_id: int) -> None:
    """ONGOING → SENT or CANCELLING → CANCELLED, when nothing waits or is in flight."""
    if await advance.conclude(plan_id):
        await live.plan_changed(ctx["redis"], plan_id)
