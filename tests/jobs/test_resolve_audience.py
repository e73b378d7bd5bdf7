"""From localising to the end of a plan: what a job has just made due it does itself, and it never stays for long."""

import pytest

from jobs import resolve_audience as job
from jobs.context import Context
from jobs.localise_plan import localise_plan
from jobs.queue import WORK_QUEUE
from jobs.resolve_audience import resolve_audience
from models import audience
from models import database as db
from models.plan import Plan, PlanStatus
from tests.factories import DEADLINE, make_customers, make_draft, make_running, make_shop


async def queued(ctx: Context) -> list[str]:
    """The names of the jobs that wait."""
    return [each.function for each in await ctx["redis"].queued_jobs(queue_name=WORK_QUEUE)]


async def test_a_small_plan_by_chat_is_sent_by_the_job_that_localises_it(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_draft(shop)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    await localise_plan(ctx, plan.id)

    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 30
    assert await queued(ctx) == []


async def test_a_job_whose_time_is_up_leaves_the_rest_to_another(ctx: Context, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job, "BUDGET", 0)
    monkeypatch.setattr(audience, "RANGE_SIZE", 5)
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_running(shop)

    await resolve_audience(ctx, plan.id)

    assert await db.fetch_value("SELECT count(*) FROM delivery") == job.AT_ONCE * 5
    assert await queued(ctx) == ["resolve_audience"]
    monkeypatch.undo()
    await resolve_audience(ctx, plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT
    assert await db.fetch_value("SELECT count(*) FROM delivery") == 30


async def test_a_plan_that_was_paused_leaves_nothing_to_do_and_nothing_in_the_queue(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_running(shop)
    await plan.pause()

    await resolve_audience(ctx, plan.id)

    assert await queued(ctx) == []
    assert await db.fetch_value("SELECT count(*) FROM delivery") == 0
