"""Job: send one slice of a plan: about a thousand messages, held by a lease."""

import logging
from datetime import timedelta
from uuid import uuid4

from jobs.channels import PlanRefused, RelayUnavailable
from jobs.context import Context
from jobs.finish_plan import finish_plan
from models import live
from models import slice as slices
from models.plan import advance

log = logging.getLogger(__name__)


async def deliver_slice(ctx: Context, plan_id: int, number: int) -> None:
    """Send what is due in a slice, if nobody else does, and close the plan whose last it was. Safe to run many times at once."""
    token = uuid4()
    ctx["working"][token] = (plan_id, number)
    try:
        held = await slices.acquire(plan_id, number, ctx["worker_id"], token)
        if held is None:
            return
        await _send(ctx, held)
    finally:
        del ctx["working"][token]
    await live.plan_changed(ctx["redis"], plan_id)
    await finish_plan(ctx, plan_id)


async def _send(ctx: Context, held: slices.Slice) -> None:
    pause = timedelta()
    try:
        async with ctx["loading"]:
            messages = await slices.load(held)
        await ctx["channels"][held.channel].deliver(held, messages)
    except RelayUnavailable as error:
        log.warning("plan %d slice %d waits: %s", held.plan_id, held.number, error)
        pause = timedelta(seconds=error.retry_after)
    except PlanRefused as error:
        log.warning("plan %d pauses: %s", held.plan_id, error)
        await advance.pause(held.plan_id, f"RELAY_REFUSES:{error.status}")
    finally:
        await slices.release(held, pause=pause)
