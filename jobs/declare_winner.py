"""Job: declare the winner of a plan's experiment, and set the rest of its audience going (B7)."""

from jobs.context import Context, nudge_slices
from jobs.resolve_audience import SLICES_AT_ONCE
from models import live
from models import slice as slices
from models.experiment import winner


async def declare_winner(ctx: Context, plan_id: int) -> None:
    """Declare it if it is to be declared. Safe to run many times at once."""
    if await winner.declare(plan_id) is not None:
        await live.plan_changed(ctx["redis"], plan_id)
        await nudge_slices(ctx["redis"], await slices.due_of(plan_id, SLICES_AT_ONCE))
