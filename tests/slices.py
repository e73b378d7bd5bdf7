"""A worker's own steps, for tests that take them one by one: it registers, holds a slice, hands its mails to the relay."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models import database, intent, worker
from models import slice as slices
from models.delivery import DeliveryState
from models.intent import Settlement
from models.plan import Plan, PlanChannel
from models.shop import Shop
from models.slice import Slice, Waiting
from tests.factories import make_customers, make_resolved, make_shop

LEASE = timedelta(hours=1)
"""How long a worker is taken to be alive: longer than any test lasts."""


async def mail_plan(count: int = 3, *, name: str = "bloom", **columns: Any) -> tuple[Shop, Plan]:
    """A shop of that name, and a plan of its with `count` mails in slice 1; `columns` are its customers'."""
    shop = await make_shop(name)
    await make_customers(shop, count, **columns)
    return shop, await make_resolved(shop, channel=PlanChannel.EMAIL)


async def spread(plan: Plan) -> None:
    """Let each message of a plan with one slice wait in a slice of its own."""
    await database.execute(
        "INSERT INTO slice (plan_id, number, channel, due_at) SELECT s.plan_id, n, s.channel, s.due_at FROM slice s,"
        " generate_series(2, (SELECT count(*) FROM delivery WHERE plan_id = $1)) AS n WHERE s.plan_id = $1",
        plan.id,
    )
    await database.execute(
        "UPDATE delivery d SET slice = r.number FROM (SELECT customer_id, row_number() OVER (ORDER BY customer_id)"
        " AS number FROM delivery WHERE plan_id = $1) AS r WHERE d.plan_id = $1 AND d.customer_id = r.customer_id",
        plan.id,
    )


async def make_worker(lease: timedelta = LEASE) -> UUID:
    """A worker with a living heartbeat."""
    worker_id = uuid4()
    await worker.register(worker_id, "test", lease)
    return worker_id


async def hold(plan: Plan, number: int = 1, *, lease: timedelta = LEASE) -> tuple[Slice, list[Waiting]]:
    """A slice of the plan, held by a worker of its own, and what may go of it."""
    held = await slices.acquire(plan.id, number, await make_worker(lease), uuid4())
    assert held is not None
    return held, await slices.load(held)


def settled(message: Waiting, state: DeliveryState, **fields: Any) -> Settlement:
    """What became of a message's first try."""
    return Settlement(message, message.attempt + 1, state, **fields)


async def hand_over(plan: Plan, state: DeliveryState | None) -> list[Settlement]:
    """Give the mails of a plan's first slice to the relay; with a state they are settled. How each is, or will be."""
    _, waiting = await hold(plan)
    assert await intent.commit([], waiting) == [1] * len(waiting)
    settlements = [Settlement(each, 1, state or DeliveryState.SENT) for each in waiting]
    if state:
        await intent.commit(settlements, [])
    return settlements
