"""A coupon ends, but for a word not while plans promise it (R15)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from models import database
from models.clock import Clock, now
from models.coupon import Coupon
from models.errors import MOST_NAMED, ErrorCode, Refused
from models.experiment import Experiment, ExperimentMetric, Variant
from models.plan import Plan
from models.shop import Shop
from tests.factories import DEADLINE, make_coupon, make_draft, make_shop
from tests.outside import Outside
from tests.refusals import refusals
from tests.waiting import until_a_lock_is_waited_for


@pytest.mark.usefixtures("database")
async def test_an_ended_coupon_neither_changes_nor_ends_again():
    shop = await make_shop()
    own = await make_coupon(shop)
    await own.end()

    assert await refusals(own.end()) == [("id", ErrorCode.COUPON_NOT_RUNNING)]
    assert await refusals(own.edit(shop, lambda terms: replace(terms, name="New"))) == [
        ("id", ErrorCode.COUPON_NOT_RUNNING)
    ]


async def scheduled(shop: Shop, plan: Plan) -> None:
    await plan.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)


async def running(shop: Shop, plan: Plan) -> None:
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)


async def held(shop: Shop, plan: Plan) -> None:
    await running(shop, plan)
    await plan.pause()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("submit", [scheduled, running, held])
async def test_a_coupon_that_a_plan_on_its_way_promises_does_not_end_unless_that_is_said(
    submit: Callable[[Shop, Plan], Awaitable[None]],
):
    shop = await make_shop()
    own = await make_coupon(shop)
    plan = await make_draft(shop, coupon_id=own.id, name="Ten off")
    await submit(shop, plan)

    with pytest.raises(Refused, match="Ten off") as refused:
        await own.end()

    assert [problem.code for problem in refused.value.problems] == [ErrorCode.CONFLICT]
    assert (await Coupon.get(id=own.id)).ended_at is None
    assert (await own.end(even_if_promised=True)).ended_at == now()


@pytest.mark.usefixtures("database")
async def test_a_refused_end_names_plans_in_quotes_and_the_word_and_says_when_there_are_more_of_them():
    shop = await make_shop()
    own = await make_coupon(shop)
    for number in range(MOST_NAMED + 1):
        await make_draft(shop, coupon_id=own.id, name=f"Spring, {number}")
    await database.execute("UPDATE plan SET status = 'SCHEDULED'")

    with pytest.raises(Refused) as refused:
        await own.end()

    named = ", ".join(f'"Spring, {number}"' for number in range(MOST_NAMED))
    assert [problem.message for problem in refused.value.problems] == [
        f"Plans that still go out promise it: {named} and others. Cancel them first, or end it with evenIfPromised."
    ]
    assert (await Coupon.get(id=own.id)).ended_at is None


@pytest.mark.usefixtures("database")
async def test_a_coupon_ends_while_drafts_plans_that_are_over_and_those_with_another_carry_it():
    shop = await make_shop()
    own, other = await make_coupon(shop), await make_coupon(shop)
    await make_draft(shop, coupon_id=own.id)
    cancelled = await make_draft(shop, coupon_id=own.id)
    await scheduled(shop, cancelled)
    await cancelled.cancel()
    await running(shop, await make_draft(shop, coupon_id=other.id))

    assert (await own.end()).ended_at == now()


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_a_variant_of_a_plan_promises_does_not_end():
    shop = await make_shop()
    own = await make_coupon(shop)
    tried = Experiment((Variant(coupon_id=own.id, has_own_coupon=True),), 50, ExperimentMetric.READ, 4)
    await running(shop, await make_draft(shop, experiment=tried))

    assert await refusals(own.end()) == [("id", ErrorCode.CONFLICT)]


@pytest.mark.usefixtures("database")
async def test_an_end_waits_for_a_submit_that_is_under_way_and_is_refused():
    shop = await make_shop()
    own = await make_coupon(shop)
    plan = await make_draft(shop, coupon_id=own.id)
    outside = Outside()

    async with database.transaction():
        await running(shop, plan)
        ending = outside.begin(refusals(own.end()))
        await until_a_lock_is_waited_for(unless=ending)

    assert await ending == [("id", ErrorCode.CONFLICT)]
    assert (await Coupon.get(id=own.id)).ended_at is None


@pytest.mark.usefixtures("database")
async def test_from_the_instant_of_its_end_on_a_coupon_neither_changes_nor_ends(clock: Clock):
    shop = await make_shop()
    own, beside = await make_coupon(shop), await make_coupon(shop)
    clock.freeze(own.ends_at - timedelta(microseconds=1))
    assert (await beside.end()).ended_at == now()
    assert (await own.edit(shop, lambda terms: replace(terms, name="Last"))).name == "Last"

    clock.freeze(own.ends_at)
    longer = own.edit(shop, lambda terms: replace(terms, ends_at=terms.ends_at + timedelta(days=1)))
    assert await refusals(longer) == [("id", ErrorCode.COUPON_NOT_RUNNING)]
    assert await refusals(own.end()) == [("id", ErrorCode.COUPON_NOT_RUNNING)]
    left = await Coupon.get(id=own.id)
    assert (left.ended_at, left.ends_at) == (None, own.ends_at)
