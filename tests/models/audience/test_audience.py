"""Resolving a plan's audience: exactly once, in each customer's language, each when it is their time."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import audience, consent
from models import database as db
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.plan import Plan, PlanChannel
from models.progress import progress
from models.shop import Shop
from tests.factories import make_customers, make_resolved, make_running, make_shop
from tests.ledger import states
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


async def test_every_member_gets_one_chat_message_however_small_the_ranges():
    shop = await make_shop()
    members = await make_customers(shop, 25)
    plan = await make_running(shop)

    ranges = []
    while (done := await audience.resolve_range(plan.id, size=10)) is not None:
        ranges.append(done.sent)

    assert ranges == [10, 10, 5]
    rows = await db.fetch("SELECT customer_id FROM delivery WHERE plan_id = $1 AND state = 'SENT'", plan.id)
    assert sorted(members) == sorted(row["customer_id"] for row in rows)


async def test_ten_workers_at_once_resolve_an_audience_as_one_does():
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_running(shop)

    async def work() -> int:
        total = 0
        while (await Plan.get(id=plan.id)).resolved_at is None:
            done = await audience.resolve_range(plan.id, size=7)
            total += done.recipients if done else 0
        return total

    totals = await asyncio.gather(*(work() for _ in range(10)))

    assert sum(totals) == 100
    assert await states(plan) == {"SENT": 100}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 100


async def test_each_customer_gets_their_language_or_the_shops_default():
    shop = await make_shop()
    await make_customers(shop, 2, prefix="mexican", language="es-MX")
    await make_customers(shop, 3, prefix="japanese", language="ja")
    await make_customers(shop, 4, prefix="unknown", language=None)
    plan = await make_resolved(shop)

    rows = await db.fetch("SELECT language, count(*) FROM delivery WHERE plan_id = $1 GROUP BY 1 ORDER BY 1", plan.id)

    assert [tuple(row) for row in rows] == [("en", 7), ("es", 2)]


async def test_email_waits_in_slices_and_nobody_without_consent_or_address_is_in_one():
    shop = await make_shop()
    await make_customers(shop, 1500)
    await make_customers(shop, 5, prefix="never", consent="NEVER")
    await make_customers(shop, 4, prefix="gone", consent="UNSUBSCRIBED")
    addressless = await make_customers(shop, 3, prefix="addressless")
    await db.execute("UPDATE customer SET email = NULL WHERE id = ANY($1)", addressless)

    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    assert await states(plan) == {"PENDING": 1500, "SUPPRESSED NO_CONSENT": 9, "SUPPRESSED NO_ADDRESS": 3}
    slices = await db.fetch("SELECT number, (SELECT count(*) FROM delivery WHERE slice = number) AS size FROM slice")
    assert sorted(tuple(row) for row in slices) == [(1, 1000), (2, 500)]


async def test_chat_then_email_takes_the_first_channel_that_may_reach_each_customer():
    shop = await make_shop()
    await make_customers(shop, 2, prefix="both")
    blockers = await make_customers(shop, 3, prefix="blocker")
    lost = await make_customers(shop, 1, prefix="lost", consent="NEVER")
    for customer in (*blockers, *lost):
        await consent.block(shop.id, customer)

    plan = await make_resolved(shop, channel=PlanChannel.CHAT_THEN_EMAIL)

    assert await states(plan) == {"SENT": 2, "PENDING": 3, "SUPPRESSED UNREACHABLE": 1}


async def test_an_audience_is_frozen_once_resolved():
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop)

    await make_customers(shop, 5, prefix="late")

    assert await audience.resolve_range(plan.id) is None
    assert await states(plan) == {"SENT": 2}


async def test_a_range_that_is_resolved_again_doubles_nobody():
    shop = await make_shop()
    await make_customers(shop, 20)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE plan SET resolve_cursor = NULL, resolved_at = NULL")

    again = await audience.resolve_range(plan.id)

    assert again is not None and again.recipients == 0
    assert await states(plan) == {"PENDING": 20}
    assert await db.fetch_value("SELECT count(*) FROM slice") == 1


async def test_who_is_in_the_ledger_already_takes_no_second_contact():
    shop = await make_shop()
    await make_customers(shop, 20)
    plan = await make_resolved(shop)
    await db.execute("UPDATE plan SET resolve_cursor = NULL, resolved_at = NULL")

    again = await audience.resolve_range(plan.id)

    assert again is not None and again.recipients == 0
    assert await states(plan) == {"SENT": 20}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 20


async def test_the_ledger_has_no_room_for_a_second_row_of_a_recipient():
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)

    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute("INSERT INTO delivery SELECT * FROM delivery")

    assert await db.fetch_value("SELECT count(*) FROM delivery") == 1


async def test_a_plan_that_was_cancelled_resolves_nobody():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_running(shop)

    await plan.cancel()

    assert await audience.resolve_range(plan.id) is None
    assert await states(plan) == {}


async def test_a_block_waits_for_the_range_that_overlooked_it_and_later_ranges_see_it():
    shop = await make_shop()
    customers = sorted(await make_customers(shop, 20))
    plan = await make_running(shop)
    await audience.resolve_range(plan.id, size=10)

    await consent.block(shop.id, customers[-1])
    await audience.resolve_range(plan.id, size=100)

    assert await states(plan) == {"SENT": 19, "SUPPRESSED BLOCKED": 1}


async def test_a_block_holds_off_until_ranges_under_way_have_ended():
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    held = asyncio.Event()

    async def block():
        await held.wait()
        return await consent.block(shop.id, customer)

    blocking = asyncio.create_task(block())  # before the transaction: a task inherits the one it is made in
    async with db.transaction():
        await consent.hold(shop.id)
        held.set()
        await until_a_lock_is_waited_for(unless=blocking)
        assert not blocking.done()

    assert await asyncio.wait_for(blocking, 60)


async def test_progress_adds_up_and_its_version_rises_with_every_change(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 12)
    plan = await make_running(shop)
    before = await progress(plan.id)
    await audience.resolve_range(plan.id)
    clock.move(timedelta(minutes=1))
    after = await progress(plan.id)

    assert before is not None and after is not None
    assert after.version > before.version
    assert 12 == after.recipients == after.total(DeliveryState.SENT)
    assert await progress(plan.id + 1) is None


async def test_who_unsubscribes_is_out_of_what_waits_and_of_what_comes():
    shop = await make_shop()
    leaving, _ = await make_customers(shop, 2)
    waiting = await make_resolved(shop, channel=PlanChannel.EMAIL)

    assert await consent.unsubscribe(shop.id, leaving, source="mail")
    assert not await consent.unsubscribe(shop.id, leaving, source="mail")
    coming = await make_resolved(shop, channel=PlanChannel.EMAIL)

    assert await states(waiting) == await states(coming) == {"PENDING": 1, "SUPPRESSED NO_CONSENT": 1}


async def local_plan(hour: int) -> Plan:
    """A chat plan for half past `hour` where each customer lives, resolved."""
    plan = await make_running(await Shop.get())
    await db.execute("UPDATE plan SET local_time = make_time($2, 30, 0) WHERE id = $1", plan.id, hour)
    await audience.resolve_range(plan.id)
    return plan


async def test_a_local_hour_is_today_where_it_is_still_to_come_and_tomorrow_where_it_is_past():
    shop = await make_shop()
    zones = {"tokyo": "Asia/Tokyo", "berlin": "Europe/Berlin", "new-york": "America/New_York", "nowhere": None}
    for name, zone in zones.items():
        await make_customers(shop, 1, prefix=name, time_zone=zone)

    plan = await local_plan(19)  # it is 12:00 UTC, 21:00 in Tokyo, 13:00 in Berlin, 07:00 in New York

    rows = await db.fetch(
        "SELECT c.name, d.state, d.reason, d.not_before FROM delivery d JOIN customer c ON c.id = d.customer_id"
        " WHERE d.plan_id = $1 ORDER BY 1",
        plan.id,
    )
    assert [tuple(row) for row in rows] == [
        ("berlin0", "PENDING", "LOCAL_HOUR", datetime(2026, 1, 15, 18, 30, tzinfo=UTC)),
        ("new-york0", "PENDING", "LOCAL_HOUR", datetime(2026, 1, 16, 0, 30, tzinfo=UTC)),
        ("nowhere0", "PENDING", "LOCAL_HOUR", datetime(2026, 1, 15, 19, 30, tzinfo=UTC)),
        ("tokyo0", "PENDING", "LOCAL_HOUR", datetime(2026, 1, 16, 10, 30, tzinfo=UTC)),
    ]
    due = await db.fetch("SELECT due_at FROM slice ORDER BY due_at")
    assert [row["due_at"] for row in due] == sorted(row["not_before"] for row in rows)
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_a_local_hour_that_is_just_now_goes_at_once_and_takes_its_contact():
    shop = await make_shop()
    await make_customers(shop, 1, time_zone="Asia/Kolkata")  # 17:30 there

    plan = await local_plan(17)

    assert await states(plan) == {"SENT": 1}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1


async def test_a_local_hour_in_the_gap_of_summer_time_is_the_next_minute_that_exists(clock: Clock):
    clock.freeze(datetime(2026, 3, 29, 0, 10, tzinfo=UTC))  # 01:10 in Berlin, where 02:00–03:00 does not exist today
    shop = await make_shop()
    await make_customers(shop, 1, time_zone="Europe/Berlin")
    await make_customers(shop, 1, prefix="lord-howe", time_zone="Australia/Lord_Howe")  # half an hour, another day

    plan = await local_plan(2)

    rows = await db.fetch("SELECT not_before FROM delivery WHERE plan_id = $1 ORDER BY 1", plan.id)
    assert [row["not_before"] for row in rows] == [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 29, 15, 30, tzinfo=UTC),
    ]  # fmt: skip


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Cairo"]),
)
async def test_a_local_instant_is_the_first_that_shows_that_time_or_a_later_one(wanted: datetime, zone: str):
    wanted = wanted.replace(second=0, microsecond=0)
    found = await db.fetch_value("SELECT local_instant($1, $2)", wanted, zone)

    shown = found.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    before = (found - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown >= wanted
    assert shown == wanted or before < wanted


async def test_an_audience_resolved_after_its_deadline_has_expired(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_running(shop)
    clock.move(timedelta(hours=73))
    await db.execute("UPDATE relationship SET last_order_at = $1, previous_order_at = $1", now())

    await audience.resolve_range(plan.id)

    assert await states(plan) == {"EXPIRED DEADLINE": 3}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_a_refusal_is_kept_for_figures_once_however_often_it_is_said():
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await consent.unsubscribe(shop.id, customer, source="mail", plan_id=plan.id)
    await consent.unsubscribe(shop.id, customer, source="mail", plan_id=plan.id)
    await consent.block(shop.id, customer)
    await consent.block(shop.id, customer)

    rows = await db.fetch("SELECT channel, plan_id FROM unsubscription ORDER BY 1")
    assert [tuple(row) for row in rows] == [("CHAT", None), ("EMAIL", plan.id)]
    assert await db.fetch_value("SELECT last_unsubscribed_at FROM relationship") == now()
