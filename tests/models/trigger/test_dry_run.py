"""Dry runs: what a draft would have sent equals what it then does when the same is lived through."""

from collections import Counter
from datetime import timedelta

import pytest

from models import consent
from models.condition import SegmentPreset
from models.errors import Refused
from models.experiment import holdout
from models.identifier import customer_id
from models.plan import Plan
from models.plan.automation import Automation
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.dry_run import dry_run
from models.trigger.parameter import read
from tests.automation import LIFE, Life, ledger, make_automated
from tests.factories import make_draft, make_shop
from tests.occasions import STEPS, end, happen
from tests.rows import live_row, tell

pytestmark = pytest.mark.usefixtures("database")

HOUR = 60


async def lived(life: Life, plan: Plan) -> None:
    """Four days in which three customers leave carts, one buys, one comes back."""
    await life.people("ana", "ben", "cleo")
    for minute in range(0, 96 * HOUR, 30):
        life.go(minute)
        if minute == 2 * HOUR:
            await life.did("CART_ADDED", minute, product="soap")
            await life.did("CART_ADDED", minute, "ben", product="soap")
            await life.did("CART_ADDED", minute, "cleo", product="soap")
        if minute == 3 * HOUR:
            await life.bought(minute, "ben")
        if minute == 10 * HOUR:
            await life.did("CART_EMPTIED", minute, "cleo")
        if minute == 50 * HOUR:
            await life.did("CART_ADDED", minute, "cleo", product="towel")
        await life.look(plan)


async def test_a_dry_run_finds_what_living_through_it_sent():
    life = Life(shop := await make_shop())
    steps = {"steps": [120, 1440]}
    plan = await make_automated(shop, "ABANDONED_CART", steps)
    await lived(life, plan)
    sent = await ledger(plan)
    trigger = TRIGGERS[TriggerCode.ABANDONED_CART]
    draft = await make_draft(
        shop, segment_id=None, content={"texts": {}}, automation=Automation(trigger.code, read(trigger, steps))
    )
    tried = await dry_run(shop, draft, days=28, life=LIFE)
    assert tried.messages == len(sent) == 5
    assert await dry_run(shop, plan, days=28, life=LIFE) == tried
    assert tried.customers == 2
    assert tried.hours[(life.at(4 * HOUR)).hour] == 3
    assert sum(tried.hours) == 5
    assert {segment.preset: count for segment, count in tried.segments}[SegmentPreset.POTENTIAL_NEW] == 2
    assert tried.is_complete
    later = await dry_run(shop, draft, days=1, life=LIFE)
    assert later.messages < 5


@pytest.mark.parametrize("code", [code for code in STEPS if code not in ("ORDER_CONFIRMATION", "PRICE_DROP")])
async def test_of_steps_that_were_due_when_their_occasion_was_told_of_late_a_dry_run_counts_the_last_alone(code: str):
    life = Life(shop := await make_shop())
    await life.people("ana")
    step = STEPS[code][2]
    plan = await make_automated(shop, code, {"steps": [step, step + HOUR]})
    life.go(step + 2 * HOUR)
    await happen(life, code, 1, "ana")

    assert await life.look(plan) == 1
    assert (await dry_run(shop, plan, days=28, life=LIFE)).messages == 1


async def test_of_a_live_that_was_planned_within_several_leads_a_dry_run_counts_one_reminder():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [30, HOUR]})
    life.go(100)
    await tell(shop, live_row(startsAt=life.at(120).isoformat()))

    assert await life.look(plan) == 1
    assert (await dry_run(shop, plan, days=1, life=LIFE)).messages == 1


async def test_a_dry_run_counts_no_step_of_an_occasion_that_a_later_one_came_before():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "INCOMPLETE_CHECKOUT", {"steps": [60, 90]})
    life.go(100)
    await life.did("CHECKOUT_STARTED", 1, reference="k1")
    made = [await life.look(plan)]
    life.go(200)
    await life.did("CHECKOUT_STARTED", 200, reference="k1")

    assert [*made, await life.look(plan, 260), await life.look(plan, 290)] == [1, 0, 0]
    assert (await dry_run(shop, plan, days=1, life=LIFE)).messages == 1


async def test_a_dry_run_tells_how_many_would_be_held_out_and_have_blocked_the_chat_as_living_through_it_does():
    life = Life(shop := await make_shop())
    people = [f"c{number}" for number in range(20)]
    plan = await make_automated(shop, "WELCOME_FOLLOWER", holdout_percent=40)
    await life.people(*people)
    for name in people:
        await life.did("FOLLOWED", 0, name)
    for name in people[::4]:
        await consent.block(shop.id, customer_id(name))
    await life.look(plan, 1)
    states = Counter((await ledger(plan)).values())

    tried = await dry_run(shop, plan, days=1, life=LIFE)

    assert (tried.messages, tried.held_out, tried.blocked) == (
        20,
        states["HELD_OUT HOLDOUT"],
        states["SUPPRESSED BLOCKED"],
    )
    assert tried.held_out > 0 < tried.blocked
    assert list(tried.leaves_out) == ["CONTACT_LIMIT", "QUIET_HOURS"]


async def test_nobody_is_held_out_of_order_confirmations():
    life = Life(shop := await make_shop())
    await holdout.change(shop, plan_percent=0, control_percent=50, actor="anna")
    await life.people(*(f"c{number}" for number in range(20)))
    confirms, thanks = [await make_automated(shop, code) for code in ("ORDER_CONFIRMATION", "THANK_YOU")]
    for number in range(20):
        await life.bought(0, f"c{number}", f"o{number}")
    life.go(2 * 24 * HOUR)

    tried = [await dry_run(shop, each, days=3, life=LIFE) for each in (confirms, thanks)]

    assert [each.messages for each in tried] == [20, 20]
    assert tried[0].held_out == 0 < tried[1].held_out


async def test_only_automated_plans_over_a_bounded_time_can_be_tried():
    shop = await make_shop()
    with pytest.raises(Refused):
        await dry_run(shop, await make_draft(shop), days=28, life=LIFE)
    with pytest.raises(Refused):
        await dry_run(shop, await make_automated(shop, "THANK_YOU"), days=91, life=timedelta(hours=1))


@pytest.mark.parametrize("code", list(TRIGGERS))
async def test_every_trigger_can_be_tried(code):
    shop = await make_shop()
    assert (await dry_run(shop, await make_automated(shop, code), days=28, life=LIFE)).messages == 0


@pytest.mark.parametrize("code", STEPS)
async def test_a_dry_run_judges_an_occasion_by_what_had_happened_when_its_step_came_due(code: str):
    _, _, step = STEPS[code]
    life = Life(shop := await make_shop())
    people = ("ana", "ben", "cleo")
    await life.people(*people)
    await life.goods(*people, price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    life.go(30)
    await happen(life, code, 30, *people)
    for customer, minute in (("ben", 29 + step), ("cleo", 31 + step)):
        life.go(minute)
        await end(life, code, 30, minute, customer)
    life.go(60 + step)

    tried = await dry_run(shop, await make_automated(shop, code, {"steps": [step]}), days=28, life=LIFE)

    assert {hour: number for hour, number in enumerate(tried.hours) if number} == {life.at(30 + step).hour: 2}
    assert (tried.messages, tried.customers) == (2, 2)


async def test_a_dry_run_counts_a_live_in_the_hour_of_its_lead_or_in_the_one_in_which_it_was_planned_later():
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    plan = await make_automated(shop, "LIVE_REMINDER", {"steps": [4 * HOUR]})
    await tell(shop, live_row("early", startsAt=life.at(10 * HOUR).isoformat()))
    life.go(8 * HOUR)
    await tell(shop, live_row("late", startsAt=life.at(11 * HOUR).isoformat()))
    life.go(12 * HOUR)
    await tell(shop, live_row("over", startsAt=life.at(12 * HOUR).isoformat()))

    tried = await dry_run(shop, plan, days=1, life=LIFE)

    hours = {hour: number for hour, number in enumerate(tried.hours) if number}
    assert hours == {life.at(6 * HOUR).hour: 1, life.at(8 * HOUR).hour: 1}
