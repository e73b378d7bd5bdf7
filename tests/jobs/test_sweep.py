"""The sweep finds what is due from the tables alone, and Redis can only delay it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from asyncpg import RaiseError

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.queue import DELIVERY_QUEUES, WORK_QUEUE, forget_stale
from jobs.sweep import sweep
from models import database as db
from models import intent, webhook, worker
from models import slice as slices
from models.clock import Clock, now
from models.plan import Plan, PlanChannel, PlanStatus, wording
from models.webhook import Wish, fact
from models.webhook.fact import WebhookFact
from tests import oracle
from tests.bugs import MESSAGE, bug_at
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_shop


async def queued(ctx: Context, queue: str) -> list[str]:
    """Ids of the jobs of plans in a queue, in their order, without their generation."""
    ids = [job.decode().rpartition(":")[0] for job in await ctx["redis"].zrange(queue, 0, -1)]
    return [each for each in ids if ":" in each]


async def test_a_plan_is_taken_from_its_time_through_every_step(ctx: Context, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_draft(shop)
    await plan.submit(
        shop, send_at=(await Plan.get(id=plan.id)).created_at + timedelta(hours=1), deadline_after=DEADLINE
    )

    await sweep(ctx)
    assert await queued(ctx, WORK_QUEUE) == []
    clock.move(timedelta(hours=1))
    await sweep(ctx)
    assert await queued(ctx, WORK_QUEUE) == [f"localise_plan:{plan.id}"]
    await wording.pin(plan.id)
    await sweep(ctx)

    assert f"resolve_audience:{plan.id}" in await queued(ctx, WORK_QUEUE)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.ONGOING


async def test_a_plan_that_cannot_be_moved_on_keeps_nothing_else_from_its_turn(ctx: Context, clock: Clock):
    shop = await make_shop()
    plans = [await make_draft(shop) for _ in range(3)]
    for plan in plans:
        await plan.submit(shop, send_at=plan.created_at + timedelta(hours=1), deadline_after=DEADLINE)
    clock.move(timedelta(hours=1))
    async with bug_at("plan", f"OLD.id = {plans[0].id}"):
        with pytest.raises(RaiseError, match=MESSAGE):
            await sweep(ctx)

    assert (await Plan.get(id=plans[0].id)).status is PlanStatus.SCHEDULED
    assert await queued(ctx, WORK_QUEUE) == [f"localise_plan:{plan.id}" for plan in plans[1:]]
    assert await db.fetch_value("SELECT swept_at IS NOT NULL FROM worker WHERE id = $1", ctx["worker_id"])


async def test_many_sweeps_at_once_start_a_plan_once(ctx: Context, clock: Clock):
    shop = await make_shop()
    plan = await make_draft(shop)
    await plan.submit(shop, send_at=plan.created_at + timedelta(hours=1), deadline_after=DEADLINE)
    clock.move(timedelta(days=2))

    await asyncio.gather(*(sweep(ctx) for _ in range(5)))

    rows = await db.fetch("SELECT status_from, status_to FROM plan_history WHERE status_to = 'ONGOING'")
    assert len(rows) == 1
    assert await queued(ctx, WORK_QUEUE) == [f"localise_plan:{plan.id}"]


async def test_urgent_slices_stand_before_all_others(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 2)
    broadcast = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await sweep(ctx)
    automated = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE plan SET kind = 'AUTOMATED' WHERE id = $1", automated.id)

    await sweep(ctx)

    assert await queued(ctx, DELIVERY_QUEUES["EMAIL"]) == [
        f"deliver_slice:{automated.id}:1",
        f"deliver_slice:{broadcast.id}:1",
    ]


async def test_what_a_lost_worker_held_is_given_up_and_set_going_again(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    lost = uuid4()
    await worker.register(lost, "lost", timedelta())
    held = await slices.acquire(plan.id, 1, lost, uuid4())
    assert held is not None
    await db.execute("UPDATE delivery SET state = 'COMMITTING', attempt = 1 WHERE customer_id = (SELECT min(c) FROM"
                     " (SELECT customer_id::text AS c FROM delivery) AS t)::uuid")  # fmt: skip
    await db.execute("UPDATE worker SET lease_until = clock_timestamp() WHERE id = $1", lost)

    await sweep(ctx)

    rows = await db.fetch("SELECT state, reason FROM delivery ORDER BY state")
    assert [tuple(row) for row in rows] == [("PENDING", None), ("UNKNOWN", "WORKER_LOST")]
    assert await queued(ctx, DELIVERY_QUEUES["EMAIL"]) == [f"deliver_slice:{plan.id}:1"]


async def test_a_slice_whose_release_was_lost_comes_back_from_its_own_worker(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    ctx["working"][held.token] = (plan.id, 1)
    await sweep(ctx)
    assert await db.fetch_value("SELECT worker_id FROM slice") == ctx["worker_id"]

    ctx["working"].clear()
    await sweep(ctx)

    assert await db.fetch_value("SELECT worker_id FROM slice") is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, ("EXPIRED", "DEADLINE")),
        ("CONTACT_LIMIT", ("EXPIRED", "DEADLINE")),
        ("4.2.2", ("FAILED", "4.2.2")),
        ("CONNECTION_LOST", ("FAILED", "CONNECTION_LOST")),
    ],
)
async def test_what_waits_at_the_deadline_ends_and_the_plan_with_it(ctx: Context, clock: Clock, reason, expected):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE delivery SET reason = $1", reason)
    clock.move(DEADLINE - timedelta(seconds=1))
    await sweep(ctx)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.ONGOING

    clock.move(timedelta(seconds=1))
    await sweep(ctx)

    rows = await db.fetch("SELECT state, reason, count(*) FROM delivery GROUP BY 1, 2")
    assert [tuple(row) for row in rows] == [(*expected, 2)]
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT
    await oracle.check([])


async def test_a_slice_at_work_is_not_expired_under_its_worker(ctx: Context, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held = await slices.acquire(plan.id, 1, ctx["worker_id"], uuid4())
    assert held is not None
    ctx["working"][held.token] = (plan.id, 1)
    messages = await slices.load(held)
    await intent.commit([], messages[:1])
    clock.move(DEADLINE)

    await sweep(ctx)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'EXPIRED'") == 0
    await slices.release(held)
    await sweep(ctx)

    rows = await db.fetch("SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1")
    assert {row["state"]: row["count"] for row in rows} == {"UNKNOWN": 1, "EXPIRED": 1}
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT


async def test_without_redis_the_tables_are_still_swept(ctx: Context, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)
    clock.move(DEADLINE)
    await db.execute("UPDATE plan SET deadline = deadline + interval '1 day' WHERE id = $1", waiting.id)
    ctx["redis"].connection_pool.connection_kwargs["path"] = "/nowhere"
    await ctx["redis"].connection_pool.disconnect()

    await sweep(ctx)

    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT
    assert await db.fetch_value("SELECT swept_at IS NOT NULL FROM worker")


async def test_a_job_that_is_queued_again_and_again_sends_once(ctx: Context, mailbox):
    shop = await make_shop()
    await make_customers(shop, 5)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    for _ in range(3):
        await sweep(ctx)
        await ctx["redis"].flushall()

    await asyncio.gather(*(deliver_slice(ctx, plan.id, 1) for _ in range(10)))

    assert mailbox.count() == 5


async def test_only_what_is_two_generations_old_is_forgotten_and_comes_back_when_it_is_due(ctx: Context):
    shop = await make_shop()
    await make_customers(shop, 2)
    broadcast, automated = [await make_resolved(shop, channel=PlanChannel.EMAIL) for _ in range(2)]
    await db.execute("UPDATE plan SET kind = 'AUTOMATED' WHERE id = $1", automated.id)
    await sweep(ctx)
    age = ctx["settings"].lease * 2 + timedelta(seconds=1)
    kept = await ctx["redis"].zrange(DELIVERY_QUEUES["EMAIL"], 0, -1)
    assert await forget_stale(ctx["redis"], DELIVERY_QUEUES["EMAIL"], age) == 0
    for job_id in kept:
        await ctx["redis"].zincrby(DELIVERY_QUEUES["EMAIL"], -age.total_seconds() * 1_000, job_id)

    assert await forget_stale(ctx["redis"], DELIVERY_QUEUES["EMAIL"], ctx["settings"].lease * 2) == 2
    assert await ctx["redis"].zcard(DELIVERY_QUEUES["EMAIL"]) == 0
    await sweep(ctx)

    assert await queued(ctx, DELIVERY_QUEUES["EMAIL"]) == [
        f"deliver_slice:{automated.id}:1",
        f"deliver_slice:{broadcast.id}:1",
    ]


async def test_a_fact_that_a_webhook_waits_for_is_found(ctx: Context):
    shop = await make_shop()
    wish = Wish(url="http://127.0.0.1:1/", facts=[WebhookFact.COUPON_CLAIMED])
    await webhook.create(shop, wish, targets="any", key=b"key", actor="anna")
    await sweep(ctx)
    before = await ctx["redis"].zcard(WORK_QUEUE)
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    await sweep(ctx)

    assert await ctx["redis"].zcard(WORK_QUEUE) == before + 1
