"""Holdouts: who is held out, that SQL and Python agree on it, and that the ledger has it (B4)."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import audience, consent, database
from models.clock import Clock, now
from models.delivery import Reason
from models.errors import Refused
from models.estimate import estimate
from models.experiment import holdout
from models.plan import Plan, PlanChannel
from models.plan.automation import Automation
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import read
from tests.automation import welcome
from tests.factories import make_customers, make_draft, make_resolved, make_running, make_shop

pytestmark = pytest.mark.usefixtures("database")

percents = st.none() | st.integers(0, 50)


async def outcomes(plan: Plan) -> Counter[tuple[str, str | None]]:
    """How many recipients share a state and a reason."""
    rows = await database.fetch("SELECT state, reason FROM delivery WHERE plan_id = $1", plan.id)
    return Counter((row["state"], row["reason"]) for row in rows)


async def held_out(plan: Plan, reason: str = "HOLDOUT") -> set[UUID]:
    """Who is held out of a plan for a reason."""
    rows = await database.fetch(
        "SELECT customer_id FROM delivery WHERE plan_id = $1 AND state = 'HELD_OUT' AND reason = $2", plan.id, reason
    )
    return {row["customer_id"] for row in rows}


def chosen(customers: list[UUID], plan: Plan, percent: int) -> set[UUID]:
    """Whom the rule holds out of a plan of a shop without a control group."""
    return {
        each
        for each in customers
        if holdout.held_out(
            each, plan_id=plan.id, percent=percent, shop_id=plan.shop_id, control_percent=0, period=now()
        )
    }


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    percent=percents,
    control=percents,
    plan_id=st.integers(1, 10**6),
    shop_id=st.integers(1, 10**6),
    period=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    customers=st.lists(st.uuids(), min_size=20, max_size=40),
)
async def test_sql_holds_out_whom_python_does(
    *, percent: int | None, control: int | None, plan_id: int, shop_id: int, period: datetime, customers: list[UUID]
):
    period = period.replace(microsecond=0)
    rule = holdout.reason(
        "id", plan="$1::int", percent="$2::int", shop="$3::int", control="$4::int", period="$5::timestamptz"
    )
    rows = await database.fetch(
        f"SELECT {rule} FROM unnest($6::uuid[]) AS t(id)", plan_id, percent, shop_id, control, period, customers
    )

    assert [row[0] for row in rows] == [
        holdout.held_out(
            each, plan_id=plan_id, percent=percent, shop_id=shop_id, control_percent=control or 0, period=period
        )
        for each in customers
    ]


@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.timezones()))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sql_begins_a_quarter_when_python_does(at: datetime):
    begins = await database.fetch_value("SELECT date_trunc('quarter', $1::timestamptz, 'UTC')", at)

    assert holdout.quarter_of(at) == begins


async def test_held_out_customers_are_in_the_ledger_with_their_time_and_take_no_contact():
    shop = await make_shop()
    customers = await make_customers(shop, 200)

    plan = await make_resolved(shop, holdout_percent=20)

    out = chosen(customers, plan, 20)
    assert 20 < len(out) < 60
    assert await held_out(plan) == out
    assert await outcomes(plan) == {("HELD_OUT", "HOLDOUT"): len(out), ("SENT", None): 200 - len(out)}
    rows = await database.fetch("SELECT * FROM delivery WHERE state = 'HELD_OUT'")
    assert {(row["created_at"], row["slice"], row["sent_at"], row["contact_day"]) for row in rows} == {
        (now(), None, None, None)
    }
    contacts = await database.fetch("SELECT customer_id FROM contact")
    assert {row["customer_id"] for row in contacts} == set(customers) - out


async def test_whoever_cannot_be_reached_is_suppressed_in_either_group_so_both_stay_comparable():
    shop = await make_shop()
    customers = await make_customers(shop, 200)
    blockers = set(customers[::3])
    for customer in blockers:
        await consent.block(shop.id, customer)

    plan = await make_resolved(shop, holdout_percent=50)

    out = chosen(customers, plan, 50) - blockers
    assert await held_out(plan) == out
    assert await outcomes(plan) == {
        ("HELD_OUT", "HOLDOUT"): len(out),
        ("SUPPRESSED", "BLOCKED"): len(blockers),
        ("SENT", None): 200 - len(out) - len(blockers),
    }


async def test_email_waits_for_those_only_who_are_not_held_out():
    shop = await make_shop()
    customers = await make_customers(shop, 100)

    plan = await make_resolved(shop, channel=PlanChannel.EMAIL, holdout_percent=10)

    out = len(chosen(customers, plan, 10))
    assert await outcomes(plan) == {("HELD_OUT", "HOLDOUT"): out, ("PENDING", None): 100 - out}
    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE slice IS NOT NULL") == 100 - out


async def test_the_control_group_gets_nothing_of_any_plan_and_is_another_one_next_quarter(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 200)
    await holdout.change(shop, plan_percent=0, control_percent=20, actor="anna")
    first, second = await make_resolved(shop), await make_resolved(shop, holdout_percent=20)
    clock.move(timedelta(days=90))
    await database.execute("UPDATE relationship SET last_order_at = $1, previous_order_at = $1", now())
    third = await make_resolved(shop)

    groups = [await held_out(plan, "CONTROL_GROUP") for plan in (first, second, third)]
    assert groups[0] == groups[1] != groups[2]
    assert all(20 < len(group) < 60 for group in groups)
    assert await held_out(second) and not await held_out(second) & groups[1]


async def test_another_share_draws_the_control_group_anew_and_the_same_share_keeps_it(clock: Clock):
    shop = await make_shop()
    await holdout.change(shop, plan_percent=0, control_percent=5, actor="anna")
    clock.move(timedelta(hours=1))
    kept = await holdout.change(shop, plan_percent=3, control_percent=5, actor="anna")
    drawn = await holdout.change(shop, plan_percent=3, control_percent=6, actor="anna")

    assert kept.control_since == now() - timedelta(hours=1)
    assert drawn.control_since == now()
    assert await holdout.of_shop(shop.id) == drawn


async def test_of_two_changes_at_once_neither_takes_back_the_other():
    shop = await make_shop()
    await asyncio.gather(
        holdout.change(shop, plan_percent=3, actor="anna"), holdout.change(shop, control_percent=5, actor="ben")
    )
    found = await holdout.of_shop(shop.id)
    assert (found.plan_percent, found.control_percent) == (3, 5)


async def test_a_plan_without_a_share_holds_nobody_out_not_even_the_control_group():
    shop = await make_shop()
    await make_customers(shop, 100)
    await holdout.change(shop, plan_percent=50, control_percent=50, actor="anna")
    plan = await make_running(shop)
    await database.execute("UPDATE plan SET holdout_percent = NULL WHERE id = $1", plan.id)

    await audience.resolve_range(plan.id)

    assert await outcomes(plan) == {("SENT", None): 100}


async def test_a_new_draft_takes_the_shops_share_and_its_copy_keeps_the_plans():
    shop = await make_shop()
    await holdout.change(shop, plan_percent=7, control_percent=0, actor="anna")
    plain, own = await make_draft(shop), await make_draft(shop, holdout_percent=0)
    await holdout.change(shop, plan_percent=9, control_percent=0, actor="anna")
    copies = [await plan.duplicate(shop, actor="ben") for plan in (plain, own)]

    assert [plan.holdout_percent for plan in (plain, own, *copies)] == [7, 0, 7, 0]


def confirmation() -> Automation:
    """What makes a plan confirm orders."""
    return Automation(TriggerCode.ORDER_CONFIRMATION, read(TRIGGERS[TriggerCode.ORDER_CONFIRMATION], {}))


async def make_confirmation(shop: Shop, **fields: Any) -> Plan:
    """A draft that confirms orders."""
    return await make_draft(shop, segment_id=None, automation=confirmation(), **fields)


@pytest.mark.parametrize("said", [None, 0])
async def test_an_order_confirmation_has_no_share_so_the_control_group_gets_it_too(said: int | None):
    shop = await make_shop()
    await holdout.change(shop, plan_percent=7, control_percent=50, actor="anna")

    plan = await make_confirmation(shop, holdout_percent=said)
    copy = await plan.duplicate(shop, actor="anna")

    assert [each.holdout_percent for each in (plan, copy)] == [None, None]


async def test_a_share_of_an_order_confirmation_is_refused():
    shop = await make_shop()
    with pytest.raises(Refused, match="holds nobody out") as caught:
        await make_confirmation(shop, holdout_percent=50)
    assert (caught.value.problems[0].field, caught.value.problems[0].rule) == (("holdoutPercent",), "B4")
    assert not await Plan.all().exists()

    plan = await make_confirmation(shop)
    with pytest.raises(Refused, match="holds nobody out"):
        await plan.edit(shop, lambda decided: replace(decided, name="Other", holdout_percent=5))

    assert (await Plan.get()).name == plan.name != "Other"
    assert (await Plan.get()).holdout_percent is None


async def test_an_order_confirmation_made_into_marketing_takes_the_shops_share():
    shop = await make_shop()
    await holdout.change(shop, plan_percent=7, control_percent=5, actor="anna")
    plan = await make_confirmation(shop)

    await plan.edit(shop, lambda decided: replace(decided, automation=welcome()))

    assert plan.holdout_percent == 7


@pytest.mark.parametrize("percent", [-1, 51])
async def test_more_than_half_of_an_audience_cannot_be_held_out(percent: int):
    shop = await make_shop()
    for refused in (
        make_draft(shop, holdout_percent=percent),
        holdout.change(shop, plan_percent=percent, control_percent=0, actor="anna"),
        holdout.change(shop, plan_percent=0, control_percent=percent, actor="anna"),
    ):
        with pytest.raises(Refused, match="0–50 percent") as caught:
            await refused
        assert caught.value.problems[0].rule == "B4"

    assert not await Plan.all().exists()
    assert await holdout.of_shop(shop.id) == holdout.NOTHING


async def test_cancelling_leaves_who_was_held_out_and_the_states_add_up():
    shop = await make_shop()
    customers = await make_customers(shop, 60)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL, holdout_percent=30)

    await plan.cancel()

    out = len(chosen(customers, plan, 30))
    assert await outcomes(plan) == {("HELD_OUT", "HOLDOUT"): out, ("CANCELLED", None): 60 - out}


async def test_an_estimate_says_who_will_be_held_out():
    shop = await make_shop()
    await make_customers(shop, 100)
    await holdout.change(shop, plan_percent=10, control_percent=10, actor="anna")
    plan = await make_draft(shop)

    expected = await estimate(shop, plan)
    await plan.submit(await Shop.get(id=shop.id), send_at=None, deadline_after=timedelta(hours=72))
    await database.execute("UPDATE plan SET localised_at = $2 WHERE id = $1", plan.id, now())
    await audience.resolve_range(plan.id)

    found = await outcomes(plan)
    held = sum(count for (state, _), count in found.items() if state == "HELD_OUT")
    assert {reason for _, reason in found} == {None, Reason.HOLDOUT, Reason.CONTROL_GROUP}
    assert (expected.held_out, expected.reachable, expected.audience) == (held, 100 - held, 100)
