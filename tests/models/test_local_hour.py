"""The hour of each customer's own day (B3), where a plan was paused, or all sending stopped, over that hour."""

from datetime import UTC, datetime, time, timedelta

import pytest

from models import access, audience, sending
from models import database as db
from models import slice as slices
from models.access import decision
from models.clock import Clock, now
from models.experiment import Experiment, ExperimentMetric, Variant, winner
from models.plan import Plan, PlanChannel, advance
from models.shop import Shop
from tests.automation import send
from tests.conftest import NOON
from tests.factories import DEADLINE, TEXTS, make_customers, make_resolved, make_running, make_shop
from tests.slices import hold

pytestmark = pytest.mark.usefixtures("database")

EVENING = time(20)


async def waiting(plan: Plan) -> list[tuple[str, str | None, datetime | None]]:
    """Each recipient's state and reason, and until when they wait, by customer."""
    rows = await db.fetch(
        "SELECT d.state, d.reason, d.not_before FROM delivery d JOIN customer c ON c.id = d.customer_id"
        " WHERE d.plan_id = $1 ORDER BY c.name",
        plan.id,
    )
    return [tuple(row) for row in rows]


def tomorrow(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 16, hour, minute, tzinfo=UTC)


async def evening_plan(shop: Shop, **fields: object) -> Plan:
    """A plan for 20:00 where each customer lives, resolved at noon UTC."""
    return await make_resolved(shop, local_time=EVENING, **fields)


async def test_a_plan_paused_over_its_local_hour_goes_at_the_next_one_and_not_at_night(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1, prefix="berlin", time_zone="Europe/Berlin")
    await make_customers(shop, 1, prefix="los-angeles", time_zone="America/Los_Angeles")
    plan = await evening_plan(shop)
    await plan.pause()
    clock.move(timedelta(hours=15))  # 03:00 UTC: 04:00 in Berlin; 19:00 in Los Angeles, where the hour is still to come

    await plan.resume(shop)
    await send(plan)

    assert await waiting(plan) == [
        ("PENDING", "LOCAL_HOUR", tomorrow(19)), ("PENDING", "LOCAL_HOUR", tomorrow(4)),
    ]  # fmt: skip
    due = await db.fetch("SELECT due_at FROM slice ORDER BY due_at")
    assert [row["due_at"] for row in due] == [tomorrow(4), tomorrow(19)]
    clock.freeze(tomorrow(19))
    await send(plan)
    assert [state for state, _, _ in await waiting(plan)] == ["SENT", "SENT"]


async def test_what_a_revoked_shop_resumes_at_night_waits_for_the_hour_too(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    for score, hours in ((2, 14), (4, 0)):
        await Shop.filter(id=shop.id).update(score=score)
        await decision.recompute([shop.id], now())
        clock.move(timedelta(hours=hours))
    assert access.access((await Shop.get(id=shop.id)).score).state is access.AccessState.ELIGIBLE

    await plan.resume(shop)
    await send(plan)

    assert await waiting(plan) == [("PENDING", "LOCAL_HOUR", tomorrow(20))]


async def test_what_was_over_the_contact_limit_waits_for_the_hour_too(clock: Clock):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    await db.execute(
        "INSERT INTO contact SELECT $1, $2, slot, 999, '' FROM generate_series(1, 2) AS slot", customer, NOON.date()
    )
    plan = await make_resolved(shop, local_time=time(12))
    assert await waiting(plan) == [("PENDING", "CONTACT_LIMIT", tomorrow(12))]
    await plan.pause()
    clock.freeze(tomorrow(22))

    await plan.resume(shop)
    await send(plan)

    assert await waiting(plan) == [("PENDING", "LOCAL_HOUR", tomorrow(12) + timedelta(days=1))]


@pytest.mark.parametrize(("late", "goes"), [(timedelta(minutes=30), True), (timedelta(minutes=31), False)])
async def test_half_an_hour_after_the_local_hour_it_still_goes(clock: Clock, late: timedelta, *, goes: bool):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    await plan.pause()
    clock.freeze(NOON + timedelta(hours=8) + late)

    await plan.resume(shop)
    await send(plan)

    [(state, _, _)] = await waiting(plan)
    assert state == ("SENT" if goes else "PENDING")


async def test_a_short_pause_in_the_middle_of_a_long_sending_puts_nothing_off(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await evening_plan(shop, channel=PlanChannel.EMAIL)
    clock.move(timedelta(hours=10))  # the relay is slow: two hours after the hour, mails are still to go
    held, _ = await hold(plan)
    await slices.release(held)
    await plan.pause()
    clock.move(timedelta(minutes=5))

    await plan.resume(shop)

    assert {(state, not_before) for state, _, not_before in await waiting(plan)} == {("PENDING", None)}
    assert len(await slices.due_of(plan.id, 10)) == 1


async def test_mails_that_were_on_their_way_when_it_was_paused_wait_for_the_hour_and_refused_ones_keep_why(
    clock: Clock,
):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await evening_plan(shop, channel=PlanChannel.EMAIL)
    clock.move(timedelta(hours=8))
    held, _ = await hold(plan)
    await plan.pause()
    await slices.release(held)
    await db.execute(
        "UPDATE delivery SET reason = '4.2.2', not_before = $2 WHERE plan_id = $1"
        " AND customer_id = (SELECT min(customer_id::text)::uuid FROM delivery)",
        plan.id, now() + timedelta(minutes=5),
    )  # fmt: skip
    clock.move(timedelta(hours=7))

    await plan.resume(shop)

    held, letters = await hold(plan)
    await slices.release(held)
    assert letters == []
    assert sorted(await waiting(plan)) == [
        ("PENDING", "4.2.2", tomorrow(20)), ("PENDING", "LOCAL_HOUR", tomorrow(20)),
    ]  # fmt: skip
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_who_waits_for_a_winner_gets_it_at_the_first_local_hour_after_the_decision_that_the_pause_put_off(
    clock: Clock,
):
    shop = await make_shop()
    await make_customers(shop, 30)
    tried = Experiment((Variant(content={"texts": TEXTS}),), 20, ExperimentMetric.CLICK, 4)
    plan = await make_running(shop, experiment=tried, local_time=EVENING)
    await audience.resolve_range(plan.id)
    await plan.pause()
    clock.move(timedelta(hours=6))  # the decision moves from 16:00 to 22:00

    await plan.resume(shop)

    clock.freeze(NOON + timedelta(hours=10))
    assert await winner.declare(plan.id) is not None
    await send(plan)
    assert {(state, until) for state, _, until in await waiting(plan)} == {("SENT", None), ("PENDING", tomorrow(20))}


async def test_to_resume_writes_no_message_so_that_plans_of_any_size_go_on_at_once(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await evening_plan(shop)
    await plan.pause()
    before = await db.fetch("SELECT *, xmin::text FROM delivery ORDER BY customer_id")
    clock.move(timedelta(hours=15))

    await plan.resume(shop)

    assert await db.fetch("SELECT *, xmin::text FROM delivery ORDER BY customer_id") == before


async def test_whoever_comes_to_a_slice_after_the_next_local_hour_only_sends_at_once(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    await plan.pause()
    clock.move(timedelta(hours=15))
    await plan.resume(shop)
    clock.freeze(tomorrow(21))

    await send(plan)

    assert await waiting(plan) == [("SENT", None, None)]


async def test_a_second_pause_over_the_local_hour_puts_off_once_more(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    for _ in range(2):
        await plan.pause()
        clock.move(timedelta(hours=24) if now() > tomorrow(0) else timedelta(hours=15))
        await plan.resume(shop)
        await send(plan)

    assert await waiting(plan) == [("PENDING", "LOCAL_HOUR", tomorrow(20) + timedelta(days=1))]


async def test_a_plan_without_a_local_hour_goes_when_it_is_resumed(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await plan.pause()
    clock.move(timedelta(hours=15))

    await plan.resume(shop)

    assert [(state, until) for state, _, until in await waiting(plan)] == [("PENDING", None)]
    assert len(await slices.due_of(plan.id, 10)) == 1


async def test_after_a_stop_of_all_sending_over_the_local_hour_it_goes_at_the_next_one(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    running, paused = await evening_plan(shop), await evening_plan(shop)
    await sending.stop("a leak", actor="test")
    await paused.pause()
    before = await waiting(paused)
    clock.move(timedelta(hours=15))

    await sending.resume(actor="test")
    await send(running)

    assert await waiting(running) == [("PENDING", "LOCAL_HOUR", tomorrow(20))]
    assert await waiting(paused) == before


async def test_a_plan_that_was_paused_when_a_stop_over_its_local_hour_ended_goes_at_the_next_one(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    await sending.stop("a leak", actor="test")
    clock.move(timedelta(hours=15))
    await plan.pause()
    await sending.resume(actor="test")
    clock.move(timedelta(minutes=5))

    await plan.resume(shop)
    await send(plan)

    assert await waiting(plan) == [("PENDING", "LOCAL_HOUR", tomorrow(20))]


def at_eight(minutes: int) -> datetime:
    """So many minutes after the hour of `evening_plan`, in UTC."""
    return NOON + timedelta(hours=8, minutes=minutes)


async def held_at(shop: Shop, plan: Plan, clock: Clock, deeds: dict[int, str]) -> None:
    """Pause and resume a plan, stop and resume all sending, at these minutes around the plan's hour."""
    for minutes, deed in deeds.items():
        clock.freeze(at_eight(minutes))
        match deed:
            case "stop":
                await sending.stop("a leak", actor="test")
            case "go on":
                await sending.resume(actor="test")
            case "pause":
                await plan.pause()
            case "resume":
                await plan.resume(shop)


@pytest.mark.parametrize(
    "deeds",
    [
        {-5: "stop", 15: "pause", 20: "go on", 40: "resume"},
        {-5: "pause", 15: "stop", 20: "resume", 40: "go on"},
        {-5: "stop", 10: "pause", 15: "resume", 17: "pause", 20: "go on", 40: "resume"},
        {-5: "pause", 10: "stop", 20: "resume", 25: "pause", 30: "go on", 40: "resume"},
        {-400: "stop", 15: "pause", 20: "go on", 40: "resume"},
    ],
    ids=["stop-pause", "pause-stop", "two-pauses", "pause-stop-pause", "long-stop"],
)
async def test_a_stop_and_a_pause_that_overlap_are_one_hold_of_the_whole_time(clock: Clock, deeds: dict[int, str]):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)

    await held_at(shop, plan, clock, deeds)
    await send(plan)

    assert await waiting(plan) == [("PENDING", "LOCAL_HOUR", tomorrow(20))]


async def test_holds_between_which_a_plan_went_on_are_judged_each_by_itself(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)

    await held_at(shop, plan, clock, {-5: "stop", 20: "go on", 21: "pause", 40: "resume"})
    await send(plan)

    assert await waiting(plan) == [("SENT", None, None)]


async def test_what_is_retried_during_a_stop_is_held_since_the_retry_and_goes_when_the_stop_ends_soon_after(
    clock: Clock,
):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await evening_plan(shop)
    clock.freeze(at_eight(0))
    await send(plan)
    await db.execute("UPDATE delivery SET state = 'FAILED', reason = '5.6.0', sent_at = NULL, contact_day = NULL")
    await db.execute("DELETE FROM contact")
    assert await advance.finish(plan.id)
    await plan.refresh_from_db()
    await sending.stop("a leak", actor="test")
    clock.freeze(at_eight(120))
    await plan.retry_failed(shop, include_unknown=False, deadline_after=DEADLINE)
    clock.freeze(at_eight(125))

    await sending.resume(actor="test")
    await send(plan)

    assert await waiting(plan) == [("SENT", None, None)]


async def test_a_time_zone_that_changes_while_a_message_waits_for_its_hour_does_not_move_it(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1, prefix="own", time_zone="Europe/Berlin")
    await make_customers(shop, 1, prefix="shop")
    plan = await evening_plan(shop)
    before = await waiting(plan)

    await db.execute("UPDATE customer SET time_zone = 'America/Los_Angeles' WHERE time_zone IS NOT NULL")
    await db.execute("UPDATE shop SET time_zone = 'Asia/Jakarta'")

    assert (
        await waiting(plan)
        == before
        == [("PENDING", "LOCAL_HOUR", at_eight(-60)), ("PENDING", "LOCAL_HOUR", at_eight(0))]
    )
    clock.freeze(at_eight(0))
    await send(plan)
    assert [state for state, _, _ in await waiting(plan)] == ["SENT", "SENT"]
