"""Automated plans: how soon a cart is answered, what a look costs, and weeks of shop life without a difference.

A shop has so many *open carts*, each with a reminder still ahead of it. Then a thousand customers more leave theirs,
whose first reminder comes due one after another within a minute; a worker process does the rest. Cases:

- `p99, N open carts`: seconds from a reminder's due time to the inbox; theirs (`sweep`) is the sweep's interval.
- `look, N open carts`: the seconds of one look at which a thousand reminders are due; theirs (`smallest`) is the same look at
  the smallest number of carts. It should cost what happened, not what there is.
- `shop life`: seconds of a made-up shop's life played in one second, every message held against plain Python
  (bench/shop_life); theirs (`clock`) is the clock's own pace. A difference ends the benchmark.
"""

from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bench.place import redis_server, scratch_database
from bench.recipients import shop_with_recipients
from bench.report import Case, Machine, Report, measured_on
from bench.rounds import seconds_of
from bench.shop_life import hand
from bench.shop_life.script import script
from bench.shop_life.stage import Stage
from bench.working import worker
from jobs.context import Context
from models import database, partition, relationship
from models.clock import clock, now
from models.plan import Plan, PlanChannel, PlanDraft, wording
from models.plan.automation import Automation
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode, fire
from models.trigger.parameter import read
from settings import Settings

LIFE = timedelta(hours=72)
FIRST, LAST = timedelta(hours=1), timedelta(hours=72)
"""The plan's steps: of an open cart the first is past, the last lies ahead."""

BATCH = 250_000


@dataclass(frozen=True, slots=True)
class Size:
    """Open carts, carts that are left meanwhile and over how long, rounds of a look, and the play's length."""

    carts: tuple[int, ...]
    fresh: int
    within: timedelta
    interval: timedelta
    rounds: int
    days: int
    customers: int


SIZES = {
    "small": Size((500, 2_000), 40, timedelta(seconds=3), timedelta(seconds=1), 1, days=4, customers=6),
    "full": Size(
        (10_000, 100_000, 1_000_000), 1_000, timedelta(seconds=60), timedelta(seconds=10), 5, days=28, customers=25
    ),
}


async def measure(size: str) -> Report:
    """Carts first, then shop life, each in a database of its own."""
    chosen = SIZES[size]
    answered, memory, machine = await _carts(chosen)
    lived = await _shop_life(chosen)
    sizes = {"open carts": chosen.carts[-1], "left meanwhile": chosen.fresh, "days": chosen.days}
    return Report("trigger", sizes, [*answered, lived], machine, {"worker": memory})


async def _carts(size: Size) -> tuple[list[Case], int, Machine]:
    waits, looks, have, memory = [], [], 0, 0
    async with scratch_database() as url, redis_server() as redis_url:
        async with database.connection() as raw:
            machine = await measured_on(raw)
        shop = await shop_with_recipients(size.carts[-1] + (len(size.carts) * (1 + size.rounds)) * size.fresh)
        plan = await _plan(shop)
        newcomers = size.carts[-1]
        for carts in size.carts:
            await _leave_open(shop, have, carts)
            have = carts
            looks.append(await _look(shop, plan, size, newcomers))
            newcomers += size.rounds * size.fresh
            interval = f"PT{size.interval.total_seconds():.0f}S"
            async with worker(url, redis_url, SWEEP_INTERVAL=interval) as working:
                waits.append(await _answer(shop, plan, size, newcomers))
                memory = max(memory, working.program.megabytes())
            newcomers += size.fresh
    pace = size.interval.total_seconds()
    cases = [Case(f"p99, {n} open carts", "sweep", wait, pace, "s") for n, wait in zip(size.carts, waits, strict=True)]
    cases += [
        Case(f"look, {n} open carts", "smallest", s, looks[0], "s") for n, s in zip(size.carts, looks, strict=True)
    ]
    return cases, memory, machine


async def _plan(shop: Shop) -> Plan:
    """A cart reminder that has run for five days and looked at all of them."""
    trigger = TRIGGERS[TriggerCode.ABANDONED_CART]
    steps = [step // timedelta(minutes=1) for step in (FIRST, LAST)]
    draft = PlanDraft(
        name="Carts",
        channel=PlanChannel.CHAT,
        segment_id=None,
        content={"texts": {"en": {"text": "Hi {name}, your cart is waiting for you"}}},
        automation=Automation(trigger.code, read(trigger, {"steps": steps})),
    )
    clock.move(timedelta(days=-5))
    plan = await Plan.draft(shop, draft, actor="bench")
    await plan.submit(shop, send_at=None, deadline_after=LIFE)
    await wording.pin(plan.id)
    clock.reset()
    return plan


async def _leave_open(shop: Shop, have: int, carts: int) -> None:
    """More open carts: filled between an hour and three days ago, so that their last reminder lies ahead."""
    at = now()
    async with database.transaction():
        await partition.ensure({(day.year, day.month) for day in (at - timedelta(days=4), at)})
    for first in range(have + 1, carts + 1, BATCH):
        last = min(first + BATCH - 1, carts)
        await relationship.roll_up_events(
            _ADDED,
            shop.id,
            first,
            last,
            at - FIRST - timedelta(minutes=10),
            timedelta(hours=68) / (carts - have),
            "open",
        )
    for table in ("event", "relationship", "delivery"):
        await database.execute(f"VACUUM (ANALYZE) {table}")


async def _leave(shop: Shop, first: int, size: Size, until: timedelta) -> None:
    """A thousand carts whose first reminder comes due evenly in the time that ends in `until` from now."""
    due = now() + until
    await relationship.roll_up_events(
        _ADDED, shop.id, first + 1, first + size.fresh, due - FIRST, size.within / size.fresh, "fresh"
    )


async def _look(shop: Shop, plan: Plan, size: Size, first: int) -> float:
    """The median seconds of a look at which all of a thousand reminders are due, and nothing else."""
    taken = []
    for number in range(size.rounds):
        await database.execute("UPDATE plan SET watermark = $2 WHERE id = $1", plan.id, now() - size.within)
        await _leave(shop, first + number * size.fresh, size, -timedelta(milliseconds=1))
        taken.append(await seconds_of(lambda: _fire(plan, size.fresh)))
    await database.execute(_SET_ASIDE, plan.id, now())
    return median(taken)


async def _fire(plan: Plan, expected: int) -> None:
    made = await fire.fire(plan.id, life=LIFE)
    if made != expected:
        raise RuntimeError(f"{made} reminders instead of {expected}")


async def _answer(shop: Shop, plan: Plan, size: Size, first: int) -> float:
    """The 99th percentile of the seconds from due to the inbox."""
    began = now()
    await database.execute("UPDATE plan SET watermark = $2 WHERE id = $1", plan.id, began)
    await _leave(shop, first, size, size.within + size.interval / 2)
    waited = 0.0
    while await database.fetch_value(_SENT, plan.id, began) < size.fresh:
        waited += await seconds_of(lambda: database.execute("SELECT pg_sleep(0.1)"))
        if waited > (size.within + 20 * size.interval).total_seconds():
            raise RuntimeError("not all carts were answered")
    p99: float = await database.fetch_value(_P99, plan.id, began, FIRST)
    return p99


async def _shop_life(size: Size) -> Case:
    async with scratch_database() as url, redis_server() as redis_url:
        story = script(1, days=size.days, customers=size.customers)
        settings = Settings(_env_file=None, database_url=url, redis_url=redis_url, smtp_url="smtp://127.0.0.1:1")
        stage = await Stage.open(story)
        async with hand.hand(settings) as ctx:
            seconds = await seconds_of(lambda: _play(stage, ctx))
        clock.reset()
        return Case("shop life", "clock", timedelta(days=size.days).total_seconds() / seconds, 1.0, "s/s")


async def _play(stage: Stage, ctx: Context) -> None:
    differences = await stage.play(lambda at: hand.look(ctx, at))
    if differences:
        raise RuntimeError(f"not as expected: {differences}")


_ADDED = """
INSERT INTO event (customer_id, id, shop_id, kind, occurred_at, arrived_at)
SELECT md5('customer ' || n)::uuid, md5($6 || ' cart ' || n)::uuid, $1::int, 'CART_ADDED',
    $4::timestamptz - (n - $2::int) * $5::interval, least($4::timestamptz - (n - $2::int) * $5::interval + interval '1 second',
    clock_timestamp())
FROM generate_series($2::int, $3::int) AS n
ORDER BY 1 ON CONFLICT DO NOTHING"""

_SENT = "SELECT count(*) FROM delivery WHERE plan_id = $1 AND sent_at >= $2"

# What the looks made is not to be sent: it would meet the worker that is measured next.
_SET_ASIDE = """
WITH ended AS (UPDATE slice SET done_at = $2 WHERE plan_id = $1 AND done_at IS NULL)
UPDATE delivery SET state = 'EXPIRED' WHERE plan_id = $1 AND state = 'PENDING'"""

_P99 = """
SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM d.sent_at - e.occurred_at - $3::interval))::float8
FROM delivery d JOIN event e ON e.customer_id = d.customer_id AND e.kind = 'CART_ADDED'
WHERE d.plan_id = $1 AND d.sent_at >= $2"""
