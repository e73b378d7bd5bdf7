"""The daily recomputation: what was changed behind the server's back is found, once a day, and twice does no harm."""

from datetime import timedelta
from decimal import Decimal

from jobs.context import Context
from jobs.queue import WORK_QUEUE
from jobs.recompute_access import recompute_access
from jobs.sweep import sweep
from models import database, idempotency
from models.access import decision
from models.clock import Clock, now
from models.page import Page
from models.plan import Plan, PlanStatus
from models.shop import Shop
from tests.factories import make_running, make_shop


async def test_a_score_written_past_the_server_has_its_consequences_the_next_day(ctx: Context, clock: Clock):
    shop = await make_shop()
    plan = await make_running(shop)
    await recompute_access(ctx)
    await Shop.filter(id=shop.id).update(score=Decimal("1.50"))

    await recompute_access(ctx)
    assert PlanStatus.ONGOING is (await Plan.get(id=plan.id)).status
    clock.move(timedelta(days=1))
    await recompute_access(ctx)
    await recompute_access(ctx)

    assert PlanStatus.PAUSED is (await Plan.get(id=plan.id)).status
    assert [change.state_to for change in await decision.history(shop.id, Page(decision.NEWEST_FIRST))] == [
        "REVOKED", "ELIGIBLE",
    ]  # fmt: skip


async def test_the_sweep_asks_for_it_once_a_day(ctx: Context, clock: Clock):
    await make_shop()

    async def queued() -> int:
        await sweep(ctx)
        jobs = await ctx["redis"].queued_jobs(queue_name=WORK_QUEUE)
        return [job.function for job in jobs].count("recompute_access")

    assert await queued() == 1
    await recompute_access(ctx)
    await ctx["redis"].flushall()
    assert await queued() == 0
    clock.move(timedelta(days=1))
    assert await queued() == 1


async def test_more_shops_than_one_step_holds_are_all_looked_at(ctx: Context, monkeypatch):
    monkeypatch.setattr("jobs.recompute_access.SHOPS_PER_STEP", 2)
    for number in range(5):
        await make_shop(f"shop{number}")

    await recompute_access(ctx)

    assert await decision.due(now(), 10) == []


async def test_idempotency_keys_are_forgotten_with_the_day(ctx: Context, clock: Clock):
    await make_shop()
    async with database.transaction():
        assert await idempotency.claim("me", "planCreate", "k1", b"digest") is None
    clock.move(timedelta(days=1, seconds=1))

    await recompute_access(ctx)

    assert await database.fetch_value("SELECT count(*) FROM idempotency") == 0
