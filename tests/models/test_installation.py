"""How the installation stands, as the tables have it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from models import database as db
from models import installation, worker
from models import slice as slices
from models.clock import Clock, now
from models.plan import Plan, PlanChannel, advance
from tests.factories import make_customers, make_resolved, make_shop

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def plan(database: None) -> Plan:
    """A plan whose ten mails are due."""
    shop = await make_shop()
    await make_customers(shop, 10)
    return await make_resolved(shop, channel=PlanChannel.EMAIL)


async def test_an_empty_installation_stands_still():
    found = await installation.read(now())

    assert (found.queue_age, found.sweep_age, found.workers) == (0, None, [])
    assert (found.due_slices, found.held_slices, found.in_flight, found.unknown) == (0, 0, 0, 0)
    assert (found.waiting, found.plans) == ({}, {})


async def test_what_is_due_has_waited_since_it_was(plan: Plan, clock: Clock):
    clock.move(timedelta(seconds=90))

    found = await installation.read(now())

    assert found.queue_age == 90
    assert (found.due_slices, found.held_slices) == (1, 0)
    assert found.waiting == {"READY": 10}
    assert found.plans == {"ONGOING": 1}


async def test_what_a_worker_holds_is_neither_due_nor_waiting_for_anyone(plan: Plan):
    identifier = uuid4()
    await worker.register(identifier, "here:1", timedelta(minutes=1))
    (due,) = await slices.due(1)
    assert await slices.acquire(plan.id, due.number, identifier, uuid4())

    found = await installation.read(now())

    assert (found.queue_age, found.due_slices, found.held_slices) == (0, 0, 1)


async def test_a_paused_plan_keeps_nobody_waiting(plan: Plan):
    await advance.pause(plan.id, "SELLER")

    found = await installation.read(now())

    assert (found.queue_age, found.due_slices) == (0, 0)
    assert found.waiting == {"READY": 10}
    assert found.plans == {"PAUSED": 1}


async def test_messages_are_counted_by_why_they_wait_and_never_in_a_relay_s_words(plan: Plan):
    reasons = ["CONTACT_LIMIT", "LOCAL_HOUR", "451 4.7.1 <ana@example.com> try later", "450 4.2.1 full"]
    for number, reason in enumerate(reasons):
        await db.execute(
            "UPDATE delivery SET reason = $2 WHERE customer_id = (SELECT customer_id FROM delivery"
            " WHERE plan_id = $1 ORDER BY customer_id OFFSET $3 LIMIT 1)",
            plan.id, reason, number,
        )  # fmt: skip

    found = await installation.read(now())

    assert found.waiting == {"READY": 6, "CONTACT_LIMIT": 1, "LOCAL_HOUR": 1, "RELAY": 2}


async def test_what_is_unknown_is_counted_also_after_its_plan(plan: Plan):
    await db.execute("UPDATE delivery SET state = 'UNKNOWN', reason = 'WORKER_LOST' WHERE plan_id = $1", plan.id)
    await db.execute("UPDATE slice SET done_at = $1", now())
    await db.execute("UPDATE plan SET status = 'SENT'")

    found = await installation.read(now())

    assert (found.unknown, found.waiting, found.plans) == (10, {}, {})


async def test_messages_are_in_flight_only_in_a_worker_s_hands(plan: Plan):
    await db.execute("UPDATE delivery SET state = 'COMMITTING' WHERE plan_id = $1", plan.id)
    assert (await installation.read(now())).in_flight == 0

    await db.execute("UPDATE slice SET worker_id = $1", uuid4())
    assert (await installation.read(now())).in_flight == 10


async def test_a_living_worker_tells_its_figures_and_a_lost_one_nothing():
    living, lost = uuid4(), uuid4()
    for identifier, name in ((living, "here:1"), (lost, "here:2")):
        await worker.register(identifier, name, timedelta(minutes=1))
        await worker.beat(identifier, timedelta(minutes=1), [("mail:587", "example.com", "SENT", 7)])
    await db.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 s' WHERE id = $1", lost)
    await worker.swept(living)

    found = await installation.read(now())

    assert [each.name for each in found.workers] == ["here:1"]
    assert [tuple(figure) for figure in found.workers[0].figures] == [("mail:587", "example.com", "SENT", 7)]
    assert found.sweep_age is not None and found.sweep_age < 60
