"""Job: put a plan's audience into the ledger, a few ranges of customers at a time."""

import asyncio

from jobs.context import Context
from jobs.finish_plan import finish_plan
from jobs.queue import nudge, nudge_due_slices
from models import audience, live

BUDGET = 5.0
"""Seconds after which the rest is left to a following job."""

AT_ONCE = 2
"""Ranges that a job resolves side by side; more workers add theirs (docs/decisions.md has what this brings)."""


async def resolve_audience(ctx: Context, plan_id: int) -> None:
    """Resolve ranges until none is left to take or the budget is spent. Safe to run many times at once."""
    end = asyncio.get_running_loop().time() + BUDGET
    async with asyncio.TaskGroup() as group:
        hands = [group.create_task(_resolve(ctx, plan_id, end)) for _ in range(AT_ONCE)]
    stopped_at = [done for hand in hands if (done := hand.result()) is not None]
    if any(done.is_last for done in stopped_at):
        await finish_plan(ctx, plan_id)
    elif stopped_at:
        await nudge(ctx["redis"], "resolve_audience", plan_id, generation=stopped_at[0].through)


async def _resolve(ctx: Context, plan_id: int, end: float) -> audience.Range | None:
    """Resolve range after range: the plan's last one, or the one at whose end time was up; None when others have the rest."""
    while (done := await audience.resolve_range(plan_id)) is not None:
        await announce(ctx, plan_id, done)
        if done.is_last or asyncio.get_running_loop().time() > end:
            return done
    return None


async def announce(ctx: Context, plan_id: int, done: audience.Range) -> None:
    """After a range's commit: wake its shoppers and watchers, and set its slices going."""
    if done.sent:
        await live.inbox_changed(ctx["redis"], done.after, done.through)
    await live.plan_changed(ctx["redis"], plan_id)
    if done.recipients > done.sent:
        await nudge_due_slices(ctx["redis"], plan_id)
