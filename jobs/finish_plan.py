"""Job: close a plan that has nothing left to do."""

from jobs.context import Context
from models import live
from models.plan import Plan


async def finish_plan(ctx: Context, plan_id: int) -> None:
    """ONGOING → SENT or CANCELLING → CANCELLED, when nothing waits or is in flight."""
    plan = Plan(id=plan_id)
    if await plan.finish() or await plan.finish_cancelling():
        await live.plan_changed(ctx["redis"], plan_id)
