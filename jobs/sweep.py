"""Job: ask the tables what is due, and set it going. Run by every worker's own timer, not by Redis.

What a crash, a lost Redis or a missed message left behind is found here; nothing depends on being
told. Two sweeps at once do no harm. What needs PostgreSQL only is done first, whatever Redis does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.context import Context
from jobs.queue import DELIVERY_QUEUES, WORK_QUEUE, enqueue, enqueue_slices, forget_stale
from models import delivery, erasure, live, partition, sender_domain, trial, worker
from models import slice as slices
from models.access import decision as access_decision
from models.availability import REDIS_UNUSABLE
from models.bugs import Bugs
from models.clock import now
from models.experiment import winner
from models.metric import day as metric_day
from models.plan import PlanStatus, advance
from models.plan.advance import Alive
from models.segment import size as segment_size
from models.slice import Due
from models.webhook import posting
from settings import Settings

log = logging.getLogger(__name__)

SLICES_PER_SWEEP = 500
"""Slices that one sweep sets going."""

Job = tuple[str, tuple[int, ...]]
"""A job's name and arguments."""


@dataclass(slots=True)
class _Found:
    """What a sweep has found: jobs that something waits for, plans whose watchers are to look again, and bugs."""

    waiting: list[Job] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    bugs: Bugs = field(default_factory=Bugs)


async def sweep(ctx: Context) -> None:
    """One look at everything that may be due.

    A bug met at one plan, or at one kind of work, is raised once everything else has had its turn.
    """
    generation = await worker.generation(ctx["settings"].lease)
    found = _Found(changed=await _give_up(ctx))
    await _look(ctx, found)
    due = await slices.due(SLICES_PER_SWEEP)
    await worker.swept(ctx["worker_id"])
    try:
        async with asyncio.timeout(ctx["settings"].sweep_interval.total_seconds()):
            await _set_going(ctx, found.waiting, due, generation)
            for plan_id in found.changed:
                await live.plan_changed(ctx["redis"], plan_id)
    except TimeoutError:
        log.warning("Redis is slow: the rest waits for the next sweep")
    found.bugs.check()


async def _set_going(ctx: Context, waiting: Sequence[Job], due: Sequence[Due], generation: object) -> None:
    """Enqueue jobs and slices; what Redis does not take waits for the next sweep."""
    try:
        await _clear(ctx)
        for job, arguments in waiting:
            await enqueue(ctx["redis"], job, *arguments, generation=generation)
        await enqueue_slices(ctx["redis"], due, generation)
    except REDIS_UNUSABLE as error:
        if ctx["complaints"].is_due(error):
            log.warning("what is due waits until Redis can be used: %s", error)


async def _clear(ctx: Context) -> None:
    """Clear the queues of what is two generations old: nobody may run it any more, and it hides what came later."""
    for queue in (WORK_QUEUE, *DELIVERY_QUEUES.values()):
        if count := await forget_stale(ctx["redis"], queue, 2 * ctx["settings"].lease):
            log.info("%d old jobs of queue %s forgotten", count, queue)


async def _give_up(ctx: Context) -> list[int]:
    """Free what lost workers held, and what this one holds in the table without working on it; of which plans."""
    freed = await slices.give_up_lost()
    freed += await slices.give_up_forgotten(ctx["worker_id"], ctx["working"].values())
    plans = sorted({plan_id for plan_id, _ in freed})
    for plan_id in plans:
        lost = [number for owner, number in freed if owner == plan_id]
        log.warning("plan %d: the worker of its slices %s was lost", plan_id, lost)
    await worker.bury(ctx["settings"].lease)
    return plans


async def _look(ctx: Context, found: _Found) -> None:
    """Find the jobs that anything waits for: plans first, then what concerns the whole installation."""
    for plan in await advance.alive():
        with found.bugs.kept():
            await _advance(plan, found)
    with found.bugs.kept():
        found.waiting += [("declare_winner", (plan_id,)) for plan_id in await winner.due()]
    for job, is_wanted in _WANTED.items():
        with found.bugs.kept():
            if await is_wanted(ctx["settings"]):
                found.waiting.append((job, ()))


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


async def _advance(plan: Alive, found: _Found) -> None:
    """Move a plan on as far as the tables alone can, or note the job that it needs."""
    has_moved = False
    if plan.status is PlanStatus.SCHEDULED and not (has_moved := await advance.start(plan.id)):
        return
    if plan.status is PlanStatus.CANCELLING:
        has_moved = await advance.conclude(plan.id)
    elif not plan.is_localised:
        found.waiting.append(("localise_plan", (plan.id,)))
    elif plan.is_automated:
        has_moved |= await advance.end(plan.id)
    elif not plan.is_resolved:
        found.waiting.append(("resolve_audience", (plan.id,)))
    else:
        has_moved |= bool(await delivery.expire(plan.id, now()))
        has_moved |= await advance.conclude(plan.id)
    if has_moved:
        found.changed.append(plan.id)
