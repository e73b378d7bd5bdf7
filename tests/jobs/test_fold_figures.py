"""The sweep finds what is to be folded, the job folds it, and then there is nothing to do."""

from jobs.context import Context
from jobs.fold_figures import fold_figures
from jobs.queue import WORK_QUEUE
from jobs.sweep import sweep
from models import database as db
from tests.factories import make_customers, make_resolved, make_shop


async def queued(ctx: Context) -> bool:
    """Whether a sweep asks for the job."""
    await ctx["redis"].flushall()
    await sweep(ctx)
    return "fold_figures" in [job.function for job in await ctx["redis"].queued_jobs(queue_name=WORK_QUEUE)]


async def test_what_was_sent_is_folded_into_its_day(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop)

    assert await queued(ctx)
    await fold_figures(ctx)

    rows = await db.fetch("SELECT day::text, plan_id, channel, language, sent FROM metric_day")
    assert [tuple(row) for row in rows] == [("2026-01-15", plan.id, "CHAT", "en", 3)]
    assert not await queued(ctx)


async def test_the_days_of_a_shop_move_with_its_time_zone(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)
    await db.execute("UPDATE shop SET time_zone = 'Pacific/Kiritimati'")

    assert await queued(ctx)
    await fold_figures(ctx)

    assert await db.fetch_value("SELECT day::text FROM metric_day WHERE sent > 0") == "2026-01-16"
    assert not await queued(ctx)
