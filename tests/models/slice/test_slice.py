"""Slices: held by one worker at a time, given back whole, and never forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from models import consent, intent
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.delivery import DeliveryState
from models.intent import Settlement
from models.plan import Plan, PlanChannel, advance
from models.slice import Due, Slice
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop
from tests.outside import Outside
from tests.slices import mail_plan, make_worker
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


async def one(column: str):
    """A column of the only slice."""
    return await db.fetch_value(f"SELECT {column} FROM slice")


async def test_of_twenty_who_want_a_slice_one_gets_it():
    _, plan = await mail_plan()
    workers = [await make_worker() for _ in range(4)]

    held = await asyncio.gather(*(slices.acquire(plan.id, 1, each, uuid4()) for each in workers * 5))

    assert len([each for each in held if each]) == 1


async def test_a_slice_given_back_is_done_when_nothing_waits_and_due_again_when_something_does():
    _, plan = await mail_plan(2)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    await db.execute("UPDATE delivery SET not_before = $1", NOON + timedelta(hours=3))

    await slices.release(held)
    assert (await one("due_at"), await one("done_at")) == (NOON + timedelta(hours=3), None)
    await db.execute("UPDATE slice SET due_at = $1", NOON)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    await db.execute("UPDATE delivery SET state = 'SUPPRESSED'")
    await slices.release(held)

    assert await one("done_at") == NOON


async def test_a_slice_given_back_with_a_pause_is_due_after_it():
    _, plan = await mail_plan()
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None

    await slices.release(held, pause=timedelta(minutes=2))

    assert await one("due_at") == NOON + timedelta(minutes=2)


async def test_a_withdrawn_slice_belongs_to_its_worker_until_that_gives_it_back():
    _, plan = await mail_plan()
    first, second = await make_worker(), await make_worker()
    held = await slices.acquire(plan.id, 1, first, uuid4())
    assert held is not None
    messages = await slices.load(held)
    await intent.commit([], messages[:1])
    await advance.pause(plan.id, "BY_SELLER")
    await db.execute("UPDATE plan SET status = 'ONGOING'")

    assert await slices.acquire(plan.id, 1, second, uuid4()) is None
    await slices.release(held)

    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'UNKNOWN'") == 1
    assert await slices.acquire(plan.id, 1, second, uuid4()) is not None


async def test_a_slice_is_not_given_back_by_one_who_no_longer_holds_it():
    _, plan = await mail_plan()
    first, second = await make_worker(), await make_worker()
    stale = await slices.acquire(plan.id, 1, first, uuid4())
    assert stale is not None
    await slices.release(stale)
    held = await slices.acquire(plan.id, 1, second, uuid4())
    assert held is not None
    await intent.commit([], await slices.load(held))

    await slices.release(stale)

    assert await one("worker_id") == second
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'COMMITTING'") == 3


async def test_only_the_slices_of_silent_workers_are_given_up():
    _, plan = await mail_plan(1500)
    silent, living = await make_worker(), await make_worker()
    for number, owner in ((1, silent), (2, living)):
        held = await slices.acquire(plan.id, number, owner, uuid4())
        assert held is not None
        await intent.commit([], (await slices.load(held))[:1])
    await db.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 second' WHERE id = $1", silent)

    assert await slices.give_up_lost() == [(plan.id, 1)]

    rows = await db.fetch("SELECT slice, state FROM delivery WHERE state <> 'PENDING' ORDER BY slice")
    assert [tuple(row) for row in rows] == [(1, "UNKNOWN"), (2, "COMMITTING")]
    assert await slices.give_up_lost() == []


async def test_what_a_late_answer_lets_wait_again_while_its_slice_is_given_up_is_still_to_go():
    _, plan = await mail_plan(1)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    (message,) = await slices.load(held)
    await intent.commit([], [message])
    refused = Settlement(message, 1, DeliveryState.PENDING, "4.2.1", NOON + timedelta(minutes=5))

    is_stored, may_end = asyncio.Event(), asyncio.Event()

    async def settle() -> None:
        async with db.transaction():
            await intent.commit([refused], [])
            is_stored.set()
            await may_end.wait()

    settling = asyncio.create_task(settle())
    await is_stored.wait()
    await db.execute("DELETE FROM worker")
    giving_up = asyncio.create_task(slices.give_up_lost())
    await until_a_lock_is_waited_for(giving_up)
    may_end.set()
    await settling

    assert await giving_up == [(plan.id, 1)]
    assert (await one("due_at"), await one("done_at")) == (NOON + timedelta(minutes=5), None)
    assert not await advance.finish(plan.id)
    await oracle.check([])


async def test_a_slice_whose_worker_row_is_gone_is_given_up():
    _, plan = await mail_plan()
    await slices.acquire(plan.id, 1, uuid4(), uuid4())

    assert await slices.give_up_lost() == [(plan.id, 1)]


async def test_a_living_workers_slices_that_it_does_not_work_on_are_given_up():
    _, plan = await mail_plan(1500)
    mine, other = await make_worker(), await make_worker()
    await slices.acquire(plan.id, 1, mine, uuid4())
    await slices.acquire(plan.id, 2, other, uuid4())

    assert await slices.give_up_forgotten(mine, [(plan.id, 1)]) == []
    assert await slices.give_up_forgotten(mine, []) == [(plan.id, 1)]


async def test_automated_plans_go_before_broadcasts_and_then_the_longest_due():
    shop, first = await mail_plan(1)
    second = await make_resolved(shop, channel=PlanChannel.EMAIL)
    automated = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE plan SET kind = 'AUTOMATED' WHERE id = $1", automated.id)
    await db.execute("UPDATE slice SET due_at = $2 WHERE plan_id = $1", second.id, NOON - timedelta(hours=1))

    assert await slices.due(10) == [
        Due(automated.id, 1, "EMAIL", is_urgent=True),
        Due(second.id, 1, "EMAIL", is_urgent=False),
        Due(first.id, 1, "EMAIL", is_urgent=False),
    ]
    assert len(await slices.due(1)) == 1


async def test_loading_keeps_out_who_unsubscribed_lost_their_address_or_bounced_and_frees_their_contacts():
    _, plan = await mail_plan(5)
    ids = [row["customer_id"] for row in await db.fetch("SELECT customer_id FROM delivery ORDER BY 1")]
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    await slices.load(held)
    await db.execute("UPDATE relationship SET email_consent = 'UNSUBSCRIBED' WHERE customer_id = $1", ids[0])
    await db.execute("UPDATE customer SET email = NULL WHERE id = $1", ids[1])
    await db.execute(
        "INSERT INTO suppression SELECT email_key, 'BOUNCED', $2 FROM customer WHERE id = $1", ids[2], NOON
    )
    await db.execute("DELETE FROM relationship WHERE customer_id = $1", ids[3])

    loaded = await slices.load(held)

    assert [message.customer_id for message in loaded] == [ids[4]]
    rows = await db.fetch("SELECT reason FROM delivery WHERE state = 'SUPPRESSED' ORDER BY customer_id")
    assert [row["reason"] for row in rows] == ["NO_CONSENT", "NO_ADDRESS", "ADDRESS_SUPPRESSED", "NO_CONSENT"]
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1
    await oracle.check([], at_rest=False)


@pytest.mark.parametrize("how", ["released", "paused", "lost", "forgotten"])
async def test_what_was_loaded_and_did_not_leave_holds_no_other_shops_message_back(how: str):
    bloom, plan = await mail_plan(3)
    second = await make_resolved(bloom, channel=PlanChannel.EMAIL)
    other = await make_shop("other")
    await make_customers(other, 3)
    for each in (plan, second):
        worker_id = await make_worker()
        held = await slices.acquire(each.id, 1, worker_id, uuid4())
        assert held is not None and len(await slices.load(held)) == 3
        await give_back(held, each, how)

    assert await db.fetch_value("SELECT count(*) FROM contact") == 0
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE contact_day IS NOT NULL") == 0
    chat = await make_resolved(other)
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE plan_id = $1 AND state = 'SENT'", chat.id) == 3
    await oracle.check_contacts()


async def give_back(held: Slice, plan: Plan, how: str) -> None:
    """Let a slice go, with nothing of it sent."""
    if how == "paused":
        await advance.pause(plan.id, "BY_SELLER")
    if how == "lost":
        await db.execute("DELETE FROM worker WHERE id = $1", held.worker_id)
        assert await slices.give_up_lost() == [(held.plan_id, held.number)]
    elif how == "forgotten":
        assert await slices.give_up_forgotten(held.worker_id, []) == [(held.plan_id, held.number)]
    else:
        await slices.release(held)


async def test_what_left_keeps_its_contact_when_the_rest_of_its_slice_is_given_back():
    _, plan = await mail_plan(4)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    first, second, *_ = await slices.load(held)
    await intent.commit([], [first, second])
    await intent.commit([Settlement(first, 1, DeliveryState.SENT)], [])

    await slices.release(held)

    rows = await db.fetch("SELECT state, contact_day IS NOT NULL, count(*) FROM delivery GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("PENDING", False, 2), ("SENT", True, 1), ("UNKNOWN", True, 1)]
    assert await db.fetch_value("SELECT count(*) FROM contact") == 2
    await oracle.check_contacts()


async def test_loading_without_the_token_changes_nothing():
    _, plan = await mail_plan()
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    await advance.pause(plan.id, "BY_SELLER")

    assert await slices.load(held) == []
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_a_contact_is_good_until_the_customers_own_midnight():
    _, plan = await mail_plan(1, time_zone="Asia/Tokyo")
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None

    (message,) = await slices.load(held)

    assert message.goes_until == datetime(2026, 1, 15, 15, tzinfo=UTC)


async def test_the_day_a_clock_changes_has_its_own_length(clock: Clock):
    clock.freeze(datetime(2026, 3, 29, 0, 30, tzinfo=UTC))  # Berlin loses an hour on this day
    _, plan = await mail_plan(1, time_zone="Europe/Berlin")
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None

    (message,) = await slices.load(held)

    assert message.goes_until == datetime(2026, 3, 29, 22, tzinfo=UTC)


async def test_what_is_over_the_limit_waits_for_a_minute_that_exists(clock: Clock):
    clock.freeze(datetime(2026, 3, 28, 1, 30, tzinfo=UTC))  # 02:30 in Berlin; the next day has no 02:30
    shop = await make_shop(time_zone="Europe/Berlin")
    await make_customers(shop, 1)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None

    assert await slices.load(held) == []

    assert await db.fetch_value("SELECT not_before FROM delivery WHERE plan_id = $1", plan.id) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )  # 03:00, the minute after 01:59


async def test_a_block_and_a_load_at_once_never_put_a_message_behind_the_block(clock: Clock):
    shop = await make_shop()
    customers = await make_customers(shop, 30)
    await make_resolved(shop)
    await make_resolved(shop)
    plan = await make_resolved(shop)
    clock.move(timedelta(days=1))
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None

    async def block(customer: UUID) -> datetime:
        return await consent.block(shop.id, customer)

    await asyncio.gather(slices.load(held), *(block(customer) for customer in customers))

    rows = await db.fetch("SELECT state, reason, count(*) FROM delivery WHERE plan_id = $1 GROUP BY 1, 2", plan.id)
    assert {(row["state"], row["reason"]) for row in rows} <= {("SENT", None), ("SUPPRESSED", "BLOCKED")}
    assert sum(row["count"] for row in rows) == 30
    await oracle.check([])


async def test_loading_that_is_given_up_for_another_transaction_is_done_again():
    _, plan = await mail_plan(2)
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    outside = Outside()

    async with db.transaction():
        await db.execute("SET LOCAL deadlock_timeout = '1h'")  # so that it is the other that is given up
        await db.execute("SELECT FROM delivery FOR UPDATE")
        loading = outside.begin(slices.load(held))
        await until_a_lock_is_waited_for(unless=loading)
        await db.execute("SELECT FROM slice FOR UPDATE")

    assert len(await loading) == 2
    assert await db.fetch_value("SELECT count(*) FROM contact") == 2
