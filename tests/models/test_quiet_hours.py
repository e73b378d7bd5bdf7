"""Quiet hours: what would fall into them waits for their end on the customer's own clock, order confirmations aside."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import audience, quiet_hours
from models import database as db
from models import slice as slices
from models.clock import Clock
from models.errors import Refused
from models.plan import Plan, PlanChannel, PlanStatus
from models.quiet_hours import Hours, QuietHours
from models.slice import loading
from models.trigger import TriggerCode
from tests import oracle
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_running, make_shop
from tests.outside import Outside
from tests.slices import hold, mail_plan, make_worker, spread
from tests.waiting import until_locks_are_waited_for_by

pytestmark = pytest.mark.usefixtures("database")

LUNCH = Hours(time(11, 30), time(14))
NIGHT = Hours(time(21), time(9))
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago")


async def chat(hours: QuietHours, count: int = 2, **columns: Any) -> Plan:
    """A chat plan, resolved at noon, of a shop with these quiet hours."""
    shop = await make_shop()
    await make_customers(shop, count, **columns)
    await quiet_hours.change(shop, hours)
    return await make_resolved(shop)


async def told() -> set[tuple[str, str | None, datetime | None]]:
    rows = await db.fetch("SELECT state::text, reason, not_before FROM delivery")
    return {tuple(row) for row in rows}


async def test_chat_that_falls_into_quiet_hours_waits_for_their_end_and_goes_then(clock: Clock):
    plan = await chat(QuietHours(LUNCH))
    end = NOON + timedelta(hours=2)
    assert await told() == {("PENDING", "QUIET_HOURS", end)}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0

    clock.freeze(end)
    await hold(plan)

    assert await told() == {("SENT", None, None)}
    await oracle.check_contacts()


async def test_each_customers_own_clock_counts():
    shop = await make_shop()
    await make_customers(shop, 1, prefix="here-")
    await make_customers(shop, 1, prefix="there-", time_zone="America/New_York")
    await quiet_hours.change(shop, QuietHours(NIGHT))
    await make_resolved(shop)

    assert await told() == {("SENT", None, None), ("PENDING", "QUIET_HOURS", datetime(2026, 1, 15, 14, tzinfo=UTC))}


@pytest.mark.parametrize(
    ("exceptions", "region", "is_quiet"),
    [
        ({}, "MX-JAL", True),
        ({"MX-JAL": None}, "MX-JAL", False),
        ({"MX": None}, "MX-JAL", False),
        ({"MX": None, "MX-JAL": LUNCH}, "MX-JAL", True),
        ({"MX": LUNCH, "MX-JAL": NIGHT}, "MX-JAL", False),
        ({"MX-NLE": None}, "MX-JAL", True),
        ({"MX": None}, None, True),
    ],
)
async def test_the_region_counts_before_the_country_and_both_before_everywhere(
    exceptions: dict[str, Hours | None], region: str | None, is_quiet: bool
):
    shop = await make_shop()
    await make_customers(shop, 1)
    await db.execute("UPDATE customer SET region = $1, country = left($1, 2)", region)
    await quiet_hours.change(shop, QuietHours(LUNCH, exceptions))
    await make_resolved(shop)

    assert [row[1] for row in await told()] == (["QUIET_HOURS"] if is_quiet else [None])


async def test_who_told_a_region_alone_is_in_its_country():
    shop = await make_shop()
    await make_customers(shop, 1)
    await db.execute("UPDATE customer SET region = 'MX-JAL'")
    await quiet_hours.change(shop, QuietHours(None, {"MX": LUNCH}))
    await make_resolved(shop)

    assert [row[1] for row in await told()] == ["QUIET_HOURS"]


async def test_mail_that_was_loaded_goes_only_until_they_begin_and_what_was_not_sent_waits(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    await quiet_hours.change(shop, QuietHours(Hours(time(12, 30), time(15))))
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    held, messages = await hold(plan)
    begins = NOON + timedelta(minutes=30)
    assert {message.goes_until for message in messages} == {begins}
    clock.freeze(begins)
    await slices.release(held)
    _, late = await hold(plan)

    assert late == []
    assert await told() == {("PENDING", "QUIET_HOURS", NOON + timedelta(hours=3))}
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_a_local_hour_that_falls_into_them_waits_for_their_end():
    shop = await make_shop()
    await make_customers(shop, 1)
    await quiet_hours.change(shop, QuietHours(NIGHT))
    plan = await make_running(shop, local_time=time(22))
    await audience.resolve_range(plan.id)

    assert await told() == {("PENDING", "QUIET_HOURS", datetime(2026, 1, 16, 9, tzinfo=UTC))}


async def test_when_they_change_what_waits_is_looked_at_anew():
    plan = await chat(QuietHours(LUNCH))
    await quiet_hours.change(await plan.shop, QuietHours())
    assert [each.plan_id for each in await slices.due(10)] == [plan.id]

    await hold(plan)

    assert await told() == {("SENT", None, None)}


async def test_to_change_them_writes_no_message_so_that_it_takes_a_moment_however_many_wait():
    plan = await chat(QuietHours(LUNCH))
    before = await db.fetch("SELECT *, xmin::text FROM delivery ORDER BY customer_id")

    await quiet_hours.change(await plan.shop, QuietHours())

    assert await db.fetch("SELECT *, xmin::text FROM delivery ORDER BY customer_id") == before


async def test_what_a_worker_put_off_by_the_hours_before_is_looked_at_anew_once_its_slice_is_given_back():
    shop = await make_shop()
    await make_customers(shop, 1, prefix="here-")
    await make_customers(shop, 1, prefix="there-", time_zone="America/New_York")
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await quiet_hours.change(shop, QuietHours(NIGHT))
    held, messages = await hold(plan)
    assert [message.name for message in messages] == ["here-0"]

    await quiet_hours.change(shop, QuietHours())
    await slices.release(held)

    assert [each.plan_id for each in await slices.due(10)] == [plan.id]
    _, messages = await hold(plan)
    assert {message.name for message in messages} == {"here-0", "there-0"}


async def test_what_is_being_loaded_by_the_hours_before_is_looked_at_anew_as_well():
    shop = await make_shop()
    await make_customers(shop, 1, prefix="here-")
    await make_customers(shop, 1, prefix="there-", time_zone="America/New_York")
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await quiet_hours.change(shop, QuietHours(NIGHT))
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    outside = Outside()

    async with db.transaction():
        await quiet_hours.change(shop, QuietHours())
        load = outside.begin(slices.load(held))
        await until_locks_are_waited_for_by(1)
    assert [message.name for message in await load] == ["here-0"]
    await db.execute("UPDATE delivery SET state = 'SENT' WHERE contact_day IS NOT NULL")
    await slices.release(held)

    _, messages = await hold(plan)
    assert [message.name for message in messages] == ["there-0"]


async def test_when_they_change_what_waits_for_something_else_goes_on_waiting():
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, local_time=time(20))
    before = await db.fetch("SELECT * FROM slice")

    await quiet_hours.change(shop, QuietHours(NIGHT))

    assert await db.fetch("SELECT * FROM slice") == before
    assert await slices.due_of(plan.id, 10) == []


async def test_hours_that_change_twice_are_looked_at_once_as_they_are():
    plan = await chat(QuietHours(LUNCH))
    await quiet_hours.change(await plan.shop, QuietHours())
    await quiet_hours.change(await plan.shop, QuietHours(Hours(time(11), time(15))))

    held, _ = await hold(plan)
    await slices.release(held)

    assert await told() == {("PENDING", "QUIET_HOURS", NOON + timedelta(hours=3))}
    assert await slices.due_of(plan.id, 10) == []


def test_order_confirmations_know_no_quiet_hours():
    asked = "THEN CASE WHEN quiet IS NOT NULL THEN quiet_until"
    assert f"CASE WHEN false {asked}" in loading.statement(TriggerCode.ORDER_CONFIRMATION)
    assert f"CASE WHEN true {asked}" in loading.statement(None)


@settings(suppress_health_check=list(HealthCheck))
@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    zone=st.sampled_from(ZONES),
    since=st.times(), until=st.times(),
)  # fmt: skip
async def test_the_database_waits_as_the_rule_says(database: None, at: datetime, zone: str, since: time, until: time):
    at, since, until = at.replace(tzinfo=UTC, microsecond=0), _minute(since), _minute(until)
    end = await db.fetch_value("SELECT quiet_until($1, $2, $3, $4)", at, zone, since, until)
    begins = await db.fetch_value("SELECT quiet_from($1, $2, $3)", at, zone, since)

    clock = at.astimezone(ZoneInfo(zone)).time()
    is_quiet = since <= clock < until if since < until else (clock >= since or clock < until) and since != until
    assert (end is not None) == is_quiet
    assert begins > at
    if end is not None:
        assert at < end <= at + timedelta(hours=26)
        again = await db.fetch_value("SELECT quiet_until($1, $2, $3, $4)", end, zone, since, until)
        assert again is None or again > end  # an hour that comes twice, or is skipped, ends them a little later


def _minute(value: time) -> time:
    return value.replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("quiet", "match"),
    [
        (QuietHours(Hours(time(9), time(9))), "another time"),
        (QuietHours(None, {"MX": Hours(time(9), time(9))}), "another time"),
        (QuietHours(None, {"Mexico": None}), "no region"),
        (QuietHours(None, {f"MX-{number}": None for number in range(101)}), "at most 100"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(quiet: QuietHours, match: str):
    shop = await make_shop()
    kept = await quiet_hours.change(shop, QuietHours(NIGHT, {"MX": None}))

    with pytest.raises(Refused, match=match):
        await quiet_hours.change(shop, quiet)

    assert await quiet_hours.of_shop(shop.id) == kept


async def test_quiet_hours_change_while_a_plan_is_cancelled_whose_slices_a_worker_holds():
    shop, plan = await mail_plan(3)
    await spread(plan)
    await hold(plan, 3)
    outside = Outside()

    async with db.transaction():
        await db.execute("SELECT FROM slice WHERE plan_id = $1 AND number = 2 FOR UPDATE", plan.id)
        changing = outside.begin(quiet_hours.change(shop, QuietHours(NIGHT)))
        await until_locks_are_waited_for_by(1)
        cancelling = outside.begin(plan.cancel())
        await until_locks_are_waited_for_by(2)

    assert (await changing).hours == NIGHT
    assert PlanStatus.CANCELLED is (await cancelling).status
