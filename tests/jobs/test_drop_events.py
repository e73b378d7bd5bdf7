"""Keeping events for some months only: the sweep finds what has outlived them, the job drops it."""

from datetime import timedelta

from jobs.context import Context
from jobs.drop_events import drop_events
from jobs.queue import WORK_QUEUE
from jobs.sweep import sweep
from models import database as db
from models.clock import Clock
from models.ingest import ingest
from tests.factories import make_shop
from tests.rows import SECRET, event_row


def keeping(ctx: Context, months: int | None) -> Context:
    """The context of a worker that keeps events so long."""
    return {**ctx, "settings": ctx["settings"].model_copy(update={"event_months": months})}


async def queued(ctx: Context) -> int:
    """How often a sweep asks for the job."""
    await ctx["redis"].flushall()
    await sweep(ctx)
    return [job.function for job in await ctx["redis"].queued_jobs(queue_name=WORK_QUEUE)].count("drop_events")


async def test_months_that_are_not_kept_are_found_and_dropped(ctx: Context, clock: Clock):
    shop = await make_shop()
    days = ["2024-11-30", "2024-12-01", "2026-01-15"]
    await ingest(shop, [event_row(day, occurredAt=day) for day in days], secret=SECRET)

    assert await queued(keeping(ctx, 13)) == 1
    await drop_events(keeping(ctx, 13))

    months = await db.fetch("SELECT DISTINCT tableoid::regclass::text AS month FROM event ORDER BY 1")
    assert [row["month"] for row in months] == ["event_2024_12", "event_2026_01"]
    assert await queued(keeping(ctx, 13)) == 0
    clock.move(timedelta(days=31))
    assert await queued(keeping(ctx, 13)) == 1


async def test_unless_told_so_events_are_kept_for_ever(ctx: Context):
    shop = await make_shop()
    await ingest(shop, [event_row(occurredAt="1990-01-01")], secret=SECRET)

    assert await queued(keeping(ctx, None)) == 0
    await drop_events(keeping(ctx, None))

    assert await db.fetch_value("SELECT count(*) FROM event") == 1
