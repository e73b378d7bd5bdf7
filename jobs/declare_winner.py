"""Job: declare the winner of a plan's experiment, and set the rest of its audience going (B7)."""

from jobs.context import Context
from jobs.queue import nudge_due_slices
from models import live
from models.experiment import winner


async def declare_winner(ctx: Context, plan_id: int) -> None:
    """Declare it if it is to be declared. Safe to run many times at once."""
    if await winner.declare(plan_id) is not None:
        await live.plan_changed(ctx["redis"], plan_id)
        await nudge_due_slices(ctx["redis"], plan_id)
