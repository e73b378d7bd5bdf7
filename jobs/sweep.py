"""Job: ask the tables what is due, and set it going. Run by every worker's own timer, not by Redis.

What a crash, a lost Redis or a missed message left behind is found here; nothing depends on being
told. Two sweeps at once do no harm. What needs PostgreSQL only is done first, whatever Redis does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from redis.exceptions import RedisError

from jobs.context import DELIVERY_QUEUES, WORK_QUEUE, Context, forget_stale, nudge, nudge_slices
from models import delivery, erasure, live, partition, sender_domain, trial, worker
from models import slice as slices
from models.access import decision as access_decision
from models.clock import now
from models.experiment import winner
from models.metric import day as metric_day
from models.plan import PlanStatus, advance
from models.plan.advance import Alive
from models.segment import size as segment_size
from models.webhook import posting
from settings import Settings

log = logging.getLogger(__name__)

SLICES_PER_SWEEP = 500

Job = tuple[str, tuple[int, ...]]
"""A job's name and arguments."""


async def sweep(ctx: Context) -> None:
    """One look at everything that may be due."""
    generation = await worker.generation(ctx["settings"].lease)
    await give_up(ctx)
    waiting = await _waiting(ctx)
    due = await slices.due(SLICES_PER_SWEEP)
    await worker.swept(ctx["worker_id"])
    try:
        async with asyncio.timeout(ctx["settings"].sweep_interval.total_seconds()):
            await _clear(ctx)
            for job, arguments in waiting:
                await nudge(ctx["redis"], job, *arguments, generation=generation)
            await nudge_slices(ctx["redis"], due, generation)
    except TimeoutError:
        log.warning("Redis is slow: the rest waits for the next sweep")


async def _clear(ctx: Context) -> None:
    """Clear the queues of what is two generations old: nobody may run it any more, and it hides what came later."""
    try:
        for queue in (WORK_QUEUE, *DELIVERY_QUEUES.values()):
            if count := await forget_stale(ctx["redis"], queue, 2 * ctx["settings"].lease):
                log.info("%d old jobs of queue %s forgotten", count, queue)
    except (RedisError, OSError) as error:
        log.warning("old jobs stay in their queues: %s", error)


async def give_up(ctx: Context) -> None:
    """Free what lost workers held, and what this one holds in the table without working on it."""
    freed = await slices.give_up_lost()
    freed += await slices.give_up_forgotten(ctx["worker_id"], ctx["working"].values())
    for plan_id in sorted({plan_id for plan_id, _ in freed}):
        lost = [number for owner, number in freed if owner == plan_id]
        log.warning("plan %d: the worker of its slices %s was lost", plan_id, lost)
        await live.plan_changed(ctx["redis"], plan_id)
    await worker.bury(ctx["settings"].lease)


async def _waiting(ctx: Context) -> list[Job]:
    """The jobs that anything waits for: plans first, then what concerns the whole installation."""
    found = [needed for each in await advance.alive() if (needed := await _advance(ctx, each)) is not None]
    found += [("declare_winner", (plan_id,)) for plan_id in await winner.due()]
    return found + [(job, ()) for job, is_wanted in _WANTED.items() if await is_wanted(ctx["settings"])]


async def _has_outlived_months(settings: Settings) -> bool:
    """Whether any month of events is older than they are kept."""
    months = settings.event_months
    return months is not None and bool(await partition.outlived(months, at=now()))


_WANTED: Mapping[str, Callable[[Settings], Awaitable[object]]] = {
    "recompute_access": lambda _: access_decision.due(now(), 1),
    "send_trials": lambda _: trial.is_waiting(),
    "send_webhooks": lambda _: posting.is_due(),
    "measure_segments": lambda _: segment_size.due(),
    "fold_figures": lambda _: metric_day.is_due(),
    "erase_customers": lambda _: erasure.is_waiting(),
    "check_senders": sender_domain.is_due,
    "drop_events": _has_outlived_months,
}
"""Jobs of the whole installation, and what asks the tables whether there is anything for them to do."""


async def _advance(ctx: Context, plan: Alive) -> Job | None:
    """Move a plan on as far as the tables alone can; the job it needs then, if any."""
    if plan.status is PlanStatus.SCHEDULED:
        if not await advance.start(plan.id):
            return None
        await live.plan_changed(ctx["redis"], plan.id)
    if plan.status is not PlanStatus.CANCELLING:
        if not plan.is_localised:
            return ("localise_plan", (plan.id,))
        if plan.is_automated:
            if await advance.end(plan.id):
                await live.plan_changed(ctx["redis"], plan.id)
            return None
        if not plan.is_resolved:
            return ("resolve_audience", (plan.id,))
        if await delivery.expire(plan.id, now()):
            await live.plan_changed(ctx["redis"], plan.id)
    if await advance.finish(plan.id) or await advance.finish_cancelling(plan.id):
        await live.plan_changed(ctx["redis"], plan.id)
    return None
