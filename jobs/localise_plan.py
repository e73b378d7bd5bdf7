"""Job: validate and render a plan's texts, once per channel and language, before anyone is chosen."""

from jobs.context import Context
from jobs.resolve_audience import resolve_audience
from models.plan import wording


async def localise_plan(ctx: Context, plan_id: int) -> None:
    """Pin the plan's texts, then go on at once with its audience. Repeating it changes nothing."""
    if await wording.pin(plan_id, tracked=ctx["settings"].mail_tracking):
        await resolve_audience(ctx, plan_id)
