"""A winner is found by the sweep, declared by its job, and the rest of the audience set going."""

from datetime import timedelta

from jobs.context import Context
from jobs.declare_winner import declare_winner
from jobs.deliver_slice import deliver_slice
from jobs.queue import DELIVERY_QUEUES, WORK_QUEUE
from jobs.sweep import sweep
from models import database
from models import slice as slices
from models.clock import Clock
from models.experiment import Experiment, ExperimentMetric, Variant
from models.plan import Plan, PlanStatus
from tests.factories import TEXTS, make_customers, make_resolved, make_shop
from tests.jobs.test_sweep import queued


async def test_the_sweep_finds_a_decision_that_is_due_and_its_job_lets_the_rest_go(ctx: Context, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, experiment=Experiment((Variant({"texts": TEXTS}),), 50, ExperimentMetric.READ, 4))
    await sweep(ctx)
    assert await queued(ctx, WORK_QUEUE) == await queued(ctx, DELIVERY_QUEUES["CHAT"]) == []

    clock.move(timedelta(hours=4))
    await sweep(ctx)
    assert await queued(ctx, WORK_QUEUE) == [f"declare_winner:{plan.id}"]
    await declare_winner(ctx, plan.id)
    await declare_winner(ctx, plan.id)
    [due] = await slices.due_of(plan.id, 10)
    assert await queued(ctx, DELIVERY_QUEUES["CHAT"]) == [f"deliver_slice:{plan.id}:{due.number}"]
    await deliver_slice(ctx, plan.id, due.number)
    await sweep(ctx)

    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 30
    assert (await Plan.get(id=plan.id)).status is PlanStatus.SENT
